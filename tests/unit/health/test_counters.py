"""Counts over the window are the pages' own: whole numbers, whatever the window's length."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kubectl_nodedns.health.counters import counters
from kubectl_nodedns.metrics.figures import figures
from kubectl_nodedns.metrics.increases import increases
from kubectl_nodedns.metrics.page import Page, read_page
from tests.unit.metrics.pages import KUBE_DNS, LOCAL, Load, UpstreamLoad, ZoneLoad, page

ZONE = ZoneLoad(name=".", fast=100, slow=10, nxdomain=20, servfail=5, hits=60, denials=15)
UPSTREAM = UpstreamLoad(to="10.0.0.2:53", noerror=30, servfail=4, healthcheck_failures=2)
FIRST = Load(zones=(ZONE,), upstreams=(UPSTREAM,), setup_errors=1)
SECOND = replace(
    FIRST,
    zones=(replace(ZONE, fast=107, slow=13, nxdomain=27, servfail=8, hits=64, denials=17),),
    upstreams=(replace(UPSTREAM, noerror=36, servfail=5, healthcheck_failures=5),),
    setup_errors=3,
)
AT, WINDOW = 5_000.0, 5.3


def read(load: Load, at: float, release: str) -> Page:
    return read_page(page(load, release), at=at)


@pytest.mark.parametrize("release", ["1.6", "1.8", "1.10", "1.13"])
def test_counts_are_what_the_pages_grew_by(release: str) -> None:
    before, after = read(FIRST, AT, release), read(SECOND, AT + WINDOW, release)
    found = counters(figures(before, after), increases(before, after))
    # Each zone is seen on both addresses.
    assert found.seconds == pytest.approx(WINDOW)
    assert found.lately_by_address == {LOCAL: 10, KUBE_DNS: 10}
    assert found.lookups_by_address == {LOCAL: 120, KUBE_DNS: 120}
    assert (found.responses, found.nxdomain, found.servfail, found.refused) == (20, 14, 6, 0)
    assert found.missed == 8
    assert (found.setup_errors, found.setup_errors_ever) == ({"iptables": 2}, {"iptables": 3})
    [upstream] = found.upstreams
    assert (upstream.to, upstream.responses, upstream.unanswered) == ("10.0.0.2:53", 7, 3)
    assert upstream.by_rcode == {"NOERROR": 6, "SERVFAIL": 1}
    assert upstream.median == pytest.approx(0.0015, rel=0.5)


def test_one_page_tells_nothing_of_a_window() -> None:
    after = read(SECOND, AT, "1.13")
    found = counters(figures(None, after), None)
    assert (found.seconds, found.responses, found.missed) == (None, None, None)
    assert (found.lately_by_address, found.setup_errors) == ({}, {})
    assert found.lookups_by_address == {LOCAL: 120, KUBE_DNS: 120}
    assert found.upstreams[0].responses == 0


def test_after_a_restart_all_that_the_page_shows_is_new() -> None:
    before = read(FIRST, AT, "1.13")
    after = read(replace(SECOND, started=AT + 1), AT + WINDOW, "1.13")
    found = counters(figures(before, after), increases(before, after))
    assert found.lately_by_address == {LOCAL: 120, KUBE_DNS: 120}
    assert found.servfail == 16
