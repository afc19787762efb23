from __future__ import annotations

from dataclasses import replace

import pytest

from kubectl_nodedns.checks.interception import Interception
from kubectl_nodedns.metrics.fleet import stale_after, totals
from kubectl_nodedns.metrics.histogram import quantile
from kubectl_nodedns.metrics.node_row import NodeRow
from tests.unit.metrics.fleets import (
    CACHE,
    KUBE_DNS,
    MIB,
    NOW,
    large,
    mixed,
    node,
    pod,
    row,
    snapshot,
    traffic,
)

BOTH = {"at": NOW, "interval": 2.0, "caches": (CACHE,)}


def test_totals_of_a_fleet_of_all_kinds() -> None:
    fleet = mixed().fleet
    assert (fleet.nodes, fleet.wanted, fleet.ready) == (8, 7, 5)
    assert fleet.restarts == 15
    assert fleet.sampled == 4  # one has stale figures, three have none


def test_sums_are_over_fresh_figures_only() -> None:
    fresh, old = row("a", figures=traffic(lookups=100)), row("b", figures=traffic(at=NOW - 60))
    fleet = totals([fresh, old], **BOTH)
    assert fresh.figures is not None
    assert fleet.traffic.lookups == fresh.figures.traffic.lookups
    assert fleet.sampled == 1


def test_ratios_are_weighted_by_lookups() -> None:
    quiet, busy = traffic(lookups=10, failing=0.5), traffic(lookups=990)
    fleet = totals([row("a", figures=quiet), row("b", figures=busy)], **BOTH)
    assert fleet.traffic.failure_ratio == pytest.approx(0.005, rel=0.02)


def test_quantiles_are_of_all_lookups() -> None:
    fleet = large(32).fleet
    assert fleet.traffic.p99 is not None
    assert 0.002 < fleet.traffic.p99.seconds < 0.004
    assert quantile(0.99, fleet.upstream_latency) is not None


def test_where_nobody_knows_the_fleet_does_not_know() -> None:
    fleet = totals([NodeRow(node=node(), pods=(), sampled=None)], **BOTH)
    assert fleet.traffic.lookups is None
    assert fleet.entries is None
    assert fleet.traffic.hit_ratio is None


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (NOW - 119, Interception.BY_COUNTERS),
        (NOW - 121, Interception.NOT_KNOWN),
        (None, Interception.NOT_KNOWN),
    ],
)
def test_interception_by_counters(asked: float | None, expected: Interception) -> None:
    found = row(figures=traffic(), asked=asked)
    assert found.interception((KUBE_DNS,), NOW) is expected
    assert found.interception((), NOW) is Interception.NOT_KNOWN


@pytest.mark.parametrize(
    ("of", "state"),
    [
        (pod(), "Ready"),
        (pod(ready=False), "NotReady"),
        (pod(ready=False, status="ImagePullBackOff"), "ImagePullBackOff"),
        (pod(status="Terminating"), "Terminating"),
    ],
)
def test_state(of: object, state: str) -> None:
    assert row(of=of).state == state  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("of", "words"),
    [
        (node(), "no cache pod on this node"),
        (node(ready=False), "the node is not ready"),
        (node(windows=True), "Windows"),
    ],
)
def test_a_node_without_a_pod_says_why(of: object, words: str) -> None:
    found = NodeRow(node=of, pods=(), sampled=None)  # type: ignore[arg-type]
    assert found.state == "no pod"
    assert words in found.reason


def test_uptime_is_the_process_s_and_else_the_pod_s() -> None:
    assert row(figures=traffic(started=NOW - 240)).uptime(NOW) == 240
    assert row(of=pod()).uptime(NOW) == 3 * 86400
    assert NodeRow(node=node(), pods=(), sampled=None).uptime(NOW) is None


def test_stale() -> None:
    fresh, old = row("a", figures=traffic()), row("b", figures=traffic(at=NOW - 7))
    seen = snapshot(fresh, old, row("c"))
    assert [seen.stale(r) for r in seen.nodes] == [False, True, False]


def test_a_large_fleet_takes_its_time() -> None:
    assert stale_after(2.0, 10) == 6
    assert stale_after(2.0, 5000) == 150


def test_memory_and_entries_add_up() -> None:
    fleet = totals([row("a", figures=traffic()), row("b", figures=traffic())], **BOTH)
    assert fleet.memory_bytes == pytest.approx(122 * MIB)
    assert fleet.entries == 2 * 529


def test_what_coredns_was_spared_is_what_did_not_go_on_to_it() -> None:
    figures = traffic(lookups=500)  # 500 on each address; a tenth of 1000 in two seconds goes on
    one = row("a", figures=figures)
    assert one.to_coredns(("10.96.77.12",)) == pytest.approx(50)
    fleet = totals([one], **BOTH, coredns_ips=("10.96.77.12",))
    assert fleet.spared == pytest.approx(950)
    assert fleet.spared_ratio == pytest.approx(0.95)
    elsewhere = totals([one], **BOTH, coredns_ips=("10.1.1.1",))
    assert elsewhere.spared_ratio == 1.0
    assert totals([one], **BOTH).spared is None


def test_a_proof_counts_more_than_counters() -> None:
    proved = replace(row("a", asked=None), proved_at=NOW - 30)
    assert proved.interception((KUBE_DNS,), NOW) is Interception.PROVED
    assert proved.evidence_age((KUBE_DNS,), NOW) == 30
    counted = row("b", asked=NOW - 7)
    assert counted.evidence_age((KUBE_DNS,), NOW) == 7
    assert row("c", asked=None).evidence_age((KUBE_DNS,), NOW) is None
    fleet = totals([proved, counted], **BOTH)
    assert (fleet.intercepting, fleet.proved) == (2, 1)
