"""What an installation of ours should be by its own options, laid beside what it is."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from kubectl_nodedns.facts.cluster_domain import ClusterDomain
from kubectl_nodedns.facts.dataplane import Dataplane
from kubectl_nodedns.install.changes import CREATE, DELETE
from kubectl_nodedns.install.live import read_live
from kubectl_nodedns.install.objects import ENABLED, OPTIONS, build
from kubectl_nodedns.install.options import Memory, settle
from kubectl_nodedns.install.plan import make_plan
from kubectl_nodedns.install.settings import settings_of

if TYPE_CHECKING:
    from kubectl_nodedns.cluster.client import Client
    from kubectl_nodedns.facts.inspection import Inspection
    from kubectl_nodedns.install.changes import Change
    from kubectl_nodedns.install.live import Live
    from kubectl_nodedns.install.plan import Plan


async def drift_of(client: Client, seen: Inspection) -> tuple[str, ...]:
    """Say what differs, in words; nothing where `enable` would say "unchanged".

    Raises:
        ApiError: the objects cannot be read.
        RefusedError: the options do not fit this cluster any more.
    """
    cache = next(cache for cache in seen.caches if cache.ours)
    text = cache.annotations.get(OPTIONS, "")
    memory, _ = settle({}, Memory.of_text(text, home=cache.namespace), upgrade=False)
    settings = settings_of(_as_given(seen, memory), memory)
    wanted = build(settings, options=memory.as_text())
    live = await read_live(client, settings.namespace, wanted)
    plan = make_plan(
        settings=settings, options=memory.as_text(), wanted=wanted, live=live, nodes=seen.nodes
    )
    found = [text for change in plan.changes for text in _texts(change)]
    if live.state == ENABLED:
        found += [f"node {node} runs an older revision" for node in _older(plan, live)]
    return tuple(found)


def _as_given(seen: Inspection, memory: Memory) -> Inspection:
    """Let options that were given go before what was found, as `enable` does."""
    if domain := memory.given.get("cluster-domain"):
        seen = replace(seen, domain=ClusterDomain(name=domain, evidence="as given"))
    if mode := memory.given.get("mode"):
        seen = replace(seen, dataplane=Dataplane(mode=mode, evidence="as given"))
    return seen


def _texts(change: Change) -> list[str]:
    what = f"{change.kind.lower()} {change.name}"
    if change.action == CREATE:
        return [f"{what} is not there"]
    if change.action == DELETE:
        return [f"{what} is not needed any more"]
    return [f"{what}: {field}" for field in change.fields if not field.bookkeeping]


def _older(plan: Plan, live: Live) -> list[str]:
    """Name nodes whose pod is sound and of another revision; others have findings of their own."""
    return [
        node
        for node in plan.switch
        if (pod := live.pods.get(node)) and pod.ready and pod.revision != plan.revision
    ]
