"""How service addresses reach their endpoints here: kube-proxy's mode, or something else.

The cache can be transparent only where untracked packets skip the translation of the service
address: kube-proxy in iptables or nftables mode. IPVS owns the address on a link of its own, and
eBPF dataplanes translate before netfilter sees the packet.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kubectl_nodedns.cluster.paths import named
from kubectl_nodedns.documents import DocumentError, load
from kubectl_nodedns.errors import ApiError, NotFoundError
from kubectl_nodedns.facts.kube_proxy import read_kube_proxy
from kubectl_nodedns.readable import understood
from kubectl_nodedns.together import together

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from kubectl_nodedns.cluster.client import Client

    Look = Callable[[Client], Awaitable["Dataplane | None"]]

IPVS, CILIUM, CALICO_EBPF = "ipvs", "cilium", "calico-ebpf"
"""Modes in which the DNS service's address is not simply taken over."""
NAT_EXCLUDE = "projectcalico.org/natExcludeService"
"""Annotation by which Calico's eBPF leaves a service's address to the node (Calico,
felix/bpf/proxy)."""
REPLACES = ("true", "strict")
"""Values of Cilium's kube-proxy-replacement with which it does all of kube-proxy's work."""
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

    async def tried(look: Look) -> Dataplane | ApiError | None:
        try:
            return await look(client)
        except ApiError as error:
            return error

    for found in await together(map(tried, (_cilium, _calico, _kube_proxy))):
        if isinstance(found, ApiError):
            if found.status == 0:
                raise found
            return Dataplane(mode="", evidence=str(found))
        if found is not None:
            return found
    nothing = (
        "no DaemonSet, pod or ConfigMap of kube-proxy is to be seen in kube-system; it may run "
        "outside of pods, as in K3s"
    )
    return Dataplane(mode="", evidence=nothing)


@dataclass(frozen=True, kw_only=True)
class Beside:
    """Something beside kube-proxy that translates service addresses of pods before it does."""

    text: str
    """What it is, and where that was read."""
    way_out: str
    """How it leaves the DNS service alone."""


@understood("the configuration of what runs beside kube-proxy")
async def read_beside(client: Client, dns: str) -> tuple[Beside, ...]:
    """Find what translates service addresses beside kube-proxy.

    Args:
        client: an open client.
        dns: the DNS service, as NAMESPACE/NAME.

    Raises:
        ApiError: a ConfigMap cannot be read.
    """
    found = []
    for name, look in (("cilium-config", _beside_of_cilium), ("antrea-config", _beside_of_antrea)):
        try:
            configmap = await client.get(named("v1", "configmaps", "kube-system", name))
        except NotFoundError:
            continue
        if one := look(_data(configmap), dns):
            found.append(one)
    return tuple(found)


def _beside_of_cilium(data: Mapping[str, str], _: str) -> Beside | None:
    """Tell Cilium where it does not replace kube-proxy.

    Its programs at each pod's interface translate cluster IPs all the same (Cilium, documentation
    of kube-proxy replacement).
    """
    value = data.get("kube-proxy-replacement", "")
    if value.lower() in REPLACES:
        return None
    return Beside(
        text=f"Cilium runs beside kube-proxy (ConfigMap kube-system/cilium-config, "
        f"kube-proxy-replacement: {value or 'not set'}), and translates what pods send to a "
        "service's address before the node sees it",
        way_out="use Cilium's local redirect policy instead (--mode cilium --dry-run=client prints "
        "the objects), or try: enable proves the first node, and takes the cache back if it fails",
    )


def _beside_of_antrea(data: Mapping[str, str], dns: str) -> Beside | None:
    """Tell AntreaProxy where it takes part in the DNS service.

    It is on unless it is switched off, and leaves out its skipServices (Antrea, documentation of
    AntreaProxy).
    """
    try:
        config = next(iter(load(data.get("antrea-agent.conf", ""))), None) or {}
    except DocumentError:
        config = {}
    proxy = config.get("antreaProxy") if isinstance(config, dict) else None
    proxy = proxy if isinstance(proxy, dict) else {}
    if proxy.get("enable") is False or dns in (proxy.get("skipServices") or ()):
        return None
    return Beside(
        text="AntreaProxy translates what pods send to a service's address before the node sees it "
        "(ConfigMap kube-system/antrea-config)",
        way_out=f"put {dns} into antreaProxy.skipServices of antrea-agent.conf, and start Antrea's "
        "agents anew",
    )


async def _kube_proxy(client: Client) -> Dataplane | None:
    found = await read_kube_proxy(client)
    return Dataplane(mode=found.mode, evidence=found.evidence) if found else None


@understood("Cilium's configuration")
async def _cilium(client: Client) -> Dataplane | None:
    try:
        configmap = await client.get(named("v1", "configmaps", "kube-system", "cilium-config"))
    except NotFoundError:
        return None
    value = _data(configmap).get("kube-proxy-replacement", "")
    if value.lower() in REPLACES:
        evidence = f"ConfigMap kube-system/cilium-config, kube-proxy-replacement: {value}"
        return Dataplane(mode=CILIUM, evidence=evidence)
    return None


@understood("Calico's configuration")
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
