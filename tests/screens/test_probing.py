"""`--probe`: which nodes are probed, how many at most, and what the table says of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubectl_nodedns.tui.probing import CAP, Probing
from tests.screens.person import open_top
from tests.screens.stand_ins import FixedAsker, NoAsker
from tests.unit.metrics.fleets import large

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kubectl_nodedns.lookup.question import Answer, Question


async def test_the_nodes_in_view_are_probed_and_the_table_says_so() -> None:
    asker = FixedAsker(intercepted=False)
    async with open_top((160, 50), asker=asker, probing=True) as person:
        await person.tick()
        await person.until("not intercepted")
        asked = {node for node, _ in asker.asked}
        assert "ip-10-0-1-9" in asked
        assert "ip-10-0-2-51" not in asked  # it has no cache pod
        assert "win-1" not in asked


async def test_without_the_option_nothing_is_asked() -> None:
    asker = FixedAsker()
    async with open_top(asker=asker) as person:
        await person.tick()
        await person.pilot.pause(0.2)
        assert asker.asked == []


async def test_probes_have_a_cap_and_nodes_out_of_view_give_their_places_back() -> None:
    asker = FixedAsker()
    async with open_top((160, 50), seen=large(300), asker=asker) as person:
        probing = Probing(person.app.session)
        person.app.session.in_view = [f"node-{n}" for n in range(40)]
        await probing.once()
        assert {node for node, _ in asker.asked} == {f"node-{n}" for n in range(CAP)}
        asker.asked.clear()
        person.app.session.in_view = [f"node-{n}" for n in range(100, 105)]
        await probing.once()
        assert len(asker.asked) == 5
        assert asker.released == [f"node-{n}" for n in range(5)]


class FailingAsker(FixedAsker):
    """Fails on one node, as only a mistake of ours would."""

    async def __call__(self, node: str, questions: Sequence[Question]) -> Sequence[Answer]:
        answers = await super().__call__(node, questions)
        if node == "node-0":
            raise ZeroDivisionError("division by zero")
        return answers


async def test_what_nobody_expected_on_one_node_does_not_end_the_probing() -> None:
    asker = FailingAsker()
    async with open_top((160, 50), seen=large(300), asker=asker) as person:
        probing = Probing(person.app.session)
        person.app.session.in_view = [f"node-{n}" for n in range(5)]
        await probing.once()
        await probing.once()
        assert len(asker.asked) == 10
        assert set(person.app.session.probes) == {f"node-{n}" for n in range(1, 5)}


async def test_a_node_without_a_probe_pod_is_not_known() -> None:
    async with open_top((160, 50), asker=NoAsker(), probing=True) as person:
        await person.tick()
        await person.pilot.pause(0.2)
        await person.tick()
        assert "KUBE-DNS" in person.line("NODE")
        assert person.app.session.probes == {}
