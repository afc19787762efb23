"""A gap is measured once for each time that clients wait, whether a switch succeeds or not."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

import pytest

from kubectl_nodedns.errors import RevertedError
from kubectl_nodedns.install.gaps import Gaps, gaps_text
from kubectl_nodedns.lookup.gap import Gap

if TYPE_CHECKING:
    from kubectl_nodedns.install.proof import Proof, Report


def gap(node: str, longest: int | None = 800) -> Gap:
    return Gap(node=node, server="169.254.25.10", longest=longest, lost=2, sent=5, why="no dig")


@dataclass
class Lookups:
    """Stands in for proof and report: writes down which watches began, ended, were let go."""

    began: list[str] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)
    let_go: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    async def watch(self, node: str) -> Watching:
        self.began.append(node)
        return Watching(node, self)

    def note(self, text: str) -> None:
        self.said.append(text)


@dataclass
class Watching:
    """One watch."""

    node: str
    lookups: Lookups

    async def end(self) -> Gap:
        self.lookups.ended.append(self.node)
        return gap(self.node)

    async def cancel(self) -> None:
        self.lookups.let_go.append(self.node)


def gaps(lookups: Lookups) -> Gaps:
    serving = ("node1", "node2")
    return Gaps(cast("Proof", lookups), cast("Report", lookups), serving)


def test_only_nodes_that_serve_clients_are_asked_from() -> None:
    lookups = Lookups()
    measured = gaps(lookups)

    async def run() -> None:
        async with measured.over(["node1", "node3"]):
            assert lookups.ended == []

    asyncio.run(run())
    assert lookups.began == lookups.ended == ["node1"]
    assert lookups.said == ["node1: 169.254.25.10 gave no answer for 800 ms, 2 of 5 lookups lost"]


def test_a_node_that_is_put_back_in_its_own_switch_is_measured_up_to_there() -> None:
    lookups = Lookups()
    measured = gaps(lookups)

    async def run() -> None:
        async with measured.over(["node1"]):
            pass
        async with measured.over(["node2"]):
            async with measured.over(["node2", "node1"]):
                pass
            raise RevertedError("put back")

    with pytest.raises(RevertedError):
        asyncio.run(run())
    assert lookups.began == ["node1", "node2", "node1"]
    assert [one.node for one in measured.measured] == ["node1", "node1", "node2"]


def test_a_run_that_is_interrupted_lets_its_lookups_go() -> None:
    lookups = Lookups()
    measured = gaps(lookups)

    async def run() -> None:
        async with measured.over(["node1"]):
            raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(run())
    assert (lookups.let_go, lookups.ended) == (["node1"], [])


def test_the_summary_names_the_longest_gap_and_what_was_lost_in_all() -> None:
    found = [gap("node1"), gap("node2", 1310), gap("node3", None)]
    assert gaps_text(found) == (
        "longest gap 1310 ms (node node2), 6 of 15 lookups lost, not measured on 1 node"
    )
    assert gaps_text([gap("node3", None)]) == "the gaps could not be measured"
