"""Every key and every screen, driven like a person does, with fixed snapshots and a fixed clock."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
from textual.widgets import Input, Static

from kubectl_nodedns.metrics.columns import COLUMNS
from kubectl_nodedns.metrics.fleet import FleetSnapshot, NodeRow
from kubectl_nodedns.tui.app import TopApp
from kubectl_nodedns.tui.fleet_screen import FleetScreen
from kubectl_nodedns.tui.given import Asker, Place
from kubectl_nodedns.tui.help_screen import HelpScreen
from kubectl_nodedns.tui.lookup_screen import LookupScreen
from kubectl_nodedns.tui.node_screen import NodeScreen
from kubectl_nodedns.tui.node_table import NodeTable
from tests.screens.stand_ins import BrokenAsker, FixedAsker, FixedFeed, NoAsker
from tests.unit.metrics.fleets import NOW, large, mixed, node, row, snapshot, traffic

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from textual.pilot import Pilot

SIZES = [(80, 24), (160, 50)]
PLACE = Place(
    context="prod-eu-1", mode="iptables", kube_dns_ip="10.96.0.10", cluster_domain="cluster.local"
)


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


class Person:
    """Looks at the screen and presses keys."""

    def __init__(self, app: TopApp, pilot: Pilot[None], feed: FixedFeed, clock: Clock) -> None:
        self.app = app
        self.pilot = pilot
        self.feed = feed
        self.clock = clock

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)
        await self.pilot.pause()

    async def tick(self) -> None:
        self.app.tick()
        await self.pilot.pause()

    async def see(self, seen: FleetSnapshot) -> None:
        self.feed.now = seen
        await self.tick()

    async def until(self, wanted: str) -> None:
        """Wait until the screen says `wanted`."""
        for _ in range(200):
            if wanted in self.text():
                return
            await self.pilot.pause(0.05)
        pytest.fail(f"{wanted!r} did not appear in:\n{self.text()}")

    def text(self) -> str:
        """Return what is on the screen."""
        strips = self.app.screen._compositor.render_strips()
        return "\n".join("".join(segment.text for segment in strip) for strip in strips)

    def line(self, wanted: str) -> str:
        return next(line for line in self.text().splitlines() if wanted in line)

    @property
    def table(self) -> NodeTable:
        return self.app.screen_stack[1].query_one(NodeTable)

    def names(self) -> list[str]:
        return self.table.in_view()


@asynccontextmanager
async def open_top(
    size: tuple[int, int] = (80, 24),
    *,
    seen: FleetSnapshot | None = None,
    asker: Asker | None = None,
    place: Place = PLACE,
) -> AsyncIterator[Person]:
    feed, clock = FixedFeed(seen or mixed()), Clock()
    app = TopApp(feed=feed, asker=asker or NoAsker(), place=place, clock=clock)
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        yield Person(app, pilot, feed, clock)


@pytest.fixture(params=SIZES, ids=["80x24", "160x50"])
def size(request: pytest.FixtureRequest) -> tuple[int, int]:
    return request.param  # type: ignore[no-any-return]


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
        assert not person.app.screen.query_one("#filter").display


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


async def test_letters_in_the_filter_are_letters() -> None:
    async with open_top() as person:
        await person.press("slash", "q", "t", "space", "c")
        assert person.app.screen.query_one("#filter", Input).value == "qt c"
        assert not person.app.session.paused


async def test_pause_freezes_the_picture_and_the_clock_goes_on() -> None:
    async with open_top() as person:
        await person.press("space")
        person.clock.now = NOW + 90
        await person.see(snapshot(row("other")))
        assert "PAUSED · 90s ago" in person.text()
        assert "ip-10-0-1-9" in person.text()
        await person.press("space")
        assert "other" in person.text()
        assert "PAUSED" not in person.text()


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


async def test_lookup_that_proves(size: tuple[int, int]) -> None:
    asker = FixedAsker()
    async with open_top(size, asker=asker) as person:
        assert asker.asked == []  # top only reads until it is asked
        await person.press("t")
        assert isinstance(person.app.screen, LookupScreen)
        await person.until("✓ intercepted: the cache on ip-10-0-1-9")
        text = person.text()
        assert "local 169.254.20.10" in text
        assert "kube-dns 10.96.0.10" in text
        assert text.count("NOERROR  212 µs") == 4
        ((asked, questions),) = asker.asked
        assert asked == "ip-10-0-1-9"
        assert {(q.name, q.rtype) for q in questions} == {
            ("id.nodedns.cluster.local.", "TXT"),
            ("kubernetes.default.svc.cluster.local.", "A"),
        }
        await person.press("escape")
        person.clock.now = NOW + 5
        await person.tick()
        assert "interception proved 5s ago" in person.text()


async def test_lookup_of_another_name_and_type() -> None:
    asker = FixedAsker()
    async with open_top(asker=asker) as person:
        await person.press("t")
        await person.until("✓ intercepted")
        person.app.screen.query_one("#name", Input).value = ""
        await person.press(*"example.com", "space", *"aaaa", "enter")
        await person.until("example.com. AAAA")
        _, questions = asker.asked[-1]
        assert {(q.name, q.rtype) for q in questions if q.rtype != "TXT"} == {
            ("example.com.", "AAAA")
        }


async def test_lookup_that_finds_no_interception() -> None:
    async with open_top(asker=FixedAsker(intercepted=False)) as person:
        await person.press("t")
        await person.until("‼ not intercepted")
        assert "NXDOMAIN" in person.text()


async def test_lookup_says_that_it_waits_and_can_be_left() -> None:
    asker = FixedAsker()
    asker.held.clear()
    async with open_top(asker=asker) as person:
        await person.press("t")
        person.clock.now = NOW + 7
        await person.until("asking from a probe pod on ip-10-0-1-9 … 7 s")
        await person.press("escape")
        assert isinstance(person.app.screen, FleetScreen)
        asker.held.set()
        await person.pilot.pause(0.1)
        assert isinstance(person.app.screen, FleetScreen)


@pytest.mark.parametrize(
    ("asker", "words"),
    [(NoAsker(), "no probe pod can be had"), (BrokenAsker(), "ZeroDivisionError")],
)
async def test_lookup_that_fails_says_why_and_ends_nothing(asker: Asker, words: str) -> None:
    async with open_top(asker=asker) as person:
        await person.press("t")
        await person.until(words)
        await person.press("escape", "down")
        assert person.table.cursor == "ip-10-0-2-44"


async def test_lookup_of_what_is_no_name() -> None:
    asker = FixedAsker()
    async with open_top(asker=asker) as person:
        await person.press("t")
        await person.until("✓ intercepted")
        person.app.screen.query_one("#name", Input).value = "a..b"
        await person.press("enter")
        await person.until("is not a domain name")
        assert len(asker.asked) == 1


async def test_without_a_cluster_domain_there_is_no_marker_to_ask() -> None:
    asker = FixedAsker()
    place = Place(context="", mode="", kube_dns_ip="10.96.0.10", cluster_domain="")
    async with open_top(asker=asker, place=place) as person:
        await person.press("t")
        await person.until("interception not known: the marker")
        assert all(q.rtype == "A" for _, questions in asker.asked for q in questions)


async def test_lookup_from_the_node_screen_is_about_its_node() -> None:
    asker = FixedAsker()
    async with open_top(asker=asker) as person:
        await person.press("down", "enter", "t")
        await person.until("✓ intercepted")
        assert asker.asked[0][0] == "ip-10-0-2-44"


async def test_help(size: tuple[int, int]) -> None:
    async with open_top(size) as person:
        await person.press("question_mark")
        assert isinstance(person.app.screen, HelpScreen)
        assert "shift+l  lookups" in person.text()
        await person.press("escape")
        assert isinstance(person.app.screen, FleetScreen)


async def test_copy_puts_the_row_on_the_clipboard() -> None:
    async with open_top() as person:
        await person.press("c")
        assert person.app.clipboard.splitlines()[0].startswith("NODE")
        assert person.app.clipboard.splitlines()[1].startswith("ip-10-0-1-9")
        await person.press("down", "enter", "c")
        assert "ip-10-0-2-44" in person.app.clipboard


@pytest.mark.parametrize("key", ["colon", "ctrl+p"])
async def test_the_palette_opens_and_sorts(key: str) -> None:
    async with open_top() as person:
        await person.press(key)
        await person.until("Search for commands")
        await person.press(*"sort by memory")
        await person.until("Order the nodes by MEMORY")
        await person.press("enter")
        if "MEMORY▼" not in person.text():  # the first enter only chose it
            await person.press("enter")
        await person.until("MEMORY▼")


async def test_q_quits() -> None:
    async with open_top() as person:
        await person.press("q")
        assert not person.app.is_running


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


@pytest.mark.parametrize("theme", ["textual-light", "ansi-dark", "nord"])
async def test_themes(theme: str) -> None:
    async with open_top() as person:
        person.app.theme = theme
        await person.press("down", "enter", "escape", "t", "escape")
        assert "‼ ip-10-0-2-51" in person.text()


async def test_it_ticks_by_itself() -> None:
    async with open_top() as person:
        taken = person.feed.taken
        await asyncio.sleep(1.3)
        assert person.feed.taken > taken


async def test_no_color_keeps_every_mark(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with open_top() as person:
        assert "‼ ip-10-0-2-51" in person.text()
        assert "! ip-10-0-2-44" in person.text()
        assert isinstance(person.app.screen.query_one("#about"), Static)
