"""How service addresses reach their endpoints here: kube-proxy's mode, or something else.

The cache can be transparent only where untracked packets skip the translation of the service
address: kube-proxy in iptables or nftables mode. IPVS owns the address on a link of its own, and
eBPF dataplanes translate before netfilter sees the packet.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kubectl_nodedns.cluster.paths import named
from kubectl_nodedns.errors import ApiError, NotFoundError
from kubectl_nodedns.facts.kube_proxy import read_kube_proxy

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kubectl_nodedns.cluster.client import Client

IPVS, CILIUM, CALICO_EBPF = "ipvs", "cilium", "calico-ebpf"
"""Modes in which the DNS service's address is not simply taken over."""
NAT_EXCLUDE = "projectcalico.org/natExcludeService"
"""Annotation by which Calico's eBPF leaves a service's address to the node (Calico,
felix/bpf/proxy)."""
INSTALLABLE = frozenset({"iptables", "nftables", "ipvs"})
"""Modes of kube-proxy: with any of them a cache can be installed and proved."""


@dataclass(frozen=True, kw_only=True)
class Dataplane:
    """What translates service addresses, and how that is known."""

    mode: str
    """iptables, nftables, ipvs, cilium, calico-ebpf; empty when not known."""
    evidence: str
    """Where that was read."""


def out_of_reach(mode: str, *, excluded: bool = False) -> str:
    """Say why lookups to the DNS service's address cannot reach a cache; empty where they can.

    Args:
        mode: what translates service addresses.
        excluded: whether the DNS service is annotated for Calico to leave it alone.
    """
    if mode == IPVS:
        return (
            "it has the address on a link of its own, kube-ipvs0, and sends what comes there to "
            "CoreDNS"
        )
    if mode == CILIUM or (mode == CALICO_EBPF and not excluded):
        return "it translates the address before the node's netfilter sees a packet"
    return ""


async def read_dataplane(client: Client) -> Dataplane:
    """Find out what translates service addresses. An unknown mode is a fact too.

    Cilium and Calico go before kube-proxy, whose objects stay behind where they replace it. So
    whatever cannot be read on the way to an answer leaves the mode unknown: that it is not there
    is only known when the API server says so.

    Raises:
        ApiError: the API server does not answer.
    """
    for look in (_cilium, _calico, _kube_proxy):
        try:
            found: Dataplane | None = await look(client)
        except ApiError as error:
            if error.status == 0:
                raise
            return Dataplane(mode="", evidence=str(error))
        if found is not None:
            return found
    nothing = (
        "no DaemonSet, pod or ConfigMap of kube-proxy is to be seen in kube-system; it may run "
        "outside of pods, as in K3s"
    )
    return Dataplane(mode="", evidence=nothing)


async def _kube_proxy(client: Client) -> Dataplane | None:
    found = await read_kube_proxy(client)
    return Dataplane(mode=found.mode, evidence=found.evidence) if found else None


async def _cilium(client: Client) -> Dataplane | None:
    try:
        configmap = await client.get(named("v1", "configmaps", "kube-system", "cilium-config"))
    except NotFoundError:
        return None
    value = _data(configmap).get("kube-proxy-replacement", "")
    if value.lower() in ("true", "strict"):
        evidence = f"ConfigMap kube-system/cilium-config, kube-proxy-replacement: {value}"
        return Dataplane(mode=CILIUM, evidence=evidence)
    return None


async def _calico(client: Client) -> Dataplane | None:
    path = named("crd.projectcalico.org/v1", "felixconfigurations", "", "default")
    try:
        felix = await client.get(path)
    except NotFoundError:
        return None
    if (felix.get("spec") or {}).get("bpfEnabled") is True:
        return Dataplane(mode=CALICO_EBPF, evidence="FelixConfiguration default, bpfEnabled")
    return None


def _data(configmap: Mapping[str, Any]) -> Mapping[str, str]:
    return configmap.get("data") or {}
