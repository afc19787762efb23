"""Take over another's objects: what they become, and the record that a run can be gone on with.

A DaemonSet's name and selector cannot be changed. Where they are not ours, its pods are handed
over: it is deleted without them, and our DaemonSet, which selects the same pods and has the same
template, takes them for its own. No pod notices. Between the two there is a moment without any
DaemonSet, so before it the DaemonSet is written down as it was, in a ConfigMap of ours. A run that
was killed finds that record and goes on; putting back finds the old template in it.
"""

from __future__ import annotations

import asyncio
import copy
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kubectl_nodedns.cluster.paths import collection, named
from kubectl_nodedns.documents import read_json
from kubectl_nodedns.errors import NotFoundError, TimedOutError
from kubectl_nodedns.facts.caches import cache_of
from kubectl_nodedns.install.objects import (
    ENABLING,
    MANAGED_BY,
    NAME,
    OPTIONS,
    RECORD,
    SELECTOR,
    STATE,
    applicable,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kubectl_nodedns.cluster.client import Client

HANDOVER = 60.0
"""Seconds that the cluster may take to let pods go (the garbage collector does it)."""
POLL = 0.3
_DAEMONSET, _OPTIONS = "daemonset.json", "options.json"


@dataclass(frozen=True, kw_only=True)
class Record:
    """What is written down before an installation is taken over."""

    daemonset: Mapping[str, Any]
    """Its DaemonSet, as it was."""
    options: str
    """The options of the run that takes it over (`Memory.as_text`); empty for a removal."""

    def as_object(self, namespace: str) -> dict[str, Any]:
        """Return the ConfigMap that holds it."""
        return {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {
                "name": RECORD,
                "namespace": namespace,
                "labels": {**MANAGED_BY, "app.kubernetes.io/name": NAME},
            },
            "data": {
                _DAEMONSET: json.dumps(self.daemonset, indent=1, sort_keys=True),
                _OPTIONS: self.options,
            },
        }

    @classmethod
    def of_object(cls, obj: Mapping[str, Any]) -> Record | None:
        """Read the ConfigMap; None when it holds no DaemonSet of its own namespace."""
        data = obj.get("data") or {}
        try:
            daemonset = read_json(data[_DAEMONSET])
            metadata = daemonset["metadata"]
            whole = all(isinstance(metadata[key], str) for key in ("namespace", "name", "uid"))
            near = metadata["namespace"] == obj["metadata"]["namespace"]
            cache = cache_of(daemonset)
        except (KeyError, ValueError, TypeError, AttributeError, RecursionError):
            return None
        if not (whole and near and cache):
            return None
        return cls(daemonset=daemonset, options=data.get(_OPTIONS, ""))

    @classmethod
    def of(cls, daemonset: Mapping[str, Any], options: str) -> Record:
        """Write down a DaemonSet without what the API server keeps for itself."""
        metadata = {
            key: copy.deepcopy(value)
            for key, value in daemonset["metadata"].items()
            if key in ("name", "namespace", "uid", "labels", "annotations")
        }
        kept = {
            "apiVersion": "apps/v1",
            "kind": "DaemonSet",
            "metadata": metadata,
            "spec": copy.deepcopy(daemonset["spec"]),
        }
        return cls(daemonset=kept, options=options)


def is_renamed(daemonset: Mapping[str, Any]) -> bool:
    """Whether ours cannot take its place in place: its name or its selector is another."""
    selector = daemonset["spec"]["selector"].get("matchLabels") or {}
    return (daemonset["metadata"]["name"], selector) != (NAME, {"k8s-app": NAME})


def handed_over(daemonset: Mapping[str, Any], options: str) -> dict[str, Any]:
    """Return our DaemonSet with the template of another's: it selects the same pods."""
    obj = applicable(daemonset)
    metadata = obj["metadata"]
    metadata["name"] = NAME
    metadata.pop("uid", None)
    metadata["labels"] |= {**MANAGED_BY, "app.kubernetes.io/name": NAME}
    metadata["annotations"] = {STATE: ENABLING} | ({OPTIONS: options} if options else {})
    obj["spec"]["selector"] = {"matchLabels": {"k8s-app": NAME}}
    return obj


async def read_record(client: Client, namespace: str) -> Record | None:
    """Read what an earlier run wrote down; None when there is nothing.

    Raises:
        ApiError: it cannot be read, so that nobody knows.
    """
    try:
        found = await client.get(named("v1", "configmaps", namespace, RECORD))
    except NotFoundError:
        return None
    labels = found["metadata"].get("labels") or {}
    ours = all(labels.get(key) == value for key, value in MANAGED_BY.items())
    return Record.of_object(found) if ours else None


async def forget(client: Client, namespace: str) -> None:
    """Delete the record: what was taken over is ours to the end."""
    path = named("v1", "configmaps", namespace, RECORD)
    try:
        found = await client.get(path)
    except NotFoundError:
        return
    await client.delete(path, uid=found["metadata"]["uid"])


async def hand_over(client: Client, record: Record) -> None:
    """Have our DaemonSet own the pods of the one in `record`; goes on where a run ended.

    Raises:
        TimedOutError: the cluster does not let the pods go.
    """
    metadata = record.daemonset["metadata"]
    namespace, uid = metadata["namespace"], metadata["uid"]
    path = named("apps/v1", "daemonsets", namespace, metadata["name"])
    await client.delete(path, uid=uid, orphan=True)
    loop = asyncio.get_running_loop()
    deadline = loop.time() + HANDOVER
    # Ours would start a second pod beside one that still has an owner.
    while await _held(client, path, namespace, uid):
        if loop.time() >= deadline:
            raise TimedOutError(
                f"DaemonSet {namespace}/{metadata['name']} is deleted, and the cluster has not let "
                f"its pods go after {HANDOVER:.0f} s",
                hint="they go on running. Does kube-controller-manager run? The same command goes "
                "on from here",
            )
        await asyncio.sleep(POLL)
    await client.apply(handed_over(record.daemonset, record.options), force=True)


async def _held(client: Client, path: str, namespace: str, uid: str) -> bool:
    """Whether the DaemonSet is still there, or a pod still has it for its owner."""
    try:
        if (await client.get(path))["metadata"]["uid"] == uid:
            return True
    except NotFoundError:
        pass
    pods = await client.list(collection("v1", "pods", namespace), labels=SELECTOR)
    owners = (owner for pod in pods for owner in pod["metadata"].get("ownerReferences") or ())
    return any(owner.get("uid") == uid for owner in owners)
