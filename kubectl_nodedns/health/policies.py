"""NetworkPolicies that stand between pods, the cache and CoreDNS."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubectl_nodedns.facts.coredns import read_peer
from kubectl_nodedns.facts.network_policies import blocked_egress, blocked_ingress, read_policies
from kubectl_nodedns.facts.pods import read_all_pods
from kubectl_nodedns.readable import understood
from kubectl_nodedns.together import side_by_side

if TYPE_CHECKING:
    from kubectl_nodedns.checks.evidence import Evidence
    from kubectl_nodedns.cluster.client import Client
    from kubectl_nodedns.facts.network_policies import Blocked


@understood("the NetworkPolicies and what they concern")
async def read_blocked(
    client: Client, evidence: Evidence
) -> tuple[tuple[Blocked, ...], tuple[Blocked, ...]]:
    """Find policies that keep pods from the cache, and those that keep the cache from CoreDNS.

    Pods of all namespaces are read only where there are policies.

    Raises:
        ApiError: policies or pods cannot be read.
    """
    policies = await read_policies(client) if evidence.caches else []
    if not policies:
        return (), ()
    async with side_by_side() as group:
        peer = group.create_task(read_peer(client, evidence.dns))
        pods = group.create_task(read_all_pods(client))
    coredns = peer.result()
    listened = {ip for cache in evidence.caches for ip in cache.local_ips}
    asked = sorted(listened & set(evidence.dns.ips)) or sorted(listened)
    out = blocked_egress(policies, pods.result(), coredns=coredns, addresses=asked)
    family = ":" in evidence.dns.ip
    nodes = [ip for one in evidence.nodes for ip in one.node.addresses if (":" in ip) == family]
    return tuple(out), tuple(blocked_ingress(policies, coredns=coredns, nodes=nodes))
