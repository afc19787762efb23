"""`check --pre`: what stands in the way of an install. Writes nothing, and probes on request."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from kubectl_nodedns.checks.finding import run
from kubectl_nodedns.checks.preflight import OBSTACLE, PREFLIGHT
from kubectl_nodedns.errors import RefusedError
from kubectl_nodedns.facts.inspection import inspect
from kubectl_nodedns.health.preflight_gathering import Trying, gather
from kubectl_nodedns.health.resolvers import read_resolvers
from kubectl_nodedns.install.live import read_live
from kubectl_nodedns.install.objects import build
from kubectl_nodedns.install.options import settle
from kubectl_nodedns.install.recalled import remembered
from kubectl_nodedns.install.settings import settings_of
from kubectl_nodedns.install.variants import IPTABLES, LIVE
from kubectl_nodedns.together import side_by_side

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kubectl_nodedns.checks.finding import Outcome
    from kubectl_nodedns.cluster.client import Client
    from kubectl_nodedns.facts.kubelets import Resolvers
    from kubectl_nodedns.install.proof import MakeProbes
    from kubectl_nodedns.install.settings import Settings
    from kubectl_nodedns.probes.probe_job import ProbeOptions


@dataclass(frozen=True, kw_only=True)
class PreflightRequest:
    """What `check --pre` is asked to do."""

    given: Mapping[str, str]
    """Options of the installation that `enable` is to make, by name, checked."""
    whole: bool
    """Whether they are all of them (--config), so that what is remembered does not count."""
    upgrade: bool
    """Whether defaults of this version replace remembered ones."""
    force: bool
    """Whether fields of other managers are to be taken over."""
    probes: ProbeOptions
    """How probes are to be started."""
    probe: bool
    """Whether probes read the nodes' resolvers."""
    ignore: frozenset[str] = frozenset()
    """Codes of checks that are left out."""


@dataclass(frozen=True, kw_only=True)
class Obstacles:
    """What stands in the way of an install."""

    outcome: Outcome
    """What the checks came to."""
    about: str
    """What was looked at, in words."""
    unread: tuple[str, ...] = ()
    """What could not be read, in words."""


async def look_before_install(
    client: Client, request: PreflightRequest, make_probes: MakeProbes
) -> Obstacles:
    """Look at everything that `enable` would need.

    Args:
        client: an open client.
        request: what is asked for.
        make_probes: makes the probes.

    Raises:
        UsageError: an option has a value that cannot be used.
        ApiError: nodes or services cannot be read at all.
        RefusedError: no probe runs.
    """
    given = dict(request.given)
    before = await remembered(client, given)
    memory, _ = settle(given, before, upgrade=request.upgrade, whole=request.whole)
    registry = memory.value("image-registry")
    try:
        seen = await inspect(client, memory.given)
        settings = settings_of(seen, memory)
        if settings.mode not in LIVE:  # ND102 says so; the rest is looked at as for any other
            settings = replace(settings, mode=IPTABLES)
    except RefusedError as error:
        outcome = run((OBSTACLE,), error, ignore=request.ignore)
        return Obstacles(outcome=outcome, about="the cluster")
    wanted = build(settings, options=memory.as_text())
    names = [
        node.name
        for node in seen.nodes
        if node.system == "linux" and node.ready and node.selected(settings.node_selector)
    ]
    trying = Trying(
        probe_namespace=request.probes.namespace,
        probe_image=request.probes.image_from(registry),
        objects=True,
        force=request.force,
    )
    async with side_by_side() as group:
        live = group.create_task(read_live(client, settings.namespace, wanted))
        gathering = group.create_task(gather(client, seen, settings, wanted, live, trying))
        resolvers = await _resolvers(make_probes, registry, names) if request.probe else None
    evidence = replace(gathering.result(), resolvers=resolvers)
    return Obstacles(
        outcome=run(PREFLIGHT, evidence, ignore=request.ignore),
        about=_about(settings, len(evidence.selected)),
        unread=tuple(map(str, evidence.unread)),
    )


async def _resolvers(
    make_probes: MakeProbes, registry: str, nodes: Sequence[str]
) -> tuple[Resolvers, ...]:
    """Read the resolvers of nodes, from a pod that gets the node's own resolv.conf.

    Raises:
        RefusedError: no probe runs.
    """
    async with make_probes(registry, dns_policy="Default") as probes:
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
