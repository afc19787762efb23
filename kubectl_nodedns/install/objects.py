"""Settings to Kubernetes objects: a pure function.

The objects of `manifests/` are edited by their structure; the folder stands at the top of the
repository and travels inside the package as `_manifests`. Two labels on the pod template tell what
a running cache pod is: its revision, a hash of all that makes the cache what it is, and its phase,
"dark" (listening on the local IP alone) or "full" (on the kube-dns IP too). Both phases of one
installation share a revision.
"""

from __future__ import annotations

import copy
import hashlib
import json
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from kubectl_nodedns.facts import progress
from kubectl_nodedns.facts.caches import OWN_NAME, SETUP_METRICS_PORT, local_ips_of
from kubectl_nodedns.facts.command_line import words_of
from kubectl_nodedns.facts.dataplane import CALICO_EBPF
from kubectl_nodedns.install.corefile import HEALTH_PORT
from kubectl_nodedns.install.quantity import memory_bytes
from kubectl_nodedns.install.settings import tolerations_of
from kubectl_nodedns.install.untracked import forget_answers, untrack_answers
from kubectl_nodedns.install.variants import (
    Variant,
    excluded_service,
    into_pod_network,
    redirect_policy,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from importlib.resources.abc import Traversable

    from kubectl_nodedns.install.settings import Settings

FILE = "nodelocaldns.yaml"
NAME = OWN_NAME
UPSTREAM = "kube-dns-upstream"
RECORD = "node-local-dns-adopted"
"""ConfigMap with what an installation of somebody else was, while it is taken over."""
MANAGED_BY = {"app.kubernetes.io/managed-by": "kubectl-nodedns"}
REVISION = "kubectl-nodedns/revision"
PHASE = "kubectl-nodedns/phase"
OPTIONS = "kubectl-nodedns/options"
STATE = progress.STATE
DARK, FULL = progress.DARK, "full"
"""Phases of a pod template."""
ENABLING, ENABLED, DISABLING = "enabling", progress.ENABLED, progress.DISABLING
"""States of an installation, in the annotation `STATE`."""
SELECTOR = "k8s-app=node-local-dns"
GO_MEMORY_LIMIT = "GOMEMLIMIT"
SOFT = 0.9
"""Share of the memory limit from which the Go runtime collects harder."""
Objects = list[dict[str, Any]]


def folder() -> Traversable:
    """Return the folder with the manifests, in an installed package or in a checkout."""
    package = resources.files("kubectl_nodedns")
    packed = package / "_manifests"
    if packed.is_dir():
        return packed
    return Path(str(package)).parent / "manifests"


def read_objects() -> list[dict[str, Any]]:
    """Return the objects of the manifest, in the order in which they must be created."""
    text = (folder() / FILE).read_text(encoding="utf-8")
    return [document for document in yaml.safe_load_all(text) if document]


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
        obj["metadata"]["labels"] |= {**settings.labels, **MANAGED_BY}
    config = _find(objects, "ConfigMap")
    config["data"]["Corefile"] = settings.corefile()
    config["metadata"]["name"] = f"{NAME}-{_hash(config['data'])}"
    upstream = _find(objects, "Service", UPSTREAM)
    upstream["spec"]["selector"] = dict(settings.dns_selector)
    for port in upstream["spec"]["ports"]:
        port["targetPort"] = settings.dns_ports.get(port["protocol"], 53)
    metrics = _find(objects, "Service", NAME)
    metrics["metadata"]["annotations"]["prometheus.io/port"] = str(settings.ports.metrics)
    for port in metrics["spec"]["ports"]:
        port["port"] = port["targetPort"] = settings.ports.metrics
    daemonset = _find(objects, "DaemonSet")
    _edit(daemonset, settings, config["metadata"]["name"], phase)
    annotations = {STATE: state} | ({OPTIONS: options} if options else {})
    daemonset["metadata"].setdefault("annotations", {}).update(annotations)
    if settings.variant is Variant.LOCAL_ONLY:
        objects.remove(upstream)
    if settings.variant is Variant.REDIRECT:
        labels = daemonset["metadata"]["labels"]
        names = settings.dns_port_names
        objects.append(redirect_policy(settings.namespace, settings.dns_service, names, labels))
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
    metadata = template["metadata"]
    metadata["labels"] |= {**settings.labels, **MANAGED_BY}
    metadata["annotations"] |= settings.pod_annotations
    metadata["annotations"]["prometheus.io/port"] = str(settings.ports.metrics)
    spec = template["spec"]
    spec["nodeSelector"] = settings.selector
    spec["priorityClassName"] = settings.priority_class
    spec["tolerations"] = tolerations_of(settings.tolerations)
    if settings.pull_secrets:
        spec["imagePullSecrets"] = [{"name": name} for name in settings.pull_secrets]
    for volume in spec["volumes"]:
        if volume["name"] == "config-volume":
            volume["configMap"]["name"] = config
    _edit_container(spec["containers"][0], settings)
    if settings.variant is Variant.REDIRECT:
        into_pod_network(daemonset)
    if settings.variant is Variant.TRANSPARENT:
        untrack_answers(spec, settings.kube_dns_ip)
    content = [spec, dict(settings.labels), dict(settings.pod_annotations)]
    metadata["labels"][REVISION] = _hash(content)
    metadata["labels"][PHASE] = phase
    if phase == DARK:
        _darken(spec)


def _edit_container(container: dict[str, Any], settings: Settings) -> None:
    ports = settings.ports
    container["image"] = settings.image
    for probe in ("livenessProbe", "readinessProbe"):
        container[probe]["httpGet"] |= {"host": settings.local_ip, "port": ports.health}
    for port in container["ports"]:
        if port["name"] == "metrics":
            port["containerPort"] = ports.metrics
    if settings.variant is Variant.LOCAL_ONLY:
        at = container["args"].index("-upstreamsvc")
        del container["args"][at : at + 2]
    set_local_ips(container["args"], settings.local_ips)
    if ports.health != HEALTH_PORT:
        container["args"] += ["-health-port", str(ports.health)]
    ipv6 = ":" in settings.kube_dns_ip
    if ipv6 or ports.setup_metrics != SETUP_METRICS_PORT:
        everywhere = "[::]" if ipv6 else "0.0.0.0"  # noqa: S104 - the agent's default is that
        container["args"] += ["-metrics-listen-address", f"{everywhere}:{ports.setup_metrics}"]
    limit = settings.memory_limit
    requests = {"cpu": settings.resources.cpu_request, "memory": settings.memory_request}
    limits = {"cpu": settings.resources.cpu_limit, "memory": limit}
    found = {"requests": _without_nothing(requests), "limits": _without_nothing(limits)}
    container["resources"] = {key: value for key, value in found.items() if value}
    container["env"] = [e for e in container["env"] if e["name"] != GO_MEMORY_LIMIT]
    if limit:
        # Go then collects its heap before the kernel would kill the process.
        soft = str(int(memory_bytes(limit) * SOFT))
        container["env"].append({"name": GO_MEMORY_LIMIT, "value": soft})


def _without_nothing(quantities: Mapping[str, str]) -> dict[str, str]:
    return {name: quantity for name, quantity in quantities.items() if quantity}


def set_local_ips(arguments: list[str], value: str) -> None:
    """Put `value` in the place of the -localip argument's value."""
    arguments[arguments.index("-localip") + 1] = value


def serves_alone(daemonset: Mapping[str, Any]) -> bool:
    """Whether a DaemonSet, once switched, serves on the local IP alone."""
    container = daemonset["spec"]["template"]["spec"]["containers"][0]
    return len(local_ips_of(words_of(container))) <= 1


def darkened(daemonset: Mapping[str, Any], *, state: str) -> dict[str, Any]:
    """Return a live DaemonSet of ours as it is to be applied, with its template in the dark phase.

    Works on what is installed, whatever options made it; so `disable` needs none.
    """
    obj = applicable(daemonset)
    obj["metadata"]["annotations"][STATE] = state
    template = obj["spec"]["template"]
    template["metadata"]["labels"][PHASE] = DARK
    _darken(template["spec"])
    return obj


def _darken(spec: dict[str, Any]) -> None:
    """Have a pod serve on its first address alone."""
    arguments = spec["containers"][0]["args"]
    set_local_ips(arguments, arguments[arguments.index("-localip") + 1].split(",")[0])
    forget_answers(spec)


def applicable(live: Mapping[str, Any]) -> dict[str, Any]:
    """Return a live object without what the API server adds, so that it can be applied again.

    It keeps its UID: the API server turns it away where the object is gone, or another by now.
    """
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
            **({"uid": metadata["uid"]} if "uid" in metadata else {}),
        },
        # An adopted one may have rolled by itself; under us nothing reaches a node ungated.
        "spec": {**copy.deepcopy(dict(live["spec"])), "updateStrategy": {"type": "OnDelete"}},
    }


def _find(objects: Objects, kind: str, name: str = "") -> dict[str, Any]:
    return next(o for o in objects if o["kind"] == kind and name in ("", o["metadata"]["name"]))


def _hash(content: object) -> str:
    text = json.dumps(content, sort_keys=True).encode()
    return hashlib.sha256(text).hexdigest()[:10]
