from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from kubectl_nodedns.metrics.figures import entries, figures
from kubectl_nodedns.metrics.page import read_page
from tests.unit.metrics.pages import KUBE_DNS, LOCAL, Load, UpstreamLoad, ZoneLoad, page

if TYPE_CHECKING:
    from kubectl_nodedns.metrics.traffic import Figures

CLUSTER = ZoneLoad(
    name="cluster.local.",
    fast=1000,
    slow=0,
    nxdomain=500,
    hits=300,
    denials=600,
    entries=40,
    denial_entries=12,
)
ROOT = ZoneLoad(name=".", fast=100, hits=50, entries=7, denial_entries=1)
UPSTREAM = UpstreamLoad(to="10.96.77.12:53", noerror=100)
BEFORE = Load(zones=(CLUSTER, ROOT), upstreams=(UPSTREAM,))
AFTER = replace(
    BEFORE,
    zones=(
        replace(CLUSTER, fast=1900, slow=100, nxdomain=1000, servfail=10, hits=600, denials=1200),
        replace(ROOT, fast=110, hits=60),
    ),
    upstreams=(replace(UPSTREAM, noerror=108, servfail=2),),
)
ALL = ["1.6", "1.8", "1.10", "1.13"]


def compare(release: str, before: Load = BEFORE, after: Load = AFTER) -> Figures:
    first = read_page(page(before, release), at=100.0)
    return figures(first, read_page(page(after, release), at=110.0))


@pytest.mark.parametrize("release", ALL)
def test_rates_over_all_zones_and_both_addresses(release: str) -> None:
    found = compare(release)
    assert found.seconds == 10
    assert found.traffic.lookups == pytest.approx(2 * (1000 + 10) / 10)
    assert found.traffic.hit_ratio == pytest.approx((300 + 600 + 10) / 1010)
    assert found.traffic.denial_ratio == pytest.approx(600 / 1010)
    assert found.lookups_total == 2 * (2000 + 110)


@pytest.mark.parametrize("release", ALL)
def test_nxdomain_is_no_failure(release: str) -> None:
    found = compare(release)
    assert found.traffic.failures == pytest.approx(2 * 10 / 10)
    assert found.traffic.failure_ratio == pytest.approx(10 / 1010)
    assert found.traffic.nxdomain_ratio == pytest.approx(500 / 1010)


@pytest.mark.parametrize("release", ALL)
def test_latency(release: str) -> None:
    found = compare(release)
    assert found.traffic.p50 == (0.00025, "<")
    p99 = found.traffic.p99
    assert p99 is not None
    # 3 ms lies between the bounds 2 and 4 ms; 9.9 % of the lookups are there
    assert 0.002 < p99.seconds < 0.004


@pytest.mark.parametrize("release", ALL)
def test_upstreams(release: str) -> None:
    (found,) = compare(release).upstreams
    assert found.to == "10.96.77.12:53"
    assert found.responses == pytest.approx(1.0)
    assert found.failure_ratio == pytest.approx(0.2)
    assert found.healthcheck_failures == 0.0
    assert found.p99 is not None


@pytest.mark.parametrize("release", ["1.10", "1.13"])
def test_entries_are_counted_once_though_two_addresses_report_them(release: str) -> None:
    assert entries(read_page(page(BEFORE, release), at=0)) == 40 + 12 + 7 + 1


def test_lookups_by_address() -> None:
    found = compare("1.13")
    assert found.by_address == {LOCAL: 2110, KUBE_DNS: 2110}
    assert found.address_rates == {LOCAL: 101, KUBE_DNS: 101}


def test_an_ipv6_address_loses_its_brackets() -> None:
    text = page(replace(BEFORE, servers=("[fd00::1]",)), "1.13")
    assert list(figures(None, read_page(text, at=0)).by_address) == ["fd00::1"]


def test_zones_apart_and_the_busiest_first() -> None:
    cluster, root = compare("1.13").zones
    assert (cluster.name, root.name) == ("cluster.local.", ".")
    assert cluster.traffic.hit_ratio == pytest.approx(0.9)
    assert cluster.traffic.denial_ratio == pytest.approx(0.6)
    assert cluster.traffic.servfail_ratio == pytest.approx(0.01)
    assert root.traffic.hit_ratio == pytest.approx(1.0)
    assert root.lookups_total == 220


def test_releases_that_do_not_tell_the_zone_of_a_cache_leave_it_unknown() -> None:
    cluster, _ = compare("1.8").zones
    assert cluster.traffic.lookups == pytest.approx(200)
    assert cluster.traffic.hit_ratio is None


def test_a_stub_zone_reports_no_lookups_but_its_cache_is_seen() -> None:
    stub = 'zones="corp.",server="dns://169.254.20.10:53"'
    before = replace(
        BEFORE,
        extra=(
            f"coredns_cache_requests_total{{{stub}}} 10",
            f'coredns_cache_hits_total{{type="success",{stub}}} 4',
        ),
    )
    after = replace(
        AFTER,
        extra=(
            f"coredns_cache_requests_total{{{stub}}} 30",
            f'coredns_cache_hits_total{{type="success",{stub}}} 9',
        ),
    )
    corp = next(z for z in compare("1.13", before, after).zones if z.name == "corp.")
    assert corp.lookups_total is None
    assert corp.traffic.lookups is None
    assert corp.traffic.hit_ratio == pytest.approx(0.25)


def test_zones_of_one_server_block_share_its_cache() -> None:
    shared = 'zones="in-addr.arpa.,ip6.arpa.",server="s"'
    lookups = 'coredns_dns_requests_total{server="s",zone="ip6.arpa."}'
    texts = [
        f"coredns_cache_requests_total{{{shared}}} {n}\n"
        f'coredns_cache_hits_total{{type="success",{shared}}} {n / 2}\n{lookups} {n}\n'
        for n in (0, 10)
    ]
    found = figures(read_page(texts[0], at=0), read_page(texts[1], at=1))
    assert [z.name for z in found.zones] == ["ip6.arpa."]
    assert found.zones[0].traffic.hit_ratio == 0.5


def test_one_page_has_gauges_and_totals_but_no_rates() -> None:
    found = figures(None, read_page(page(AFTER, "1.13"), at=5))
    assert found.memory_bytes == pytest.approx(61 * 2**20)
    assert found.entries == 60
    assert found.lookups_total == 4220
    assert found.seconds is None
    assert found.traffic.lookups is None
    assert found.traffic.p99 is None
    assert found.upstreams[0].responses is None
    assert found.setup_errors is None


def test_an_idle_node_has_zero_lookups_and_no_ratios() -> None:
    found = compare("1.13", AFTER, AFTER)
    assert found.traffic.lookups == 0.0
    assert found.traffic.failures == 0.0
    assert found.traffic.hit_ratio is None
    assert found.traffic.failure_ratio is None
    assert found.traffic.p50 is None


def test_a_restart_within_the_interval() -> None:
    young = replace(BEFORE, started=105.0)
    found = compare("1.13", AFTER, young)
    assert found.traffic.lookups == pytest.approx(2 * 1100 / 10)


def test_a_cache_that_has_not_hit_yet_has_a_hit_ratio_of_zero() -> None:
    texts = [
        f'coredns_build_info 1\ncoredns_cache_requests_total{{zones=".",server="s"}} {n}\n'
        for n in (1, 5)
    ]
    found = figures(read_page(texts[0], at=0), read_page(texts[1], at=1))
    assert found.traffic.hit_ratio == 0.0
