"""Which node-local DNS caches the cluster already has, and whose they are.

A cache is recognised by its image and arguments, never by name alone: kubespray calls it
`nodelocaldns`, Helm by the release, RKE2 and kOps `node-local-dns` like upstream.

Labels and annotations prove nothing: whoever may write in some namespace writes what he likes
there. Ours is the DaemonSet of our name in the DNS service's namespace, and no other. Elsewhere a
DaemonSet is a cache only where its pods are on nodes' own network, which no tenant may do.
"""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from kubectl_nodedns.cluster.paths import collection
from kubectl_nodedns.errors import ForbiddenError
from kubectl_nodedns.facts.agent_faults import agent_faults
from kubectl_nodedns.facts.command_line import flag, words_of
from kubectl_nodedns.facts.mounted_files import configmaps_of
from kubectl_nodedns.facts.pod_owners import controller_uid
from kubectl_nodedns.facts.quantity import quantity
from kubectl_nodedns.numbers import address, port
from kubectl_nodedns.printable import printable
from kubectl_nodedns.readable import name_of, readable, required, understood
from kubectl_nodedns.shapes import ANY, shaped

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from kubectl_nodedns.cluster.client import Client
    from kubectl_nodedns.facts.nodes import Node

MANAGED_BY = "app.kubernetes.io/managed-by"
OURS = "kubectl-nodedns"
OWN_NAME = "node-local-dns"
"""Name of our DaemonSet."""
KUBE_DNS = "kube-dns"
"""ConfigMap of the old kube-dns, which agents mount for stub domains."""
FORBIDDEN = 403
METRICS_PORT = 9253
"""Port of CoreDNS's metrics where nothing says otherwise."""
SETUP_METRICS_PORT = 9353
"""Port of the agent's own metrics where no -metrics-listen-address says otherwise."""
_TEXTS = {ANY: str}
_CONTAINER: Mapping[str, Any] = {
    "name": str,
    "image": str,
    "command": [str],
    "args": [str],
    "env": [{}],
    "ports": [{}],
}
_META = {"name": str, "namespace": str, "uid": str, "labels": _TEXTS, "annotations": _TEXTS}
DAEMONSET: Mapping[str, Any] = {
    "metadata": _META,
    "spec": {
        "selector": {"matchLabels": _TEXTS},
        "template": {
            "metadata": _META,
            "spec": {
                "containers": [_CONTAINER],
                "initContainers": [_CONTAINER],
                "nodeSelector": _TEXTS,
                "tolerations": [_TEXTS | {"tolerationSeconds": int}],
                "volumes": [{"name": str, "configMap": {"name": str, "items": [{"key": str}]}}],
            },
        },
    },
    "status": {"desiredNumberScheduled": int},
}
"""The shape of a DaemonSet, as far as anything rests on it."""
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
    """Whether it is the installation of this plugin."""
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
    reads_kube_dns: bool = False
    """Whether it mounts ConfigMap kube-dns, which its agent takes stub domains from."""
    faults: tuple[str, ...] = ()
    """What of its manifest keeps the agent from serving, in words; see `agent_faults`."""

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


@dataclass(frozen=True, kw_only=True)
class Imitation:
    """A DaemonSet that has the looks of a cache, or of ours, and is not what it looks like."""

    namespace: str
    """Its namespace."""
    name: str
    """Its name."""
    labelled: bool
    """Whether it bears our label; else it looks like a cache, and none of its pods is on a node's
    network."""


@dataclass(frozen=True, kw_only=True)
class Found:
    """The DaemonSets that are node-local DNS caches, and those that only seem to be."""

    caches: tuple[Cache, ...]
    """Ours first, then those of the DNS service's namespace."""
    imitations: tuple[Imitation, ...]
    """By namespace and name."""
    left_out: tuple[str, ...] = ()
    """DaemonSets that cannot be read, so that nobody knows what they are, as NAMESPACE/NAME."""


async def read_caches(client: Client, dns_namespace: str) -> tuple[Cache, ...]:
    """Find every node-local DNS cache: ours first, then those of the DNS service's namespace.

    Looks in all namespaces, and where that is forbidden in the DNS service's own.
    """
    return (await find_caches(client, dns_namespace)).caches


@understood("the DaemonSets")
async def find_caches(client: Client, dns_namespace: str) -> Found:
    """Find every node-local DNS cache, and what only seems to be one; see `read_caches`."""
    try:
        items = await client.list(collection("apps/v1", "daemonsets"))
    except ForbiddenError as error:
        if error.status != FORBIDDEN:
            raise
        items = await client.list(collection("apps/v1", "daemonsets", dns_namespace))
    return sort_out(items, dns_namespace, await _kept_on_nodes(client, items, dns_namespace))


async def _kept_on_nodes(
    client: Client, daemonsets: Iterable[Mapping[str, Any]], dns_namespace: str
) -> frozenset[str]:
    """Return the UIDs of those that keep a pod on a node's network, outside of `dns_namespace`.

    Only the pods tell: a DaemonSet adopts a pod in a network of its own as well, and counts it.
    """
    spaces = {
        cache.namespace
        for cache in readable(cache_of, daemonsets)
        if cache.host_network and cache.namespace != dns_namespace
    }
    kept: set[str] = set()
    for namespace in sorted(spaces):
        with contextlib.suppress(ForbiddenError):
            pods = await client.list(collection("v1", "pods", namespace))
            kept.update(filter(None, readable(_on_its_node, pods)))
    return frozenset(kept)


