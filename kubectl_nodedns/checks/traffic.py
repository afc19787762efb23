"""Checks of where pods' lookups go, and what becomes of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubectl_nodedns.checks.finding import Category, Check, Seen, Severity
from kubectl_nodedns.checks.interception import Interception, asked_at, judge
from kubectl_nodedns.checks.ways import repair
from kubectl_nodedns.facts.silence import (
    Asked,
    median_of_others,
    pods_that_ask,
    silent,
    words,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from kubectl_nodedns.checks.evidence import Evidence, NodeEvidence

WARN_RATIO, ERROR_RATIO = 0.01, 0.03
"""Shares of failed responses; the CoreDNS mixins in use alert at these."""
LEAST = 2
"""Failed responses below which there is no share to speak of: any resolver fails once."""


def interception(evidence: Evidence, one: NodeEvidence) -> Interception:
    """Judge one node."""
    addresses = asked_at(
        handed_out=one.kubelet or (), dns_ips=evidence.dns.ips, listening=one.listening
    )
    lately = one.counters.lately_by_address if one.counters else {}
    return judge(
        dark=one.dark,
        proved=None if one.proof is None else one.proof.ok,
        counted=any(lately.get(ip) for ip in addresses),
    )


def _asked(evidence: Evidence, one: NodeEvidence) -> set[str]:
    """Return the addresses at which pods of the node ask."""
    return set(one.kubelet) if one.kubelet else set(evidence.dns.ips)


def _asked_of(evidence: Evidence, one: NodeEvidence) -> Asked | None:
    """Say how often a node's cache was asked where its pods ask; None where that is not known.

    A cache in the dark is not asked there, nor is one that does not listen where pods ask.
    """
    counters, addresses = one.counters, _asked(evidence, one) & one.listening
    if counters is None or counters.started is None or not counters.seconds or not addresses:
        return None
    return Asked(
        lately=sum(counters.lately_by_address.get(ip, 0.0) for ip in addresses),
        seconds=counters.seconds,
        ever=sum(counters.lookups_by_address.get(ip, 0.0) for ip in addresses),
        age=max(evidence.at - counters.started, counters.seconds),
    )


def unasked(evidence: Evidence) -> tuple[str, ...]:
    """Name the nodes whose cache counts nothing and should.

    Neither one that a probe asked on is among them, which is proof either way, nor one of which it
    was read that none of its pods asks.
    """
    return tuple(one.node.name for one, _, _ in _unasked(_all_asked(evidence)))


def _all_asked(evidence: Evidence) -> list[tuple[NodeEvidence, Asked]]:
    found = ((one, _asked_of(evidence, one)) for one in evidence.linux)
    return [(one, asked) for one, asked in found if asked is not None]


def _unasked(
    known: Sequence[tuple[NodeEvidence, Asked]],
) -> Iterator[tuple[NodeEvidence, Asked, float | None]]:
    """Yield each node that should be asked, how it was, and the median rate of the others."""
    others = median_of_others(asked.rate for _, asked in known)
    for one, asked in known:
        if one.proof is None and one.askers != 0 and silent(asked, others):
            yield one, asked, others


def _intercepted(evidence: Evidence) -> Iterator[Seen] | None:
    known = [one for one in evidence.linux if one.pods and (one.proof or one.counters)]
    if not known:
        return None
    return (
        Seen(
            subject=f"node {one.node.name}",
            text=one.proof.text,
            way_out=f"{repair(evidence, one)}; look for something that flushes packet filter "
            "rules, and at ND044",
        )
        for one in known
        if one.proof and not one.proof.ok
    )


def _bypassed(evidence: Evidence) -> Iterator[Seen] | None:
    known = _all_asked(evidence)
    return _not_asked(evidence, known) if known else None


def _not_asked(evidence: Evidence, known: Sequence[tuple[NodeEvidence, Asked]]) -> Iterator[Seen]:
    for one, asked, others in _unasked(known):
        at = ", ".join(sorted(_asked(evidence, one) & one.listening))
        yield Seen(
            subject=f"node {one.node.name}",
            text=f"no lookup at {at} within {asked.seconds:.0f} s, {words(asked, others)}, "
            f"{pods_that_ask(one.askers)} (counters, no proof)",
            way_out=f"kubectl nodedns check --probe proves it either way; {repair(evidence, one)}",
        )


def _failures(evidence: Evidence) -> Iterator[Seen] | None:
    known = [one for one in evidence.nodes if one.counters and one.counters.responses is not None]
    return _failing(known) if known else None


def _failing(known: Iterable[NodeEvidence]) -> Iterator[Seen]:
    for one in known:
        counters = one.counters
        if counters is None or not counters.responses:
            continue
        failed = counters.servfail + counters.refused
        if severity := failing(failed, counters.responses):
            yield Seen(
                subject=f"node {one.node.name}",
                text=f"{failed / counters.responses:.1%} of {counters.responses:.0f} responses "
                f"failed within {counters.seconds:.0f} s: {counters.servfail:.0f} SERVFAIL, "
                f"{counters.refused:.0f} REFUSED",
                severity=severity,
            )


def failing(failed: float, responses: float) -> Severity | None:
    """Judge how many of `responses` failed; None where it is not worth a word."""
    if round(failed) < LEAST or failed < WARN_RATIO * responses:
        return None
    return Severity.ERROR if failed >= ERROR_RATIO * responses else Severity.WARNING


CHECKS: tuple[Check[Evidence], ...] = (
    Check(
        code="ND020",
        title="Lookups are not intercepted",
        severity=Severity.ERROR,
        category=Category.TRAFFIC,
        matters="the cache runs, and the node's pods do not use it",
        way_out="put the node's rules back, and look for what flushes them",
        decisive=True,
        look=_intercepted,
    ),
    Check(
        code="ND021",
        title="Lookups fail",
        severity=Severity.WARNING,
        category=Category.TRAFFIC,
        matters="pods get SERVFAIL or REFUSED instead of an answer",
        way_out="see which upstream it comes from (ND030, ND031, kubectl nodedns top), and "
        "whether the name is served there",
        look=_failures,
    ),
    Check(
        code="ND022",
        title="A cache that should be asked is not",
        severity=Severity.WARNING,
        category=Category.TRAFFIC,
        matters="the node's pods seem to bypass its cache: their lookups go to CoreDNS as without "
        "one, and nothing else says so",
        way_out="kubectl nodedns check --probe proves it either way",
        decisive=True,
        look=_bypassed,
    ),
)
