"""Objects as the rows that `kubectl get` prints.

Columns are those of a Kubernetes 1.37 API server; the STATUS of a pod is put together the way its
printer does it (kubernetes/kubernetes, pkg/printers/internalversion/printers.go).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kubectl_nodedns.demo.clock import age

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from kubectl_nodedns.demo.kinds import Resource
    from kubectl_nodedns.demo.store import Object

    Cells = Callable[[Object], list[Any]]

NONE = "<none>"
KIND = {"kind": "Table", "apiVersion": "meta.k8s.io/v1"}


def table(
    resource: Resource,
    objects: Sequence[Object],
    metadata: Mapping[str, Any],
    *,
    include: str = "Metadata",
    headed: bool = True,
) -> Object:
    """Return a Table.

    Args:
        resource: the kind of the objects.
        objects: the objects.
        metadata: metadata of the list.
        include: what of each object goes with its row: "None", "Metadata" or "Object".
        headed: whether the columns are told; a watch tells them once.
    """
    columns, cells = PRINTERS.get(resource.plural, _ANY)
    definitions = [
        {
            "name": name.rstrip("*"),
            "type": "string",
            "format": "name" if name == "Name" else "",
            "description": "",
            "priority": 1 if name.endswith("*") else 0,
        }
        for name in columns
    ]
    rows = [{"cells": cells(obj), "object": _included(obj, include)} for obj in objects]
    return {
        **KIND,
        "metadata": dict(metadata),
        "columnDefinitions": definitions if headed else None,
        "rows": rows,
    }


def partial(obj: Object) -> Object:
    """Return an object's metadata alone."""
    return {
        "kind": "PartialObjectMetadata",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": obj["metadata"],
    }


def _included(obj: Object, include: str) -> Object | None:
    if include == "None":
        return None
    return obj if include == "Object" else partial(obj)


def _pod(obj: Object) -> list[Any]:
    metadata, status, spec = obj["metadata"], obj.get("status") or {}, obj.get("spec") or {}
    containers = status.get("containerStatuses") or ()
    ready = sum(bool(c.get("ready")) for c in containers)
    wanted = len(spec.get("containers") or ())
    return [
        metadata["name"],
        f"{ready}/{wanted}",
        pod_status(obj),
        _restarts(containers),
        age(metadata.get("creationTimestamp")),
        status.get("podIP") or NONE,
        spec.get("nodeName") or NONE,
        NONE,
        NONE,
    ]


def pod_status(obj: Object) -> str:
    """Return the STATUS of a pod."""
    status = obj.get("status") or {}
    text = status.get("reason") or status.get("phase") or "Unknown"
    running = False
    for container in reversed(status.get("containerStatuses") or ()):
        state = container.get("state") or {}
        if reason := (state.get("waiting") or {}).get("reason"):
            text = reason
        elif ended := state.get("terminated"):
            text = ended.get("reason") or f"ExitCode:{ended.get('exitCode', 0)}"
        elif state.get("running") and container.get("ready"):
            running = True
    if text == "Completed" and running:
        text = "Running"
    if obj["metadata"].get("deletionTimestamp"):
        return "Terminating"
    return str(text)


def _restarts(containers: Sequence[Mapping[str, Any]]) -> str:
    count = sum(int(c.get("restartCount") or 0) for c in containers)
    ends = [
        (c.get("lastState") or {}).get("terminated", {}).get("finishedAt") or "" for c in containers
    ]
    newest = max(ends, default="")
    return f"{count} ({age(newest)} ago)" if count and newest else str(count)


