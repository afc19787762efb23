"""Pods that do not simply ask the cluster's DNS service.

All pods of the cluster are read, page by page, and only what is out of the ordinary is kept: a pod
with `dnsPolicy: ClusterFirst` and no servers of its own asks what its kubelet hands out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kubectl_nodedns.facts.clients import read_pods
from kubectl_nodedns.facts.conditions import ENDED
from kubectl_nodedns.readable import Read, understood

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kubectl_nodedns.cluster.client import Client

MIRROR = "kubernetes.io/config.mirror"
"""Annotation of a static pod, which a node's own files define."""


@dataclass(frozen=True, kw_only=True)
class PodDns:
    """A pod whose lookups take another way than most."""

    namespace: str
    """Its namespace."""
    name: str
    """Its name."""
    owner: str
    """What made it, such as "ReplicaSet web-5d8f"; empty for a pod that stands alone."""
    node: str
    """Node that it runs on; empty while it is not scheduled."""
    servers: tuple[str, ...]
    """Nameservers that its dnsConfig names."""
    policy: str
    """Its dnsPolicy."""
    host_network: bool
    """Whether it is on its node's network."""

    @property
    def where(self) -> str:
        """Return NAMESPACE/NAME."""
        return f"{self.namespace}/{self.name}"

    @property
    def falls_back(self) -> bool:
        """Whether it says ClusterFirst and gets the node's resolvers: on the host network it does.

        The API server fills ClusterFirst in where a manifest says nothing.
        """
        return self.host_network and self.policy == "ClusterFirst"


@understood("the pods")
async def read_pod_dns(client: Client) -> Read[PodDns]:
    """Read the pods that do not simply ask what their kubelet hands out.

    Raises:
        ApiError: pods of all namespaces cannot be listed.
    """
    found = await read_pods(client, pod_dns_of)
    return Read.of(sorted(found, key=lambda pod: pod.where), found.left_out)


def pod_dns_of(item: Mapping[str, Any]) -> PodDns | None:
    """Read a Pod object; None when it has ended or takes the usual way."""
    metadata, spec = item["metadata"], item.get("spec") or {}
    if (item.get("status") or {}).get("phase") in ENDED or MIRROR in (
        metadata.get("annotations") or {}
    ):
        return None
    owners = metadata.get("ownerReferences") or ()
    pod = PodDns(
        namespace=metadata["namespace"],
        name=metadata["name"],
        owner=next((f"{o['kind']} {o['name']}" for o in owners if o.get("controller")), ""),
        node=str(spec.get("nodeName") or ""),
        servers=tuple(map(str, (spec.get("dnsConfig") or {}).get("nameservers") or ())),
        policy=str(spec.get("dnsPolicy") or "ClusterFirst"),
        host_network=bool(spec.get("hostNetwork")),
    )
    return pod if pod.servers or pod.falls_back else None
