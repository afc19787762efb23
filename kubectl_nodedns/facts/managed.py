"""Node-local caches that a cloud runs by itself, told by what it writes on nodes. Pure.

Such a cache is often no pod that the API shows, so looking for DaemonSets does not find it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kubectl_nodedns.facts.nodes import Node


@dataclass(frozen=True, kw_only=True)
class Provider:
    """A managed cache that can be recognised."""

    name: str
    """What its provider calls it."""
    label: str
    """Label on the nodes that have it."""
    values: frozenset[str]
    """Values of that label that say so."""
    way_out: str
    """How it is switched off, or why to leave it."""


@dataclass(frozen=True, kw_only=True)
class ManagedCache:
    """A managed cache that was recognised."""

    provider: Provider
    """Whose it is."""
    nodes: tuple[str, ...]
    """Nodes that have it."""


PROVIDERS = (
    Provider(
        name="GKE's NodeLocal DNSCache",
        label="addon.gke.io/node-local-dns-ds-ready",
        values=frozenset({"true"}),
        way_out="keep it: GKE updates it. To have this one instead, switch the add-on off with "
        "gcloud container clusters update CLUSTER --update-addons=NodeLocalDNS=DISABLED, which "
        "makes the nodes anew; on Autopilot it cannot be switched off",
    ),
    Provider(
        name="AKS LocalDNS",
        label="kubernetes.azure.com/localdns-state",
        values=frozenset({"enabled"}),
        way_out="keep it: AKS advises against both at once. To have this one instead, set the mode "
        "of the node pool's LocalDNS profile to Disabled, which makes its nodes anew",
    ),
    Provider(
        name="the node-local DNS of EKS Auto Mode",
        label="eks.amazonaws.com/compute-type",
        values=frozenset({"auto"}),
        way_out="these nodes resolve names by themselves and need no cache: leave them out with "
        "--node-selector, by a label that only your other nodes carry",
    ),
)
VIRTUAL = (
    ("type", "virtual-kubelet"),
    ("kubernetes.azure.com/virtual-node", "true"),
    ("eks.amazonaws.com/compute-type", "fargate"),
)
"""Labels of nodes that are no machines: no DaemonSet's pod with a host network runs there."""
ARCHITECTURES = frozenset({"amd64", "arm", "arm64", "ppc64le", "s390x"})
"""Architectures that the released image is built for (kubernetes/dns, rules.mk)."""


def managed_caches(nodes: Iterable[Node]) -> list[ManagedCache]:
    """Recognise managed caches by the labels of nodes."""
    nodes = tuple(nodes)
    found = []
    for provider in PROVIDERS:
        there = [node.name for node in nodes if node.labels.get(provider.label) in provider.values]
        if there:
            found.append(ManagedCache(provider=provider, nodes=tuple(there)))
    return found


def is_virtual(node: Node) -> bool:
    """Whether a node is no machine."""
    return any(node.labels.get(key) == value for key, value in VIRTUAL)
