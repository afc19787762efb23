"""The resolvers of nodes, read by probes that get their node's own resolv.conf.

The cache's pod gets the same (dnsPolicy Default). No API tells what stands in it.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from kubectl_nodedns.checks.finding import run
from kubectl_nodedns.checks.preflight import PREFLIGHT
from kubectl_nodedns.errors import ApiError, TimedOutError
from kubectl_nodedns.facts.clients import nameservers
from kubectl_nodedns.facts.kubelets import Resolvers
from kubectl_nodedns.health.preflight import notes_of, refuse_errors
from kubectl_nodedns.together import together

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from kubectl_nodedns.checks.preflight_evidence import Preflight
    from kubectl_nodedns.lookup.probes import Probes

ABOUT = frozenset({"ND130", "ND131", "ND132"})
"""Checks that look at resolvers."""
AT_ONCE = 20
"""Commands run at the same time."""


class Told(Protocol):
    """Where progress goes."""

    def step(self, text: str) -> None:
        """A new step begins."""

    def lines(self, lines: Iterable[str]) -> None:
        """Lines as they are."""


async def read_resolvers(probes: Probes, nodes: Sequence[str]) -> tuple[Resolvers, ...]:
    """Read the resolvers of each node; one whose probe does not tell is left out."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(node: str) -> Resolvers | None:
        async with gate:
            try:
                text = await probes.resolv_conf(node)
            except (ApiError, TimedOutError):
                return None
            return Resolvers(node=node, servers=tuple(nameservers(text)))

    found = await together(one(node) for node in nodes)
    return tuple(resolvers for resolvers in found if resolvers is not None)


async def refuse_resolvers(
    probes: Probes,
    evidence: Preflight,
    nodes: Sequence[str],
    ignore: Collection[str],
    told: Told,
) -> None:
    """Refuse nodes whose resolvers lead back to the cache, or nowhere: the cache would end there.

    Raises:
        RefusedError: a node has such resolvers.
    """
    told.step("what the nodes' own resolvers are")
    checks = [check for check in PREFLIGHT if check.code in ABOUT]
    seen = replace(evidence, resolvers=await read_resolvers(probes, nodes))
    outcome = run(checks, seen, ignore=ignore)
    refuse_errors(outcome)
    told.lines(f"          {line}" for line in notes_of(outcome))
