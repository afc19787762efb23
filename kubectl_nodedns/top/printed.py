"""Snapshots for print: one with rates, or one after the other; with proofs where asked for."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from kubectl_nodedns.errors import NodednsError
from kubectl_nodedns.facts.cluster_domain import known_domain
from kubectl_nodedns.lookup.comparison import compare
from kubectl_nodedns.lookup.vantage import pair, questions
from kubectl_nodedns.metrics.columns import ordered
from kubectl_nodedns.together import beside, together
from kubectl_nodedns.tui.probing import asks_of, in_rounds

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import TracebackType
    from typing import Self

    from kubectl_nodedns.lookup.vantage import Ask
    from kubectl_nodedns.metrics.fleet import FleetSnapshot
    from kubectl_nodedns.metrics.node_row import NodeRow
    from kubectl_nodedns.top.probe_pods import ProbePods
    from kubectl_nodedns.top.wiring import WatchedCluster


class PrintedProbing:
    """Probe pods for a printed table. Use it as an async context manager; leaving it deletes them.

    Args:
        watched: what is watched; its monitor is told what was proved.
        asker: asks from probe pods.
        told: called with what people should know, in words.
    """

    def __init__(
        self, watched: WatchedCluster, asker: ProbePods, told: Callable[[str], None]
    ) -> None:
        self._watched = watched
        self._monitor = watched.monitor
        self._asker = asker
        self._told = told
        self._asks: tuple[Ask, ...] = ()
        self._warned: set[str] = set()
        self.failed = 0
        """Nodes that could not be asked from in the newest round."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._asker.close()
        for words in self._asker.left:
            self._told(words)

    async def once(self) -> None:
        """Ask from the first nodes that have a cache pod, as many as the cap allows."""
        snapshot = self._monitor.snapshot()
        request = self._watched.request
        if not self._asks:
            domain = await known_domain(
                self._watched.client, request.cluster_domain, request.dns_namespace
            )
            if not domain:
                self._warn("--probe: the cluster domain is not known: give --cluster-domain")
            self._asks = asks_of(snapshot.caches, self._monitor.kube_dns_ip, domain)
        rows = ordered(snapshot.nodes, snapshot, request.sort_by)
        able = [row for row in rows if row.pod is not None]
        cap = request.probe_cap
        if len(able) > cap:
            self._warn(
                f"--probe: the first {cap} of {len(able)} nodes are probed; "
                "-l chooses others, and check --probe asks from all"
            )
        self.failed = sum(await together(self._failed(row) for row in able[:cap]))

    async def again(self) -> None:
        """Ask round after round, until cancelled."""
        await in_rounds(self.once)

    async def _failed(self, row: NodeRow) -> bool:
        """Ask from one node and tell the monitor; whether that was not possible."""
        node = row.node.name
        try:
            answers = await self._asker(node, questions(self._asks))
        except NodednsError as error:
            self._warn(f"{node}: not probed: {error}")
            return True
        lookups = pair(node, self._asks, answers)
        if not any(lookup.answer.asked for lookup in lookups):
            self._warn(f"{node}: not probed: {_why([lookup.answer.error for lookup in lookups])}")
            return True
        proved = compare(lookups).proved
        if proved is not None:
            self._monitor.note_proof(node, intercepted=proved)
        else:
            self._warn(f"{node}: nothing is proved: no cache answered to the marker")
        return False

    def _warn(self, words: str) -> None:
        """Say something once: rounds repeat themselves."""
        if words not in self._warned:
            self._warned.add(words)
            self._told(f"warning: {words}")


def _why(errors: Sequence[str]) -> str:
    return next((error for error in errors if error), "no answer")


async def once(
    watched: WatchedCluster, asker: ProbePods, *, told: Callable[[str], None]
) -> tuple[FleetSnapshot, int]:
    """Read everything twice, so that there are rates, and record what came out.

    Args:
        watched: what is watched.
        asker: asks from probe pods, which are gone at the end.
        told: called with what people should know, in words.

    Returns:
        The snapshot, and the number of nodes that could not be asked from.

    Raises:
        ApiError: nodes or pods cannot be listed.
    """
    monitor, request = watched.monitor, watched.request
    async with PrintedProbing(watched, asker, told) as probing:
        snapshot = await monitor.once(request.apart)
        if request.probe:  # rows must be there to be in an order, and fresh when printed
            await probing.once()
            snapshot = await monitor.once(request.apart)
        if watched.recorder:
            await watched.recorder.frame(snapshot)
        return snapshot, probing.failed


async def watch(
    watched: WatchedCluster,
    asker: ProbePods,
    *,
    shown: Callable[[FleetSnapshot], None],
    told: Callable[[str], None],
) -> None:
    """Show a snapshot with each refresh, until cancelled or `shown` raises something.

    Args:
        watched: what is watched.
        asker: asks from probe pods, which are gone at the end.
        shown: called with each snapshot.
        told: called with what people should know, in words.

    Raises:
        ApiError: nodes or pods cannot be listed.
    """
    monitor, request = watched.monitor, watched.request
    async with PrintedProbing(watched, asker, told) as probing, watched.recorded():
        await monitor.load()
        meanwhile = [monitor.run(), *([probing.again()] if request.probe else [])]
        async with beside(*meanwhile):
            while True:
                await asyncio.sleep(request.refresh)
                shown(monitor.snapshot())
