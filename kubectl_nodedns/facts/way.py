"""The way of a lookup through this cluster: every address that stands on it, and who is behind it.

Only the DNS service is needed. Whatever else cannot be read, for want of a right as a rule, is left
out and named in `unread`.
"""

from __future__ import annotations

import asyncio
import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from kubectl_nodedns.cluster.paths import collection, named
from kubectl_nodedns.errors import ApiError, RefusedError
from kubectl_nodedns.facts.cache_pods import CachePod, read_cache_pods
from kubectl_nodedns.facts.caches import Cache, read_caches
from kubectl_nodedns.facts.cluster_domain import read_cluster_domain
from kubectl_nodedns.facts.corefile import CorefileError
from kubectl_nodedns.facts.corefile_reader import read_corefile
from kubectl_nodedns.facts.dns_service import DnsService, read_dns_service
from kubectl_nodedns.facts.leftovers import read_upstreams
from kubectl_nodedns.facts.nodes import Node, read_nodes
from kubectl_nodedns.numbers import address
from kubectl_nodedns.readable import required, understood

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterable, Iterator, Mapping

    from kubectl_nodedns.cluster.client import Client

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """One endpoint of the DNS service."""

    address: str
    """Its IP address."""
    pod: str
    """The pod behind it; empty when the EndpointSlice names none."""
    node: str
    """The node that it is on; may be empty."""

    def __str__(self) -> str:
        return f"{self.pod or 'no pod'} on {self.node}" if self.node else self.pod


@dataclass(frozen=True, kw_only=True)
class Way:
    """What a lookup can meet."""

    dns: DnsService
    """The DNS service."""
    domain: str
    """The cluster domain, without a final dot; empty when it is not known."""
    cache: Cache | None
    """The node-local cache, ours first; None without one."""
    cache_pods: tuple[CachePod, ...]
    """Its pods."""
    upstream_ips: tuple[str, ...]
    """Addresses of the service by which the cache reaches CoreDNS."""
    endpoints: tuple[Endpoint, ...]
    """Ready endpoints of the DNS service."""
    forwards: tuple[str, ...]
    """Resolvers that the cache's Corefile names for all other names; empty when the node's own
    resolvers are used, or it is not known."""
    nodes: tuple[Node, ...]
    """All nodes."""
    unread: tuple[str, ...]
    """What could not be read, each with the reason."""

    @property
    def local_ips(self) -> tuple[str, ...]:
        """The cache's own addresses: those it listens on, without the DNS service's."""
        listens = self.cache.local_ips if self.cache else ()
        return tuple(ip for ip in listens if ip not in self.dns.ips)

    @property
    def intercepting(self) -> bool:
        """Whether the cache is set up to answer at an address of the DNS service."""
        return self.cache is not None and bool({*self.dns.ips} & {*self.cache.local_ips})

    @property
    def marked(self) -> bool:
        """Whether there is a cache that answers the marker."""
        return self.cache is not None and self.cache.ours and bool(self.domain)

    def pod_on(self, node: str) -> CachePod | None:
        """Return the cache pod that runs on a node."""
        return next((pod for pod in self.cache_pods if pod.node == node and pod.running), None)


