"""The snapshot as plain data: what `-o json` and `-o yaml` print.

Pure. Each name carries its unit; a figure that is not known is null. Renaming a key breaks
somebody's script: add, do not rename.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from kubectl_nodedns.metrics.columns import upstream_p99
from kubectl_nodedns.metrics.histogram import quantile
from kubectl_nodedns.metrics.row_severity import marks, severity

if TYPE_CHECKING:
    from kubectl_nodedns.metrics.fleet import FleetSnapshot, Watched
    from kubectl_nodedns.metrics.histogram import Latency
    from kubectl_nodedns.metrics.node_row import NodeRow
    from kubectl_nodedns.metrics.traffic import Figures, Traffic, Upstream, Zone


def document(snapshot: FleetSnapshot) -> dict[str, Any]:
    """Return the whole snapshot."""
    fleet = snapshot.fleet
    return {
        "fleet": {
            "time": _time(snapshot.at),
            "source": snapshot.source,
            "problems": list(snapshot.problems),
            "caches": [
                {
                    "namespace": cache.namespace,
                    "name": cache.name,
                    "owner": cache.owner,
                    "version": cache.version,
                    "local_ip": cache.local_ip or None,
                    "kube_dns_ips": list(cache.kube_dns_ips),
                    "cache_capacity": cache.capacity.total if cache.capacity else None,
                }
                for cache in snapshot.caches
            ],
            "nodes": fleet.nodes,
            "nodes_wanted": fleet.wanted,
            "nodes_ready": fleet.ready,
            "nodes_sampled": fleet.sampled,
            "nodes_intercepting_proved": fleet.proved,
            "nodes_intercepting_by_counters": fleet.intercepting - fleet.proved,
            "nodes_not_intercepted": fleet.refuted,
            "restarts": fleet.restarts,
            "lookups_total": _whole(fleet.lookups_total),
            **_traffic(fleet.traffic),
            **_latency("upstream_p99", quantile(0.99, fleet.upstream_latency)),
            "cache_entries": _whole(fleet.entries),
            "memory_bytes": _whole(fleet.memory_bytes),
            "setup_errors_per_second": fleet.setup_errors,
            "coredns_spared_per_second": fleet.spared,
            "coredns_spared_ratio": fleet.spared_ratio,
            "requests_sent_per_second": snapshot.load.requests_per_second,
            "bytes_received_per_second": snapshot.load.bytes_per_second,
        },
        "nodes": [_node(row, snapshot) for row in snapshot.nodes],
    }


def _node(row: NodeRow, snapshot: FleetSnapshot) -> dict[str, Any]:
    pod = row.pod
    figures = row.figures
    return {
        "node": row.node.name,
        "node_ready": row.node.ready,
        "node_schedulable": row.node.schedulable,
        "pod": f"{pod.namespace}/{pod.name}" if pod else None,
        "state": row.state,
        "ready": pod.ready if pod else False,
        "reason": row.reason or None,
        "restarts": sum(p.restarts for p in row.pods),
        "last_end": row.last_end or None,
        "last_end_time": _time(row.detail.ended_at) if row.detail and row.detail.ended_at else None,
        "uptime_seconds": row.uptime(snapshot.at),
        "interception": str(snapshot.interception(row)),
        "interception_age_seconds": snapshot.evidence_age(row),
        "severity": severity(row, snapshot).name.lower(),
        "marks": [mark.words for mark in marks(row, snapshot)],
        "error": (row.sampled.error if row.sampled else "") or None,
        "sample_age_seconds": row.age(snapshot.at),
        "stale": snapshot.stale(row),
        **_traffic(row.traffic),
        **_latency("upstream_p99", upstream_p99(row)),
        "memory_limit_bytes": pod.memory_limit_bytes if pod else None,
        "cache_capacity": snapshot.capacity(row),
        "lookups_to_coredns_per_second": row.to_coredns(snapshot.coredns_ips),
        **_figures(figures, snapshot.watched(row)),
    }


def _figures(figures: Figures | None, watched: Watched | None) -> dict[str, Any]:
    return {
        "coredns_version": (figures.version if figures else "") or None,
        "interval_seconds": figures.seconds if figures else None,
        "lookups_total": _whole(figures.lookups_total) if figures else None,
        "lookups_total_by_address": {
            ip: _whole(total) for ip, total in (figures.by_address if figures else {}).items()
        },
        "lookups_per_second_by_address": dict(figures.address_rates) if figures else {},
        "lookups_per_second_by_type": dict(figures.types) if figures else {},
        "lookups_per_second_by_protocol": dict(figures.protocols) if figures else {},
        "responses_per_second_by_rcode": dict(figures.rcodes) if figures else {},
        "cache_entries": _whole(figures.entries) if figures else None,
        "evictions_per_second": figures.evictions if figures else None,
        "memory_bytes": _whole(figures.memory_bytes) if figures else None,
        "setup_errors_per_second": figures.setup_errors if figures else None,
        "panics_total": _whole(figures.panics_total) if figures else None,
        "zones": [_zone(zone, watched) for zone in figures.zones] if figures else [],
        "upstreams": [_upstream(upstream) for upstream in figures.upstreams] if figures else [],
    }


def _zone(zone: Zone, watched: Watched | None) -> dict[str, Any]:
    room = watched.capacity if watched else None
    return {
        "zone": zone.name,
        "reports_lookups": zone.lookups_total is not None,
        "cache_capacity": room.success.get(zone.name) if room else None,
        "denial_cache_capacity": room.denial.get(zone.name) if room else None,
        "lookups_total": _whole(zone.lookups_total),
        **_traffic(zone.traffic),
    }


def _upstream(upstream: Upstream) -> dict[str, Any]:
    return {
        "to": upstream.to,
        "responses_per_second": upstream.responses,
        "failures_per_second": upstream.failures,
        "failure_ratio": upstream.failure_ratio,
        "healthcheck_failures_per_second": upstream.healthcheck_failures,
        **_latency("p99", upstream.p99),
    }


def _traffic(traffic: Traffic) -> dict[str, Any]:
    return {
        "lookups_per_second": traffic.lookups,
        "cache_hits_per_second": traffic.hits,
        "hit_ratio": traffic.hit_ratio,
        "denial_hit_ratio": traffic.denial_ratio,
        "nxdomain_ratio": traffic.nxdomain_ratio,
        "failures_per_second": traffic.failures,
        "failure_ratio": traffic.failure_ratio,
        **_latency("p50", traffic.p50),
        **_latency("p99", traffic.p99),
    }


def _latency(name: str, value: Latency | None) -> dict[str, Any]:
    """Write a duration and how it relates to the truth: "=", or "<" and ">" beyond the buckets."""
    return {
        f"{name}_seconds": value.seconds if value else None,
        f"{name}_relation": value.relation if value else None,
    }


def _whole(value: float | None) -> int | None:
    """Write what is counted as a whole number; the exposition format has only floats."""
    return None if value is None else round(value)


def _time(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
