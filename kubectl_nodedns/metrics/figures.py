"""The figures of one cache: what its page means, and what changed since the page before.

Pure. Rates and ratios are None until there are two pages, and a ratio is None over an interval in
which nothing happened. NXDOMAIN is an answer like any other here: with `ndots:5` most lookups end
in it. Failures are SERVFAIL and REFUSED.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from kubectl_nodedns.metrics.histogram import EMPTY, Histogram, Latency, histogram, merge, quantile
from kubectl_nodedns.metrics.increases import Increases, increases
from kubectl_nodedns.metrics.series import Series

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from kubectl_nodedns.metrics.page import Key, Page

FAILURES = ("SERVFAIL", "REFUSED")
"""Response codes that mean a lookup failed."""


@dataclass(frozen=True, kw_only=True)
class Traffic:
    """Lookups and what became of them, per second over one interval."""

    lookups: float | None = None
    """Lookups received; None where the server block reports none (stub zones) or not yet."""
    responses: float | None = None
    """Responses sent."""
    nxdomain: float | None = None
    """Responses with NXDOMAIN."""
    servfail: float | None = None
    """Responses with SERVFAIL."""
    failures: float | None = None
    """Responses with SERVFAIL or REFUSED."""
    cache_requests: float | None = None
    """Lookups that reached a cache."""
    hits: float | None = None
    """Lookups answered from a cache, denials included."""
    denials: float | None = None
    """Lookups answered from the denial cache: NXDOMAIN and NODATA."""
    latency: Histogram = EMPTY
    """Responses by duration."""

    @property
    def hit_ratio(self) -> float | None:
        """Share of the cache's lookups that it answered itself, 0 to 1."""
        return ratio(self.hits, self.cache_requests)

    @property
    def denial_ratio(self) -> float | None:
        """Share of the cache's lookups that its denial cache answered, 0 to 1."""
        return ratio(self.denials, self.cache_requests)

    @property
    def nxdomain_ratio(self) -> float | None:
        """Share of responses that are NXDOMAIN, 0 to 1."""
        return ratio(self.nxdomain, self.responses)

    @property
    def servfail_ratio(self) -> float | None:
        """Share of responses that are SERVFAIL, 0 to 1."""
        return ratio(self.servfail, self.responses)

    @property
    def failure_ratio(self) -> float | None:
        """Share of responses that are SERVFAIL or REFUSED, 0 to 1."""
        return ratio(self.failures, self.responses)

    @cached_property
    def p50(self) -> Latency | None:
        """Median duration of a response."""
        return quantile(0.5, self.latency)

    @cached_property
    def p99(self) -> Latency | None:
        """Duration that 99 of 100 responses stay below."""
        return quantile(0.99, self.latency)


@dataclass(frozen=True, kw_only=True)
class Upstream:
    """One server that the cache forwards to, per second over one interval."""

    to: str
    """Address and port, as the forward plugin names it."""
    responses: float | None
    """Responses received."""
    failures: float | None
    """Responses with SERVFAIL or REFUSED."""
    healthcheck_failures: float | None
    """Failed health checks: each means that a lookup before it had no answer."""
    latency: Histogram
    """Responses by duration."""

    @property
    def failure_ratio(self) -> float | None:
        """Share of responses that are SERVFAIL or REFUSED, 0 to 1."""
        return ratio(self.failures, self.responses)

    @cached_property
    def p99(self) -> Latency | None:
        """Duration that 99 of 100 responses stay below."""
        return quantile(0.99, self.latency)


@dataclass(frozen=True, kw_only=True)
class Zone:
    """One zone of the cache's server blocks."""

    name: str
    """The zone; "dropped" are lookups that no server block wanted."""
    traffic: Traffic
    """Its lookups."""
    lookups_total: float | None
    """Lookups since process start."""


