"""Scrape caches and CoreDNS twice, and hand the checks what came of it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from kubectl_nodedns.checks.evidence import CoreDnsLoad, Counters, UpstreamCounters
from kubectl_nodedns.cluster.paths import collection
from kubectl_nodedns.errors import NodednsError
from kubectl_nodedns.facts.cache_pods import CachePod
from kubectl_nodedns.metrics.forwarded import through_api_server
from kubectl_nodedns.metrics.histogram import quantile
from kubectl_nodedns.metrics.sampler import Sampler

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from kubectl_nodedns.checks.evidence import NodeEvidence
    from kubectl_nodedns.cluster.client import Client
    from kubectl_nodedns.facts.dns_service import DnsService
    from kubectl_nodedns.metrics.traffic import Figures

COREDNS_PORT = 9153
"""Port of CoreDNS's own metrics, in every distribution's Corefile."""


async def count(
    client: Client,
    nodes: Sequence[NodeEvidence],
    *,
    window: float,
    meanwhile: Callable[[], Awaitable[None]],
) -> tuple[Mapping[str, Counters], Mapping[str, str]]:
    """Scrape the first cache pod of each node twice.

    Args:
        client: an open client.
        nodes: the nodes, with their cache pods.
        window: least seconds between the two scrapes.
        meanwhile: awaited between them, so that what it asks is counted.

    Returns:
        Counters by node, and why there are none by node.
    """
    pods = {one.node.name: one.pods[0] for one in nodes if one.pods and one.pods[0].running}
    sampler = await _twice(client, list(pods.values()), window=window, meanwhile=meanwhile)
    found, missing = {}, {}
    for node, pod in pods.items():
        sampled = sampler.sampled(pod.where)
        if sampled and sampled.figures:
            found[node] = counters(sampled.figures)
        elif sampled:
            missing[node] = sampled.error or "no page came"
    return found, missing


async def count_coredns(
    client: Client,
    dns: DnsService,
    *,
    window: float,
    meanwhile: Callable[[], Awaitable[None]],
) -> tuple[CoreDnsLoad, ...]:
    """Count the lookups of each pod behind the DNS service.

    Raises:
        ApiError: the pods cannot be listed.
        NodednsError: their metrics cannot be read.
    """
    labels = ",".join(f"{key}={value}" for key, value in sorted(dns.selector.items()))
    items = await client.list(collection("v1", "pods", dns.namespace), labels=labels)
    pods = [
        CachePod(
            namespace=dns.namespace,
            name=item["metadata"]["name"],
            node=(item.get("spec") or {}).get("nodeName") or "",
            ready=True,
            status="Running",
            metrics_port=_metrics_port(item),
        )
        for item in items
        if (item.get("status") or {}).get("phase") == "Running"
    ]
    sampler = await _twice(client, pods, window=window, meanwhile=meanwhile)
    found = []
    for pod in pods:
        sampled = sampler.sampled(pod.where)
        if sampled is None or sampled.figures is None:
            raise NodednsError(f"no metrics of {pod.name}: {sampled.error if sampled else ''}")
        figures = sampled.figures
        lookups = (figures.traffic.lookups or 0.0) * (figures.seconds or 0.0)
        where = f"{pod.namespace}/{pod.name}"
        found.append(CoreDnsLoad(pod=where, node=pod.node, lookups=lookups))
    return tuple(found)


def counters(figures: Figures) -> Counters:
    """Turn rates over the window into counts, which is what a finding can be checked against."""
    seconds = figures.seconds or 0.0
    traffic = figures.traffic
    servfail = (traffic.servfail or 0.0) * seconds
    return Counters(
        seconds=figures.seconds,
        started=figures.started,
        version=figures.version,
        lookups_by_address=figures.by_address,
        lately_by_address={ip: rate * seconds for ip, rate in figures.address_rates.items()},
        responses=None if traffic.responses is None else traffic.responses * seconds,
        servfail=servfail,
        refused=(traffic.failures or 0.0) * seconds - servfail,
        nxdomain=(traffic.nxdomain or 0.0) * seconds,
        missed=None
        if traffic.cache_requests is None
        else (traffic.cache_requests - (traffic.hits or 0.0)) * seconds,
        upstreams=tuple(
            UpstreamCounters(
                to=one.to,
                responses=(one.responses or 0.0) * seconds,
                by_rcode={rcode: rate * seconds for rcode, rate in one.by_rcode.items()},
                median=None if (middle := quantile(0.5, one.latency)) is None else middle.seconds,
                unanswered=(one.healthcheck_failures or 0.0) * seconds,
            )
            for one in figures.upstreams
        ),
        memory_bytes=figures.memory_bytes,
        setup_errors={kind: rate * seconds for kind, rate in figures.setup_errors_by_type.items()},
        setup_errors_ever=figures.setup_errors_total_by_type,
        reload_failures=figures.reload_failures_total,
    )


async def _twice(
    client: Client,
    pods: Sequence[CachePod],
    *,
    window: float,
    meanwhile: Callable[[], Awaitable[None]],
) -> Sampler:
    sampler = Sampler(through_api_server(client))
    sampler.follow(pods)
    loop = asyncio.get_running_loop()
    started = loop.time()
    await sampler.scrape_all()
    await meanwhile()
    if pods:
        await asyncio.sleep(max(window - (loop.time() - started), 0.0))
        await sampler.scrape_all()
    return sampler


def _metrics_port(pod: Mapping[str, object]) -> int:
    spec = pod.get("spec")
    containers = spec.get("containers") if isinstance(spec, dict) else None
    for container in containers or ():
        for port in container.get("ports") or ():
            if port.get("name") == "metrics":
                return int(port["containerPort"])
    return COREDNS_PORT
