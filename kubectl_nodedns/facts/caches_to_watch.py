"""The caches that are watched, and the addresses and files that say what their figures mean."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubectl_nodedns.cluster.paths import named
from kubectl_nodedns.errors import ApiError, NodednsError, RefusedError
from kubectl_nodedns.facts.caches import Cache, read_caches
from kubectl_nodedns.facts.command_line import flag
from kubectl_nodedns.facts.dns_service import home_of, read_dns_service

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kubectl_nodedns.cluster.client import Client


async def find_caches(client: Client, dns_service: str) -> tuple[Cache, ...]:
    """Find the caches to watch, ours or not.

    Args:
        client: an open client.
        dns_service: NAMESPACE/NAME of the DNS service; empty to find it.

    Raises:
        NodednsError: there is none.
    """
    caches = await read_caches(client, home_of(dns_service))
    if not caches:
        raise NodednsError(
            "this cluster has no node-local DNS cache to watch",
            hint="install one with: kubectl nodedns enable",
        )
    return caches


async def dns_ips_of(client: Client, dns_service: str) -> tuple[str, ...]:
    """Read the DNS service's addresses; none where that is not possible, unless it was named."""
    try:
        return (await read_dns_service(client, dns_service)).ips
    except (ApiError, RefusedError):
        if dns_service:
            raise
        return ()


async def coredns_ips_of(
    client: Client, caches: Sequence[Cache], dns_ips: Sequence[str]
) -> tuple[str, ...]:
    """Read at which addresses the caches reach CoreDNS: their upstream services', and the usual.

    A service that cannot be read adds none.
    """
    found = list(dns_ips)
    for cache in caches:
        service = flag(cache.arguments, "upstreamsvc") or "kube-dns"  # the agent's own default
        try:
            read = await client.get(named("v1", "services", cache.namespace, service))
        except ApiError:
            continue
        spec = read.get("spec") or {}
        found += spec.get("clusterIPs") or [spec.get("clusterIP") or ""]
    return tuple(dict.fromkeys(ip for ip in found if ip not in {"", "None"}))


async def read_corefile(client: Client, cache: Cache) -> str:
    """Read a cache's Corefile; empty where there is none or it is not ours to read."""
    if not cache.configmap:
        return ""
    try:
        read = await client.get(named("v1", "configmaps", cache.namespace, cache.configmap))
    except ApiError:
        return ""
    data = read.get("data") or {}
    return str(data.get("Corefile") or next(iter(data.values()), ""))
