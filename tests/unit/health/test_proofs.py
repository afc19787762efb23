"""A proof is offered where a cache is not asked that should be, and nowhere else."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import pytest

from kubectl_nodedns.errors import RefusedError
from kubectl_nodedns.health.proofs import offer_proofs, prove
from tests.unit.checks.evidence import DNS, counters, evidence, node

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

    from kubectl_nodedns.checks.evidence import NodeEvidence
    from kubectl_nodedns.lookup.probes import Probes


def bypassed(name: str) -> NodeEvidence:
    """A node whose cache was asked a million times, and is not any more."""
    return node(name, counters=counters(lookups_by_address={DNS: 1e6}))


def asked(name: str) -> NodeEvidence:
    seen = counters(lookups_by_address={DNS: 1e6}, lately={DNS: 1000.0})
    return node(name, counters=seen)


@dataclass
class NoProbes:
    """Probes that start nowhere."""

    wanted: list[str] = field(default_factory=list)

    async def start(self, nodes: Iterable[str]) -> dict[str, str]:
        self.wanted += nodes
        return dict.fromkeys(self.wanted, "its image cannot be pulled")

    @asynccontextmanager
    async def make(self, *_: Any, **__: Any) -> AsyncIterator[Any]:
        yield self


async def test_only_the_doubtful_nodes_are_offered_and_what_came_of_it_is_theirs() -> None:
    probes, questions = NoProbes(), []

    def confirm(question: str) -> bool:
        questions.append(question)
        return True

    seen = evidence(asked("node1"), bypassed("node2"), asked("node3"), domain="cluster.local")
    found = await offer_proofs(seen, cast("Any", probes.make), confirm)
    assert questions == [
        "No lookup reaches the cache of node node2. Prove it now, by a short-lived pod on each?"
    ]
    assert probes.wanted == ["node2"]
    assert [one.no_proof for one in found.nodes] == ["", "its image cannot be pulled", ""]


async def test_who_says_no_gets_what_was_seen() -> None:
    seen = evidence(bypassed("node1"), domain="cluster.local")
    assert await offer_proofs(seen, cast("Any", None), lambda _: False) is seen


async def test_nothing_is_offered_where_every_cache_is_asked() -> None:
    def confirm(_: str) -> bool:
        raise AssertionError("nobody is to be asked")

    seen = evidence(asked("node1"), asked("node2"), domain="cluster.local")
    assert await offer_proofs(seen, cast("Any", None), confirm) is seen


async def test_without_a_cluster_domain_no_marker_can_be_asked_for() -> None:
    with pytest.raises(RefusedError, match="the cluster domain is not known"):
        await prove(evidence(node()), cast("Probes", NoProbes()))


async def test_nodes_without_a_cache_pod_are_not_asked_from() -> None:
    probes = NoProbes()
    bare = node("node2", pods=())
    await prove(evidence(node(), bare, domain="cluster.local"), cast("Probes", probes))
    assert probes.wanted == ["node1"]
