"""The controllers: DaemonSets and Jobs get pods, services get endpoints, orphans go.

They look at the cluster a moment after something changed, as the real ones do from their queues.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from kubectl_nodedns.demo import pods
from kubectl_nodedns.demo.clock import stamp, unix
from kubectl_nodedns.demo.kinds import BY_PATH
from kubectl_nodedns.demo.selecting import matches
from kubectl_nodedns.demo.store import key_of

if TYPE_CHECKING:
    import random

    from kubectl_nodedns.demo.events import Recorder
    from kubectl_nodedns.demo.kubelets import Kubelets
    from kubectl_nodedns.demo.store import Change, Object, Store

    Owned = dict[str, list[Object]]

DAEMONSETS = BY_PATH["apps/v1", "daemonsets"]
JOBS = BY_PATH["batch/v1", "jobs"]
NODES = BY_PATH["v1", "nodes"]
PODS = BY_PATH["v1", "pods"]
SERVICES = BY_PATH["v1", "services"]
SLICES = BY_PATH["discovery.k8s.io/v1", "endpointslices"]
PAUSE = 0.05
"""Seconds that changes are gathered before they are acted upon."""
SLICE = 100
"""Endpoints in one EndpointSlice, at most."""


class Controllers:
    """All controllers.

    Args:
        store: the objects.
        kubelets: end pods.
        chance: makes names up.
        events: takes events.
    """

    def __init__(
        self, store: Store, kubelets: Kubelets, *, chance: random.Random, events: Recorder
    ) -> None:
        self._store = store
        self._kubelets = kubelets
        self._chance = chance
        self._events = events
        self._due = False

    def see(self, change: Change) -> None:
        """Look at a change, and act a moment later."""
        if change.resource is JOBS and change.before is None:
            asyncio.get_running_loop().call_soon(self._start_job, key_of(change.object))
        watched = (DAEMONSETS, PODS, NODES, SERVICES, JOBS)
        if change.resource in watched and not self._due:
            self._due = True
            asyncio.get_running_loop().call_later(PAUSE, self._act)

    def act_at_once(self) -> None:
        """Bring everything to where it should be, with pods as old as what made them."""
        owned = self._owned()
        for daemonset in list(self._store.all(DAEMONSETS).values()):
            created = daemonset["metadata"]["creationTimestamp"]
            for pod in self._daemons(daemonset, owned, created):
                self._kubelets.run_at_once(pod, age=time.time() - unix(created))
        self._daemonset_statuses(self._owned())
        self._endpoints()

    def _act(self) -> None:
        self._due = False
        self._collect()
        owned = self._owned()
        for daemonset in list(self._store.all(DAEMONSETS).values()):
            self._daemons(daemonset, owned)
            self._roll(daemonset, owned)
        self._daemonset_statuses(owned)
        self._endpoints()

    def _owned(self) -> Owned:
        """Return pods by the UID of what controls them."""
        owned: defaultdict[str, list[Object]] = defaultdict(list)
        for pod in self._store.all(PODS).values():
            for reference in pod["metadata"].get("ownerReferences") or ():
                owned[reference["uid"]].append(pod)
        return owned

    def _collect(self) -> None:
        """Delete pods whose DaemonSet or Job is gone."""
        alive = {
            owner["metadata"]["uid"]
            for resource in (DAEMONSETS, JOBS)
            for owner in self._store.all(resource).values()
        }
        for pod in list(self._store.all(PODS).values()):
            references = pod["metadata"].get("ownerReferences") or ()
            kinds = {reference["kind"] for reference in references}
            if kinds & {"DaemonSet", "Job"} and not alive & {r["uid"] for r in references}:
                self._delete(pod)

    def _delete(self, pod: Object) -> None:
        if not self._kubelets.deleting(PODS, pod, None):
            self._store.remove(PODS, *key_of(pod))

    def _daemons(self, daemonset: Object, pods_of: Owned, created: str = "") -> list[Object]:
        """Make the pods of a DaemonSet that are missing; delete those that are not wanted."""
        template = daemonset["spec"]["template"]
        selector = template["spec"].get("nodeSelector") or {}
        wanted = [
            node["metadata"]["name"]
            for node in self._store.all(NODES).values()
            if matches(selector, node["metadata"].get("labels"))
        ]
        owned = pods_of.get(daemonset["metadata"]["uid"], [])
        have = {pod["spec"].get("nodeName") for pod in owned}
        for pod in owned:
            if pod["spec"].get("nodeName") not in wanted:
                self._delete(pod)
        made = []
        generation = daemonset["metadata"].get("generation", 1)
        labels = {
            "controller-revision-hash": f"{generation:08x}",
            "pod-template-generation": str(generation),
        }
        for node in wanted:
            if node not in have:
                name = f"{daemonset['metadata']['name']}-{pods.suffix(self._chance)}"
                pod = pods.made(
                    template, daemonset, name=name, node=node, labels=labels, created=created
                )
                made.append(self._store.put(PODS, pod))
        return made

    def _roll(self, daemonset: Object, pods_of: Owned) -> None:
        """Replace one pod of an older template, where the strategy says so and all are ready."""
        strategy = daemonset["spec"].get("updateStrategy") or {}
        owned = pods_of.get(daemonset["metadata"]["uid"], [])
        if strategy.get("type") != "RollingUpdate" or not all(map(pods.is_ready, owned)):
            return
        generation = str(daemonset["metadata"].get("generation", 1))
        for pod in owned:
            if pod["metadata"]["labels"].get("pod-template-generation") != generation:
                self._delete(pod)
                return

    def _daemonset_statuses(self, owned: Owned) -> None:
        for daemonset in list(self._store.all(DAEMONSETS).values()):
            mine = owned.get(daemonset["metadata"]["uid"], [])
            generation = daemonset["metadata"].get("generation", 1)
            updated = [
                pod
                for pod in mine
                if pod["metadata"]["labels"].get("pod-template-generation") == str(generation)
            ]
            ready = sum(map(pods.is_ready, mine))
            selector = daemonset["spec"]["template"]["spec"].get("nodeSelector") or {}
            nodes = self._store.all(NODES).values()
            status = {
                "desiredNumberScheduled": sum(
                    matches(selector, node["metadata"].get("labels")) for node in nodes
                ),
                "currentNumberScheduled": len(mine),
                "numberMisscheduled": 0,
                "numberReady": ready,
                "numberAvailable": ready,
                "numberUnavailable": len(mine) - ready,
                "updatedNumberScheduled": len(updated),
                "observedGeneration": generation,
            }
            if daemonset.get("status") != status:
                self._store.put(DAEMONSETS, {**daemonset, "status": status})

    def _endpoints(self) -> None:
        """Write the EndpointSlices of every service that selects pods."""
        by_namespace: defaultdict[str, list[Object]] = defaultdict(list)
        for pod in self._store.all(PODS).values():
            if (pod.get("status") or {}).get("podIP"):
                by_namespace[pod["metadata"]["namespace"]].append(pod)
        wanted: dict[tuple[str, str], Object] = {}
        for (namespace, name), service in self._store.all(SERVICES).items():
            selector = service["spec"].get("selector")
            if selector:
                found = [
                    pod
                    for pod in by_namespace[namespace]
                    if matches(selector, pod["metadata"].get("labels"))
                ]
                parts = [found[i : i + SLICE] for i in range(0, len(found), SLICE)] or [[]]
                for number, part in enumerate(parts):
                    wanted[namespace, f"{name}-{number:05x}"] = _slice(service, number, part)
        existing = self._store.all(SLICES)
        for key in [key for key in existing if key not in wanted]:
            self._store.remove(SLICES, *key)
        for key, one in wanted.items():
            before = existing.get(key)
            if before is None or before["endpoints"] != one["endpoints"]:
                self._store.put(SLICES, one)

    def _start_job(self, key: tuple[str, str]) -> None:
        """Make the pod of a Job, and set its deadline."""
        job = self._store.get(JOBS, *key)
        if job is None:
            return
        name = f"{job['metadata']['name']}-{pods.suffix(self._chance)}"
        labels = {
            "batch.kubernetes.io/job-name": job["metadata"]["name"],
            "job-name": job["metadata"]["name"],
            "batch.kubernetes.io/controller-uid": job["metadata"]["uid"],
            "controller-uid": job["metadata"]["uid"],
        }
        template = job["spec"]["template"]
        node, why = self._fitting(template["spec"])
        pod = pods.made(template, job, name=name, node=node, labels=labels)
        if why:
            pod = pods.unscheduled(pod, why)
        self._store.put(PODS, pod)
        self._events.tell(job, "SuccessfulCreate", f"Created pod: {name}", by="job-controller")
        status = {"active": 1, "ready": 0, "startTime": stamp(), "terminating": 0}
        self._store.put(JOBS, {**job, "status": status})
        if deadline := job["spec"].get("activeDeadlineSeconds"):
            asyncio.get_running_loop().call_later(deadline, self._expire, job)

    def _expire(self, job: Object) -> None:
        """End a Job that ran too long; it deletes itself some seconds later."""
        live = self._store.get(JOBS, *key_of(job))
        if live is None or live["metadata"]["uid"] != job["metadata"]["uid"]:
            return
        for pod in self._owned().get(job["metadata"]["uid"], []):
            self._delete(pod)
        condition = {
            "type": "Failed",
            "status": "True",
            "reason": "DeadlineExceeded",
            "message": "Job was active longer than specified deadline",
            "lastTransitionTime": stamp(),
        }
        status = {**live["status"], "active": 0, "failed": 1, "conditions": [condition]}
        self._store.put(JOBS, {**live, "status": status})
        lifetime = job["spec"].get("ttlSecondsAfterFinished")
        if lifetime is not None:
            loop = asyncio.get_running_loop()
            loop.call_later(lifetime, self._store.remove, JOBS, *key_of(job))

    def _fitting(self, spec: dict[str, Any]) -> tuple[str, str]:
        """Choose a node for a pod; else say why there is none."""
        if spec.get("nodeName"):
            return spec["nodeName"], ""
        named = _named_nodes(spec)
        selector = spec.get("nodeSelector") or {}
        nodes = [
            node["metadata"]["name"]
            for node in self._store.all(NODES).values()
            if matches(selector, node["metadata"].get("labels"))
            and (named is None or node["metadata"]["name"] in named)
        ]
        if nodes:
            return self._chance.choice(nodes), ""
        count = len(self._store.all(NODES))
        return "", (
            f"0/{count} nodes are available: {count} node(s) didn't match Pod's node "
            "affinity/selector. preemption: not eligible"
        )


def _named_nodes(spec: dict[str, Any]) -> set[str] | None:
    """Return the nodes that a pod's affinity names; None when it names none."""
    affinity = (spec.get("affinity") or {}).get("nodeAffinity") or {}
    required = affinity.get("requiredDuringSchedulingIgnoredDuringExecution") or {}
    names: set[str] = set()
    for term in required.get("nodeSelectorTerms") or ():
        for field in term.get("matchFields") or ():
            if field["key"] == "metadata.name" and field["operator"] == "In":
                names |= set(field["values"])
    return names or None


def _slice(service: Object, number: int, found: list[Object]) -> Object:
    metadata = service["metadata"]
    ports = [
        {"name": port.get("name", ""), "port": port["targetPort"], "protocol": port["protocol"]}
        for port in service["spec"].get("ports") or ()
    ]
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "name": f"{metadata['name']}-{number:05x}",
            "namespace": metadata["namespace"],
            "uid": str(uuid.uuid4()),
            "creationTimestamp": stamp(),
            "labels": {
                "kubernetes.io/service-name": metadata["name"],
                "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
            },
        },
        "addressType": "IPv4",
        "ports": ports,
        "endpoints": [
            {
                "addresses": [pod["status"]["podIP"]],
                "conditions": {
                    "ready": pods.is_ready(pod),
                    "serving": pods.is_ready(pod),
                    "terminating": "deletionTimestamp" in pod["metadata"],
                },
                "nodeName": pod["spec"]["nodeName"],
                "targetRef": {
                    "kind": "Pod",
                    "name": pod["metadata"]["name"],
                    "namespace": pod["metadata"]["namespace"],
                    "uid": pod["metadata"]["uid"],
                },
            }
            for pod in found
        ],
    }
