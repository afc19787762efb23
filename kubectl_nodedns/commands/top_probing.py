"""`top --probe` without a screen: proves interception on the rows that are printed first."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from kubectl_nodedns.cli.streams import complain
from kubectl_nodedns.commands.given import probe_options
from kubectl_nodedns.commands.session import make_asker
from kubectl_nodedns.commands.watching import dns_namespace
from kubectl_nodedns.errors import NodednsError
from kubectl_nodedns.facts.cluster_domain import known_domain
from kubectl_nodedns.lookup.comparison import compare
from kubectl_nodedns.lookup.interception import interception_asks
from kubectl_nodedns.lookup.vantage import pair, questions
from kubectl_nodedns.metrics.columns import ordered

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence
    from types import TracebackType
    from typing import Self

    from kubectl_nodedns.cluster.client import Client
    from kubectl_nodedns.lookup.vantage import Ask
    from kubectl_nodedns.metrics.columns import Column
    from kubectl_nodedns.metrics.fleet import NodeRow
    from kubectl_nodedns.metrics.monitor import Monitor

CAP = 20
"""Nodes that are probed; the same as on the screen."""
PAUSE_SECONDS = 10.0
"""Time between two rounds of --watch."""


class PrintedProbing:
    """Probe pods for a printed table. Use it as an async context manager; leaving it deletes them.

    Args:
        client: an open client.
        monitor: is told what was proved.
        arguments: the command line.
        sort_by: the order of the rows: those that come first are probed.
        cap: nodes that are probed at most.
    """

    def __init__(
        self,
        client: Client,
        monitor: Monitor,
        arguments: argparse.Namespace,
        sort_by: Column,
        *,
        cap: int = CAP,
    ) -> None:
        self._client = client
        self._monitor = monitor
        self._sort_by = sort_by
        self._cap = cap
        self._arguments = arguments
        self._asker = make_asker(client, probe_options(arguments))
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
        complain(*self._asker.left)

    async def once(self) -> None:
        """Ask from the first nodes that have a cache pod, as many as the cap allows."""
        snapshot = self._monitor.snapshot()
        if not self._asks:
            domain = await known_domain(
                self._client, self._arguments.cluster_domain, dns_namespace(self._arguments)
            )
            if not domain:
                self._warn("--probe: the cluster domain is not known: give --cluster-domain")
            ip = self._monitor.kube_dns_ip
            self._asks = interception_asks(
                local_ips=[cache.local_ip for cache in snapshot.caches if cache.local_ip],
                kube_dns_ips=[ip] if ip else [],
                domain=domain,
            )
        rows = ordered(snapshot.nodes, snapshot, self._sort_by)
        able = [row for row in rows if row.pod is not None]
        if len(able) > self._cap:
            self._warn(
                f"--probe: the first {self._cap} of {len(able)} nodes are probed; "
                "-l chooses others, and check --probe asks from all"
            )
        self.failed = sum(await asyncio.gather(*(self._failed(row) for row in able[: self._cap])))

    async def again(self) -> None:
        """Ask round after round, until cancelled."""
        while True:
            await self.once()
            await asyncio.sleep(PAUSE_SECONDS)

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
            complain(f"warning: {words}")


def _why(errors: Sequence[str]) -> str:
    return next((error for error in errors if error), "no answer")
