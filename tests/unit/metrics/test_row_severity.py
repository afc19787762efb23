from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from kubectl_nodedns.metrics.node_row import NodeRow
from kubectl_nodedns.metrics.row_severity import Severity, marks, severity
from kubectl_nodedns.tui.modes import Mode, Modes
from tests.unit.metrics.fleets import KUBE_DNS, MIB, NOW, node, pod, row, snapshot, traffic, unasked

if TYPE_CHECKING:
    from kubectl_nodedns.facts.cache_pods import CachePod
    from kubectl_nodedns.metrics.traffic import Figures


def judge(found: NodeRow) -> list[tuple[Severity, str]]:
    return [(mark.severity, mark.words) for mark in marks(found, snapshot(found))]


def test_nothing_wrong() -> None:
    assert judge(row(figures=traffic())) == []
    assert severity(row(figures=traffic()), snapshot()) is Severity.OK


def test_a_cache_that_is_not_asked_any_more_is_named_with_the_evidence() -> None:
    ((found, said),) = judge(unasked())
    assert found is Severity.NOTE
    assert said == (
        "not asked: no lookup at the kube-dns IP for 5m, 500000 lookups since it started 17 min "
        "ago (500/s), 3 pods on it ask there"
    )


def test_it_is_not_named_when_it_is_idle_or_refuted_or_was_just_asked() -> None:
    assert judge(unasked(askers=0)) == []
    assert judge(unasked(silence=0.0)) == []
    ((level, _),) = judge(replace(unasked(), refuted_at=NOW))
    assert level is Severity.BAD
    assert [level for level, _ in judge(replace(unasked(), proved_at=NOW - 60))] == [Severity.NOTE]


def never(name: str) -> NodeRow:
    """A row whose cache was asked by probes alone."""
    found = unasked(name)
    assert found.sampled is not None
    assert found.figures is not None
    figures = replace(found.figures, by_address={KUBE_DNS: 6.0})
    return replace(found, sampled=replace(found.sampled, figures=figures, asked_at={}))


def test_a_cache_that_never_was_asked_is_held_against_the_fleet() -> None:
    busy = [row(f"busy{number}", figures=traffic()) for number in range(3)]
    seen = snapshot(never("node1"), *busy)
    assert severity(seen.nodes[0], seen) is Severity.NOTE
    idle = snapshot(*(never(f"node{number}") for number in range(500)))
    assert {severity(one, idle) for one in idle.nodes} == {Severity.OK}


@pytest.mark.parametrize("mode", list(Mode))
def test_it_is_named_whatever_rates_are_over(mode: Mode) -> None:
    for doubtful in (unasked(), never("node1")):
        now = snapshot(doubtful, row("node2", figures=traffic()))
        seen = Modes().turn(now, mode)
        assert severity(seen.nodes[0], seen) is Severity.NOTE


def test_an_idle_cache_is_fine() -> None:
    assert judge(row(figures=traffic(lookups=0))) == []


@pytest.mark.parametrize(
    ("figures", "level", "words"),
    [
        (traffic(failing=0.02), Severity.NOTE, "2.0% of lookups fail"),
        (traffic(failing=0.05), Severity.BAD, "5.0% of lookups fail"),
        (traffic(memory=110 * MIB), Severity.NOTE, "86% of the memory limit"),
        (traffic(memory=125 * MIB), Severity.BAD, "98% of the memory limit"),
        (replace(traffic(), setup_errors=0.1), Severity.NOTE, "cannot be set up"),
        (replace(traffic(), panics_total=2.0), Severity.NOTE, "2 panics"),
        (
            replace(
                traffic(),
                upstreams=(replace(traffic().upstreams[0], healthcheck_failures=0.5),),
            ),
            Severity.NOTE,
            "health checks",
        ),
        (traffic(at=NOW - 30), Severity.NOTE, "stale"),
    ],
)
def test_figures(figures: Figures, level: Severity, words: str) -> None:
    ((found, said),) = judge(row(figures=figures))
    assert found is level
    assert words in said


@pytest.mark.parametrize(
    ("of", "level", "words"),
    [
        (pod(ready=False, status="CrashLoopBackOff"), Severity.BAD, "CrashLoopBackOff"),
        (pod(ready=False), Severity.BAD, "NotReady"),
        (pod(ready=False, status="ContainerCreating"), Severity.NOTE, "ContainerCreating"),
        (pod(restarts=3, restarted_at=NOW - 60), Severity.NOTE, "restarted lately, 3"),
    ],
)
def test_pods(of: CachePod, level: Severity, words: str) -> None:
    ((found, said),) = judge(row(of=of))
    assert found is level
    assert words in said


def test_a_restart_long_ago_is_no_news() -> None:
    assert judge(row(of=pod(restarts=3, restarted_at=NOW - 3600))) == []


def test_a_slow_99th_percentile() -> None:
    seconds = traffic()
    buckets = seconds.traffic.latency
    slow = buckets._replace(counts=tuple([0.0] * (len(buckets.counts) - 2) + [100.0, 100.0]))
    found = replace(seconds, traffic=replace(seconds.traffic, latency=slow))
    ((level, said),) = judge(row(figures=found))
    assert level is Severity.BAD
    assert "one lookup in 100 takes 8" in said


def test_a_scrape_that_fails() -> None:
    ((level, said),) = judge(row(error="connection refused"))
    assert level is Severity.NOTE
    assert said == "no metrics: connection refused"


@pytest.mark.parametrize(
    ("of", "expected"),
    [
        (node(), Severity.BAD),
        (node(ready=False), Severity.NOTE),
        (node(windows=True), Severity.OK),
    ],
)
def test_nodes_without_a_pod(of: object, expected: Severity) -> None:
    found = NodeRow(node=of, pods=(), sampled=None)  # type: ignore[arg-type]
    assert severity(found, snapshot(found)) is expected


def test_the_worst_comes_first() -> None:
    found = row(error="refused", of=pod(ready=False, status="CrashLoopBackOff"))
    assert [level for level, _ in judge(found)] == [Severity.BAD, Severity.NOTE]


def test_each_severity_can_be_told_without_colour() -> None:
    assert len({level.glyph for level in Severity}) == len(Severity)
