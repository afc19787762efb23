"""What is wrong with a row, and how much: the one place where figures are judged.

Pure. Thresholds follow what CoreDNS's users alert on (SERVFAIL above 1 % and 3 %). A high share of
NXDOMAIN is no fault: `ndots:5` makes it so.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

from kubectl_nodedns.facts import silence
from kubectl_nodedns.metrics import units

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kubectl_nodedns.metrics.fleet import FleetSnapshot
    from kubectl_nodedns.metrics.node_row import NodeRow

FAILING_RATIO = (0.01, 0.03)
"""Share of failed responses from which to look, and from which to act."""
MEMORY_RATIO = (0.85, 0.95)
"""Share of the memory limit from which to look, and from which to act."""
SLOW_SECONDS = 4.0
"""A 99th percentile that resolvers take for no answer: they wait five seconds."""
RESTARTED_SECONDS = 600.0
"""How long a restart is news."""
STARTING = {"Pending", "ContainerCreating", "PodInitializing"}


class Severity(IntEnum):
    """How bad it is."""

    OK = 0
    """Nothing to see."""
    NOTE = 1
    """Worth a look."""
    BAD = 2
    """Lookups fail, or there is no cache where one should be."""

    @property
    def glyph(self) -> str:
        """One or two cells that say it without colour."""
        return ("", "!", "‼")[self]


@dataclass(frozen=True, kw_only=True)
class Mark:
    """One thing that is wrong."""

    severity: Severity
    """How bad it is."""
    words: str
    """What it is."""
    column: str = ""
    """Key of the column whose figure shows it; empty when none does."""


def severity(row: NodeRow, snapshot: FleetSnapshot) -> Severity:
    """Return the worst of a row's marks."""
    return max((mark.severity for mark in marks(row, snapshot)), default=Severity.OK)


def marks(row: NodeRow, snapshot: FleetSnapshot) -> tuple[Mark, ...]:
    """Return what is wrong with a row, the worst first."""
    found = [*_pod_marks(row, snapshot), *_figure_marks(row)]
    return tuple(sorted(found, key=lambda mark: -mark.severity))


def unasked(row: NodeRow, snapshot: FleetSnapshot) -> str:
    """Say that a cache is not asked that should be, and why it should; empty for any other."""
    asked = snapshot.unasked(row)
    if asked is None:
        return ""
    askers = row.detail.askers if row.detail else None
    return (
        f"not asked: no lookup at the kube-dns IP for {units.age(asked.seconds)}, "
        f"{silence.words(asked, snapshot.fleet.asked_median)}, {silence.pods_that_ask(askers)}"
    )


def _pod_marks(row: NodeRow, snapshot: FleetSnapshot) -> Iterator[Mark]:
    pod = row.pod
    if pod is None:
        if not row.node.windows:
            level = Severity.BAD if row.node.ready else Severity.NOTE
            yield Mark(severity=level, words=row.reason, column="state")
        return
    if not pod.ready:
        level = Severity.NOTE if pod.status in STARTING else Severity.BAD
        yield Mark(severity=level, words=f"the cache pod is {row.state}", column="state")
    if row.dark:
        words = "in the dark: its cache is set up, kube-dns answers its pods until it is switched"
        yield Mark(severity=Severity.NOTE, words=words, column="state")
    elif row.refuted_at is not None:
        words = "NOT intercepted: its pods' lookups go past the cache"
        yield Mark(severity=Severity.BAD, words=words, column="interception")
    if words := unasked(row, snapshot):
        yield Mark(severity=Severity.NOTE, words=words, column="interception")
    if pod.restarted_at is not None and snapshot.at - pod.restarted_at < RESTARTED_SECONDS:
        words = f"restarted lately, {pod.restarts} in all"
        if row.last_end:
            words += f", the last end: {row.last_end}"
        yield Mark(severity=Severity.NOTE, words=words, column="restarts")
    if row.sampled and row.sampled.error:
        yield Mark(severity=Severity.NOTE, words=f"no metrics: {row.sampled.error}")
    elif snapshot.stale(row):
        yield Mark(severity=Severity.NOTE, words="the figures are stale")


def _figure_marks(row: NodeRow) -> Iterator[Mark]:
    figures = row.figures
    if figures is None:
        return
    traffic = figures.traffic
    failing = traffic.failure_ratio or 0.0
    if level := _level(failing, FAILING_RATIO):
        words = f"{failing:.1%} of lookups fail (SERVFAIL or REFUSED)"
        yield Mark(severity=level, words=words, column="failures")
    p99 = traffic.p99
    if p99 is not None and p99.seconds >= SLOW_SECONDS:
        words = f"one lookup in 100 takes {p99.seconds:.1f} s"
        yield Mark(severity=Severity.BAD, words=words, column="p99")
    limit = row.pod.memory_limit_bytes if row.pod else None
    if (
        limit
        and figures.memory_bytes
        and (level := _level(figures.memory_bytes / limit, MEMORY_RATIO))
    ):
        share = figures.memory_bytes / limit
        words = f"{share:.0%} of the memory limit is used"
        yield Mark(severity=level, words=words, column="memory")
    if any((upstream.healthcheck_failures or 0.0) > 0 for upstream in figures.upstreams):
        yield Mark(severity=Severity.NOTE, words="an upstream fails its health checks")
    if (figures.setup_errors or 0.0) > 0:
        yield Mark(severity=Severity.NOTE, words="rules or interface cannot be set up")
    if figures.panics_total:
        yield Mark(severity=Severity.NOTE, words=f"{figures.panics_total:.0f} panics since start")


def _level(value: float, thresholds: tuple[float, float]) -> Severity:
    return Severity(sum(value > threshold for threshold in thresholds))
