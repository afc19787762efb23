"""The frozen snapshot of the fleet that every view reads.

Pure: a function of the inventory, the samples and the time. Judges nothing (see `row_severity`) and
formats nothing (see `columns`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from kubectl_nodedns.checks.interception import Interception, asked_at
from kubectl_nodedns.facts.silence import Asked, median_of_others, silent
from kubectl_nodedns.metrics.histogram import EMPTY, Histogram, merge
from kubectl_nodedns.metrics.source import SCRAPES_PER_SECOND
from kubectl_nodedns.metrics.traffic import Traffic, ratio

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    from kubectl_nodedns.metrics.capacity import Capacity
    from kubectl_nodedns.metrics.node_row import NodeRow

STALE_INTERVALS = 3
"""A figure is stale when this many scrapes of its pod should have come since."""


INTERCEPTING = (Interception.PROVED, Interception.BY_COUNTERS)


@dataclass(frozen=True, kw_only=True)
class Watched:
    """One node-local DNS cache that is watched."""

    namespace: str
    """Namespace of its DaemonSet."""
    name: str
    """Name of its DaemonSet."""
    owner: str
    """Who manages it, in words."""
    version: str
    """Version of its image."""
    local_ip: str
    """The address that only nodes' caches have; empty when its arguments name none."""
    kube_dns_ips: tuple[str, ...]
    """The DNS service's addresses that it listens on; none where it does not take them over."""
    capacity: Capacity | None = None
    """Room for entries, from its Corefile; None when that cannot be read."""


@dataclass(frozen=True, kw_only=True)
class Load:
    """What watching costs the API server."""

    requests_per_second: float = 0.0
    """Requests that the tool itself sends."""
    bytes_per_second: float = 0.0
    """Bytes that it receives, as they come over the wire."""


@dataclass(frozen=True, kw_only=True)
class Fleet:
    """Totals over all nodes whose figures are fresh."""

    nodes: int
    """Nodes."""
    wanted: int
    """Nodes that can run a cache: not Windows."""
    ready: int
    """Nodes whose cache pod is ready."""
    sampled: int
    """Nodes whose figures are fresh; the sums below are over these."""
    newest: float | None
    """When the newest page of all arrived, in Unix seconds; None before the first."""
    intercepting: int
    """Nodes where lookups to the kube-dns IP were seen lately, or a probe proved it."""
    proved: int
    """Those of them where a probe proved it."""
    refuted: int
    """Nodes where a probe proved that lookups go past the cache."""
    traffic: Traffic
    """All lookups."""
    upstream_latency: Histogram
    """Responses of upstreams by duration, per second."""
    lookups_total: float | None
    """Lookups since each process started."""
    entries: float | None
    """Cache entries."""
    memory_bytes: float | None
    """Resident memory."""
    restarts: int
    """Restarts of cache pods."""
    setup_errors: float | None
    """Failures to set up rules or interface, per second."""
    asked_median: float | None
    """Median of the lookups per second at the kube-dns IP of all caches but a silent one."""
    spared: float | None
    """Lookups per second that CoreDNS did not have to answer; None when not known."""

    @property
    def spared_ratio(self) -> float | None:
        """Share of lookups that CoreDNS was spared, 0 to 1."""
        return ratio(self.spared, self.traffic.lookups)


@dataclass(frozen=True, kw_only=True)
class FleetSnapshot:
    """Everything that a view may show, at one moment."""

    at: float
    """The moment, in Unix seconds."""
    caches: tuple[Watched, ...]
    """The caches that are watched, ours first."""
    fleet: Fleet
    """Totals."""
    nodes: tuple[NodeRow, ...]
    """A row for each node, by name."""
    source: str
    """Where the metrics come from."""
    interval: float
    """Seconds between two scrapes of a pod, when all goes well."""
    load: Load = field(default_factory=Load)
    """What watching costs the API server."""
    problems: tuple[str, ...] = ()
    """What stands in the way of seeing everything, in words."""
    coredns_ips: tuple[str, ...] = ()
    """Addresses at which the caches reach CoreDNS; none when not known."""

    def watched(self, row: NodeRow) -> Watched | None:
        """Return the cache that a row's pod belongs to."""
        return _watched(row, self.caches)

    def interception(self, row: NodeRow) -> Interception:
        """Judge whether lookups of a row's pods are intercepted."""
        return row.interception(_asked_at(row, self.caches), self.at)

    def evidence_age(self, row: NodeRow) -> float | None:
        """Return the age in seconds of what that rests on; None where it rests on nothing."""
        return row.evidence_age(_asked_at(row, self.caches), self.at)

    def capacity(self, row: NodeRow) -> int | None:
        """Return the room for entries of a row's cache; None when not known."""
        watched = self.watched(row)
        return watched.capacity.total if watched and watched.capacity else None

    @property
    def kube_dns_ips(self) -> tuple[str, ...]:
        """All DNS service addresses that the caches listen on."""
        return _kube_dns_ips(self.caches)

    def unasked(self, row: NodeRow) -> Asked | None:
        """Say how a row's cache is asked that is not, and should be; None for any other.

        One of which it was read that no pod asks on its node is idle.
        """
        if (
            row.pod is None
            or not row.pod.ready
            or row.dark
            or row.refuted_at is not None
            or self.stale(row)
        ):
            return None
        if row.detail is not None and row.detail.askers == 0:
            return None
        asked = row.asked(self.kube_dns_ips)
        return asked if asked and silent(asked, self.fleet.asked_median) else None

    @property
    def blind(self) -> bool:
        """Whether pods are scraped and not one of them gives its page."""
        errors = [row.sampled.error for row in self.nodes if row.sampled is not None]
        return bool(errors) and all(errors)

    @property
    def stale_after(self) -> float:
        """Age in seconds from which a figure is stale."""
        return stale_after(self.interval, len(self.nodes))

    def stale(self, row: NodeRow) -> bool:
        """Whether a row's figures are older than they should be."""
        age = row.age(self.at)
        return age is not None and age > self.stale_after


