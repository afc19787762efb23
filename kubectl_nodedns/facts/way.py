"""The way of a lookup through this cluster: every address that stands on it, and who is behind it.

Only the DNS service is needed. Whatever else cannot be read, for want of a right as a rule, is left
out and named in `unread`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kubectl_nodedns.facts.cache_corefile import read_cache_corefile
from kubectl_nodedns.facts.cache_pods import CachePod, read_cache_pods
from kubectl_nodedns.facts.caches import Cache, read_caches
from kubectl_nodedns.facts.cluster_domain import read_cluster_domain
from kubectl_nodedns.facts.corefile import CorefileError
from kubectl_nodedns.facts.corefile_reader import read_corefile
from kubectl_nodedns.facts.dns_service import DnsService, read_dns_service
from kubectl_nodedns.facts.endpoints import Endpoint, read_endpoints
from kubectl_nodedns.facts.leftovers import read_upstreams
from kubectl_nodedns.facts.nodes import Node, read_nodes
from kubectl_nodedns.facts.readings import Readings
from kubectl_nodedns.numbers import address
from kubectl_nodedns.together import side_by_side

if TYPE_CHECKING:
    from kubectl_nodedns.cluster.client import Client


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
    readings = Readings()
    dns = await read_dns_service(client, dns_service)
    async with side_by_side() as group:
        nodes = group.create_task(readings.maybe("nodes", read_nodes(client)))
        finding = group.create_task(readings.maybe("caches", read_caches(client, dns.namespace)))
        endpoints = group.create_task(
            readings.maybe("CoreDNS pods", read_endpoints(client, dns.namespace, dns.name))
        )
        asking = group.create_task(readings.maybe("cluster domain", _domain(client, dns, domain)))
        caches = await finding
        cache = next(iter(caches or ()), None)
        if cache is not None:
            pods = group.create_task(readings.maybe("cache pods", read_cache_pods(client, cache)))
            upstreams = group.create_task(
                readings.maybe("upstream service", read_upstreams(client, [cache]))
            )
            corefile = group.create_task(
                readings.maybe("the cache's Corefile", read_cache_corefile(client, cache))
            )
    addresses = [one.address for one in upstreams.result() or ()] if cache else []
    return Way(
        dns=dns,
        domain=asking.result() or "",
        cache=cache,
        cache_pods=(pods.result() or ()) if cache else (),
        upstream_ips=tuple(one for one in addresses if one not in ("", "None")),
        endpoints=endpoints.result() or (),
        forwards=forwards_of(corefile.result() or "") if cache else (),
        nodes=nodes.result() or (),
        unread=tuple(map(str, readings.unread)),
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


async def _domain(client: Client, dns: DnsService, given: str) -> str:
    if given:
        return given.rstrip(".").lower()
    return (await read_cluster_domain(client, dns.namespace, ())).name
