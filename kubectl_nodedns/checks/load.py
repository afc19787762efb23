"""Checks of what a node's pods ask far too often; counters hold no names, but say on which node."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

from kubectl_nodedns.checks.finding import Category, Check, Seen, Severity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from kubectl_nodedns.checks.evidence import Evidence

ENOUGH = 100.0
"""Responses over the window below which a share says nothing."""
LEAST = 3
"""Nodes below which there is no fleet to differ from."""
FAR_MORE = 3.0
"""Times the other nodes' median from which a node asks far more than they do."""
FLOOR = 30.0
"""Lookups per second that the others are taken to ask at least: where nobody asks, ten are many."""
MOSTLY = 0.7
"""Share of NXDOMAIN from which suffixes of search lists make up the most of it."""


@dataclass(frozen=True, kw_only=True)
class Load:
    """One node's lookups over the window."""

    node: str
    """The node."""
    seconds: float
    """Length of the window."""
    responses: float
    """Responses per second."""
    nxdomain: float
    """Responses with NXDOMAIN per second."""
    missed: float | None
    """Lookups over the window that the cache did not answer by itself; None when not known."""


def _loads(evidence: Evidence) -> list[Load] | None:
    known = [
        Load(
            node=one.node.name,
            seconds=one.counters.seconds,
            responses=one.counters.responses / one.counters.seconds,
            nxdomain=one.counters.nxdomain / one.counters.seconds,
            missed=one.counters.missed,
        )
        for one in evidence.linux
        if one.counters and one.counters.seconds and one.counters.responses is not None
    ]
    return known or None


def _busiest(loads: Sequence[Load]) -> Iterator[tuple[Load, float]]:
    """Yield each node that asks far more than the others, and the others' median."""
    if len(loads) < LEAST:
        return
    usual = median(sorted(load.responses for load in loads)[:-1])
    for one in loads:
        if one.responses * one.seconds >= ENOUGH and one.responses > FAR_MORE * max(usual, FLOOR):
            yield one, usual


def _over(
    judge: Callable[[Sequence[Load]], Iterator[Seen]],
) -> Callable[[Evidence], Iterator[Seen] | None]:
    def look(evidence: Evidence) -> Iterator[Seen] | None:
        loads = _loads(evidence)
        return None if loads is None else judge(loads)

    return look


def _storms(loads: Sequence[Load]) -> Iterator[Seen]:
    for one, usual in _busiest(loads):
        if one.nxdomain >= MOSTLY * one.responses:
            share = one.nxdomain / one.responses
            yield Seen(
                subject=f"node {one.node}",
                text=f"{one.responses:.0f} lookups/s, {share:.0%} of them end in NXDOMAIN; "
                f"the other nodes' median is {usual:.0f}/s",
                way_out=f"{_who(one.node)}; write names outside the cluster with a final dot, or "
                "set a lower ndots in the pods' dnsConfig",
            )


def _repeated(loads: Sequence[Load]) -> Iterator[Seen]:
    misses = sorted(load.missed / load.seconds for load in loads if load.missed is not None)
    for one, usual in _busiest(loads):
        if one.missed is None or one.nxdomain >= MOSTLY * one.responses:
            continue
        missed = one.missed / one.seconds
        if missed <= median(misses):
            yield Seen(
                subject=f"node {one.node}",
                text=f"{one.responses:.0f} lookups/s where the other nodes' median is "
                f"{usual:.0f}/s, and no more misses than theirs ({missed:.1f}/s)",
                way_out=f"{_who(one.node)}; let it keep its connections, or answers for their TTL",
            )


def _who(node: str) -> str:
    return (
        f"kubectl get pods -A --field-selector spec.nodeName={node} lists who may ask, and "
        "kubectl nodedns lookup NAME --from pod/POD -n NAMESPACE how a name is tried from there"
    )


CHECKS: tuple[Check[Evidence], ...] = (
    Check(
        code="ND023",
        title="A search-list storm",
        severity=Severity.WARNING,
        category=Category.TRAFFIC,
        matters="pods try each name with every suffix of their search list: one lookup becomes "
        "many, and what the cache has not heard of goes to CoreDNS",
        way_out=_who("NODE"),
        look=_over(_storms),
    ),
    Check(
        code="ND024",
        title="Few names are asked over and over",
        severity=Severity.INFO,
        category=Category.TRAFFIC,
        matters="a program asks before every request: the cache answers, and pays with CPU time",
        way_out=_who("NODE"),
        look=_over(_repeated),
    ),
)
