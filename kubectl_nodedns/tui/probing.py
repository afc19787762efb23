"""`--probe`: asks from a pod on each node in view, again and again, within a cap. No widgets.

Nodes that leave the view give their pods back when others need their places. What is asked, of how
many nodes and how often is the same when the table is printed (`top.printed_probing`).
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from kubectl_nodedns.lookup.comparison import compare
from kubectl_nodedns.lookup.vantage import Where, interception_asks, pair, questions
from kubectl_nodedns.together import together
from kubectl_nodedns.tui.columns import Probed

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable, Sequence
    from typing import NoReturn

    from kubectl_nodedns.lookup.vantage import Ask, Lookup
    from kubectl_nodedns.metrics.fleet import Watched
    from kubectl_nodedns.metrics.node_row import NodeRow
    from kubectl_nodedns.tui.base_screen import Session

CAP = 20
"""Nodes that are probed at most, and so have a probe pod of ours at the same time."""
PAUSE_SECONDS = 10.0
"""Time between two rounds."""
AT_ONCE = 4
"""Nodes asked at the same time."""


def asks_of(caches: Iterable[Watched], kube_dns_ip: str, domain: str) -> tuple[Ask, ...]:
    """Return what to ask from a node to prove whether its lookups are intercepted.

    Args:
        caches: the caches that are watched.
        kube_dns_ip: address of the DNS service; empty when not known.
        domain: the cluster domain; empty when not known.
    """
    return interception_asks(
        local_ips=[cache.local_ip for cache in caches if cache.local_ip],
        kube_dns_ips=[kube_dns_ip] if kube_dns_ip else [],
        domain=domain,
    )


async def in_rounds(once: Callable[[], Coroutine[object, object, None]]) -> NoReturn:
    """Probe round after round, until cancelled."""
    while True:
        await once()
        await asyncio.sleep(PAUSE_SECONDS)


class Probing:
    """Probes the nodes in view.

    Args:
        session: what the screens share; answers go into its `probes`.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._held: dict[str, None] = {}

    async def run(self) -> None:
        """Probe for ever, until cancelled."""
        await in_rounds(self.once)

    async def once(self) -> None:
        """Probe the nodes in view that have a cache pod, as many as the cap allows."""
        rows = [self._session.row(node) for node in self._session.in_view]
        wanted = [row for row in rows if row is not None and row.pod is not None][:CAP]
        names = [row.node.name for row in wanted]
        for node in [node for node in self._held if node not in names]:
            if len(self._held) + len([n for n in names if n not in self._held]) <= CAP:
                break
            del self._held[node]
            await self._session.ports.asker.release(node)
        self._held |= dict.fromkeys(names)
        gate = asyncio.Semaphore(AT_ONCE)
        await together(self._probe(row, gate) for row in wanted)

    async def _probe(self, row: NodeRow, gate: asyncio.Semaphore) -> None:
        place, caches = self._session.place, self._session.snapshot.caches
        asks = asks_of(caches, place.kube_dns_ip, place.cluster_domain)
        async with gate:
            try:
                answers = await self._session.ports.asker(row.node.name, questions(asks))
            except Exception:  # noqa: BLE001 - expected or not: one node ends no other's probing
                return  # the column says that it is not known; `t` says why
        remember(self._session, row, pair(row.node.name, asks, answers))


def remember(session: Session, row: NodeRow, lookups: Sequence[Lookup]) -> None:
    """Keep what lookups from a node said for the table and for the words about its row."""
    if row.pod is None or not any(lookup.answer.asked for lookup in lookups):
        return
    here = [lookup for lookup in lookups if lookup.node == row.node.name]

    def at(where: Where) -> Lookup | None:
        return next((lookup for lookup in here if lookup.point.where is where), None)

    local, kube_dns = at(Where.LOCAL), at(Where.KUBE_DNS)
    proved = compare(here).proved
    if proved is not None:
        session.ports.note_proof(row.node.name, proved)
    session.probes[row.node.name] = Probed(
        pod=row.pod.name,
        at=session.clock(),
        proved=proved,
        local=local.answer if local else None,
        kube_dns=kube_dns.answer if kube_dns else None,
    )
