"""How kube-proxy is told its mode: by a DaemonSet, by static pods, by a ConfigMap.

With --config kube-proxy takes its whole configuration from that file, and --proxy-mode beside it
counts for nothing (kubernetes 1.37.2, cmd/kube-proxy/app/options.go, Complete). So the file is
looked for where the container mounts it from, whatever the ConfigMap is called: kubeadm's is
kube-proxy, EKS has kube-proxy-config. RKE2, GKE and kOps run static pods, with flags alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kubectl_nodedns.cluster.paths import collection, named
from kubectl_nodedns.documents import DocumentError, load
from kubectl_nodedns.errors import NotFoundError
from kubectl_nodedns.facts.command_line import flag, words_of
from kubectl_nodedns.facts.conditions import ENDED
from kubectl_nodedns.facts.mounted_files import configmaps_of, mounted_files
from kubectl_nodedns.readable import readable, understood
from kubectl_nodedns.together import together

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from kubectl_nodedns.cluster.client import Client

NAMESPACE = "kube-system"
LABELS = ("k8s-app=kube-proxy", "component=kube-proxy")
"""What its DaemonSet or its static pods carry: the first of kubeadm, EKS and kOps, the second of
AKS, GKE and RKE2."""
CONFIGMAPS = ("kube-proxy", "kube-proxy-config")
"""Where its configuration is where no pod of it tells: kubeadm's name, and that of EKS."""
DEFAULT = "iptables"
"""The mode on Linux where none is given, or an empty one, which kubeadm writes."""


@dataclass(frozen=True, kw_only=True)
class KubeProxy:
    """What one DaemonSet or pod of kube-proxy says about its mode."""

    mode: str
    """The mode, in lower case; empty where it cannot be told."""
    evidence: str
    """Where it was read, or why it cannot be told."""


@understood("kube-proxy's mode")
async def read_kube_proxy(client: Client) -> KubeProxy | None:
    """Read kube-proxy's mode; None where nothing of kube-proxy is to be seen.

    Several that differ leave the mode unknown: a node of the other mode would lose its DNS.

    Raises:
        ApiError: something that tells cannot be read.
    """
    templates = await _templates(client)
    names = sorted(_wanted(spec for _, spec in templates))
    found = await together(_data_of(client, name) for name in names)
    data = {name: one for name, one in zip(names, found, strict=True) if one is not None}
    return kube_proxy_of(templates, data)


async def _data_of(client: Client, name: str) -> Mapping[str, str] | None:
    """Read the data of a ConfigMap; None when there is none."""
    try:
        found = await client.get(named("v1", "configmaps", NAMESPACE, name))
    except NotFoundError:
        return None
    return found.get("data") or {}


def _wanted(specs: Iterable[Mapping[str, Any]]) -> set[str]:
    """Return the ConfigMaps that tell the mode: those that are mounted where one has --config."""
    names: set[str] = set()
    told = False
    for spec in specs:
        words = words_of(_container(spec.get("containers") or ()))
        told = told or bool(words)
        if flag(words, "config"):
            names.update(configmaps_of(spec))
    return names if told else {*CONFIGMAPS}


def kube_proxy_of(
    templates: Sequence[tuple[str, Mapping[str, Any]]], data: Mapping[str, Mapping[str, str]]
) -> KubeProxy | None:
    """Tell the mode from pod specifications and ConfigMaps.

    Args:
        templates: who runs kube-proxy, such as "DaemonSet kube-system/kube-proxy", with the pod
            specification.
        data: the data of ConfigMaps in kube-system, by name.
    """
    said = [one for where, spec in templates if (one := _told(where, spec, data)) is not None]
    modes = {one.mode: one for one in said}
    if len(modes) > 1:
        listed = "; ".join(f"{one.mode or 'unknown'} ({one.evidence})" for one in modes.values())
        return KubeProxy(mode="", evidence=f"kube-proxy is not the same on all nodes: {listed}")
    return said[0] if said else _of_configmaps(data)


