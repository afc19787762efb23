"""What is known of a cache's lookups: frozen figures, and the ratios and quantiles of them.

Pure. Rates and ratios are None until there are two pages, and a ratio is None over an interval in
which nothing happened. NXDOMAIN is an answer like any other here: with `ndots:5` most lookups end
in it. Failures are SERVFAIL and REFUSED.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from kubectl_nodedns.metrics.histogram import EMPTY, Histogram, Latency, merge, quantile

if TYPE_CHECKING:
    from collections.abc import Mapping

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
    by_rcode: Mapping[str, float] = field(default_factory=dict)
    """Responses by response code."""

    @property
    def ip(self) -> str:
        """The IP address alone."""
        return self.to.rpartition(":")[0].rpartition("/")[2].strip("[]")

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
    types: Mapping[str, float]
    """Lookups per second by type of question (A, AAAA, ...); none with one page."""
    protocols: Mapping[str, float]
    """Lookups per second by transport (udp, tcp); none with one page."""
    rcodes: Mapping[str, float]
    """Responses per second by response code; none with one page."""
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
    setup_errors_by_type: Mapping[str, float] = field(default_factory=dict)
    """Failures to set up rules or interface by type, per second; none with one page."""
    setup_errors_total_by_type: Mapping[str, float] = field(default_factory=dict)
    """Those since process start, by type."""
    reload_failures_total: float | None = None
    """Corefiles that could not be loaded since process start."""

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
