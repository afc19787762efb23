"""Why a node has no running cache pod, and how its pod last ended: what rows of a table do not say.

Whole objects are read only for the few nodes that need explaining, a few a second; all of them are
asked for as lists of one, so that the right to list is enough. The readings are pure functions.
"""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from kubectl_nodedns.cluster.paths import collection
from kubectl_nodedns.errors import ApiError
from kubectl_nodedns.facts.askers import read_askers_of
from kubectl_nodedns.facts.nodes import node_of
from kubectl_nodedns.together import together

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from kubectl_nodedns.facts.caches import Cache
    from kubectl_nodedns.metrics.fleet import NodeRow

AGAIN_SECONDS = 60.0
"""How long a reading counts, unless the pod's row changes before."""
AT_ONCE = 10
"""Objects read in one go."""
PAUSE_SECONDS = 2.0
"""Time between two goes."""
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


class Lister(Protocol):
    """The part of `cluster.client.Client` that is needed here."""

    async def list(self, path: str, *, labels: str = "", fields: str = "") -> list[dict[str, Any]]:
        """Read a list of objects."""
        ...


class Details:
    """Reads what rows need, and keeps it.

    Args:
        client: where to ask.
        clock: tells Unix seconds.
    """

    def __init__(self, client: Lister, *, clock: Callable[[], float] = time.time) -> None:
        self._client = client
        self._clock = clock
        self._known: dict[str, tuple[object, float, Detail]] = {}
        self._unasked: frozenset[str] = frozenset()

    def get(self, node: str) -> Detail | None:
        """Return what is known of a node; None when nothing had to be read."""
        known = self._known.get(node)
        return known[2] if known else None

    async def read(
        self, rows: Sequence[NodeRow], caches: Sequence[Cache], unasked: Collection[str] = ()
    ) -> None:
        """Read what is missing, at most `AT_ONCE` objects; trouble leaves things unknown.

        Args:
            rows: the nodes.
            caches: the DaemonSets that could bring a missing pod.
            unasked: nodes whose cache is not asked, as it seems: their pods are counted.
        """
        # A node that turned out to be idle stays known, or it would be doubted again.
        counted = {name for name, known in self._known.items() if known[2].askers is not None}
        self._unasked = frozenset(unasked) | counted
        wanted = [row for row in rows if row.node.name in self._unasked or _wants(row)]
        names = {row.node.name for row in wanted}
        self._known = {name: known for name, known in self._known.items() if name in names}
        now = self._clock()
        due = [row for row in wanted if self._due(row, now)]
        due.sort(key=lambda row: self._known.get(row.node.name, (None, 0.0))[1])
        if due:
            waiting = await self._waiting(caches) if any(not r.pods for r in due) else {}
            await together(self._read(row, caches, waiting) for row in due[:AT_ONCE])

    def _due(self, row: NodeRow, now: float) -> bool:
        known = self._known.get(row.node.name)
        return known is None or known[0] != self._signature(row) or now - known[1] > AGAIN_SECONDS

    def _signature(self, row: NodeRow) -> object:
        counted = row.node.name in self._unasked
        pod = row.pod
        return (pod.name, pod.status, pod.restarts, counted) if pod else counted

    async def _read(
        self, row: NodeRow, caches: Sequence[Cache], waiting: Mapping[str, str]
    ) -> None:
        pod = row.pod
        path = collection("v1", "pods", pod.namespace) if pod else collection("v1", "nodes")
        name = pod.name if pod else row.node.name
        try:
            found = await self._client.list(path, fields=f"metadata.name={name}")
        except ApiError:
            found = []
        detail = Detail()
        if found and pod:
            detail = of_pod(found[0])
        elif found:
            detail = Detail(reason=absence(found[0], caches, waiting))
        if pod and row.node.name in self._unasked:
            with contextlib.suppress(ApiError):
                detail = replace(detail, askers=await read_askers_of(self._client, row.node.name))
        self._known[row.node.name] = (self._signature(row), self._clock(), detail)

    async def _waiting(self, caches: Sequence[Cache]) -> dict[str, str]:
        """Return why pods that have no node yet have none, by the node that they are meant for."""
        found: dict[str, str] = {}
        for cache in caches:
            path = collection("v1", "pods", cache.namespace)
            try:
                pods = await self._client.list(path, labels=cache.selector, fields="spec.nodeName=")
            except ApiError:
                continue
            found |= {node: unscheduled(pod) for pod in pods for node in _meant_for(pod)}
        return found


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


def _meant_for(pod: Mapping[str, Any]) -> list[str]:
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


def _wants(row: NodeRow) -> bool:
    if row.node.windows:
        return False
    return row.pod is None or not row.pod.ready or row.pod.restarts > 0


def _said(reason: Any, message: Any) -> str:
    words = ": ".join(str(part).strip() for part in (reason, message) if part)
    return words if len(words) <= LONGEST else words[: LONGEST - 1] + "…"


def _unix(text: Any) -> float | None:
    return datetime.fromisoformat(text).timestamp() if text else None
