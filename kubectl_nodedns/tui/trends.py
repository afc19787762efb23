"""What the figures were since the screen opened: bounded, for plots. No Textual here.

The fleet is remembered at each tick, a node with each page. Nodes that a person sees, and of those
the ones seen last, are remembered in full; all others share one budget of moments: whichever node
is opened has a past, and thousands of nodes do not fill the memory. Large fleets are scraped
more slowly, so that a small share reaches back about as far. Moments carry their time, so that a
page that did not come is a gap and not a straight line.
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
"""Rates shown in a node's row."""
REMEMBERED = 48
"""Nodes remembered in full."""
BUDGET = 40_000
"""Moments of all other nodes together: about 40 MiB, 1 KiB each; eight a node with 5,000 nodes."""
SHORTEST = 8
"""Moments kept of each node, however many there are."""
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
    """Remembers the fleet and each of its nodes.

    Args:
        budget: moments of all nodes together that are not remembered in full.
    """

    def __init__(self, budget: int = BUDGET) -> None:
        self.fleet: deque[Moment] = deque(maxlen=MOMENTS)
        """The fleet's moments, oldest first."""
        self._budget = budget
        self._nodes: dict[str, deque[Moment]] = {}
        self._in_full: dict[str, None] = {}
        self._at = 0.0

    def node(self, name: str) -> Sequence[Moment]:
        """Return a node's moments, oldest first; none before its first page."""
        return self._nodes.get(name, ())

    def recent(self, name: str) -> Sequence[float | None]:
        """Return a node's newest lookups per second, oldest first."""
        moments = self._nodes.get(name, ())
        first = max(len(moments) - RECENT, 0)
        return [moments[place].lookups for place in range(first, len(moments))]

    def look_at(self, names: Iterable[str]) -> None:
        """Remember these nodes in full from now on; of too many, those seen last."""
        for name in names:
            self._in_full.pop(name, None)
            self._in_full[name] = None
        for name in list(self._in_full)[:-REMEMBERED]:
            del self._in_full[name]

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
        share = max(self._budget // max(len(snapshot.nodes), 1), SHORTEST)
        known = self._nodes
        for row in snapshot.nodes:
            figures = row.figures
            if figures is None:
                continue
            name = row.node.name
            moments = known.get(name)
            if moments is None:
                moments = known[name] = deque(maxlen=MOMENTS)
            if not moments or figures.at != moments[-1].at:
                moments.append(_node_moment(figures))
                while len(moments) > share and name not in self._in_full:
                    moments.popleft()
        if len(known) > len(snapshot.nodes):
            here = {row.node.name for row in snapshot.nodes}
            self._nodes = {name: moments for name, moments in known.items() if name in here}

    def _rewind(self, at: float) -> None:
        """Forget what is later than `at`."""
        for moments in (self.fleet, *self._nodes.values()):
            while moments and moments[-1].at > at:
                moments.pop()


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
