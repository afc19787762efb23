"""What a run of `enable` or `disable` leaves: objects, pods, and what is on the nodes.

Two runs that end in the same state give equal values. Left out is only what differs from one
undisturbed run to the next: identities, times, counters of changes, addresses that the API server
hands out, names that end in chance. Probes are left out too: those of a client that was killed end
by themselves.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tests.e2e.conftest import KubectlCall

OURS = "app.kubernetes.io/managed-by=kubectl-nodedns,app.kubernetes.io/name=node-local-dns"
KINDS = "serviceaccounts,services,configmaps,daemonsets"
OF_ONE_RUN = ("uid", "resourceVersion", "creationTimestamp", "generation", "generateName")
TEMPLATE_COUNTER = "deprecated.daemonset.template.generation"
POD_COUNTER = "pod-template-generation"


def end_state(
    nodes: Sequence[str],
    kubectl: KubectlCall,
    rules: Callable[[str], list[str]],
    link: Callable[[str], list[str] | None],
    where: Sequence[str] = ("-A",),
) -> dict[str, Any]:
    """Return the state of the installation; equal states are equal values.

    Args:
        nodes: the nodes to look at.
        kubectl: see `tests.e2e.conftest`.
        rules: see there.
        link: see there.
        where: kubectl's words for the namespaces to look in.
    """
    listing = kubectl("get", KINDS, *where, "-l", OURS, "--show-managed-fields", "-ojson")
    pods = kubectl("get", "pods", *where, "-l", "k8s-app=node-local-dns", "-ojson")
    return {
        "objects": sorted((_object(one) for one in listing["items"]), key=_name),
        "pods": sorted((_pod(one) for one in pods["items"]), key=lambda pod: pod["node"]),
        "names": sorted(kubectl("-n", "kube-system", "get", KINDS, "-o", "name").split()),
        "nodes": {node: (sorted(rules(node)), link(node)) for node in nodes},
    }


def _name(obj: dict[str, Any]) -> tuple[str, str]:
    return obj["kind"], obj["metadata"]["name"]


def _object(obj: dict[str, Any]) -> dict[str, Any]:
    found = {key: value for key, value in obj.items() if key != "status"}
    metadata = _metadata(obj["metadata"])
    metadata["managedFields"] = [
        {key: value for key, value in entry.items() if key != "time"}
        for entry in obj["metadata"]["managedFields"]
        if entry["operation"] == "Apply"  # the others are controllers that count what they see
    ]
    if obj["kind"] == "Service" and obj["spec"].get("clusterIP") != "None":
        given = ("clusterIP", "clusterIPs")
        found["spec"] = {key: value for key, value in obj["spec"].items() if key not in given}
    return {**found, "metadata": metadata}


def _pod(pod: dict[str, Any]) -> dict[str, Any]:
    metadata = _metadata(pod["metadata"])
    spec = pod["spec"]
    mounts = {v["name"] for v in spec["volumes"] if "projected" in v}  # its name ends in chance
    containers = [
        {**one, "volumeMounts": [m for m in one["volumeMounts"] if m["name"] not in mounts]}
        for one in spec["containers"]
    ]
    return {
        "node": spec["nodeName"],
        "phase": pod["status"]["phase"],
        "ready": all(one["ready"] for one in pod["status"]["containerStatuses"]),
        "restarts": sum(one["restartCount"] for one in pod["status"]["containerStatuses"]),
        "labels": metadata["labels"],
        "annotations": metadata.get("annotations"),
        "containers": containers,
        "leaving": "deletionTimestamp" in metadata,
    }


def _metadata(metadata: dict[str, Any]) -> dict[str, Any]:
    found = {key: value for key, value in metadata.items() if key not in OF_ONE_RUN}
    for part, counter in (("annotations", TEMPLATE_COUNTER), ("labels", POD_COUNTER)):
        if part in found:
            found[part] = {key: value for key, value in found[part].items() if key != counter}
    return found
