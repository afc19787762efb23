"""The nodes: which can carry a cache, and which addresses they use."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kubectl_nodedns.cluster.paths import collection

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kubectl_nodedns.cluster.client import Client


@dataclass(frozen=True, kw_only=True)
class Node:
    """One node, as far as DNS is concerned."""

    name: str
    """Its name."""
    ready: bool
    """Whether its kubelet says so."""
    system: str
    """Operating system: linux, windows."""
    labels: Mapping[str, str]
    """Its labels."""
    addresses: tuple[str, ...]
    """IP addresses that its status lists."""
    pod_ranges: tuple[str, ...]
    """Address ranges of its pods, in CIDR notation; may be empty."""
    architecture: str = ""
    """Its processor, such as "amd64"; empty when not told."""

    def selected(self, selector: Mapping[str, str]) -> bool:
        """Whether it carries every label of `selector`."""
        return all(self.labels.get(key) == value for key, value in selector.items())


async def read_nodes(client: Client) -> tuple[Node, ...]:
    """Read all nodes, in the order of their names."""
    items = await client.list(collection("v1", "nodes"))
    return tuple(sorted((node_of(item) for item in items), key=lambda node: node.name))


def node_of(item: Mapping[str, Any]) -> Node:
    """Read a Node object."""
    status = item.get("status") or {}
    spec = item.get("spec") or {}
    labels = item["metadata"].get("labels") or {}
    info = status.get("nodeInfo") or {}
    ready = any(
        c["type"] == "Ready" and c["status"] == "True" for c in status.get("conditions") or ()
    )
    return Node(
        name=item["metadata"]["name"],
        ready=ready,
        system=labels.get("kubernetes.io/os") or info.get("operatingSystem") or "linux",
        labels=labels,
        addresses=tuple(
            a["address"] for a in status.get("addresses") or () if a["type"].endswith("IP")
        ),
        pod_ranges=tuple(spec.get("podCIDRs") or ()),
        architecture=labels.get("kubernetes.io/arch") or info.get("architecture") or "",
    )