def _node(obj: Object) -> list[Any]:
    metadata, status, spec = obj["metadata"], obj.get("status") or {}, obj.get("spec") or {}
    conditions = {c["type"]: c["status"] for c in status.get("conditions") or ()}
    text = {"True": "Ready", "False": "NotReady"}.get(conditions.get("Ready", ""), "Unknown")
    if spec.get("unschedulable"):
        text += ",SchedulingDisabled"
    prefix = "node-role.kubernetes.io/"
    roles = [k.removeprefix(prefix) for k in metadata.get("labels") or () if k.startswith(prefix)]
    addresses = {a["type"]: a["address"] for a in status.get("addresses") or ()}
    info = status.get("nodeInfo") or {}
    return [
        metadata["name"],
        text,
        ",".join(sorted(roles)) or NONE,
        age(metadata.get("creationTimestamp")),
        info.get("kubeletVersion", ""),
        addresses.get("InternalIP", NONE),
        addresses.get("ExternalIP", NONE),
        info.get("osImage", "<unknown>"),
        f"{info.get('kernelVersion', '<unknown>')} ({info.get('architecture', '')})",
        info.get("containerRuntimeVersion", "<unknown>"),
    ]


def _service(obj: Object) -> list[Any]:
    spec = obj["spec"]
    ports = ",".join(f"{p['port']}/{p.get('protocol', 'TCP')}" for p in spec.get("ports") or ())
    selector = ",".join(f"{k}={v}" for k, v in (spec.get("selector") or {}).items())
    return [
        obj["metadata"]["name"],
        spec.get("type", "ClusterIP"),
        spec.get("clusterIP", NONE),
        NONE,
        ports or NONE,
        age(obj["metadata"].get("creationTimestamp")),
        selector or NONE,
    ]


def _daemonset(obj: Object) -> list[Any]:
    status, spec = obj.get("status") or {}, obj["spec"]
    counts = ["desiredNumberScheduled", "currentNumberScheduled", "numberReady"]
    counts += ["updatedNumberScheduled", "numberAvailable"]
    selector = (spec["template"].get("spec") or {}).get("nodeSelector") or {}
    return [
        obj["metadata"]["name"],
        *(status.get(name, 0) for name in counts),
        ",".join(f"{k}={v}" for k, v in selector.items()) or NONE,
        age(obj["metadata"].get("creationTimestamp")),
    ]


def _event(obj: Object) -> list[Any]:
    about = obj.get("involvedObject") or {}
    return [
        age(obj.get("lastTimestamp")),
        obj.get("type", ""),
        obj.get("reason", ""),
        f"{str(about.get('kind', '')).lower()}/{about.get('name', '')}",
        obj.get("message", ""),
    ]


def _configmap(obj: Object) -> list[Any]:
    metadata = obj["metadata"]
    count = len(obj.get("data") or ())
    return [metadata["name"], count, age(metadata.get("creationTimestamp"))]


def _any(obj: Object) -> list[Any]:
    return [obj["metadata"]["name"], age(obj["metadata"].get("creationTimestamp"))]


_ANY: tuple[tuple[str, ...], Cells] = (("Name", "Age"), _any)
_POD_COLUMNS = (
    *("Name", "Ready", "Status", "Restarts", "Age"),
    *("IP*", "Node*", "Nominated Node*", "Readiness Gates*"),
)
_NODE_COLUMNS = (
    *("Name", "Status", "Roles", "Age", "Version", "Internal-IP*", "External-IP*"),
    *("OS-Image*", "Kernel-Version*", "Container-Runtime*"),
)
_DAEMONSET_COLUMNS = ("Name", "Desired", "Current", "Ready", "Up-to-date", "Available")
_SERVICE_COLUMNS = ("Name", "Type", "Cluster-IP", "External-IP", "Port(s)", "Age", "Selector*")
PRINTERS: Mapping[str, tuple[tuple[str, ...], Cells]] = {
    "pods": (_POD_COLUMNS, _pod),
    "nodes": (_NODE_COLUMNS, _node),
    "services": (_SERVICE_COLUMNS, _service),
    "daemonsets": ((*_DAEMONSET_COLUMNS, "Node Selector", "Age"), _daemonset),
    "configmaps": (("Name", "Data", "Age"), _configmap),
    "events": (("Last Seen", "Type", "Reason", "Object", "Message"), _event),
}
"""Columns (one that ends in * is for `-o wide`) and cells, by plural."""
