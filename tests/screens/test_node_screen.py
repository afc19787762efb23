"""The node screen: its tabs, and what each says."""

from __future__ import annotations

from kubectl_nodedns.tui.fleet_screen import FleetScreen
from kubectl_nodedns.tui.node_screen import NodeScreen
from tests.screens.person import open_top
from tests.unit.metrics.fleets import row, snapshot


async def test_node_screen(size: tuple[int, int]) -> None:
    async with open_top(size) as person:
        await person.press("down", "down", "down", "enter")
        assert isinstance(person.app.screen, NodeScreen)
        text = person.text()
        for wanted in (
            "ip-10-0-3-17 ›",
            "cluster.local.",
            "10.96.77.12:53",
            "5.0% of lookups fail",
        ):
            assert wanted in text
        for _ in range(3):
            await person.tick()
        assert "█" in person.text()
        assert person.feed.looked_at == ["ip-10-0-3-17"]
        await person.press("escape")
        assert isinstance(person.app.screen, FleetScreen)
        assert person.table.cursor == "ip-10-0-3-17"


async def test_node_screen_of_a_node_without_figures_and_of_one_that_goes() -> None:
    async with open_top() as person:
        await person.press("down", "down", "enter")
        assert "no cache pod on this node" in person.text()
        await person.see(snapshot(row("ip-10-0-1-9")))
        assert "ip-10-0-2-51 is no longer in the cluster" in person.text()
        await person.press("t", "escape", "escape")
        assert isinstance(person.app.screen, FleetScreen)
