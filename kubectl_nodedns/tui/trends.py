"""What the figures were since the screen opened: bounded, for plots. No Textual here.

The fleet is remembered at each tick. Of each node a few rates are kept for its row; in full only
the nodes that a person sees, and of those the ones seen last: thousands of nodes must not fill the
memory. Moments carry their time, so that a page that did not come is a gap and not a straight line.
"""

from __future__ import annotations

from collections import deque
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from kubectl_nodedns.metrics.histogram import quantile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from kubectl_nodedns.metrics.fleet import FleetSnapshot
    from kubectl_nodedns.metrics.histogram import Latency
    from kubectl_nodedns.metrics.traffic import Figures, Traffic

MOMENTS = 900
"""Moments kept: fifteen minutes at one a second."""
RECENT = 6
"""Rates kept of every node, for the plot in its row."""
REMEMBERED = 48
"""Nodes remembered in full: about 20 MiB of moments."""
NOTHING: Mapping[str, float | None] = MappingProxyType({})


class Moment(NamedTuple):
    """The figures of one moment; None is not known."""

    at: float = 0.0
    """When it was, in Unix seconds."""
    lookups: float | None = None
    """Lookups per second."""
    hit_ratio: float | None = None
    """Share answered from the cache."""
    p50: float | None = None
    """Median duration in seconds; the first bucket's bound where it lies below."""
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
    types: Mapping[str, float | None] = NOTHING
    """Lookups per second by type of the records asked for."""
    rcodes: Mapping[str, float | None] = NOTHING
    """Responses per second by response code."""
    zones: Mapping[str, float | None] = NOTHING
    """Hit ratio by zone."""


class Trends:
    """Remembers the fleet, and the nodes that were looked at."""

    def __init__(self) -> None:
        self.fleet: deque[Moment] = deque(maxlen=MOMENTS)
        """The fleet's moments, oldest first."""
        self._nodes: dict[str, deque[Moment]] = {}
        self._recent: dict[str, tuple[float, tuple[float | None, ...]]] = {}
        self._at = 0.0

    def node(self, name: str) -> Sequence[Moment]:
        """Return a node's moments, oldest first; none before it was looked at."""
        return self._nodes.get(name, ())

    def recent(self, name: str) -> Sequence[float | None]:
        """Return a node's newest lookups per second, oldest first."""
        return self._recent.get(name, (0.0, ()))[1]

    def look_at(self, names: Iterable[str]) -> None:
        """Remember these nodes from now on; of more than can be kept, those seen last."""
        for name in names:
            moments = self._nodes.pop(name, deque(maxlen=MOMENTS))
            self._nodes[name] = moments
        for name in list(self._nodes)[:-REMEMBERED]:
            del self._nodes[name]

    def add(self, snapshot: FleetSnapshot) -> None:
        """Remember one snapshot; one of earlier than the last one (a replay) takes its place."""
        if snapshot.at == self._at:
            return  # a recording that stands still
        if snapshot.at < self._at:
            self._rewind(snapshot.at)
        self._at = snapshot.at
        fleet = snapshot.fleet
        self.fleet.append(
            _moment(snapshot.at, fleet.traffic)._replace(
                upstream_p99=_seconds(quantile(0.99, fleet.upstream_latency)),
                entries=fleet.entries,
                memory=fleet.memory_bytes,
            )
        )
        recent = self._recent
        for row in snapshot.nodes:
            figures = row.figures
            if figures is None:
                continue
            name = row.node.name
            at, rates = recent.get(name, (0.0, ()))
            if figures.at != at:
                recent[name] = (figures.at, (*rates[1 - RECENT :], figures.traffic.lookups))
                if name in self._nodes:
                    self._nodes[name].append(_node_moment(figures))

    def _rewind(self, at: float) -> None:
        """Forget what is later than `at`."""
        for moments in (self.fleet, *self._nodes.values()):
            while moments and moments[-1].at > at:
                moments.pop()
        self._recent.clear()


def values(
    moments: Iterable[Moment], value: Callable[[Moment], float | None]
) -> list[float | None]:
    """Return one figure of each moment."""
    return [value(moment) for moment in moments]


def _node_moment(figures: Figures) -> Moment:
    return _moment(figures.at, figures.traffic)._replace(
        upstream_p99=_seconds(figures.upstream_p99),
        entries=figures.entries,
        memory=figures.memory_bytes,
        types=figures.types,
        rcodes=figures.rcodes,
        zones={zone.name: zone.traffic.hit_ratio for zone in figures.zones},
    )


def _moment(at: float, traffic: Traffic) -> Moment:
    return Moment(
        at=at,
        lookups=traffic.lookups,
        hit_ratio=traffic.hit_ratio,
        p50=_seconds(traffic.p50),
        p99=_seconds(traffic.p99),
        failure_ratio=traffic.failure_ratio,
    )


def _seconds(value: Latency | None) -> float | None:
    return value.seconds if value else None
