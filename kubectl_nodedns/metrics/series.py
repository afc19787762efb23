"""Which time series are read from a page, and every name that CoreDNS has given them.

CoreDNS renamed most metrics in 1.7 and moved the forward plugin's to `proxy` in 1.11; labels came
and went. Here each series has its names, newest first, and the labels that are kept; over all
other labels (view, family, plugin, proxy_name, the short-lived `type` of 1.7) it is summed.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


@dataclass(frozen=True, kw_only=True)
class Names:
    """One series' names and the labels that tell its parts apart."""

    names: tuple[str, ...]
    """Metric names, newest first; where a page has several, the newest counts."""
    since: tuple[tuple[int, int], ...] = ()
    """CoreDNS versions that brought all names but the oldest; () where only node-cache tells."""
    by: tuple[str, ...] = ()
    """Labels that are kept, in the order in which they make a key."""
    gauge: bool = False
    """Whether it may go down without a restart."""

    def name_at(self, version: tuple[int, int]) -> str:
        """Return the name in a CoreDNS version."""
        for name, since in zip(self.names, self.since, strict=False):
            if version >= since:
                return name
        return self.names[len(self.since)]


PLAIN = ((1, 7),)
"""When CoreDNS took the words "count" and "rcode" out of most names."""
PROXY = ((1, 11), (1, 7))
"""When the forward plugin's metrics became the proxy package's."""


class Series(Enum):
    """The series that the fleet's figures are made of."""

    LOOKUPS = Names(
        names=("coredns_dns_requests_total", "coredns_dns_request_count_total"),
        since=PLAIN,
        by=("server", "zone", "type", "proto"),
    )
    OLD_LOOKUP_TYPES = Names(names=("coredns_dns_request_type_count_total",), by=("type",))
    """Before CoreDNS 1.7, where LOOKUPS have no type."""
    RESPONSES = Names(
        names=("coredns_dns_responses_total", "coredns_dns_response_rcode_count_total"),
        since=PLAIN,
        by=("zone", "rcode"),
    )
    LATENCY = Names(names=("coredns_dns_request_duration_seconds_bucket",), by=("zone", "le"))
    CACHE_REQUESTS = Names(names=("coredns_cache_requests_total",), by=("zones",))
    CACHE_HITS = Names(names=("coredns_cache_hits_total",), by=("zones", "type"))
    CACHE_MISSES = Names(names=("coredns_cache_misses_total",), by=("zones",))
    CACHE_ENTRIES = Names(
        names=("coredns_cache_entries", "coredns_cache_size"),
        since=PLAIN,
        by=("server", "zones", "type"),
        gauge=True,
    )
    EVICTIONS = Names(names=("coredns_cache_evictions_total",), by=("zones",))
    UPSTREAM_LATENCY = Names(
        names=(
            "coredns_proxy_request_duration_seconds_bucket",
            "coredns_forward_request_duration_seconds_bucket",
        ),
        since=((1, 11),),
        by=("to", "le"),
    )
    UPSTREAM_RESPONSES = Names(
        names=(
            "coredns_proxy_request_duration_seconds_count",
            "coredns_forward_responses_total",
            "coredns_forward_response_rcode_count_total",
        ),
        since=PROXY,
        by=("to", "rcode"),
    )
    HEALTHCHECK_FAILURES = Names(
        names=(
            "coredns_proxy_healthcheck_failures_total",
            "coredns_forward_healthcheck_failures_total",
            "coredns_forward_healthcheck_failure_count_total",
        ),
        since=PROXY,
        by=("to",),
    )
    SETUP_ERRORS = Names(
        names=("coredns_nodecache_setup_errors_total", "coredns_nodecache_setup_errors"),
        by=("errortype",),
    )
    RELOAD_FAILURES = Names(
        names=("coredns_reload_failed_total", "coredns_reload_failed_count_total"), since=PLAIN
    )
    PANICS = Names(names=("coredns_panics_total", "coredns_panic_count_total"), since=PLAIN)
    BUILD = Names(names=("coredns_build_info",), by=("version",), gauge=True)
    MEMORY = Names(names=("process_resident_memory_bytes",), gauge=True)
    STARTED = Names(names=("process_start_time_seconds",), gauge=True)


BY_NAME: dict[str, tuple[Series, int]] = {
    name: (series, rank) for series in Series for rank, name in enumerate(series.value.names)
}
"""Every metric name that is read: its series, and how old the name is (0 is the newest)."""