T = TypeVar("T")


def stale_after(interval: float, nodes: int) -> float:
    """Return the age in seconds at which a figure is stale; a large fleet takes its time."""
    return STALE_INTERVALS * max(interval, nodes / SCRAPES_PER_SECOND)


def totals(
    rows: Sequence[NodeRow],
    *,
    at: float,
    interval: float,
    caches: Sequence[Watched],
    coredns_ips: Collection[str] = (),
) -> Fleet:
    """Sum up the fleet."""
    kube_dns_ips = _kube_dns_ips(caches)
    limit = stale_after(interval, len(rows))
    known = [row for row in rows if (f := row.figures) is not None and at - f.at <= limit]
    fresh = [row.sampled.figures for row in known if row.sampled and row.sampled.figures]
    found = [row.interception(_asked_at(row, caches), at) for row in rows]
    return Fleet(
        nodes=len(rows),
        wanted=sum(not row.node.windows for row in rows),
        ready=sum(row.pod is not None and row.pod.ready for row in rows),
        sampled=len(fresh),
        newest=max((f.at for row in rows if (f := row.figures) is not None), default=None),
        intercepting=sum(one in INTERCEPTING for one in found),
        proved=found.count(Interception.PROVED),
        refuted=found.count(Interception.NOT_INTERCEPTED),
        traffic=add([f.traffic for f in fresh]),
        upstream_latency=merge(f.upstream_latency for f in fresh),
        lookups_total=_sum(fresh, lambda f: f.lookups_total),
        entries=_sum(fresh, lambda f: f.entries),
        memory_bytes=_sum(fresh, lambda f: f.memory_bytes),
        restarts=sum(pod.restarts for row in rows for pod in row.pods),
        setup_errors=_sum(fresh, lambda f: f.setup_errors),
        asked_median=median_of_others(
            sum(f.address_rates.get(ip, 0.0) for ip in kube_dns_ips)
            for f in fresh
            if f.seconds is not None
        ),
        spared=_sum(known, lambda row: _spared(row, coredns_ips)) if coredns_ips else None,
    )


def _watched(row: NodeRow, caches: Iterable[Watched]) -> Watched | None:
    name = row.pod.cache if row.pod else ""
    return next((c for c in caches if f"{c.namespace}/{c.name}" == name), None)


def _kube_dns_ips(caches: Iterable[Watched]) -> tuple[str, ...]:
    """Return all addresses of the DNS service that the caches listen on."""
    return tuple(dict.fromkeys(ip for cache in caches for ip in cache.kube_dns_ips))


def _asked_at(row: NodeRow, caches: Sequence[Watched]) -> Collection[str]:
    """Return the addresses at which a row's pods ask; what kubelets hand out is not known here."""
    watched = _watched(row, caches)
    if watched is None:
        return _kube_dns_ips(caches)
    own = (watched.local_ip,) if watched.local_ip else ()
    return asked_at(
        handed_out=(), dns_ips=watched.kube_dns_ips, listening=(*watched.kube_dns_ips, *own)
    )


def add(parts: Sequence[Traffic]) -> Traffic:
    """Add traffic up; what no part knows stays unknown."""
    return Traffic(
        lookups=_sum(parts, lambda t: t.lookups),
        responses=_sum(parts, lambda t: t.responses),
        nxdomain=_sum(parts, lambda t: t.nxdomain),
        servfail=_sum(parts, lambda t: t.servfail),
        failures=_sum(parts, lambda t: t.failures),
        cache_requests=_sum(parts, lambda t: t.cache_requests),
        hits=_sum(parts, lambda t: t.hits),
        denials=_sum(parts, lambda t: t.denials),
        latency=merge(t.latency for t in parts) if parts else EMPTY,
    )


def _sum(parts: Iterable[T], value: Callable[[T], float | None]) -> float | None:
    known = [v for part in parts if (v := value(part)) is not None]
    return sum(known) if known else None


def _spared(row: NodeRow, coredns_ips: Collection[str]) -> float | None:
    asked, lookups = row.to_coredns(coredns_ips), row.traffic.lookups
    # A cache that refreshes entries or tries again asks more often than it is asked.
    return None if asked is None or lookups is None else max(lookups - asked, 0.0)
