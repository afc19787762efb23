"""Checks of where pods' lookups go, and what becomes of them."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from kubectl_nodedns.checks.finding import Category, Check, Seen, Severity
from kubectl_nodedns.checks.wording import ago

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from kubectl_nodedns.checks.evidence import Evidence, NodeEvidence

WARM_UP = 600.0
"""Seconds that a cache may run without a lookup before that is remarkable."""
WARN_RATIO, ERROR_RATIO = 0.01, 0.03
"""Shares of failed responses; the CoreDNS mixins in use alert at these."""
LEAST = 2
"""Failed responses below which there is no share to speak of: any resolver fails once."""


class Interception(StrEnum):
    """Whether lookups that pods send to the kube-dns IP reach the node's cache."""

    PROVED = "proved"
    """A probe on the node was answered by the node's own cache."""
    NOT_INTERCEPTED = "not intercepted"
    """A probe on the node was not."""
    BY_COUNTERS = "by counters"
    """The cache counted lookups at that address over the window: evidence, not proof."""
    NOT_KNOWN = "not known"
    """No probe asked, and it counted none: nobody asked, or they go elsewhere."""


def interception(evidence: Evidence, one: NodeEvidence) -> Interception:
    """Judge one node."""
    if one.proof is not None:
        return Interception.PROVED if one.proof.ok else Interception.NOT_INTERCEPTED
    lately = one.counters.lately_by_address if one.counters else {}
    counted = any(lately.get(ip) for ip in _asked(evidence, one))
    return Interception.BY_COUNTERS if counted else Interception.NOT_KNOWN


def _asked(evidence: Evidence, one: NodeEvidence) -> set[str]:
    """Return the addresses at which pods of the node ask."""
    return set(one.kubelet) if one.kubelet else set(evidence.dns.ips)


def _counted(evidence: Evidence, one: NodeEvidence) -> float:
    """Return the lookups counted since start at the addresses that pods of the node ask."""
    if one.counters is None:
        return 0.0
    counted = one.counters.lookups_by_address
    return sum(counted.get(ip, 0.0) for ip in _asked(evidence, one))


def _intercepted(evidence: Evidence) -> Iterator[Seen] | None:
    known = [one for one in evidence.linux if one.pods and (one.proof or one.counters)]
    return _not_intercepted(evidence, known) if known else None


def _not_intercepted(evidence: Evidence, known: Iterable[NodeEvidence]) -> Iterator[Seen]:
    for one in known:
        subject = f"node {one.node.name}"
        if one.proof is not None:
            if not one.proof.ok:
                yield Seen(subject=subject, text=one.proof.text)
            continue
        started = one.counters.started if one.counters else None
        asked = sorted(_asked(evidence, one) & one.listening)
        if not asked or started is None or _counted(evidence, one):
            continue
        if (age := evidence.at - started) > WARM_UP:
            yield Seen(
                subject=subject,
                text=f"its cache counted no lookup at {', '.join(asked)} since it started "
                f"{ago(age)} (counters, no proof)",
                severity=Severity.WARNING,
                way_out="kubectl nodedns check --probe proves it either way",
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
        way_out="kubectl nodedns enable --yes proves each node again and repairs it; look for "
        "something that flushes packet filter rules, and at ND044",
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
)
