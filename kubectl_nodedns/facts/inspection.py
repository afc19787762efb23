"""Everything that `enable` must know before it can say what it would do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kubectl_nodedns.errors import RefusedError
from kubectl_nodedns.facts.caches import Cache, Found, Imitation, find_caches
from kubectl_nodedns.facts.cluster_domain import ClusterDomain, read_cluster_domain
from kubectl_nodedns.facts.dataplane import INSTALLABLE, Dataplane, read_dataplane
from kubectl_nodedns.facts.dns_service import DnsService, read_dns_service
from kubectl_nodedns.facts.nodes import Node, read_nodes
from kubectl_nodedns.together import side_by_side

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Mapping

    from kubectl_nodedns.cluster.client import Client

WAYS_OUT: Mapping[str, str] = {
    "cilium": "Cilium translates service addresses before the node's netfilter sees a packet; "
    "it has CiliumLocalRedirectPolicy for this: --mode cilium --dry-run=client prints the objects",
    "calico-ebpf": "Calico's eBPF dataplane translates service addresses before netfilter: "
    "--mode calico-ebpf --dry-run=client prints the objects",
}


@dataclass(frozen=True, kw_only=True)
class Inspection:
    """The facts of one cluster."""

    dns: DnsService
    """The DNS service."""
    domain: ClusterDomain
    """The cluster domain."""
    dataplane: Dataplane
    """What translates service addresses."""
    nodes: tuple[Node, ...]
    """All nodes."""
    caches: tuple[Cache, ...]
    """Node-local caches that are there already, ours among them."""
    imitations: tuple[Imitation, ...] = ()
    """DaemonSets that only look like one, or like ours."""
    left_out: tuple[str, ...] = ()
    """DaemonSets that cannot be read, so that nobody knows what they are."""

    def lines(self) -> list[str]:
        """Say in lines what was found, and where."""
        dns = self.dns
        ready = sum(node.ready for node in self.nodes)
        return [
            f"DNS service     {dns.namespace}/{dns.name} at {', '.join(dns.ips)}",
            f"endpoints       {dns.ready} ready",
            f"cluster domain  {self.domain.name}  ({self.domain.evidence})",
            f"kube-proxy      {self.dataplane.mode}  ({self.dataplane.evidence})",
            f"nodes           {len(self.nodes)}, {ready} ready",
        ]


async def inspect(
    client: Client, given: Mapping[str, str], *, there: Found | None = None
) -> Inspection:
    """Read the facts; options that were given (by name) go before what is found.

    Args:
        client: an open client.
        given: options by name.
        there: the caches, where they were looked for already; None to look for them.

    Raises:
        RefusedError: a fact that is needed cannot be had.
    """
    dns = await read_dns_service(client, given.get("dns-service", ""))
    async with side_by_side() as group:
        nodes = group.create_task(read_nodes(client))
        domain = group.create_task(_domain(client, dns.namespace, nodes, given))
        dataplane = group.create_task(_dataplane(client, given))
        looking = group.create_task(_caches(client, dns.namespace, there))
    there = looking.result()
    return Inspection(
        dns=dns,
        domain=domain.result(),
        dataplane=dataplane.result(),
        nodes=nodes.result(),
        caches=there.caches,
        imitations=there.imitations,
        left_out=there.left_out,
    )


async def _domain(
    client: Client,
    namespace: str,
    nodes: asyncio.Task[tuple[Node, ...]],
    given: Mapping[str, str],
) -> ClusterDomain:
    if domain := given.get("cluster-domain"):
        return ClusterDomain(name=domain, evidence="as given")
    ready = [node.name for node in await nodes if node.ready]
    return await read_cluster_domain(client, namespace, ready[:3])


async def _caches(client: Client, namespace: str, there: Found | None) -> Found:
    return there or await find_caches(client, namespace)


async def _dataplane(client: Client, given: Mapping[str, str]) -> Dataplane:
    if mode := given.get("mode"):
        return Dataplane(mode=mode, evidence="as given")
    return await read_dataplane(client)


def refuse_mode(dataplane: Dataplane) -> None:
    """Refuse a dataplane on which a cache cannot be installed and proved.

    Raises:
        RefusedError: with the reason and the way out.
    """
    mode = dataplane.mode
    if not mode:
        raise RefusedError(
            f"kube-proxy's mode is not known: {dataplane.evidence}",
            hint="try again when it can be read; or say it with --mode iptables, nftables or ipvs, "
            "if one of them it is",
        )
    if mode not in INSTALLABLE:
        why = WAYS_OUT.get(mode, f"the mode {mode} is not one that this plugin knows")
        raise RefusedError(
            f"services are translated by {mode} ({dataplane.evidence}), not by kube-proxy in "
            f"iptables, nftables or ipvs mode: {why}",
            hint="if that was read wrongly, say --mode iptables, nftables or ipvs",
        )


def refuse(seen: Inspection, *, adopting: str = "") -> None:
    """Refuse what would not be safe here.

    Args:
        seen: the facts.
        adopting: UID of a DaemonSet of somebody else that becomes ours.

    Raises:
        RefusedError: with the reason and the way out.
    """
    for cache in seen.caches:
        if not cache.ours and cache.uid != adopting:
            raise RefusedError(
                f"there is a cache already, and it is not ours: DaemonSet {cache.namespace}/"
                f"{cache.name} ({cache.image}), managed by {cache.owner}",
                hint="two caches on a node take each other's rules away. --adopt takes it over, or "
                "says why it cannot; or remove it first, the way it was installed. kubectl nodedns "
                "top watches it as it is",
            )
    if seen.dns.ready == 0:
        raise RefusedError(
            f"the DNS service {seen.dns.namespace}/{seen.dns.name} has no ready endpoint",
            hint="a cache cannot help there: repair CoreDNS first",
        )
