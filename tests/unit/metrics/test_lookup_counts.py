from __future__ import annotations

from kubectl_nodedns.metrics.lookup_counts import Served, read_served, total

PAGE = """\
coredns_build_info{goversion="go1.26",revision="",version="1.15.0"} 1
coredns_dns_requests_total{family="1",proto="udp",server="dns://:53",type="A",view="",zone="."} 7
coredns_dns_requests_total{family="1",proto="udp",server="dns://:53",type="PTR",view="",zone="."} 2
coredns_dns_requests_total{family="1",proto="tcp",server="dns://:53",type="A",view="",zone="."} 4
coredns_cache_requests_total{server="dns://:53",view="",zones="."} 13
coredns_cache_hits_total{server="dns://:53",type="success",view="",zones="."} 5
coredns_cache_hits_total{server="dns://:53",type="denial",view="",zones="."} 3
"""


def test_lookups_are_summed_by_transport_and_hits_by_kind() -> None:
    page = read_served(PAGE)
    assert page == Served(udp=9, tcp=4, cache_requests=13, hits=5, denial_hits=3)
    assert page.lookups == 13


def test_a_process_that_has_served_nothing_yet_has_served_zero() -> None:
    assert read_served('coredns_build_info{version="1.15.0"} 1\n') == Served()


def test_a_page_that_is_not_coredns_is_not_known() -> None:
    assert read_served("go_goroutines 7\n") is None


def test_processes_add_up_and_times_subtract() -> None:
    one = Served(udp=1, tcp=2)
    assert total([one, one]) == Served(udp=2, tcp=4)
    assert total([one, one]) - one == one
