"""Metrics of CoreDNS and the agent that are gone, and what there is instead. Pure."""

from __future__ import annotations

SUFFIXES = ("_bucket", "_count", "_sum", "_total")
GONE: dict[str, tuple[tuple[int, int], str]] = {
    "coredns_dns_request_count_total": ((1, 7), "coredns_dns_requests_total"),
    "coredns_dns_request_type_count_total": ((1, 7), "coredns_dns_requests_total"),
    "coredns_dns_request_do_count_total": ((1, 7), "coredns_dns_do_requests_total"),
    "coredns_dns_response_rcode_count_total": ((1, 7), "coredns_dns_responses_total"),
    "coredns_cache_size": ((1, 7), "coredns_cache_entries"),
    "coredns_panic_count_total": ((1, 7), "coredns_panics_total"),
    "coredns_reload_failed_count_total": ((1, 7), "coredns_reload_failed_total"),
    "coredns_forward_request_count_total": (
        (1, 7),
        "coredns_proxy_request_duration_seconds_count",
    ),
    "coredns_forward_response_rcode_count_total": (
        (1, 7),
        "coredns_proxy_request_duration_seconds_count",
    ),
    "coredns_forward_healthcheck_failure_count_total": (
        (1, 7),
        "coredns_proxy_healthcheck_failures_total",
    ),
    "coredns_forward_healthcheck_broken_count_total": (
        (1, 7),
        "coredns_forward_healthcheck_broken_total",
    ),
    "coredns_forward_requests_total": ((1, 11), "coredns_proxy_request_duration_seconds_count"),
    "coredns_forward_responses_total": ((1, 11), "coredns_proxy_request_duration_seconds_count"),
    "coredns_forward_request_duration_seconds": (
        (1, 11),
        "coredns_proxy_request_duration_seconds",
    ),
    "coredns_forward_healthcheck_failures_total": (
        (1, 11),
        "coredns_proxy_healthcheck_failures_total",
    ),
    "coredns_forward_conn_cache_hits_total": ((1, 11), "coredns_proxy_conn_cache_hits_total"),
    "coredns_forward_conn_cache_misses_total": ((1, 11), "coredns_proxy_conn_cache_misses_total"),
    "coredns_nodecache_setup_errors": ((1, 0), "coredns_nodecache_setup_errors_total"),
}
"""Metrics that are gone: since which CoreDNS, and what there is instead."""


def gone(metric: str) -> tuple[tuple[int, int], str] | None:
    """Find a metric among those that are gone; of a histogram's three, the one it belongs to."""
    if metric in GONE:
        return GONE[metric]
    for suffix in SUFFIXES:
        found = GONE.get(metric.removesuffix(suffix))
        if metric.endswith(suffix) and found and not found[1].endswith("_total"):
            return found[0], f"{found[1]}{suffix}"
    return None
