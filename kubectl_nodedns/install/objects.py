"""Settings to Kubernetes objects: a pure function.

The objects of `manifests/` are edited by their structure. Two labels on the pod template tell what
a running cache pod is: its revision, a hash of all that makes the cache what it is, and its phase,
"dark" (listening on the local IP alone) or "full" (on the kube-dns IP too). Both phases of one
installation share a revision.
"""

from __future__ import annotations

import copy
import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kubectl_nodedns.install.corefile import CLUSTER, LOCAL, corefile
from kubectl_nodedns.install.manifest import read_objects
from kubectl_nodedns.install.variants import (
    CALICO_EBPF,
    IPTABLES,
    VARIANTS,
    Variant,
    excluded_service,
    into_pod_network,
    redirect_policy,
)
from kubectl_nodedns.names import marker_name

if TYPE_CHECKING:
    from collections.abc import Mapping

NAME = "node-local-dns"
UPSTREAM = "kube-dns-upstream"
MANAGED_BY = {"app.kubernetes.io/managed-by": "kubectl-nodedns"}
REVISION = "kubectl-nodedns/revision"
PHASE = "kubectl-nodedns/phase"
OPTIONS = "kubectl-nodedns/options"
STATE = "kubectl-nodedns/state"
DARK, FULL = "dark", "full"
"""Phases of a pod template."""
ENABLING, ENABLED, DISABLING = "enabling", "enabled", "disabling"
"""States of an installation, in the annotation `STATE`."""
SELECTOR = "k8s-app=node-local-dns"

Objects = list[dict[str, Any]]


@dataclass(frozen=True, kw_only=True)
class Settings:
    """All that decides what is installed."""

    namespace: str
    """Namespace of the DNS service, and of all our objects."""
    dns_selector: Mapping[str, str]
    """Selector of the DNS service, for the upstream service."""
    dns_ports: Mapping[str, int | str]
    """Target port of the DNS service, by protocol."""
    kube_dns_ip: str
    """Address of the DNS service."""
    local_ip: str
    """Address of the cache that nothing else uses."""
    cluster_domain: str
    """Without a final dot."""
    image: str
    """Image of the cache."""
    node_selector: Mapping[str, str]
    """Labels that a node must carry."""
    mode: str = IPTABLES
    """What translates service addresses."""
    dns_service: str = "kube-dns"
    """Name of the DNS service."""

    @property
    def variant(self) -> Variant:
        """How lookups come to the cache."""
        return VARIANTS[self.mode]

    @property
    def local_ips(self) -> str:
        """The addresses that the cache serves on once it is switched, with commas between."""
        if self.variant is Variant.LOCAL_ONLY:
            return self.local_ip
        return f"{self.local_ip},{self.kube_dns_ip}"

    @property
    def selector(self) -> dict[str, str]:
        """Labels that a node must carry, Linux among them: the agent knows no other system."""
        return {**self.node_selector, "kubernetes.io/os": "linux"}


def build(
    settings: Settings, *, phase: str = FULL, state: str = ENABLED, options: str = ""
) -> Objects:
    """Return the objects of an installation, in the order in which they are applied.

    Args:
        settings: what is installed.
        phase: DARK or FULL.
        state: what the DaemonSet's annotation says of the installation as a whole.
        options: the remembered options (`Memory.as_text`), for the DaemonSet's annotation.
    """
    objects = copy.deepcopy(read_objects())
    for obj in objects:
        obj["metadata"]["namespace"] = settings.namespace
        obj["metadata"]["labels"] |= MANAGED_BY
    config = _find(objects, "ConfigMap")
    redirected = settings.variant is Variant.REDIRECT
    alone = settings.variant is Variant.LOCAL_ONLY
    config["data"]["Corefile"] = corefile(
        cluster_domain=settings.cluster_domain,
        local_ip="" if redirected else settings.local_ip,
        marker_zone=marker_name(settings.cluster_domain).rstrip("."),
        # The service's own address still leads to CoreDNS where it cannot be taken over.
        upstream=settings.kube_dns_ip if alone else CLUSTER,
        bind="0.0.0.0" if redirected else LOCAL,  # noqa: S104 - in the pod's own network
    )
    config["metadata"]["name"] = f"{NAME}-{_hash(config['data'])}"
    upstream = _find(objects, "Service", UPSTREAM)
    upstream["spec"]["selector"] = dict(settings.dns_selector)
    for port in upstream["spec"]["ports"]:
        port["targetPort"] = settings.dns_ports.get(port["protocol"], 53)
    daemonset = _find(objects, "DaemonSet")
    _edit(daemonset, settings, config["metadata"]["name"], phase)
    annotations = {STATE: state} | ({OPTIONS: options} if options else {})
    daemonset["metadata"].setdefault("annotations", {}).update(annotations)
    if alone:
        objects.remove(upstream)
    if redirected:
        labels = daemonset["metadata"]["labels"]
        objects.append(redirect_policy(settings.namespace, settings.dns_service, labels))
    if settings.mode == CALICO_EBPF:
        objects.append(excluded_service(settings.namespace, settings.dns_service))
    return objects


