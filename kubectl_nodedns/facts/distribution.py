"""Which distribution made this cluster, as far as nodes and a few ConfigMaps tell.

It decides nothing about the cache. It decides which steps are shown to somebody who has to change
what kubelets hand out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kubectl_nodedns.cluster.paths import collection, named
from kubectl_nodedns.errors import ApiError
from kubectl_nodedns.readable import understood

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kubectl_nodedns.cluster.client import Client

KUBEADM, K3S, RKE2, KOPS, TALOS, EKS, GKE, AKS, KIND, OTHER = (
    "kubeadm",
    "k3s",
    "RKE2",
    "kOps",
    "Talos",
    "EKS",
    "GKE",
    "AKS",
    "kind",
    "",
)
KUBEADM_CONFIG = "kubelet-config"
"""ConfigMap in kube-system from which kubeadm configures kubelets."""
_VERSIONS = (("+k3s", K3S), ("+rke2", RKE2), ("-eks-", EKS), ("-gke.", GKE))
"""What a kubelet's version has in it."""
_LABELS = (
    ("kops.k8s.io/instancegroup", KOPS),
    ("kubernetes.azure.com/cluster", AKS),
    ("eks.amazonaws.com/nodegroup", EKS),
    ("cloud.google.com/gke-nodepool", GKE),
)


@dataclass(frozen=True, kw_only=True)
class Distribution:
    """What made this cluster, and how that is known."""

    name: str
    """One of the constants; OTHER when it is not known."""
    evidence: str = ""
    """Where that was read."""


def of_nodes(nodes: Sequence[Mapping[str, Any]]) -> Distribution:
    """Tell the distribution from Node objects; OTHER when they do not say."""
    for node in nodes:
        name = node["metadata"]["name"]
        labels = node["metadata"].get("labels") or {}
        info = (node.get("status") or {}).get("nodeInfo") or {}
        version = str(info.get("kubeletVersion", ""))
        for part, found in _VERSIONS:
            if part in version:
                return Distribution(name=found, evidence=f"kubelet {version} of node {name}")
        for label, found in _LABELS:
            if label in labels:
                return Distribution(name=found, evidence=f"label {label} of node {name}")
        image = str(info.get("osImage", ""))
        if image.startswith("Talos"):
            return Distribution(name=TALOS, evidence=f"{image} on node {name}")
        if str((node.get("spec") or {}).get("providerID", "")).startswith("kind://"):
            return Distribution(name=KIND, evidence=f"providerID of node {name}")
    return Distribution(name=OTHER)


@understood("the signs of a distribution")
async def read_distribution(client: Client) -> Distribution:
    """Find out which distribution this is; what cannot be read leaves it open."""
    try:
        page = await client.get(collection("v1", "nodes"), params={"limit": "5"})
    except ApiError:
        page = {}
    found = of_nodes(page.get("items") or ())
    if found.name:
        return found
    try:
        await client.get(named("v1", "configmaps", "kube-system", KUBEADM_CONFIG))
    except ApiError:
        return found
    return Distribution(name=KUBEADM, evidence=f"ConfigMap kube-system/{KUBEADM_CONFIG}")
