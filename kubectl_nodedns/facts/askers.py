"""How many pods of a node ask the cluster's DNS: what tells an idle node from a bypassed cache."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Protocol

from kubectl_nodedns.cluster.paths import collection
from kubectl_nodedns.facts.conditions import ENDED
from kubectl_nodedns.readable import readable, understood
from kubectl_nodedns.together import together

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from kubectl_nodedns.cluster.client import Client

ONE_BY_ONE = 10
"""Nodes whose pods are listed node by node; of more, all pods of the cluster are read."""


class Lister(Protocol):
    """The part of `cluster.client.Client` that one node takes."""

    async def list(self, path: str, *, labels: str = "", fields: str = "") -> list[dict[str, Any]]:
        """Read a list of objects."""
        ...


async def read_askers(client: Client, nodes: Collection[str]) -> dict[str, int]:
    """Count the pods of each of some nodes that ask what their kubelet hands out.

    Raises:
        ApiError: pods of all namespaces cannot be listed.
    """
    if len(nodes) <= ONE_BY_ONE:
        counts = await together(read_askers_of(client, node) for node in nodes)
        return dict(zip(nodes, counts, strict=True))
    found: Counter[str] = Counter()
    async for page in client.pages(collection("v1", "pods"), again=found.clear):
        found.update(readable(asking_node, page.get("items") or ()))
    return {node: found[node] for node in nodes}


@understood("the pods that ask")
async def read_askers_of(client: Lister, node: str) -> int:
    """Count the pods of one node that ask what its kubelet hands out.

    Raises:
        ApiError: pods of all namespaces cannot be listed.
    """
    items = await client.list(collection("v1", "pods"), fields=f"spec.nodeName={node}")
    return readable(asking_node, items).count(node)


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