def daemonset_of(objects: Objects) -> dict[str, Any]:
    """Return the DaemonSet among the objects."""
    return _find(objects, "DaemonSet")


def revision_of(objects: Objects) -> str:
    """Return the revision that the objects install."""
    template = daemonset_of(objects)["spec"]["template"]
    return str(template["metadata"]["labels"][REVISION])


def _edit(daemonset: dict[str, Any], settings: Settings, config: str, phase: str) -> None:
    template = daemonset["spec"]["template"]
    template["metadata"]["labels"] |= MANAGED_BY
    spec = template["spec"]
    spec["nodeSelector"] = settings.selector
    for volume in spec["volumes"]:
        if volume["name"] == "config-volume":
            volume["configMap"]["name"] = config
    container = spec["containers"][0]
    container["image"] = settings.image
    for probe in ("livenessProbe", "readinessProbe"):
        container[probe]["httpGet"]["host"] = settings.local_ip
    if settings.variant is Variant.LOCAL_ONLY:
        at = container["args"].index("-upstreamsvc")
        del container["args"][at : at + 2]
    if settings.variant is Variant.REDIRECT:
        into_pod_network(daemonset)
    set_local_ips(container["args"], settings.local_ips)
    template["metadata"]["labels"][REVISION] = _hash(spec)
    template["metadata"]["labels"][PHASE] = phase
    if phase == DARK:
        set_local_ips(container["args"], settings.local_ip)


def set_local_ips(arguments: list[str], value: str) -> None:
    """Put `value` in the place of the -localip argument's value."""
    arguments[arguments.index("-localip") + 1] = value


def serves_alone(daemonset: Mapping[str, Any]) -> bool:
    """Whether a DaemonSet of ours, once switched, serves on the local IP alone."""
    arguments = daemonset["spec"]["template"]["spec"]["containers"][0]["args"]
    return "," not in arguments[arguments.index("-localip") + 1]


def darkened(daemonset: Mapping[str, Any], *, state: str) -> dict[str, Any]:
    """Return a live DaemonSet of ours as it is to be applied, with its template in the dark phase.

    Works on what is installed, whatever options made it; so `disable` needs none.
    """
    obj = applicable(daemonset)
    obj["metadata"]["annotations"][STATE] = state
    template = obj["spec"]["template"]
    template["metadata"]["labels"][PHASE] = DARK
    arguments = template["spec"]["containers"][0]["args"]
    local_ip = arguments[arguments.index("-localip") + 1].split(",")[0]
    set_local_ips(arguments, local_ip)
    return obj


def applicable(live: Mapping[str, Any]) -> dict[str, Any]:
    """Return a live object without what the API server adds, so that it can be applied again."""
    metadata = live["metadata"]
    annotations = {
        key: value
        for key, value in (metadata.get("annotations") or {}).items()
        if key.startswith("kubectl-nodedns/")
    }
    return {
        "apiVersion": live.get("apiVersion", "apps/v1"),
        "kind": live.get("kind", "DaemonSet"),
        "metadata": {
            "name": metadata["name"],
            "namespace": metadata["namespace"],
            "labels": dict(metadata.get("labels") or {}),
            "annotations": annotations,
        },
        "spec": copy.deepcopy(dict(live["spec"])),
    }


def _find(objects: Objects, kind: str, name: str = "") -> dict[str, Any]:
    return next(o for o in objects if o["kind"] == kind and name in ("", o["metadata"]["name"]))


def _hash(content: object) -> str:
    text = json.dumps(content, sort_keys=True).encode()
    return hashlib.sha256(text).hexdigest()[:10]
