"""Settings, nodes, pods and live objects for the tests about plans."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from kubectl_nodedns.facts.nodes import Node
from kubectl_nodedns.install.live import CachePod, Live
from kubectl_nodedns.install.objects import ENABLED, FULL, build, revision_of
from kubectl_nodedns.install.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterable

SETTINGS = Settings(
    namespace="kube-system",
    dns_selector={"k8s-app": "kube-dns"},
    dns_ports={"UDP": 53, "TCP": 53},
    kube_dns_ip="10.96.0.10",
    local_ip="169.254.20.10",
    cluster_domain="cluster.local",
    image="registry.k8s.io/dns/k8s-dns-node-cache:1.26.8",
    node_selector={},
)
"""What the manifests in `manifests/` are written for."""
OLDER = replace(SETTINGS, image="registry.k8s.io/dns/k8s-dns-node-cache:1.26.7")
OPTIONS = '{"defaults": {}, "given": {}}'
REVISION = revision_of(build(SETTINGS))
OLD_REVISION = revision_of(build(OLDER))


def node(name: str, *, ready: bool = True, system: str = "linux", **labels: str) -> Node:
    """A node."""
    return Node(
        name=name,
        ready=ready,
        system=system,
        labels={"kubernetes.io/os": system, **labels},
        addresses=("10.88.0.11",),
        pod_ranges=("10.244.1.0/24",),
    )


def pod(
    on: str, *, revision: str = REVISION, phase: str = FULL, ready: bool = True
) -> tuple[str, CachePod]:
    """A cache pod of ours, by its node."""
    return on, CachePod(
        node=on,
        name=f"node-local-dns-{on}",
        uid=f"uid-of-{on}",
        revision=revision,
        phase=phase,
        running=ready,
        ready=ready,
        trouble="" if ready else "CrashLoopBackOff",
    )


def stored(objects: Iterable[dict[str, Any]]) -> dict[tuple[str, str], dict[str, Any]]:
    """Objects as the API server returns them: with a UID and with fields that it fills in."""
    live = {}
    for obj in copy.deepcopy(list(objects)):
        obj["metadata"] |= {"uid": f"uid-of-{obj['metadata']['name']}", "resourceVersion": "7"}
        if obj["kind"] == "DaemonSet":
            obj["status"] = {"desiredNumberScheduled": 3}
            obj["spec"]["revisionHistoryLimit"] = 10
            obj["spec"]["template"]["spec"]["containers"][0]["imagePullPolicy"] = "IfNotPresent"
        if obj["kind"] == "Service":
            obj["spec"].setdefault("clusterIP", "10.96.71.14")
        live[obj["kind"], obj["metadata"]["name"]] = obj
    return live


def installed(
    settings: Settings = SETTINGS,
    *pods: tuple[str, CachePod],
    phase: str = FULL,
    state: str = ENABLED,
) -> Live:
    """An installation as it is read from the cluster."""
    objects = build(settings, phase=phase, state=state, options=OPTIONS)
    return Live(objects=stored(objects), pods=dict(pods))


NOTHING = Live(objects={}, pods={})
