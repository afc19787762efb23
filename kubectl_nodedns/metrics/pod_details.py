"""Why a node has no running cache pod, and how its pod last ended: what rows of a table do not say.

Pure: readings of whole objects, which `detail_reader` has.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from kubectl_nodedns.facts.nodes import node_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from kubectl_nodedns.facts.caches import Cache

LONGEST = 200
"""Characters of a message that are kept."""


@dataclass(frozen=True, kw_only=True)
class Detail:
    """What the objects behind a row say."""

    reason: str = ""
    """Why no cache pod runs on the node, in words; empty when one does."""
    ended: str = ""
    """How its cache container last ended: "OOMKilled", "Error (exit code 2)"; empty when never."""
    ended_at: float | None = None
    """When that was, in Unix seconds."""
    askers: int | None = None
    """Its node's pods that ask the cluster's DNS; None where nobody had to know, or may."""


def absence(node: Mapping[str, Any], caches: Iterable[Cache], waiting: Mapping[str, str]) -> str:
    """Say why a node has no cache pod.

    Args:
        node: the Node object.
        caches: the DaemonSets that could bring one.
        waiting: why a pod that is meant for a node has not got there, by node.
    """
    fact = node_of(node)
    if fact.name in waiting:
        return f"no cache pod on this node: {waiting[fact.name]}"
    reasons = []
    for cache in caches:
        why = cache.absence(fact)
        if not why and cache.affinity:
            why = "perhaps its affinity chooses other nodes"
        reasons.append(f"DaemonSet {cache.name}: {why or 'it should have one, see its events'}")
    return "no cache pod on this node: " + "; ".join(reasons) if reasons else ""


def of_pod(pod: Mapping[str, Any]) -> Detail:
    """Read a Pod object: what it waits for, and how its container last ended."""
    status = pod.get("status") or {}
    containers = status.get("containerStatuses") or ()
    reason = _said(status.get("reason"), status.get("message"))
    for container in (*(status.get("initContainerStatuses") or ()), *containers):
        waiting = (container.get("state") or {}).get("waiting") or {}
        if waiting.get("reason") not in {None, "ContainerCreating", "PodInitializing"}:
            reason = _said(waiting["reason"], waiting.get("message"))
    # The container's own end counts, and while it is down that is its state, not its last state.
    ends = [
        end
        for container in containers
        for state in (container.get("lastState"), container.get("state"))
        if (end := (state or {}).get("terminated"))
    ]
    if not ends:
        return Detail(reason=reason)
    last = max(ends, key=lambda end: end.get("finishedAt") or "")
    word = str(last.get("reason") or "ended")
    code = last.get("exitCode", 0)
    return Detail(
        reason=reason,
        ended=word if word == "OOMKilled" else f"{word} (exit code {code})",
        ended_at=_unix(last.get("finishedAt")),
    )


def unscheduled(pod: Mapping[str, Any]) -> str:
    """Say why a pod has no node."""
    for condition in (pod.get("status") or {}).get("conditions") or ():
        if condition.get("type") == "PodScheduled" and condition.get("status") == "False":
            return _said("its pod is not scheduled", condition.get("message"))
    return "its pod is not scheduled yet"


def meant_for(pod: Mapping[str, Any]) -> list[str]:
    """Read the node that the DaemonSet controller wrote into a pod's affinity."""
    affinity = ((pod.get("spec") or {}).get("affinity") or {}).get("nodeAffinity") or {}
    required = affinity.get("requiredDuringSchedulingIgnoredDuringExecution") or {}
    return [
        str(name)
        for term in required.get("nodeSelectorTerms") or ()
        for field in term.get("matchFields") or ()
        if field.get("key") == "metadata.name"
        for name in field.get("values") or ()
    ]


def _said(reason: Any, message: Any) -> str:
    words = ": ".join(str(part).strip() for part in (reason, message) if part)
    return words if len(words) <= LONGEST else words[: LONGEST - 1] + "…"


def _unix(text: Any) -> float | None:
    return datetime.fromisoformat(text).timestamp() if text else None