async def read_way(client: Client, *, dns_service: str = "", domain: str = "") -> Way:
    """Read the way of a lookup.

    Args:
        client: an open client.
        dns_service: the DNS service as NAMESPACE/NAME; empty to find it.
        domain: the cluster domain; empty to find it.

    Raises:
        RefusedError: there is no DNS service, or it cannot be told which.
        UsageError: the one that was given does not exist.
        ApiError: services cannot be read.
    """
    unread: list[str] = []

    async def optional(what: str, reading: Awaitable[T], otherwise: T) -> T:
        try:
            return await reading
        except (ApiError, RefusedError) as error:
            unread.append(f"{what}: {error}")
            return otherwise

    dns = await read_dns_service(client, dns_service)
    nobody: tuple[Cache, ...] = ()
    nodes, caches, endpoints, found = await asyncio.gather(
        optional("nodes", read_nodes(client), ()),
        optional("caches", read_caches(client, dns.namespace), nobody),
        optional("CoreDNS pods", _endpoints(client, dns), ()),
        _domain(domain) if domain else optional("cluster domain", _find(client, dns), ""),
    )
    cache = next(iter(caches), None)
    pods: tuple[CachePod, ...] = ()
    upstream_ips: tuple[str, ...] = ()
    forwards: tuple[str, ...] = ()
    if cache is not None:
        pods, upstreams, forwards = await asyncio.gather(
            optional("cache pods", read_cache_pods(client, cache), ()),
            optional("upstream service", read_upstreams(client, [cache]), ()),
            optional("the cache's Corefile", _forwards(client, cache), ()),
        )
        upstream_ips = tuple(one.address for one in upstreams if one.address not in ("", "None"))
    return Way(
        dns=dns,
        domain=found,
        cache=cache,
        cache_pods=pods,
        upstream_ips=upstream_ips,
        endpoints=endpoints,
        forwards=forwards,
        nodes=nodes,
        unread=tuple(unread),
    )


def endpoints_of(slices: Iterable[Mapping[str, Any]]) -> tuple[Endpoint, ...]:
    """Read EndpointSlices: each ready address once, in the order of the addresses.

    Raises:
        UnreadableError: one of them cannot be read.
    """
    read = required("EndpointSlice", lambda one: [*_endpoints_in(one)], slices)
    found = {endpoint.address: endpoint for some in read for endpoint in some}
    return tuple(sorted(found.values(), key=_by_address))


def _endpoints_in(one: Mapping[str, Any]) -> Iterator[Endpoint]:
    for endpoint in one.get("endpoints") or ():
        if (endpoint.get("conditions") or {}).get("ready") is False:
            continue
        target = endpoint.get("targetRef") or {}
        for ip in endpoint.get("addresses") or ():
            if address(ip):  # a slice may hold host names
                yield Endpoint(
                    address=ip,
                    pod=str(target.get("name") or "") if target.get("kind") == "Pod" else "",
                    node=str(endpoint.get("nodeName") or ""),
                )


def forwards_of(corefile: str) -> tuple[str, ...]:
    """Return the addresses that a Corefile forwards all other names to, over plain DNS at port 53.

    Empty when it names the node's resolv.conf, or the agent fills them in, or it cannot be read.
    """
    try:
        blocks = read_corefile(corefile).blocks
    except CorefileError:
        return ()
    words = [
        word
        for block in blocks
        if "." in block.names
        for plugin in block.all("forward")
        for word in plugin.arguments[1:]
    ]
    bare = [word.removeprefix("dns://").removesuffix(":53").strip("[]") for word in words]
    return tuple(dict.fromkeys(word for word in bare if address(word)))


def _by_address(endpoint: Endpoint) -> tuple[int, int]:
    address = ipaddress.ip_address(endpoint.address)
    return address.version, int(address)


@understood("the EndpointSlices")
async def _endpoints(client: Client, dns: DnsService) -> tuple[Endpoint, ...]:
    path = collection("discovery.k8s.io/v1", "endpointslices", dns.namespace)
    return endpoints_of(await client.list(path, labels=f"kubernetes.io/service-name={dns.name}"))


async def _domain(given: str) -> str:
    return given.rstrip(".").lower()


async def _find(client: Client, dns: DnsService) -> str:
    return (await read_cluster_domain(client, dns.namespace, ())).name


@understood("the cache's Corefile")
async def _forwards(client: Client, cache: Cache) -> tuple[str, ...]:
    if not cache.configmap:
        return ()
    found = await client.get(named("v1", "configmaps", cache.namespace, cache.configmap))
    data = found.get("data") or {}
    return forwards_of(data.get("Corefile.base") or data.get("Corefile") or "")
