"""`check --pre`: what stands in the way of an install. Writes nothing; probes only with --probe."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from kubectl_nodedns.checks.finding import run
from kubectl_nodedns.checks.preflight import OBSTACLE, PREFLIGHT
from kubectl_nodedns.commands.given import (
    access_options,
    check_change,
    installation_options,
    probe_options,
)
from kubectl_nodedns.commands.preflight import Trying, gather
from kubectl_nodedns.commands.resolvers import read_resolvers
from kubectl_nodedns.commands.session import connect, make_probes
from kubectl_nodedns.errors import RefusedError, UsageError
from kubectl_nodedns.facts.inspection import inspect
from kubectl_nodedns.install.live import read_live
from kubectl_nodedns.install.objects import build
from kubectl_nodedns.install.options import check, settle
from kubectl_nodedns.install.recalled import remembered
from kubectl_nodedns.install.settings import settings_of
from kubectl_nodedns.install.variants import IPTABLES, LIVE

if TYPE_CHECKING:
    import argparse

    from kubectl_nodedns.checks.finding import Outcome
    from kubectl_nodedns.cluster.client import Client
    from kubectl_nodedns.facts.kubelets import Resolvers
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
    given = installation_options(arguments)
    if arguments.selector and arguments.node_selector:
        raise UsageError("-l and --node-selector: with --pre both are the nodes of the cache")
    if arguments.selector:
        given["node-selector"] = check("node-selector", arguments.selector)
    check_change(arguments)
    async with connect(access_options(arguments)) as client:
        before = await remembered(client, given)
        whole = arguments.config is not None
        memory, _ = settle(given, before, upgrade=arguments.upgrade, whole=whole)
        registry = memory.value("image-registry")
        try:
            seen = await inspect(client, memory.given)
            settings = settings_of(seen, memory)
            if settings.mode not in LIVE:  # ND102 says so; the rest is looked at as for any other
                settings = replace(settings, mode=IPTABLES)
        except RefusedError as error:
            return run((OBSTACLE,), error, ignore=ignore), "the cluster", []
        wanted = build(settings, options=memory.as_text())
        names = [
            node.name
            for node in seen.nodes
            if node.system == "linux" and node.ready and node.selected(settings.node_selector)
        ]
        trying = Trying(
            probe_namespace=probe_options(arguments).namespace,
            probe_image=probe_options(arguments).image_from(registry),
            objects=True,
            force=arguments.force_conflicts,
        )
        evidence = await gather(
            client,
            seen,
            settings,
            wanted,
            await read_live(client, settings.namespace, wanted),
            trying,
            resolvers=await _resolvers(client, arguments, registry, names)
            if arguments.probe
            else None,
        )
    unread = [f"{one.what}: {one.why}" for one in evidence.unread]
    return run(PREFLIGHT, evidence, ignore=ignore), _about(settings, len(evidence.selected)), unread


async def _resolvers(
    client: Client, arguments: argparse.Namespace, registry: str, nodes: list[str]
) -> tuple[Resolvers, ...]:
    """Read the resolvers of nodes, from a pod that gets the node's own resolv.conf.

    Raises:
        RefusedError: no probe runs.
    """
    async with make_probes(
        client, probe_options(arguments), registry, dns_policy="Default"
    ) as probes:
        failed = await probes.start(nodes)
        if failed and len(failed) == len(nodes):
            node, why = next(iter(sorted(failed.items())))
            raise RefusedError(
                f"the probe on node {node} does not run: {why}",
                hint="without --probe everything else is looked at; --probe-image names an image "
                "that this cluster can pull, --probe-namespace a namespace that allows the pod",
            )
        return await read_resolvers(probes, [node for node in nodes if node not in failed])


def _about(settings: Settings, nodes: int) -> str:
    where = settings.local_ips.replace(",", " and ")
    return f"{nodes} node{'s' if nodes != 1 else ''} that would get {settings.image} at {where}"
