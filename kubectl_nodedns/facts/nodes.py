"""The nodes: which can carry a cache, and which addresses they use."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kubectl_nodedns.cluster.paths import collection
from kubectl_nodedns.facts.conditions import is_ready
from kubectl_nodedns.numbers import address, network
from kubectl_nodedns.readable import required, understood

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kubectl_nodedns.cluster.client import Client


AUTOMATIC = "node.kubernetes.io/"
"""Prefix of the taints that the DaemonSet controller tolerates by itself, as a condition's name."""
_DIGITS = re.compile(r"([0-9]{1,18})")


def natural(name: str) -> list[tuple[bool, int, str]]:
    """Sort key under which node-2 comes before node-10."""
    parts = _DIGITS.split(name)  # every other one matches
    return [
        (place % 2 == 1, int(part) if place % 2 else 0, part) for place, part in enumerate(parts)
    ]


@dataclass(frozen=True, kw_only=True)
class Taint:
    """One taint of a node."""

    key: str
    """Its key."""
    value: str
    """Its value; may be empty."""
    effect: str
    """NoSchedule, PreferNoSchedule or NoExecute."""

    def __str__(self) -> str:
        equals = f"={self.value}" if self.value else ""
        return f"{self.key}{equals}:{self.effect}"

    @property
    def repels(self) -> bool:
        """Whether it keeps a DaemonSet's pods away that do not tolerate it."""
        return self.effect != "PreferNoSchedule" and not self.key.startswith(AUTOMATIC)

    def tolerated(self, toleration: Mapping[str, str]) -> bool:
        """Whether a toleration of a pod matches it."""
        exists = toleration.get("operator") == "Exists"
        key, effect = toleration.get("key", ""), toleration.get("effect", "")
        same = exists or (toleration.get("value") or "") == self.value
        return (key == self.key or (exists and not key)) and effect in ("", self.effect) and same


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
    taints: tuple[Taint, ...] = ()
    """Its taints."""
    architecture: str = ""
    """Its processor, such as "amd64"; empty when not told."""

    def selected(self, selector: Mapping[str, str]) -> bool:
        """Whether it carries every label of `selector`."""
        return all(self.labels.get(key) == value for key, value in selector.items())


@understood("the nodes")
async def read_nodes(client: Client, name: str = "") -> tuple[Node, ...]:
    """Read all nodes, in the order of their names; one alone when it is named."""
    fields = f"metadata.name={name}" if name else ""
    items = await client.list(collection("v1", "nodes"), fields=fields)
    return tuple(sorted(required("node", node_of, items), key=lambda node: node.name))


def node_of(item: Mapping[str, Any]) -> Node:
    """Read a Node object."""
    status = item.get("status") or {}
    spec = item.get("spec") or {}
    labels = item["metadata"].get("labels") or {}
    info = status.get("nodeInfo") or {}
    return Node(
        name=item["metadata"]["name"],
        ready=is_ready(status),
        system=labels.get("kubernetes.io/os") or info.get("operatingSystem") or "linux",
        labels=labels,
        addresses=tuple(
            a["address"]
            for a in status.get("addresses") or ()
            if a["type"].endswith("IP") and address(a["address"])
        ),
        pod_ranges=tuple(filter(network, spec.get("podCIDRs") or ())),
        taints=tuple(
            Taint(key=t.get("key", ""), value=t.get("value") or "", effect=t.get("effect", ""))
            for t in spec.get("taints") or ()
        ),
        architecture=labels.get("kubernetes.io/arch") or info.get("architecture") or "",
    )