def _on_its_node(pod: Mapping[str, Any]) -> str:
    """Return the UID of what keeps a pod that is on its node's network; empty for any other."""
    return controller_uid(pod) if (pod.get("spec") or {}).get("hostNetwork") else ""


def sort_out(
    daemonsets: Iterable[Mapping[str, Any]], dns_namespace: str, on_nodes: Collection[str] = ()
) -> Found:
    """Tell caches among DaemonSet objects from what only seems to be one.

    Args:
        daemonsets: the objects.
        dns_namespace: the DNS service's.
        on_nodes: UIDs of what keeps pods on nodes' network in other namespaces.

    Raises:
        UnreadableError: one of the name of ours cannot be read.
    """

    def read(item: Mapping[str, Any]) -> tuple[Cache | None, Imitation | None]:
        return _sorted_out(item, dns_namespace, on_nodes)

    items = [*daemonsets]
    own = [item for item in items if name_of(item) == f"{dns_namespace}/{OWN_NAME}"]
    others = readable(read, (item for item in items if item not in own))
    found = [*required("DaemonSet", read, own), *others]
    caches = [cache for cache, _ in found if cache]
    imitations = [imitation for _, imitation in found if imitation]
    caches.sort(key=lambda c: (not c.ours, c.namespace != dns_namespace, c.namespace, c.name))
    imitations.sort(key=lambda one: (one.namespace, one.name))
    return Found(caches=tuple(caches), imitations=tuple(imitations), left_out=others.left_out)


def _sorted_out(
    daemonset: Mapping[str, Any], dns_namespace: str, on_nodes: Collection[str]
) -> tuple[Cache | None, Imitation | None]:
    """Say of one object whether it is a cache, and whether it only seems to be one, or ours."""
    cache = cache_of(daemonset, home=dns_namespace)
    if cache is not None:
        shaped(daemonset, DAEMONSET)
    serves = cache is not None and (
        cache.namespace == dns_namespace or (cache.host_network and cache.uid in on_nodes)
    )
    labelled = is_labelled(daemonset) and not is_own(daemonset, dns_namespace)
    seems = None
    if labelled or (cache is not None and not serves):
        metadata = daemonset["metadata"]
        seems = Imitation(namespace=metadata["namespace"], name=metadata["name"], labelled=labelled)
    return (cache if serves else None), seems


def is_labelled(obj: Mapping[str, Any]) -> bool:
    """Whether an object bears our label."""
    return (obj["metadata"].get("labels") or {}).get(MANAGED_BY) == OURS


def is_own(daemonset: Mapping[str, Any], home: str) -> bool:
    """Whether a DaemonSet is our installation.

    Args:
        daemonset: the object.
        home: namespace of the DNS service.
    """
    metadata = daemonset["metadata"]
    own = (metadata["namespace"], metadata["name"]) == (home, OWN_NAME)
    return own and is_labelled(daemonset)


def cache_of(daemonset: Mapping[str, Any], *, home: str = "") -> Cache | None:
    """Read a DaemonSet object; None when it is no node-local DNS cache.

    Args:
        daemonset: the object.
        home: namespace of the DNS service, where ours is; empty where that does not matter.
    """
    template = daemonset["spec"]["template"]
    container = _cache_container(template["spec"].get("containers") or ())
    if container is None:
        return None
    metadata = daemonset["metadata"]
    ours = is_own(daemonset, home)
    words = words_of(container)
    selector = daemonset["spec"]["selector"].get("matchLabels") or {}
    return Cache(
        namespace=metadata["namespace"],
        name=metadata["name"],
        uid=metadata["uid"],
        ours=ours,
        owner="kubectl nodedns" if ours else _owner(metadata, metadata.get("labels") or {}),
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
        reads_kube_dns=KUBE_DNS in configmaps_of(template["spec"]),
        faults=agent_faults(container),
    )


def local_ips_of(words: tuple[str, ...]) -> tuple[str, ...]:
    """Return the addresses that an agent with this command line listens on."""
    given = (word.strip() for word in flag(words, "localip").split(","))
    return tuple(ip for ip in given if address(ip))


def setup_metrics_port(words: tuple[str, ...]) -> int:
    """Return the port of the agent's own metrics: its -metrics-listen-address, else 9353."""
    return port(flag(words, "metrics-listen-address").rpartition(":")[2]) or SETUP_METRICS_PORT


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
    return next((one.get("name", "") for one in maps if one.get("name") != KUBE_DNS), "")


def _metrics_port(container: Mapping[str, Any], template: Mapping[str, Any]) -> int:
    """The port named metrics, else the scrape annotation, else CoreDNS's default in node-cache."""
    for declared in container.get("ports") or ():
        if declared.get("name") == "metrics":
            return int(declared["containerPort"])
    annotations = (template.get("metadata") or {}).get("annotations") or {}
    return port(annotations.get("prometheus.io/port")) or METRICS_PORT


def _owner(metadata: Mapping[str, Any], labels: Mapping[str, str]) -> str:
    """Name the installer, from what each one leaves on its DaemonSet."""
    annotations = metadata.get("annotations") or {}
    if release := annotations.get("meta.helm.sh/release-name"):
        return f"Helm release {printable(str(release))}"
    if labels.get("addon.kops.k8s.io/name") or labels.get("k8s-addon"):
        return "kOps"
    if metadata["name"].startswith("nodelocaldns"):
        return "kubespray"
    if labels.get("addonmanager.kubernetes.io/mode"):
        return "the Kubernetes add-on manifest"
    manager = labels.get(MANAGED_BY) or "whoever applied its manifest"
    return "somebody who gave it our label" if manager == OURS else printable(manager)
