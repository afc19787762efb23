"""`check --pre`: what stands in the way of an install. Writes nothing; probes only with --probe."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubectl_nodedns.checks.finding import run
from kubectl_nodedns.checks.preflight import OBSTACLE, PREFLIGHT
from kubectl_nodedns.commands.preflight import Trying, gather
from kubectl_nodedns.commands.session import (
    connect,
    given_options,
    make_probes,
    probe_image,
    probe_lifetime,
    probe_namespace,
    step_timeout,
)
from kubectl_nodedns.commands.settling import remembered, settings_of
from kubectl_nodedns.errors import ApiError, RefusedError, TimedOutError
from kubectl_nodedns.facts.clients import nameservers
from kubectl_nodedns.facts.inspection import inspect
from kubectl_nodedns.facts.kubelets import Resolvers
from kubectl_nodedns.install.live import read_live
from kubectl_nodedns.install.objects import build
from kubectl_nodedns.install.options import check, settle
from kubectl_nodedns.lookup.probes import check_namespace

if TYPE_CHECKING:
    import argparse

    from kubectl_nodedns.checks.finding import Outcome
    from kubectl_nodedns.cluster.client import Client
    from kubectl_nodedns.install.settings import Settings


async def before_install(
    arguments: argparse.Namespace, ignore: frozenset[str]
) -> tuple[Outcome, str, list[str]]:
    """Look at everything that `enable` would need.

    Returns:
        The findings, what was looked at in words, and what could not be read.

    Raises:
        UsageError: an option has a value that cannot be used.
        ApiError: nodes or services cannot be read at all.
    """
    given = given_options(arguments)
    if arguments.selector:
        given["node-selector"] = check("node-selector", arguments.selector)
    step_timeout(arguments)
    probe_lifetime(arguments)
    check_namespace(probe_namespace(arguments))
    async with connect(arguments) as client:
        memory, _ = settle(given, await remembered(client, given), upgrade=False)
        try:
            seen = await inspect(client, memory.given)
            settings = settings_of(seen, memory)
        except RefusedError as error:
            return run((OBSTACLE,), error, ignore=ignore), "the cluster", []
        wanted = build(settings, options=memory.as_text())
        names = [
            node.name
            for node in seen.nodes
            if node.system == "linux" and node.ready and node.selected(settings.node_selector)
        ]
        trying = Trying(
            probe_namespace=probe_namespace(arguments),
            probe_image=probe_image(arguments),
            objects=True,
        )
        evidence = await gather(
            client,
            seen,
            settings,
            wanted,
            await read_live(client, settings.namespace, wanted),
            trying,
            resolvers=await _resolvers(client, arguments, names) if arguments.probe else None,
        )
    unread = [f"{one.what}: {one.why}" for one in evidence.unread]
    return run(PREFLIGHT, evidence, ignore=ignore), _about(settings, len(evidence.selected)), unread


async def _resolvers(
    client: Client, arguments: argparse.Namespace, nodes: list[str]
) -> list[Resolvers]:
    """Read the resolvers of nodes, from a pod that gets the node's own resolv.conf.

    Raises:
        RefusedError: no probe runs.
    """
    found = []
    async with make_probes(client, arguments, dns_policy="Default") as probes:
        failed = await probes.start(nodes)
        if failed and len(failed) == len(nodes):
            node, why = next(iter(sorted(failed.items())))
            raise RefusedError(
                f"the probe on node {node} does not run: {why}",
                hint="without --probe everything else is looked at; --probe-image names an image "
                "that this cluster can pull, --probe-namespace a namespace that allows the pod",
            )
        for node in nodes:
            if node not in failed:
                try:
                    text = await probes.resolv_conf(node)
                except (ApiError, TimedOutError):
                    continue
                found.append(Resolvers(node=node, servers=tuple(nameservers(text))))
    return found


def _about(settings: Settings, nodes: int) -> str:
    where = f"{settings.local_ip} and {settings.kube_dns_ip}"
    return f"{nodes} node{'s' if nodes != 1 else ''} that would get {settings.image} at {where}"
