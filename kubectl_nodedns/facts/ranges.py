"""Address ranges that the cluster hands out addresses from: pods' and services'.

Services' ranges are objects since Kubernetes 1.33 (ServiceCIDR, networking.k8s.io/v1). Before that
they are told by kubeadm's ConfigMap or by the arguments of control plane pods, where there are any.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kubectl_nodedns.cluster.paths import collection, named
from kubectl_nodedns.documents import DocumentError, load
from kubectl_nodedns.errors import NotFoundError
from kubectl_nodedns.facts.command_line import flag, words_of
from kubectl_nodedns.numbers import address, network
from kubectl_nodedns.readable import Read, readable, understood
from kubectl_nodedns.together import side_by_side

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from kubectl_nodedns.cluster.client import Client

LINK_LOCAL: Mapping[str, str] = {
    "169.254.1.1": "the gateway that Calico and the AWS VPC CNI give to pods",
    "169.254.10.10": "AKS LocalDNS",
    "169.254.10.11": "AKS LocalDNS",
    "169.254.0.23": "the metadata service of Tencent Cloud",
    "169.254.169.123": "the time service of AWS",
    "169.254.169.252": "the metadata server of GKE",
    "168.63.129.16": "the platform agent of Azure",
    "100.100.100.200": "the metadata service of Alibaba Cloud",
}
"""Addresses that agents of clouds and network plugins answer at on the node."""


@dataclass(frozen=True, kw_only=True)
class Range:
    """A range of addresses."""

    cidr: str
    """The range in CIDR notation."""
    what: str
    """What gets addresses from it: "pods", "services"."""
    evidence: str
    """Where it was read."""

    def __contains__(self, ip: str) -> bool:
        """Whether an address is in it; a range that cannot be read contains none."""
        read, one = network(self.cidr), address(ip)
        return read is not None and one is not None and one in read


@understood("the address ranges")
async def read_ranges(client: Client) -> Read[Range]:
    """Read every range that can be found; services' from the best source there is."""
    async with side_by_side() as group:
        start = group.create_task
        services = start(
            _optional(client, "networking.k8s.io/v1", "servicecidrs", of_service_cidrs)
        )
        kubeadm = start(_kubeadm(client))
        control = collection("v1", "pods", "kube-system")
        listing = start(client.list(control, labels="tier=control-plane"))
        calico = start(_optional(client, "crd.projectcalico.org/v1", "ippools", of_ip_pools))
    cidrs, pools = services.result(), calico.result()
    told = [*kubeadm.result(), *(one for pod in listing.result() for one in of_arguments(pod))]
    known = {one.what for one in cidrs}
    found = [*cidrs, *(one for one in (*told, *pools) if one.what not in known)]
    by_cidr = {(one.cidr, one.what): one for one in reversed(found)}
    ranges = sorted(by_cidr.values(), key=lambda one: (one.what, one.cidr))
    return Read.of(ranges, (*cidrs.left_out, *pools.left_out))


def of_service_cidrs(items: Iterable[Mapping[str, Any]]) -> Read[Range]:
    """Read ServiceCIDR objects."""

    def read(item: Mapping[str, Any]) -> list[Range]:
        evidence = f"ServiceCIDR {item['metadata']['name']}"
        cidrs = (item.get("spec") or {}).get("cidrs") or ()
        return [Range(cidr=str(cidr), what="services", evidence=evidence) for cidr in cidrs]

    return _flat(readable(read, items))


def of_kubeadm(configmap: Mapping[str, Any]) -> list[Range]:
    """Read the ConfigMap that kubeadm keeps its ClusterConfiguration in."""
    text = (configmap.get("data") or {}).get("ClusterConfiguration", "")
    try:
        documents = load(text)
    except DocumentError:
        return []
    config = next((one for one in documents if isinstance(one, dict)), {})
    networking = config.get("networking")
    if not isinstance(networking, dict):
        return []
    evidence = "ConfigMap kube-system/kubeadm-config"
    return [
        Range(cidr=cidr, what=what, evidence=evidence)
        for key, what in (("serviceSubnet", "services"), ("podSubnet", "pods"))
        if isinstance(given := networking.get(key), str)
        for cidr in _split(given)
    ]


def of_arguments(pod: Mapping[str, Any]) -> list[Range]:
    """Read the arguments of an API server or controller manager pod."""
    name = pod["metadata"]["name"]
    words = tuple(
        word
        for container in (pod.get("spec") or {}).get("containers") or ()
        for word in words_of(container)
    )
    return [
        Range(cidr=cidr, what=what, evidence=f"--{argument} of pod kube-system/{name}")
        for argument, what in (("service-cluster-ip-range", "services"), ("cluster-cidr", "pods"))
        for cidr in _split(flag(words, argument))
    ]


def of_ip_pools(items: Iterable[Mapping[str, Any]]) -> Read[Range]:
    """Read Calico's IPPool objects."""

    def read(item: Mapping[str, Any]) -> list[Range]:
        spec = item.get("spec") or {}
        if not spec.get("cidr") or spec.get("disabled"):
            return []
        evidence = f"IPPool {item['metadata']['name']}"
        return [Range(cidr=str(spec["cidr"]), what="pods", evidence=evidence)]

    return _flat(readable(read, items))


def _flat(read: Read[list[Range]]) -> Read[Range]:
    return Read.of((one for some in read for one in some), read.left_out)


async def _kubeadm(client: Client) -> list[Range]:
    path = named("v1", "configmaps", "kube-system", "kubeadm-config")
    try:
        return of_kubeadm(await client.get(path))
    except NotFoundError:
        return []


async def _optional(
    client: Client,
    version: str,
    plural: str,
    read: Callable[[Iterable[Mapping[str, Any]]], Read[Range]],
) -> Read[Range]:
    """Read objects of an API that not every cluster has."""
    try:
        return read(await client.list(collection(version, plural)))
    except NotFoundError:
        return Read()


def _split(text: object) -> list[str]:
    return [part.strip() for part in str(text or "").split(",") if part.strip()]
