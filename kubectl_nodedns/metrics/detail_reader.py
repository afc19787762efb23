"""Reads the objects behind the rows that need explaining, and keeps what they say.

Whole objects are read only for those few nodes, a few a second; all of them are asked for as lists
of one, so that the right to list is enough.
"""

from __future__ import annotations

import contextlib
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

from kubectl_nodedns.cluster.paths import collection
from kubectl_nodedns.errors import ApiError
from kubectl_nodedns.facts.askers import read_askers_of
from kubectl_nodedns.metrics.pod_details import Detail, absence, meant_for, of_pod, unscheduled
from kubectl_nodedns.together import together

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from kubectl_nodedns.facts.caches import Cache
    from kubectl_nodedns.metrics.node_row import NodeRow

AGAIN_SECONDS = 60.0
"""How long a reading counts, unless the pod's row changes before."""
AT_ONCE = 10
"""Objects read in one go."""
PAUSE_SECONDS = 2.0
"""Time between two goes."""


class Lister(Protocol):
    """The part of `cluster.client.Client` that is needed here."""

    async def list(self, path: str, *, labels: str = "", fields: str = "") -> list[dict[str, Any]]:
        """Read a list of objects."""
        ...


class DetailReader:
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
            found |= {node: unscheduled(pod) for pod in pods for node in meant_for(pod)}
        return found


def _wants(row: NodeRow) -> bool:
    if row.node.windows:
        return False
    return row.pod is None or not row.pod.ready or row.pod.restarts > 0
