"""Pods as values: made from a template, and what their status is at each point of their life."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from kubectl_nodedns.demo.clock import stamp

if TYPE_CHECKING:
    import random
    from collections.abc import Mapping

    from kubectl_nodedns.demo.store import Object

LETTERS = "bcdfghjklmnpqrstvwxz2456789"
"""What Kubernetes makes up the ends of names from."""
READY, SCHEDULED, INITIALIZED = "Ready", "PodScheduled", "Initialized"


def suffix(chance: random.Random, length: int = 5) -> str:
    """Make up the end of a name."""
    return "".join(chance.choices(LETTERS, k=length))


def made(
    template: Mapping[str, Any],
    owner: Object,
    *,
    name: str,
    node: str,
    labels: Mapping[str, str] | None = None,
    created: str = "",
) -> Object:
    """Make a pod that waits for its containers.

    Args:
        template: the pod template, with the server's defaults.
        owner: the controller.
        name: name of the pod.
        node: node that it is bound to; empty while there is none.
        labels: labels beside the template's.
        created: when it was made; now by default.
    """
    metadata = template.get("metadata") or {}
    spec = dict(template["spec"])
    if node:
        spec["nodeName"] = node
    reference = {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": name,
            "generateName": name[:-5],
            "namespace": owner["metadata"]["namespace"],
            "uid": str(uuid.uuid4()),
            "creationTimestamp": created or stamp(),
            "generation": 1,
            "labels": {**(metadata.get("labels") or {}), **(labels or {})},
            "annotations": dict(metadata.get("annotations") or {}),
            "ownerReferences": [reference],
        },
        "spec": spec,
        "status": {"phase": "Pending", "qosClass": "Burstable", "conditions": _conditions(spec)},
    }


def waiting(pod: Object, reason: str, message: str = "") -> Object:
    """Return a pod whose containers wait."""
    state = {"waiting": {"reason": reason} | ({"message": message} if message else {})}
    return _with(pod, "Pending", [_container(pod, c, state) for c in _containers(pod)], ready=False)


def unscheduled(pod: Object, message: str) -> Object:
    """Return a pod that fits no node."""
    condition = {
        "type": SCHEDULED,
        "status": "False",
        "reason": "Unschedulable",
        "message": message,
        "lastTransitionTime": stamp(),
    }
    return {**pod, "status": {"phase": "Pending", "conditions": [condition]}}


def running(pod: Object, *, ip: str, host: str, ready: bool, started: str = "") -> Object:
    """Return a pod whose containers run."""
    before = {c["name"]: c for c in (pod.get("status") or {}).get("containerStatuses") or ()}
    statuses = []
    for container in _containers(pod):
        old = before.get(container["name"]) or {}
        state = old.get("state") or {}
        if "running" not in state:
            state = {"running": {"startedAt": started or stamp()}}
        statuses.append({**_container(pod, container, state), **_kept(old), "ready": ready})
    ips = {"podIP": ip, "podIPs": [{"ip": ip}], "hostIP": host}
    return _with(pod, "Running", statuses, ready=ready, more=ips)


def ended(pod: Object, *, code: int, reason: str, started: str, restart: bool) -> Object:
    """Return a pod whose containers ended.

    Args:
        pod: the pod.
        code: exit code.
        reason: such as "Completed", "OOMKilled".
        started: when they started.
        restart: whether they are started anew, so that this is what happened last.
    """
    over = {"exitCode": code, "reason": reason, "startedAt": started, "finishedAt": stamp()}
    statuses = []
    for old in pod["status"].get("containerStatuses") or ():
        new = {**old, "ready": False, "started": False, "state": {"terminated": over}}
        if restart:
            new["restartCount"] = old.get("restartCount", 0) + 1
            new["lastState"] = {"terminated": over}
        statuses.append(new)
    phase = "Running" if restart else "Failed" if code else "Succeeded"
    ips = {k: v for k, v in pod["status"].items() if k.endswith(("IP", "IPs"))}
    return _with(pod, phase, statuses, ready=False, more=ips)


def is_ready(pod: Object) -> bool:
    """Whether a pod is ready and stays."""
    conditions = (pod.get("status") or {}).get("conditions") or ()
    ready = any(c["type"] == READY and c["status"] == "True" for c in conditions)
    return ready and "deletionTimestamp" not in pod["metadata"]


def _kept(old: Mapping[str, Any]) -> dict[str, Any]:
    return {key: old[key] for key in ("restartCount", "lastState") if key in old}


def _containers(pod: Object) -> list[dict[str, Any]]:
    return list(pod["spec"]["containers"])


def _container(pod: Object, container: Mapping[str, Any], state: Any) -> dict[str, Any]:
    runs = "running" in state
    return {
        "name": container["name"],
        "image": container["image"],
        "imageID": "",
        "containerID": f"containerd://{pod['metadata']['uid']}" if runs else "",
        "ready": False,
        "started": runs,
        "restartCount": 0,
        "state": state,
        "lastState": {},
    }


def _with(
    pod: Object,
    phase: str,
    statuses: list[dict[str, Any]],
    *,
    ready: bool,
    more: Mapping[str, Any] | None = None,
) -> Object:
    names = [s["name"] for s in statuses if not s["ready"]]
    status = {
        **pod["status"],
        **(more or {}),
        "phase": phase,
        "startTime": pod["status"].get("startTime") or stamp(),
        "containerStatuses": statuses,
        "conditions": _conditions(pod["spec"], ready=ready, unready=names),
    }
    return {**pod, "status": status}


def _conditions(
    spec: Mapping[str, Any], *, ready: bool = False, unready: list[str] | None = None
) -> list[dict[str, Any]]:
    if not spec.get("nodeName"):
        return []
    text = "True" if ready else "False"
    now = stamp()
    not_ready: dict[str, Any] = {}
    if not ready:
        words = f"containers with unready status: [{' '.join(unready or ())}]"
        not_ready = {"reason": "ContainersNotReady", "message": words}
    return [
        {"type": INITIALIZED, "status": "True", "lastTransitionTime": now},
        {"type": READY, "status": text, "lastTransitionTime": now, **not_ready},
        {"type": "ContainersReady", "status": text, "lastTransitionTime": now, **not_ready},
        {"type": SCHEDULED, "status": "True", "lastTransitionTime": now},
    ]
