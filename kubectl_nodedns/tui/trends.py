"""What the figures were since the screen opened: bounded, for plots. No Textual here."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, NamedTuple

from kubectl_nodedns.metrics.columns import upstream_p99
from kubectl_nodedns.metrics.histogram import quantile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from kubectl_nodedns.metrics.fleet import FleetSnapshot
    from kubectl_nodedns.metrics.histogram import Latency
    from kubectl_nodedns.metrics.traffic import Traffic

MOMENTS = 900
"""Moments kept: fifteen minutes at one a second."""


class Moment(NamedTuple):
    """The figures of one moment; None is not known."""

    lookups: float | None = None
    """Lookups per second."""
    hit_ratio: float | None = None
    """Share answered from the cache."""
    p99: float | None = None
    """99th percentile in seconds."""
    upstream_p99: float | None = None
    """99th percentile of the upstreams in seconds."""
    failure_ratio: float | None = None
    """Share of failed responses."""
    entries: float | None = None
    """Cache entries."""
    memory: float | None = None
    """Resident memory in bytes."""


class Trends:
    """Remembers the fleet, and the nodes that were opened."""

    def __init__(self) -> None:
        self.fleet: deque[Moment] = deque(maxlen=MOMENTS)
        """The fleet's moments, oldest first."""
        self._nodes: dict[str, deque[Moment]] = {}

    def node(self, name: str) -> deque[Moment]:
        """Return a node's moments, oldest first; it is remembered from the first call on."""
        return self._nodes.setdefault(name, deque(maxlen=MOMENTS))

    def add(self, snapshot: FleetSnapshot) -> None:
        """Remember one snapshot."""
        fleet = snapshot.fleet
        upstream = quantile(0.99, fleet.upstream_latency)
        self.fleet.append(_moment(fleet.traffic, upstream, fleet.entries, fleet.memory_bytes))
        if not self._nodes:
            return
        rows = {row.node.name: row for row in snapshot.nodes if row.node.name in self._nodes}
        for name, moments in self._nodes.items():
            row = rows.get(name)
            figures = row.figures if row else None
            if row is None or figures is None or snapshot.stale(row):
                moments.append(Moment())
            else:
                moments.append(
                    _moment(
                        figures.traffic, upstream_p99(row), figures.entries, figures.memory_bytes
                    )
                )


def values(
    moments: Iterable[Moment], value: Callable[[Moment], float | None]
) -> list[float | None]:
    """Return one figure of each moment."""
    return [value(moment) for moment in moments]


def _moment(
    traffic: Traffic, upstream: Latency | None, entries: float | None, memory: float | None
) -> Moment:
    p99 = traffic.p99
    return Moment(
        lookups=traffic.lookups,
        hit_ratio=traffic.hit_ratio,
        p99=p99.seconds if p99 else None,
        upstream_p99=upstream.seconds if upstream else None,
        failure_ratio=traffic.failure_ratio,
        entries=entries,
        memory=memory,
    )
