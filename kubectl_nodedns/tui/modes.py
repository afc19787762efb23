"""Now, since start, total: the same rows with rates over another stretch of time. Pure.

"now" is the interval between the two newest pages; "since start" the average over the life of each
cache's process; "total" the counts of that life. What depends on no interval stays as it is.
"""

from __future__ import annotations

from dataclasses import replace
from enum import Enum
from typing import TYPE_CHECKING

from kubectl_nodedns.metrics.fleet import totals
from kubectl_nodedns.metrics.histogram import Histogram
from kubectl_nodedns.metrics.traffic import Figures, Traffic, Upstream

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kubectl_nodedns.metrics.fleet import FleetSnapshot
    from kubectl_nodedns.metrics.node_row import NodeRow
    from kubectl_nodedns.metrics.sampler import Sampled


class Mode(Enum):
    """What rates are over."""

    NOW = "now"
    """The newest interval."""
    AVERAGE = "since start"
    """The life of the process, per second."""
    TOTAL = "total"
    """The life of the process, counted."""

    @property
    def next(self) -> Mode:
        """The one that comes after it."""
        modes = list(Mode)
        return modes[(modes.index(self) + 1) % len(modes)]

    @property
    def per_second(self) -> str:
        """What stands behind a rate."""
        return "" if self is Mode.TOTAL else "/s"


class Modes:
    """Turns snapshots into those of another mode; what did not change is turned only once."""

    def __init__(self) -> None:
        self._turned: dict[str, tuple[Sampled, Mode, Sampled]] = {}

    def turn(self, snapshot: FleetSnapshot, mode: Mode) -> FleetSnapshot:
        """Return the snapshot in another mode."""
        if mode is Mode.NOW:
            self._turned.clear()
            return snapshot
        rows = tuple(self._row(row, mode) for row in snapshot.nodes)
        fleet = totals(
            rows,
            at=snapshot.at,
            interval=snapshot.interval,
            caches=snapshot.caches,
            coredns_ips=snapshot.coredns_ips,
        )
        fleet = replace(fleet, asked_median=snapshot.fleet.asked_median)
        return replace(snapshot, nodes=rows, fleet=fleet)

    def _row(self, row: NodeRow, mode: Mode) -> NodeRow:
        sampled = row.sampled
        if sampled is None or sampled.figures is None:
            return row
        before = self._turned.get(row.node.name)
        if before is not None and before[0] is sampled and before[1] is mode:
            return replace(row, sampled=before[2])
        figures = life(row, sampled.figures, mode)
        turned = replace(sampled, figures=figures)
        self._turned[row.node.name] = (sampled, mode, turned)
        return replace(row, sampled=turned)


def life(row: NodeRow, now: Figures, mode: Mode) -> Figures:
    """Return figures over the process's life; without rates where its start is not known."""
    whole = row.since_start
    if whole is None or whole.seconds is None:
        return replace(
            now,
            seconds=None,
            traffic=Traffic(),
            types={},
            protocols={},
            rcodes={},
            address_rates={},
            zones=tuple(replace(zone, traffic=Traffic()) for zone in now.zones),
            upstreams=tuple(_times(upstream, None) for upstream in now.upstreams),
        )
    return whole if mode is Mode.AVERAGE else _counted(whole, whole.seconds)


def _counted(figures: Figures, seconds: float) -> Figures:
    def times(rates: Mapping[str, float]) -> dict[str, float]:
        return {name: round(rate * seconds) for name, rate in rates.items()}

    return replace(
        figures,
        traffic=_times_traffic(figures.traffic, seconds),
        types=times(figures.types),
        protocols=times(figures.protocols),
        rcodes=times(figures.rcodes),
        address_rates=times(figures.address_rates),
        zones=tuple(
            replace(zone, traffic=_times_traffic(zone.traffic, seconds)) for zone in figures.zones
        ),
        upstreams=tuple(_times(upstream, seconds) for upstream in figures.upstreams),
        evictions=_product(figures.evictions, seconds),
        setup_errors=_product(figures.setup_errors, seconds),
    )


def _times_traffic(traffic: Traffic, seconds: float) -> Traffic:
    return Traffic(
        lookups=_product(traffic.lookups, seconds),
        responses=_product(traffic.responses, seconds),
        nxdomain=_product(traffic.nxdomain, seconds),
        servfail=_product(traffic.servfail, seconds),
        failures=_product(traffic.failures, seconds),
        cache_requests=_product(traffic.cache_requests, seconds),
        hits=_product(traffic.hits, seconds),
        denials=_product(traffic.denials, seconds),
        latency=_times_histogram(traffic.latency, seconds),
    )


def _times(upstream: Upstream, seconds: float | None) -> Upstream:
    return replace(
        upstream,
        responses=_product(upstream.responses, seconds),
        failures=_product(upstream.failures, seconds),
        healthcheck_failures=_product(upstream.healthcheck_failures, seconds),
        latency=_times_histogram(upstream.latency, seconds or 0.0),
    )


def _times_histogram(histogram: Histogram, seconds: float) -> Histogram:
    return Histogram(histogram.bounds, tuple(count * seconds for count in histogram.counts))


def _product(rate: float | None, seconds: float | None) -> float | None:
    return None if rate is None or seconds is None else round(rate * seconds)