def mode_of_config(text: str) -> str | None:
    """Read the mode from a KubeProxyConfiguration; None when the text is none."""
    given = _given(text)
    return None if given is None else _mode(given)


def _mode(given: str) -> str:
    return (given or DEFAULT).lower()


def _given(text: str) -> str | None:
    """Return the mode as a KubeProxyConfiguration writes it, which may be empty; None for none."""
    try:
        documents = load(text)
    except DocumentError:
        return None
    for document in documents:
        if isinstance(document, dict) and document.get("kind") == "KubeProxyConfiguration":
            mode = document.get("mode")
            return mode or "" if isinstance(mode, str | None) else None
    return None


async def _templates(client: Client) -> list[tuple[str, Mapping[str, Any]]]:
    """Return who runs kube-proxy on Linux: its DaemonSets, or else its pods."""
    for kind, path in (
        ("DaemonSet", collection("apps/v1", "daemonsets", NAMESPACE)),
        ("pod", collection("v1", "pods", NAMESPACE)),
    ):
        pages = await together(client.list(path, labels=labels) for labels in LABELS)
        if found := templates_of(kind, [item for page in pages for item in page]):
            return found
    return []


def templates_of(
    kind: str, items: Iterable[Mapping[str, Any]]
) -> list[tuple[str, Mapping[str, Any]]]:
    """Return the pod specifications of DaemonSet or Pod objects, by who they are of.

    A pod that has ended, and what is for Windows, says nothing about a cache's node.
    """

    def read(item: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]] | None:
        spec = item["spec"]["template"]["spec"] if kind == "DaemonSet" else item["spec"]
        ended = (item.get("status") or {}).get("phase") in ENDED
        system = (spec.get("nodeSelector") or {}).get("kubernetes.io/os", "linux")
        where = f"{kind} {NAMESPACE}/{item['metadata']['name']}"
        return None if ended or system != "linux" else (where, spec)

    return sorted({one[0]: one for one in readable(read, items) if one}.values(), key=_name)


def _name(template: tuple[str, Mapping[str, Any]]) -> str:
    return template[0]


def _told(
    where: str, spec: Mapping[str, Any], data: Mapping[str, Mapping[str, str]]
) -> KubeProxy | None:
    """Tell the mode from one pod specification; None where it has no arguments at all."""
    container = _container(spec.get("containers") or ())
    words = words_of(container)
    if not words:
        return None
    if path := flag(words, "config"):
        name, text = mounted_files(container, spec, data).get(path, ("", ""))
        if not name:
            why = f"--config of {where} is {path}, which no ConfigMap is mounted as"
            return KubeProxy(mode="", evidence=why)
        return _of_text(name, path.rpartition("/")[2], text)
    if mode := flag(words, "proxy-mode"):
        return KubeProxy(mode=mode.lower(), evidence=f"--proxy-mode of {where}")
    return KubeProxy(mode=DEFAULT, evidence=f"{where} has no --proxy-mode: the default")


def _container(containers: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """Return the container of kube-proxy: by its name, or else by its image."""
    for told in ("name", "image"):
        for container in containers:
            if "kube-proxy" in str(container.get(told, "")):
                return container
    return next(iter(containers), {})


def _of_configmaps(data: Mapping[str, Mapping[str, str]]) -> KubeProxy | None:
    for name in CONFIGMAPS:
        for key, text in sorted(data.get(name, {}).items()):
            if (found := _of_text(name, key, text)).mode:
                return found
    return None


def _of_text(name: str, key: str, text: str) -> KubeProxy:
    where = f"ConfigMap {NAMESPACE}/{name}, {key}"
    given = _given(text)
    if given is None:
        return KubeProxy(mode="", evidence=f"{where} is no KubeProxyConfiguration")
    empty = "" if given else " (an empty mode)"
    return KubeProxy(mode=_mode(given), evidence=f"{where}{empty}")
