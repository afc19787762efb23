"""The screen of `kubectl nodedns top` on a cluster: its facts, its asker, and an orderly end."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from kubectl_nodedns.facts.cluster_domain import known_domain
from kubectl_nodedns.together import beside, both
from kubectl_nodedns.top.pod_reader import PodReader
from kubectl_nodedns.top.top_request import choosing_words
from kubectl_nodedns.top.wiring import read_mode
from kubectl_nodedns.tui.app import TopApp
from kubectl_nodedns.tui.ports import Place, Ports

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from kubectl_nodedns.cluster.client import Client
    from kubectl_nodedns.metrics.fleet import FleetSnapshot
    from kubectl_nodedns.top.probe_pods import ProbePods
    from kubectl_nodedns.top.wiring import WatchedCluster
    from kubectl_nodedns.tui.ports import Finding

    Examine = Callable[[Client, str, str], Awaitable[Sequence[Finding]]]


async def show(
    watched: WatchedCluster,
    asker: ProbePods,
    *,
    examine: Examine,
    told: Callable[[str], None],
) -> None:
    """Show the fleet on the terminal until the person quits.

    Args:
        watched: what is watched.
        asker: asks from probe pods, which are gone at the end.
        examine: looks for what is wrong, in a cluster with this DNS service and cluster domain.
        told: called with what people should know when there is no screen, in words.

    Raises:
        UsageError: there is no such theme.
    """
    client, monitor, request = watched.client, watched.monitor, watched.request
    _, (mode, domain) = await both(
        monitor.load(),
        both(
            read_mode(client), known_domain(client, request.cluster_domain, request.dns_namespace)
        ),
    )
    chosen = choosing_words(request.access)

    async def examiner(snapshot: FleetSnapshot) -> Sequence[Finding]:
        del snapshot  # it has less than the checks look at
        return await examine(client, request.dns_service, domain)

    app = TopApp(
        ports=Ports(
            feed=monitor,
            asker=asker,
            reader=PodReader(
                client, dns_service=request.dns_service, namespace=request.dns_namespace
            ),
            examiner=examiner,
            note_proof=lambda node, proved: monitor.note_proof(node, intercepted=proved),
        ),
        place=Place(
            context=client.access.context,
            mode=mode,
            kube_dns_ip=monitor.kube_dns_ip,
            cluster_domain=domain,
            command=("kubectl", "nodedns", *chosen),
            kubectl=("kubectl", *chosen),
        ),
        sort_by=request.sort_by.key,
        theme=request.theme,
        probing=request.probe,
    )
    async with watched.recorded(), beside(monitor.run()):
        try:
            await app.run_to_end(mouse=request.mouse)
        finally:
            if asker.busy:
                told("removing the probe pods")
            await asker.close()
            for words in asker.left:
                told(words)
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise asyncio.CancelledError  # Textual ended orderly, and kept it to itself
