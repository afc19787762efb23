"""What of an installed cache the documents depend on, read from the cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kubectl_nodedns.cluster.paths import collection
from kubectl_nodedns.errors import ApiError, NodednsError
from kubectl_nodedns.facts.caches_to_watch import caches_to_watch, corefile_of, dns_ips_of
from kubectl_nodedns.facts.progress import GO_ON, read_progress
from kubectl_nodedns.metrics.capacity import capacity
from kubectl_nodedns.metrics.discovery import Discovery
from kubectl_nodedns.metrics.exposition import ExpositionError
from kubectl_nodedns.metrics.monitoring import objects
from kubectl_nodedns.metrics.monitoring.request import Installed
from kubectl_nodedns.metrics.page import read_page
from kubectl_nodedns.metrics.source import PodProxy
from kubectl_nodedns.together import both

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kubectl_nodedns.cluster.client import Client
    from kubectl_nodedns.facts.caches import Cache
    from kubectl_nodedns.metrics.monitoring.request import MonitoringRequest

TRIED_PODS = 5
"""Pods that are asked for their version before that is given up."""


async def read_installed(
    client: Client, request: MonitoringRequest, told: Callable[[str], None]
) -> Installed:
    """Read what is installed.

    Args:
        client: an open client.
        request: what was asked for.
        told: called with what people should know, in words.

    Raises:
        NodednsError: there is no cache, or none of its pods tells its version.
    """
    caches, dns_ips = await both(
        caches_to_watch(client, request.dns_service), dns_ips_of(client, request.dns_service)
    )
    if progress := await read_progress(client, caches):
        told(f"{progress}: {GO_ON}")
    cache = caches[0]
    labels = dict(pair.split("=", 1) for pair in cache.selector.split(",") if "=" in pair)
    version, (corefile, has_service) = await both(
        _version(client, cache), both(corefile_of(client, cache), _has_service(client, cache))
    )
    room = capacity(corefile)
    return Installed(
        version=version,
        target=objects.Target(
            namespace=cache.namespace, labels=labels, port=cache.metrics_port, job=request.job
        ),
        kube_dns_ips=tuple(ip for ip in cache.local_ips if ip in dns_ips),
        memory_limit=cache.memory_limit,
        capacity=room.total if room else None,
        has_service=has_service,
    )


async def _version(client: Client, cache: Cache) -> str:
    """Read CoreDNS's version from the metrics of a pod."""
    discovery = Discovery(client, [cache])
    await discovery.load()
    pods = [pod for some in discovery.inventory().pods.values() for pod in some if pod.ready]
    said = "no pod of it is ready"
    proxy = PodProxy(client)
    for pod in pods[:TRIED_PODS]:
        try:
            version = read_page(await proxy.read(pod), at=0.0).version
        except (ApiError, ExpositionError) as error:
            said = str(error)
            continue
        if version:
            return version
    raise NodednsError(
        f"DaemonSet {cache.namespace}/{cache.name} does not tell its CoreDNS version: {said}",
        hint="give it with --coredns-version, such as 1.13.2",
    )


async def _has_service(client: Client, cache: Cache) -> bool:
    """Whether a service with the pods' labels lists their metrics, as a ServiceMonitor needs it."""
    try:
        services: Sequence[dict[str, Any]] = await client.list(
            collection("v1", "services", cache.namespace), labels=cache.selector
        )
    except ApiError:
        return False
    return any(
        port.get("name") == objects.PORT_NAME
        for service in services
        for port in service["spec"].get("ports") or ()
    )
