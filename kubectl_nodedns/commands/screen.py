"""The screen of `kubectl nodedns top`: its facts, its asker, and an orderly end."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from typing import TYPE_CHECKING

from kubectl_nodedns.checks.finding import run
from kubectl_nodedns.checks.registry import RUNNING
from kubectl_nodedns.cli.streams import complain
from kubectl_nodedns.commands.checking import Scope, gather
from kubectl_nodedns.commands.reading import ClusterReader
from kubectl_nodedns.commands.session import probe_image, probe_lifetime, probe_namespace
from kubectl_nodedns.errors import ApiError, Exit, NodednsError, RefusedError
from kubectl_nodedns.facts.cluster_domain import read_cluster_domain
from kubectl_nodedns.facts.dataplane import read_dataplane
from kubectl_nodedns.lookup.probes import Probes
from kubectl_nodedns.tui.app import TopApp
from kubectl_nodedns.tui.given import Given, Place

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Sequence

    from kubectl_nodedns.cluster.client import Client
    from kubectl_nodedns.lookup.question import Answer, Question
    from kubectl_nodedns.metrics.fleet import FleetSnapshot
    from kubectl_nodedns.metrics.monitor import Monitor
    from kubectl_nodedns.tui.given import Examiner, Finding


class ProbeAsker:
    """Asks from probe pods, one a node, made when first needed and kept until the end.

    Args:
        client: the session to the API server.
        namespace: where the pods are made.
        image: what they run.
        lifetime: seconds after which a pod ends by itself.
    """

    def __init__(self, client: Client, *, namespace: str, image: str, lifetime: int) -> None:
        self._client = client
        self._namespace = namespace
        self._image = image
        self._lifetime = lifetime
        self._probes: dict[str, Probes] = {}
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    @property
    def busy(self) -> bool:
        """Whether there are pods to remove."""
        return bool(self._probes)

    async def __call__(
        self,
        node: str,
        questions: Sequence[Question],
        *,
        answered: Callable[[Answer], None] = lambda _: None,
    ) -> Sequence[Answer]:
        """Ask from `node`; `answered` is called with each answer as soon as it is known.

        Raises:
            NodednsError: no pod can be had on the node.
        """
        async with self._turns[node]:  # a second question waits for the pod of the first
            probes = self._probes.get(node) or await self._start(node)
            answers = await probes.ask(node, questions, answered=answered)
            if not any(answer.asked for answer in answers):
                await self._forget(node)  # its pod has ended: the next question gets a new one
        return answers

    async def release(self, node: str) -> None:
        """Remove the pod on `node`, unless it is being asked."""
        async with self._turns[node]:
            await self._forget(node)

    async def close(self) -> None:
        """Remove all pods."""
        await asyncio.gather(*(self._forget(node) for node in list(self._probes)))

    async def _start(self, node: str) -> Probes:
        probes = Probes(
            self._client,
            namespace=self._namespace,
            image=self._image,
            lifetime=self._lifetime,
        )
        self._probes[node] = probes
        started = False
        try:
            failed = await probes.start([node])
            started = node not in failed
        finally:
            if not started:
                await self._forget(node)
        if not started:
            raise NodednsError(
                f"no probe pod runs on {node}: {failed[node]}",
                hint=failed[node].way_out,
            )
        return probes

    async def _forget(self, node: str) -> None:
        probes = self._probes.pop(node, None)
        if probes is not None:
            await probes.close()


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
        monitor.load(), _mode(client), _domain(client, arguments.cluster_domain, namespace)
    )
    asker = ProbeAsker(
        client,
        namespace=probe_namespace(arguments),
        image=probe_image(arguments),
        lifetime=probe_lifetime(arguments),
    )
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
        await app.run_async(mouse=not arguments.no_mouse)
    finally:
        if asker.busy:
            complain("removing the probe pods")
        await asker.close()
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
            words += [f"--{name}", str(value)]
    return tuple(words)


CHOOSING = ("kubeconfig", "context", "cluster", "user", "server")
"""kubectl's flags that say which cluster, in the order in which they are written."""


async def _mode(client: Client) -> str:
    try:
        return (await read_dataplane(client)).mode
    except ApiError:
        return ""


async def _domain(client: Client, given: str | None, namespace: str) -> str:
    """Return the cluster domain; empty when it is not known, and then there is no marker to ask."""
    if given:
        return given.rstrip(".")
    try:
        return (await read_cluster_domain(client, namespace, ())).name
    except (ApiError, RefusedError):
        return ""