@dataclass(frozen=True, kw_only=True)
class Figures:
    """Everything that one cache's pages tell."""

    at: float
    """When the newer page arrived, in Unix seconds."""
    seconds: float | None
    """Length of the interval that rates are over; None with one page."""
    started: float | None
    """When the process started, in Unix seconds."""
    version: str
    """CoreDNS's version; empty when not told."""
    traffic: Traffic
    """All lookups."""
    zones: tuple[Zone, ...]
    """By zone, busiest first."""
    upstreams: tuple[Upstream, ...]
    """By upstream, busiest first."""
    lookups_total: float | None
    """Lookups since process start."""
    by_address: Mapping[str, float]
    """Lookups since process start by the IP address that clients sent them to."""
    address_rates: Mapping[str, float]
    """Lookups per second by the IP address that clients sent them to; none with one page."""
    entries: float | None
    """Entries in all caches, each counted once; expired ones included until they are replaced."""
    evictions: float | None
    """Evictions per second."""
    memory_bytes: float | None
    """Resident memory of the process."""
    setup_errors: float | None
    """Failures to set up rules or interface, per second."""
    panics_total: float | None
    """Panics since process start."""

    @cached_property
    def upstream_latency(self) -> Histogram:
        """Responses of all upstreams by duration."""
        return merge(upstream.latency for upstream in self.upstreams)

    @cached_property
    def upstream_p99(self) -> Latency | None:
        """Duration that 99 of 100 responses of upstreams stay below."""
        return quantile(0.99, self.upstream_latency)


def ratio(part: float | None, whole: float | None) -> float | None:
    """Return `part` of `whole`; None when either is not known or the whole is zero."""
    return part / whole if part is not None and whole else None


def figures(before: Page | None, after: Page) -> Figures:
    """Read the newer page, and compare it with the one before where there is one."""
    grown = increases(before, after) if before is not None else None
    by_address = _by_address(after.get(Series.LOOKUPS), 1.0)
    return Figures(
        at=after.at,
        seconds=grown.seconds if grown else None,
        started=after.started,
        version=after.version,
        traffic=_traffic(grown) if grown else Traffic(),
        zones=_zones(after, grown),
        upstreams=_upstreams(after, grown),
        lookups_total=after.total(Series.LOOKUPS),
        by_address=by_address,
        address_rates=_by_address(grown.get(Series.LOOKUPS), grown.seconds) if grown else {},
        entries=entries(after),
        evictions=_evictions(grown) if grown else None,
        memory_bytes=after.single(Series.MEMORY),
        setup_errors=grown.rate(Series.SETUP_ERRORS) if grown else None,
        panics_total=after.single(Series.PANICS),
    )


def entries(page: Page) -> float | None:
    """Count cache entries once, though a cache that listens on two addresses reports them twice."""
    caches: dict[Key, float] = {}
    for (_, zones, kind), value in page.get(Series.CACHE_ENTRIES).items():
        caches[zones, kind] = max(value, caches.get((zones, kind), 0.0))
    return sum(caches.values()) if caches else None


def _traffic(grown: Increases, zone: str | None = None) -> Traffic:
    """Sum up one zone, or everything."""
    lookups = _pick(grown, Series.LOOKUPS, 1, zone)
    responses = _pick(grown, Series.RESPONSES, 0, zone)
    hits = _pick(grown, Series.CACHE_HITS, 0, zone)
    misses = _pick(grown, Series.CACHE_MISSES, 0, zone)
    requests = _pick(grown, Series.CACHE_REQUESTS, 0, zone)
    # Releases without a counter of requests have one of misses; hits appear with the first hit.
    asked = requests or (hits or []) + (misses or []) or None
    durations = _pick(grown, Series.LATENCY, 0, zone) or []

    def rate(parts: list[tuple[Key, float]] | None, *values: str) -> float | None:
        if parts is None:
            return None
        chosen = (grown for key, grown in parts if not values or key[-1] in values)
        return sum(chosen) / seconds

    seconds = grown.seconds
    return Traffic(
        lookups=rate(lookups),
        responses=rate(responses),
        nxdomain=rate(responses, "NXDOMAIN"),
        servfail=rate(responses, "SERVFAIL"),
        failures=rate(responses, *FAILURES),
        cache_requests=rate(asked),
        hits=rate(hits or ([] if asked else None)),
        denials=rate(hits or ([] if asked else None), "denial"),
        latency=_latency(((key[1], value) for key, value in durations), seconds),
    )


