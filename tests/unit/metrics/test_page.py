from __future__ import annotations

import pytest

from kubectl_nodedns.metrics.exposition import ExpositionError
from kubectl_nodedns.metrics.page import read_page
from kubectl_nodedns.metrics.series import BY_NAME, Series
from tests.unit.metrics.pages import KUBE_DNS, LOCAL, Load, UpstreamLoad, ZoneLoad, page

LOAD = Load(
    zones=(
        ZoneLoad(
            name="cluster.local.", fast=90, slow=10, nxdomain=5, servfail=2, hits=60, denials=20
        ),
    ),
    upstreams=(UpstreamLoad(to="10.96.77.12:53", noerror=18, servfail=2, healthcheck_failures=1),),
    setup_errors=3,
)


@pytest.mark.parametrize("release", ["1.6", "1.8", "1.10", "1.13"])
def test_each_release_reads_the_same(release: str) -> None:
    read = read_page(page(LOAD, release), at=5.0)
    kind = ("" if release == "1.6" else "A", "udp")
    assert read.get(Series.LOOKUPS) == {
        (f"dns://{LOCAL}:53", "cluster.local.", *kind): 100,
        (f"dns://{KUBE_DNS}:53", "cluster.local.", *kind): 100,
    }
    assert read.get(Series.RESPONSES)["cluster.local.", "SERVFAIL"] == 4
    assert read.get(Series.LATENCY)["cluster.local.", "0.00025"] == 180
    assert read.get(Series.LATENCY)["cluster.local.", "+Inf"] == 200
    assert read.get(Series.UPSTREAM_RESPONSES) == {
        ("10.96.77.12:53", "NOERROR"): 18,
        ("10.96.77.12:53", "SERVFAIL"): 2,
    }
    assert read.get(Series.UPSTREAM_LATENCY)["10.96.77.12:53", "+Inf"] == 20
    assert read.get(Series.HEALTHCHECK_FAILURES) == {("10.96.77.12:53",): 1}
    assert read.total(Series.SETUP_ERRORS) == 3
    assert read.single(Series.PANICS) == 0
    assert read.version == f"{release}.2"
    assert read.started == 1000


def test_where_a_page_has_old_and_new_names_the_new_one_counts() -> None:
    new = 'coredns_dns_requests_total{server="s",zone="."} 7\n'
    old = 'coredns_dns_request_count_total{server="s",zone="."} 5\n'
    for text in (new + old, old + new):
        assert read_page(text, at=0).get(Series.LOOKUPS) == {("s", ".", "", ""): 7}


def test_what_a_page_has_not_is_not_zero() -> None:
    read = read_page("coredns_build_info 1\n", at=0)
    assert read.total(Series.LOOKUPS) is None
    assert read.single(Series.MEMORY) is None
    assert read.version == ""


def test_nan_is_not_known() -> None:
    read = read_page("coredns_build_info 1\nprocess_resident_memory_bytes NaN\n", at=0)
    assert read.single(Series.MEMORY) is None


@pytest.mark.parametrize("text", ["", "<html>404</html>", "go_goroutines 5\n"])
def test_a_page_of_something_else_is_an_error(text: str) -> None:
    with pytest.raises(ExpositionError, match="no metrics of CoreDNS"):
        read_page(text, at=0)


def test_no_name_belongs_to_two_series() -> None:
    assert len(BY_NAME) == sum(len(series.value.names) for series in Series)
