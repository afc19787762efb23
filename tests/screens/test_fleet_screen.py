"""The fleet screen: its keys, its cursor, its filter; what it shows of each kind of node."""

from __future__ import annotations

import pytest
from textual.widgets import Input

from kubectl_nodedns.metrics.columns import COLUMNS
from kubectl_nodedns.metrics.node_row import NodeRow
from kubectl_nodedns.tui.fleet_screen import FleetScreen
from kubectl_nodedns.tui.node_screen import NodeScreen
from kubectl_nodedns.tui.node_table import NodeTable
from tests.screens.person import open_top
from tests.unit.metrics.fleets import NOW, large, mixed, node, row, snapshot, traffic


async def test_one_glance(size: tuple[int, int]) -> None:
    async with open_top(size) as person:
        text = person.text()
        for wanted in ("prod-eu-1", "169.254.20.10 + 10.96.0.10", "live", "ready 5 of 7"):
            assert wanted in text
        assert "‼ ip-10-0-2-51" in text
        assert "lookups/s 3.2k" in text
        assert "ip-10-0-1-9: nothing wrong" in text
        assert "? Help" in text
        assert "q Quit" in text
        assert person.feed.looked_at == [r.node.name for r in mixed().nodes]


async def test_wide_screens_have_more_columns_and_tall_ones_notes() -> None:
    async with open_top((160, 50)) as person:
        assert "KUBE-DNS/S" in person.text()
        assert "denials 60.0 %" in person.text()
        assert "CoreDNS spared" in person.text()
    async with open_top((80, 24)) as person:
        assert "KUBE-DNS/S" not in person.text()
        assert "denials" not in person.text()


async def test_the_screen_follows_its_terminal() -> None:
    async with open_top((80, 24)) as person:
        await person.pilot.resize_terminal(160, 50)
        await person.pilot.pause()
        await person.pilot.pause()
        assert "KUBE-DNS/S" in person.text()


async def test_the_cursor_moves_and_says_what_is_wrong(size: tuple[int, int]) -> None:
    async with open_top(size) as person:
        await person.press("down", "down")
        assert person.table.cursor == "ip-10-0-2-51"
        assert "‼ no cache pod on this node" in person.line("ip-10-0-2-51:")
        await person.press("k")
        assert person.table.cursor == "ip-10-0-2-44"
        await person.press("end")
        assert person.table.cursor == "win-1"
        await person.press("home", "j")
        assert person.table.cursor == "ip-10-0-2-44"


async def test_a_large_fleet_scrolls() -> None:
    async with open_top((80, 24), seen=large(300)) as person:
        page = len(person.names())
        await person.press("pagedown")
        assert person.table.cursor in person.names()
        assert person.names()[0] != "node-0"
        await person.press("end")
        assert person.names()[-1] == "node-299"
        assert len(person.names()) == page
        await person.press("pageup", "home")
        assert person.names()[0] == "node-0"
        assert "NODE▲" in person.text()


@pytest.mark.parametrize("column", [c for c in COLUMNS if c.letter], ids=lambda c: c.key)
async def test_shift_and_a_letter_sorts_and_once_more_turns_round(column: object) -> None:
    letter = column.letter  # type: ignore[attr-defined]
    async with open_top((160, 50)) as person:
        await person.press("L" if letter == "N" else "N")
        await person.press(letter)
        heading = person.line("NODE")
        assert ("▲" in heading) != ("▼" in heading)
        first = person.names()
        await person.press(letter)
        assert person.line("NODE") != heading
        turned = person.names()
        assert sorted(turned) == sorted(first)


async def test_the_worst_comes_first_on_demand() -> None:
    async with open_top() as person:
        await person.press("F")
        assert person.names()[0] == "ip-10-0-3-17"
        await person.press("S")
        assert person.line("‼").startswith("‼")
        assert "win-1" in person.names()[-3:]


async def test_the_cursor_stays_on_its_node_whatever_moves() -> None:
    async with open_top() as person:
        await person.press("down")
        assert person.table.cursor == "ip-10-0-2-44"
        await person.press("L")
        assert person.table.cursor == "ip-10-0-2-44"
        rows = mixed().nodes
        await person.see(snapshot(row("a-new-one", figures=traffic()), *rows))
        assert person.table.cursor == "ip-10-0-2-44"


async def test_when_its_node_goes_the_cursor_stays_in_its_place() -> None:
    async with open_top() as person:
        await person.press("down")
        left = [r for r in mixed().nodes if r.node.name != "ip-10-0-2-44"]
        await person.see(snapshot(*left))
        assert person.table.cursor == "ip-10-0-2-51"
        await person.see(snapshot())
        assert person.table.cursor == ""
        assert "there are no nodes" in person.text()


