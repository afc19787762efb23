"""The screen of `kubectl nodedns top`: its facts, its asker, and an orderly end."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from kubectl_nodedns.checks.finding import run
from kubectl_nodedns.checks.registry import RUNNING
from kubectl_nodedns.cli.streams import complain
from kubectl_nodedns.cluster.proxies import shown
from kubectl_nodedns.commands.given import probe_options
from kubectl_nodedns.commands.reading import ClusterReader
from kubectl_nodedns.commands.session import make_asker
from kubectl_nodedns.errors import ApiError, Exit
from kubectl_nodedns.facts.cluster_domain import known_domain
from kubectl_nodedns.facts.dataplane import read_dataplane
from kubectl_nodedns.health.gathering import gather
from kubectl_nodedns.health.scope import Scope
from kubectl_nodedns.tui.app import TopApp
from kubectl_nodedns.tui.given import Given, Place

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from kubectl_nodedns.cluster.client import Client
    from kubectl_nodedns.metrics.fleet import FleetSnapshot
    from kubectl_nodedns.metrics.monitor import Monitor
    from kubectl_nodedns.tui.given import Examiner, Finding


async def show(
    client: Client,
    monitor: Monitor,
    arguments: argparse.Namespace,
    *,
    sort_by: str,
    kube_dns_ip: str,
    namespace: str,
) -> int:
    """Show the fleet on the terminal until the person quits.

    Args:
        client: the session to the API server.
        monitor: where snapshots come from.
        arguments: the command line.
        sort_by: key of the column to sort by at first.
        kube_dns_ip: address of the DNS service; empty when not known.
        namespace: the DNS service's namespace.

    Raises:
        UsageError: there is no such theme.
    """
    reader = ClusterReader(client, dns_service=arguments.dns_service or "", namespace=namespace)
    _, mode, domain = await asyncio.gather(
        monitor.load(), _mode(client), known_domain(client, arguments.cluster_domain, namespace)
    )
    asker = make_asker(client, probe_options(arguments))
    scope = Scope(dns_service=arguments.dns_service or "", cluster_domain=domain)
    chosen = cluster_words(arguments)
    app = TopApp(
        given=Given(
            feed=monitor,
            asker=asker,
            reader=reader,
            examiner=_examiner(client, scope),
            note_proof=lambda node, proved: monitor.note_proof(node, intercepted=proved),
        ),
        place=Place(
            context=client.access.context,
            mode=mode,
            kube_dns_ip=kube_dns_ip,
            cluster_domain=domain,
            command=("kubectl", "nodedns", *chosen),
            kubectl=("kubectl", *chosen),
        ),
        sort_by=sort_by,
        theme=arguments.theme or "",
        probing=arguments.probe,
    )
    watching = asyncio.create_task(monitor.run())
    watching.add_done_callback(lambda _: app.exit())
    try:
        await app.run_to_end(mouse=not arguments.no_mouse)
    finally:
        if asker.busy:
            complain("removing the probe pods")
        await asker.close()
        complain(*asker.left)
        watching.cancel()
        await asyncio.wait({watching})  # its requests end before the session does
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError  # Textual ended orderly, and kept it to itself
    if not watching.cancelled():
        watching.result()
    return Exit.OK


def _examiner(client: Client, scope: Scope) -> Examiner:
    async def examine(snapshot: FleetSnapshot) -> Sequence[Finding]:
        """Gather evidence, without probes, and run every check over it."""
        del snapshot  # it has less than the checks look at
        return run(RUNNING, await gather(client, scope)).findings

    return examine


def cluster_words(arguments: argparse.Namespace) -> tuple[str, ...]:
    """Return the options that were given to choose the cluster, as they are typed; no secrets."""
    words: list[str] = []
    for name in CHOOSING:
        if value := getattr(arguments, name, None):
            words += [f"--{name}", shown(str(value)) if name == "server" else str(value)]
    return tuple(words)


CHOOSING = ("kubeconfig", "context", "cluster", "user", "server")
"""kubectl's flags that say which cluster, in the order in which they are written."""


async def _mode(client: Client) -> str:
    try:
        return (await read_dataplane(client)).mode
    except ApiError:
        return ""
