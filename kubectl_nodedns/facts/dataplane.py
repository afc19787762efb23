"""How service addresses reach their endpoints here: kube-proxy's mode, or something else.

The cache can be transparent only where untracked packets skip the translation of the service
address: kube-proxy in iptables or nftables mode. IPVS owns the address on a link of its own, and
eBPF dataplanes translate before netfilter sees the packet.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kubectl_nodedns.cluster.paths import collection, named
from kubectl_nodedns.documents import DocumentError, load
from kubectl_nodedns.errors import ApiError, NotFoundError
from kubectl_nodedns.facts.command_line import flag, words_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kubectl_nodedns.cluster.client import Client

INSTALLABLE = frozenset({"iptables", "nftables", "ipvs"})
"""Modes of kube-proxy: with any of them a cache can be installed and proved."""


@dataclass(frozen=True, kw_only=True)
class Dataplane:
    """What translates service addresses, and how that is known."""

    mode: str
    """iptables, nftables, ipvs, cilium, calico-ebpf; empty when not known."""
    evidence: str
    """Where that was read."""


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
    nothing = "there is no ConfigMap kube-system/kube-proxy and no kube-proxy DaemonSet"
    return Dataplane(mode="", evidence=nothing)


def mode_of_config(text: str) -> str | None:
    """Read the mode from a KubeProxyConfiguration; None when the text is none.

    An empty mode, which kubeadm writes, means iptables on Linux.
    """
    try:
        documents = load(text)
    except DocumentError:
        return None
    for document in documents:
        if isinstance(document, dict) and document.get("kind") == "KubeProxyConfiguration":
            mode = document.get("mode")
            return str(mode or "iptables").lower() if isinstance(mode, str | None) else None
    return None


async def _kube_proxy(client: Client) -> Dataplane | None:
    """Read the arguments of the DaemonSet, which win, then its ConfigMap."""
    daemonsets = collection("apps/v1", "daemonsets", "kube-system")
    for labels in ("k8s-app=kube-proxy", "component=kube-proxy"):
        for daemonset in await client.list(daemonsets, labels=labels):
            name = daemonset["metadata"]["name"]
            for container in daemonset["spec"]["template"]["spec"]["containers"]:
                if mode := flag(words_of(container), "proxy-mode"):
                    return Dataplane(
                        mode=mode.lower(), evidence=f"--proxy-mode of DaemonSet kube-system/{name}"
                    )
    try:
        configmap = await client.get(named("v1", "configmaps", "kube-system", "kube-proxy"))
    except NotFoundError:
        return None
    for key, text in sorted((configmap.get("data") or {}).items()):
        configured = mode_of_config(text)
        if configured is not None:
            empty = "" if re.search(r"(?m)^mode:[ \t]*[\"']?\w", text) else " (an empty mode)"
            return Dataplane(
                mode=configured, evidence=f"ConfigMap kube-system/kube-proxy, {key}{empty}"
            )
    return None


async def _cilium(client: Client) -> Dataplane | None:
    try:
        configmap = await client.get(named("v1", "configmaps", "kube-system", "cilium-config"))
    except NotFoundError:
        return None
    value = _data(configmap).get("kube-proxy-replacement", "")
    if value.lower() in ("true", "strict"):
        evidence = f"ConfigMap kube-system/cilium-config, kube-proxy-replacement: {value}"
        return Dataplane(mode="cilium", evidence=evidence)
    return None


async def _calico(client: Client) -> Dataplane | None:
    path = named("crd.projectcalico.org/v1", "felixconfigurations", "", "default")
    try:
        felix = await client.get(path)
    except NotFoundError:
        return None
    if (felix.get("spec") or {}).get("bpfEnabled") is True:
        return Dataplane(mode="calico-ebpf", evidence="FelixConfiguration default, bpfEnabled")
    return None


def _data(configmap: Mapping[str, Any]) -> Mapping[str, str]:
    return configmap.get("data") or {}