async def test_filter(size: tuple[int, int]) -> None:
    async with open_top(size) as person:
        await person.press("slash", *"3-1", "enter")
        assert person.names() == ["ip-10-0-3-17", "ip-10-0-3-18", "ip-10-0-3-19"]
        await person.press("down")
        assert person.table.cursor == "ip-10-0-3-18"
        await person.press("escape")
        assert len(person.names()) == 8
        assert not person.app.screen.query_one("#filtering").display


async def test_filter_turned_round_and_one_that_hides_all() -> None:
    async with open_top() as person:
        await person.press("slash", "exclamation_mark", *"ip-")
        assert person.names() == ["win-1"]
        await person.press("escape")
        await person.press("slash", *"zzz", "enter")
        assert person.names() == []
        assert "no node matches the filter" in person.text()
        await person.press("enter")  # nothing to open
        assert isinstance(person.app.screen, FleetScreen)


async def test_a_filter_says_how_many_it_shows_and_how_to_leave_it(size: tuple[int, int]) -> None:
    async with open_top(size) as person:
        await person.press("slash", *"3-1")
        assert "enter keeps it · esc clears it" in person.text()
        await person.press("enter")
        assert "3 of 8 shown" in person.line("ip-10-0-3-17:")
        await person.press("down")
        assert "3 of 8 shown" in person.line("ip-10-0-3-18:")
        await person.press("escape")
        assert "shown" not in person.text()


async def test_what_is_no_regular_expression_is_said() -> None:
    async with open_top() as person:
        await person.press("slash", "left_parenthesis")
        assert "no node has ( in it, which is no regular expression" in person.text()


async def test_letters_in_the_filter_are_letters() -> None:
    async with open_top() as person:
        await person.press("slash", "q", "t", "space", "c")
        assert person.app.screen.query_one("#filter", Input).value == "qt c"
        assert not person.app.session.paused


async def test_mouse_moves_the_cursor_and_a_double_click_opens() -> None:
    async with open_top() as person:
        await person.pilot.click(NodeTable, offset=(5, 3))
        assert person.table.cursor == "ip-10-0-2-51"
        await person.pilot.click(NodeTable, offset=(5, 1), times=2)
        await person.pilot.pause()
        assert isinstance(person.app.screen, NodeScreen)


async def test_trouble_is_shown_and_goes_away() -> None:
    async with open_top() as person:
        trouble = "cannot reach the API server at https://10.0.0.1: connection refused"
        await person.see(snapshot(*mixed().nodes, problems=(trouble,)))
        assert f"‼ {trouble}"[:70] in person.text()
        await person.see(mixed())
        assert "cannot reach" not in person.text()


async def test_a_cache_that_is_removed_leaves_rows_that_say_so() -> None:
    async with open_top() as person:
        await person.see(snapshot(NodeRow(node=node("ip-10-0-1-9"), pods=(), sampled=None)))
        assert "no cache pod on this node" in person.text()
        assert "lookups/s –" in person.text()


async def test_faults_only(size: tuple[int, int]) -> None:
    async with open_top(size) as person:
        everything = person.names()
        await person.press("z")
        assert len(person.names()) == 5
        assert "ip-10-0-1-9" not in person.names()
        assert "faults only (z)" in person.text()
        await person.press("z")
        assert person.names() == everything
        await person.see(snapshot(row("well", figures=traffic())))
        await person.press("z")
        assert "nothing is wrong with any node" in person.text()
        await person.press("escape")
        assert person.names() == ["well"]


async def test_wide_reaches_every_column_sideways() -> None:
    async with open_top((80, 24)) as person:
        assert "KUBE-DNS/S" not in person.text()
        await person.press("w")
        assert "POD" in person.line("NODE")
        seen = set(person.line("NODE").split())
        for _ in range(len(COLUMNS)):
            await person.press("right")
            assert "NODE▲" in person.line("NODE")
            seen |= set(person.line("NODE").split())
        assert {"KUBE-DNS/S", "SAMPLED", "P50", "DENIAL%"} <= seen
        await person.press("left")
        await person.press("w")
        assert "POD" not in person.line("NODE")


async def test_the_trend_in_a_row_grows_with_each_page() -> None:
    async with open_top((160, 50)) as person:
        for second in (2, 4, 6):
            later = row("ip-10-0-1-9", figures=traffic(lookups=100 * second, at=NOW + second))
            await person.see(snapshot(later, at=NOW + second))
        line = person.line("ip-10-0-1-9 ")
        assert "▃▅█" in line or "▃▆█" in line


async def test_a_context_that_looks_like_production_says_why() -> None:
    async with open_top((160, 50)) as person:
        assert "“prod” in its name" in person.text()