def _pick(
    grown: Increases, series: Series, label: int, zone: str | None
) -> list[tuple[Key, float]] | None:
    """Return a series' parts of one zone, or all; None when there are none.

    The cache names all zones of its server block in one label, with commas between.
    """
    parts = [
        (key, value)
        for key, value in grown.get(series).items()
        if zone is None or key[label] == zone or zone in key[label].split(",")
    ]
    return parts or None


def _latency(by_bound: Iterable[tuple[str, float]], seconds: float) -> Histogram:
    summed: dict[str, float] = {}
    for bound, value in by_bound:
        summed[bound] = summed.get(bound, 0.0) + value / seconds
    return histogram(summed)


def _zones(after: Page, grown: Increases | None) -> tuple[Zone, ...]:
    """List the zones that report lookups, and those of which only the cache is seen (stubs)."""
    totals: dict[str, float] = {}
    for (_, name), value in after.get(Series.LOOKUPS).items():
        totals[name] = totals.get(name, 0.0) + value
    cached = {key[0] for key in after.get(Series.CACHE_REQUESTS) if key[0]}
    stubs = {zones for zones in cached if not totals.keys() & set(zones.split(","))}
    zones = (
        Zone(
            name=name,
            traffic=_traffic(grown, name) if grown else Traffic(),
            lookups_total=totals.get(name),
        )
        for name in (*totals, *stubs)
    )
    return tuple(sorted(zones, key=lambda z: (-(z.traffic.lookups or 0.0), z.name)))


def _upstreams(after: Page, grown: Increases | None) -> tuple[Upstream, ...]:
    names = {
        key[0]
        for series in (Series.UPSTREAM_RESPONSES, Series.HEALTHCHECK_FAILURES)
        for key in after.get(series)
    }
    found = (_upstream(name, grown) for name in names)
    return tuple(sorted(found, key=lambda u: (-(u.responses or 0.0), u.to)))


def _upstream(to: str, grown: Increases | None) -> Upstream:
    if grown is None:
        return Upstream(
            to=to, responses=None, failures=None, healthcheck_failures=None, latency=EMPTY
        )
    responses = {k[1]: v for k, v in grown.get(Series.UPSTREAM_RESPONSES).items() if k[0] == to}
    durations = ((k[1], v) for k, v in grown.get(Series.UPSTREAM_LATENCY).items() if k[0] == to)
    return Upstream(
        to=to,
        responses=sum(responses.values()) / grown.seconds,
        failures=sum(responses.get(rcode, 0.0) for rcode in FAILURES) / grown.seconds,
        healthcheck_failures=grown.get(Series.HEALTHCHECK_FAILURES).get((to,), 0.0) / grown.seconds,
        latency=_latency(durations, grown.seconds),
    )


def _evictions(grown: Increases) -> float | None:
    """Return the rate; a release that counts them shows none before the first one."""
    if grown.get(Series.CACHE_REQUESTS):
        return grown.rate(Series.EVICTIONS) or 0.0
    return grown.rate(Series.EVICTIONS)


def _by_address(lookups: Mapping[Key, float], seconds: float) -> dict[str, float]:
    """Sum lookups by listen address: the label is dns://ADDRESS:PORT, brackets around IPv6."""
    summed: dict[str, float] = {}
    for (server, _), value in lookups.items():
        address = server.removeprefix("dns://").rpartition(":")[0].strip("[]")
        summed[address] = summed.get(address, 0.0) + value / seconds
    return summed
