"""Which node-local DNS caches the cluster already has, and whose they are.

A cache is recognised by its image and arguments, never by name alone: kubespray calls it
`nodelocaldns`, Helm by the release, RKE2 and kOps `node-local-dns` like upstream.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from kubectl_nodedns.cluster.paths import collection
from kubectl_nodedns.errors import ForbiddenError
from kubectl_nodedns.facts.quantity import quantity

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kubectl_nodedns.cluster.client import Client
    from kubectl_nodedns.facts.nodes import Node

MANAGED_BY = "app.kubernetes.io/managed-by"
OURS = "kubectl-nodedns"
FORBIDDEN = 403
SETUP_METRICS_PORT = 9353
"""Port of the agent's own metrics where no -metrics-listen-address says otherwise."""
_IMAGE = re.compile(r"(^|/)([\w.-]*node-cache[\w.-]*)([:@]|$)")


@dataclass(frozen=True, kw_only=True)
class Cache:
    """One DaemonSet that runs a node-local DNS cache."""

    namespace: str
    """Namespace of the DaemonSet."""
    name: str
    """Name of the DaemonSet."""
    uid: str
    """UID of the DaemonSet."""
    ours: bool
    """Whether this plugin made it."""
    owner: str
    """Who seems to manage it, in words."""
    image: str
    """Image of the cache container."""
    arguments: tuple[str, ...]
    """Arguments of the cache container."""
    local_ips: tuple[str, ...]
    """Addresses it listens on: the -localip argument."""
    selector: str
    """Label selector of its pods."""
    metrics_port: int
    """Port of CoreDNS's metrics."""
    memory_limit: int | None
    """Memory limit of the cache container in bytes; None without one."""
    desired: int
    """Nodes that the DaemonSet controller wants a pod on."""
    annotations: Mapping[str, str]
    """Annotations of the DaemonSet."""
    configmap: str = ""
    """Name of the ConfigMap that its Corefile comes from; empty when none is mounted."""
    host_network: bool = True
    """Whether its pods are on the host network."""
    node_selector: Mapping[str, str] = field(default_factory=dict)
    """Labels that a node must carry to get a pod."""
    tolerations: tuple[Mapping[str, str], ...] = ()
    """Taints that its pods put up with, as the pod template lists them."""
    affinity: bool = False
    """Whether an affinity chooses nodes as well."""

    def absence(self, node: Node) -> str:
        """Say why the DaemonSet puts no pod on `node`; empty when it should."""
        missing = [f"{k}={v}" for k, v in self.node_selector.items() if node.labels.get(k) != v]
        if missing:
            return f"its nodeSelector asks for {', '.join(missing)}"
        for taint in node.taints:
            if taint.repels and not any(taint.tolerated(one) for one in self.tolerations):
                return f"its pods do not tolerate the taint {taint}"
        return ""

    @property
    def setup_metrics_port(self) -> int:
        """Port of the agent's own metrics, about links and rules."""
        return setup_metrics_port(self.arguments)

    @property
    def version(self) -> str:
        """Tag of the image, else its digest; empty when it has neither."""
        reference, _, digest = self.image.partition("@")
        _, _, tag = reference.rpartition("/")[2].partition(":")
        return tag or digest


async def read_caches(client: Client, dns_namespace: str) -> tuple[Cache, ...]:
    """Find every node-local DNS cache; ours first.

    Looks in all namespaces, and where that is forbidden in the DNS service's own.
    """
    try:
        items = await client.list(collection("apps/v1", "daemonsets"))
    except ForbiddenError as error:
        if error.status != FORBIDDEN:
            raise
        items = await client.list(collection("apps/v1", "daemonsets", dns_namespace))
    found = (cache_of(item) for item in items)
    return tuple(sorted((c for c in found if c), key=lambda c: (not c.ours, c.namespace, c.name)))


