"""`top --probe` in print: who is asked, what is noted, and what is said about the others."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from kubectl_nodedns.errors import NodednsError
from kubectl_nodedns.lookup.question import Answer
from kubectl_nodedns.metrics.columns import BY_KEY
from kubectl_nodedns.top.printed import PrintedProbing
from kubectl_nodedns.tui.probing import PAUSE_SECONDS
from tests.screens.stand_ins import FixedAsker
from tests.unit.metrics.fleets import mixed
from tests.unit.top.requests import make_request

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kubectl_nodedns.lookup.question import Question
    from kubectl_nodedns.metrics.fleet import FleetSnapshot


class Asker(FixedAsker):
    """Answers from every node but some, and says in the end what it left."""

    def __init__(self, *without: str, silent: str = "", intercepted: bool = True) -> None:
        super().__init__(intercepted=intercepted)
        self.busy = False
        self.left: Sequence[str] = ["a pod may be left"]
        self._without = without
        self._silent = silent

    async def __call__(self, node: str, questions: Sequence[Question]) -> Sequence[Answer]:
        answers = await super().__call__(node, questions)
        if node in self._without:
            raise NodednsError("no pod runs there")
        if node == self._silent:
            return [
                Answer(question=question, error="no route", asked=False) for question in questions
            ]
        return answers


class Monitor:
    """Has a fixed snapshot, and remembers what was proved."""

    kube_dns_ip = "10.96.0.10"

    def __init__(self, shown: FleetSnapshot) -> None:
        self.shown = shown
        self.noted: dict[str, bool] = {}

    def snapshot(self) -> FleetSnapshot:
        return self.shown

    def note_proof(self, node: str, *, intercepted: bool) -> None:
        self.noted[node] = intercepted


@dataclass
class Watched:
    monitor: Monitor
    request: Any
    client: Any = None
    recorder: Any = None
    told: list[str] = field(default_factory=list)


def watched(**given: Any) -> Watched:
    return Watched(
        monitor=Monitor(mixed()), request=make_request(cluster_domain="cluster.local", **given)
    )


async def probed(seen: Watched, asker: Asker) -> int:
    async with PrintedProbing(seen, asker, seen.told.append) as probing:  # type: ignore[arg-type]
        await probing.once()
        return probing.failed


async def test_each_node_with_a_cache_pod_is_asked_and_what_is_proved_is_noted() -> None:
    seen, asker = watched(), Asker()
    assert await probed(seen, asker) == 0
    able = {row.node.name for row in seen.monitor.shown.nodes if row.pod}
    assert {node for node, _ in asker.asked} == able
    assert seen.monitor.noted == dict.fromkeys(able, True)
    assert seen.told == ["a pod may be left"]


async def test_the_first_rows_in_the_order_of_the_table_are_asked_within_the_cap() -> None:
    seen, asker = watched(probe_cap=2, sort_by=BY_KEY["lookups"]), Asker()
    await probed(seen, asker)
    assert asker.asked[0][0] == "ip-10-0-3-17"
    assert len(asker.asked) == 2
    assert "the first 2 of" in seen.told[0]


async def test_nodes_that_cannot_be_asked_from_are_counted_and_named_once() -> None:
    able = [row.node.name for row in mixed().nodes if row.pod]
    seen, asker = watched(), Asker(able[0], silent=able[1])
    async with PrintedProbing(seen, asker, seen.told.append) as probing:  # type: ignore[arg-type]
        await probing.once()
        await probing.once()
        assert probing.failed == 2
    assert seen.told[:-1] == [
        f"warning: {able[0]}: not probed: no pod runs there",
        f"warning: {able[1]}: not probed: no route",
    ]
    assert not {able[0], able[1]} & seen.monitor.noted.keys()


async def test_a_lookup_that_did_not_go_through_a_cache_is_noted_as_such() -> None:
    seen = watched()
    await probed(seen, Asker(intercepted=False))
    assert set(seen.monitor.noted.values()) == {False}


async def test_between_two_rounds_there_is_a_pause() -> None:
    seen, asker = watched(probe_cap=1), Asker()
    async with PrintedProbing(seen, asker, seen.told.append) as probing:  # type: ignore[arg-type]
        task = asyncio.create_task(probing.again())
        await asyncio.sleep(2.5 * PAUSE_SECONDS)
        task.cancel()
        await asyncio.wait([task])
    assert len(asker.asked) == 3
