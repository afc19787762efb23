"""The caches that are watched, and the addresses and files that say what their figures mean."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from kubectl_nodedns.cluster.paths import named
from kubectl_nodedns.errors import ApiError, NodednsError, RefusedError
from kubectl_nodedns.facts.cache_corefile import read_cache_corefile
from kubectl_nodedns.facts.caches import Cache, read_caches
from kubectl_nodedns.facts.command_line import flag
from kubectl_nodedns.facts.dns_service import home_of, read_dns_service
from kubectl_nodedns.facts.handed_out import cluster_ips_of
from kubectl_nodedns.readable import understood

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kubectl_nodedns.cluster.client import Client


async def caches_to_watch(client: Client, dns_service: str) -> tuple[Cache, ...]:
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
        with contextlib.suppress(ApiError):
            found += await _addresses_of(client, cache.namespace, service)
    return tuple(dict.fromkeys(ip for ip in found if ip not in {"", "None"}))


@understood("the upstream service")
async def _addresses_of(client: Client, namespace: str, service: str) -> tuple[str, ...]:
    read = await client.get(named("v1", "services", namespace, service))
    return tuple(cluster_ips_of(read)[1])


async def corefile_of(client: Client, cache: Cache) -> str:
    """Read a cache's Corefile; empty where there is none or it is not ours to read."""
    with contextlib.suppress(ApiError):
        return await read_cache_corefile(client, cache)
    return ""