def cache_of(daemonset: Mapping[str, Any]) -> Cache | None:
    """Read a DaemonSet object; None when it is no node-local DNS cache."""
    template = daemonset["spec"]["template"]
    container = _cache_container(template["spec"].get("containers") or ())
    if container is None:
        return None
    metadata = daemonset["metadata"]
    labels = metadata.get("labels") or {}
    words = words_of(container)
    selector = daemonset["spec"]["selector"].get("matchLabels") or {}
    return Cache(
        namespace=metadata["namespace"],
        name=metadata["name"],
        uid=metadata["uid"],
        ours=labels.get(MANAGED_BY) == OURS,
        owner=_owner(metadata, labels),
        image=container.get("image", ""),
        arguments=words,
        local_ips=local_ips_of(words),
        selector=",".join(f"{k}={v}" for k, v in sorted(selector.items())),
        metrics_port=_metrics_port(container, template),
        memory_limit=memory_limit_of(container),
        desired=(daemonset.get("status") or {}).get("desiredNumberScheduled") or 0,
        annotations=metadata.get("annotations") or {},
        configmap=_configmap(template["spec"].get("volumes") or ()),
        host_network=bool(template["spec"].get("hostNetwork")),
        node_selector=template["spec"].get("nodeSelector") or {},
        tolerations=tuple(template["spec"].get("tolerations") or ()),
        affinity="affinity" in template["spec"],
    )


def words_of(container: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the words of a container's command line."""
    return (*(container.get("command") or ()), *(container.get("args") or ()))


def local_ips_of(words: tuple[str, ...]) -> tuple[str, ...]:
    """Return the addresses that an agent with this command line listens on."""
    return tuple(ip.strip() for ip in flag(words, "localip").split(",") if ip.strip())


def flag(words: tuple[str, ...], name: str) -> str:
    """Return the value of a Go flag, in any of its spellings (-f v, -f=v, --f v, --f=v)."""
    for i, word in enumerate(words):
        bare = word.lstrip("-")
        if word.startswith("-") and bare == name and i + 1 < len(words):
            return words[i + 1]
        if word.startswith("-") and bare.startswith(f"{name}="):
            return bare.partition("=")[2]
    return ""


def setup_metrics_port(words: tuple[str, ...]) -> int:
    """Return the port of the agent's own metrics: its -metrics-listen-address, else 9353."""
    port = flag(words, "metrics-listen-address").rpartition(":")[2]
    return int(port) if port.isdigit() else SETUP_METRICS_PORT


def memory_limit_of(container: Mapping[str, Any]) -> int | None:
    """Return a container's memory limit in bytes; None without one."""
    limits = (container.get("resources") or {}).get("limits") or {}
    return int(quantity(limits["memory"])) if limits.get("memory") else None


def _cache_container(containers: Any) -> Mapping[str, Any] | None:
    for container in containers:
        if _IMAGE.search(container.get("image", "")) or flag(words_of(container), "localip"):
            return dict(container)
    return None


def _configmap(volumes: Any) -> str:
    """Find the ConfigMap with the Corefile: the one with such a key, else the first but kube-dns.

    The agent mounts ConfigMap kube-dns beside it, for stub domains.
    """
    maps = [volume["configMap"] for volume in volumes if volume.get("configMap")]
    maps.sort(key=lambda one: not any(i.get("key") == "Corefile" for i in one.get("items") or ()))
    return next((one.get("name", "") for one in maps if one.get("name") != "kube-dns"), "")


def _metrics_port(container: Mapping[str, Any], template: Mapping[str, Any]) -> int:
    """The port named metrics, else the scrape annotation, else CoreDNS's default in node-cache."""
    for port in container.get("ports") or ():
        if port.get("name") == "metrics":
            return int(port["containerPort"])
    annotations = (template.get("metadata") or {}).get("annotations") or {}
    text = annotations.get("prometheus.io/port", "")
    return int(text) if text.isdigit() else 9253


def _owner(metadata: Mapping[str, Any], labels: Mapping[str, str]) -> str:
    """Name the installer, from what each one leaves on its DaemonSet."""
    annotations = metadata.get("annotations") or {}
    if labels.get(MANAGED_BY) == OURS:
        return "kubectl nodedns"
    if release := annotations.get("meta.helm.sh/release-name"):
        return f"Helm release {release}"
    if labels.get("addon.kops.k8s.io/name") or labels.get("k8s-addon"):
        return "kOps"
    if metadata["name"].startswith("nodelocaldns"):
        return "kubespray"
    if labels.get("addonmanager.kubernetes.io/mode"):
        return "the Kubernetes add-on manifest"
    return labels.get(MANAGED_BY) or "whoever applied its manifest"
