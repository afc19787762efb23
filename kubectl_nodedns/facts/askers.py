"""How many pods of a node ask the cluster's DNS: what tells an idle node from a bypassed cache."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING, Any

from kubectl_nodedns.cluster.paths import collection
from kubectl_nodedns.facts.clients import ENDED
from kubectl_nodedns.readable import readable

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from kubectl_nodedns.cluster.client import Client

ONE_BY_ONE = 10
"""Nodes whose pods are listed node by node; of more, all pods of the cluster are read."""


async def read_askers(client: Client, nodes: Collection[str]) -> dict[str, int]:
    """Count the pods of each of some nodes that ask what their kubelet hands out.

    Raises:
        ApiError: pods of all namespaces cannot be listed.
    """
    path = collection("v1", "pods")
    found: Counter[str] = Counter()
    if len(nodes) > ONE_BY_ONE:
        async for page in client.pages(path, again=found.clear):
            found.update(readable(asking_node, page.get("items") or ()))
    else:
        fields = [f"spec.nodeName={node}" for node in nodes]
        for items in await asyncio.gather(*(client.list(path, fields=one) for one in fields)):
            found.update(readable(asking_node, items))
    return {node: found[node] for node in nodes}


def asking_node(pod: Mapping[str, Any]) -> str:
    """Return the node of a pod that asks the cluster's DNS; empty for one that does not.

    The API server fills ClusterFirst in where a manifest says nothing; on the host network that
    means the node's resolvers.
    """
    spec, status = pod.get("spec") or {}, pod.get("status") or {}
    policy = spec.get("dnsPolicy") or "ClusterFirst"
    asks = policy == "ClusterFirstWithHostNet" or (
        policy == "ClusterFirst" and not spec.get("hostNetwork")
    )
    return str(spec.get("nodeName") or "") if asks and status.get("phase") not in ENDED else ""
