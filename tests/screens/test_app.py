"""The keys that work everywhere: pause, help, palette, copy, themes, the end."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from textual.widgets import Static

from kubectl_nodedns.metrics.columns import COLUMNS
from kubectl_nodedns.tui.app import SHORT, THEMES, TopApp
from kubectl_nodedns.tui.fleet_screen import FleetScreen
from kubectl_nodedns.tui.help_screen import HelpScreen
from tests.patience import until_on_loop
from tests.screens.person import PLACE, open_top
from tests.screens.stand_ins import FixedFeed, counted, ports
from tests.unit.metrics.fleets import NOW, row, snapshot

if TYPE_CHECKING:
    from rich.color import Color


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


async def test_help(size: tuple[int, int]) -> None:
    async with open_top(size) as person:
        await person.press("question_mark")
        assert isinstance(person.app.screen, HelpScreen)
        assert "shift+l  lookups" in person.text()
        await person.press("escape")
        assert isinstance(person.app.screen, FleetScreen)


async def test_copy_puts_the_row_on_the_clipboard() -> None:
    async with open_top() as person:
        await person.press("y")
        assert person.app.clipboard.splitlines()[0].startswith("NODE")
        assert person.app.clipboard.splitlines()[1].startswith("ip-10-0-1-9")
        await person.press("down", "enter", "y")
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


@pytest.mark.parametrize("theme", ["textual-light", "ansi-dark", "nord", *(t.name for t in THEMES)])
async def test_themes(theme: str) -> None:
    async with open_top() as person:
        person.app.theme = theme
        await person.press("down", "enter", "escape", "t", "escape")
        assert "‼ ip-10-0-2-51" in person.text()


def contrast(one: Color, other: Color) -> float:
    """Return the contrast ratio of two colours, as WCAG 2 defines it; 1 is none."""

    def luminance(color: Color) -> float:
        parts = [part / 255 for part in color.get_truecolor()]
        linear = [p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", ["textual-light", "textual-dark", *(t.name for t in THEMES)])
@pytest.mark.parametrize("keys", [(), ("h",), ("down", "down", "down", "enter")])
async def test_everything_can_be_read_in_every_theme(theme: str, keys: tuple[str, ...]) -> None:
    async with open_top(theme=theme) as person:
        await person.press(*keys)
        for line in person.app.screen._compositor.render_strips():
            for text, style, _ in line:
                if (
                    any(map(str.isalnum, text))
                    and style
                    and style.color
                    and style.bgcolor
                    and not style.dim
                ):
                    assert contrast(style.color, style.bgcolor) > 2, (text, style)


@pytest.mark.parametrize("short", SHORT)
async def test_a_theme_can_be_chosen_by_its_short_name(short: str) -> None:
    async with open_top(theme=short) as person:
        assert person.app.theme == SHORT[short]
        assert "‼ ip-10-0-2-51" in person.text()


async def test_rates_of_now_since_start_and_totals(size: tuple[int, int]) -> None:
    async with open_top(size, seen=snapshot(counted("node1"))) as person:
        assert "LOOKUP/S" in person.line("NODE")
        await person.press("v")
        assert "rates since start" in person.text()
        assert "100" in person.line("node1 ")
        await person.press("v")
        assert "rates total" in person.text()
        assert "LOOKUPS" in person.line("NODE")
        assert "20.0k" in person.line("node1 ")
        await person.press("v")
        assert "LOOKUP/S" in person.line("NODE")


async def test_the_rates_of_a_paused_picture_can_be_changed() -> None:
    async with open_top(seen=snapshot(counted("node1"))) as person:
        await person.press("space", "v", "v")
        assert "LOOKUPS" in person.line("NODE")
        assert "PAUSED" in person.text()


async def test_the_command_that_prints_the_same_can_be_copied() -> None:
    place = replace(PLACE, command=("kubectl", "nodedns", "--context", "a b"))
    async with open_top(place=place) as person:
        await person.press("F", "Y")
        wanted = "kubectl nodedns --context 'a b' top --once -o wide --sort-by failures"
        assert person.app.clipboard == wanted


async def test_the_palette_has_every_action() -> None:
    async with open_top() as person:
        commands = {c.title for c in person.app.get_system_commands(person.app.screen)}
        assert {"Filter", "Faults only", "Heat map", "Lookup", "Findings", "Wide"} <= commands
        assert {"Rates: now", "Rates: since start", "Rates: total"} <= commands
        assert {f"Sort by {column.key}" for column in COLUMNS} <= commands
        await person.press("enter")
        commands = {c.title for c in person.app.get_system_commands(person.app.screen)}
        assert {"Tab: logs", "Tab: rules"} <= commands


async def test_it_ticks_by_itself() -> None:
    async with open_top() as person:
        taken = person.feed.taken
        await until_on_loop(lambda: person.feed.taken > taken, "it does not tick")


async def test_no_color_keeps_every_mark(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with open_top() as person:
        assert "‼ ip-10-0-2-51" in person.text()
        assert "! ip-10-0-2-44" in person.text()
        assert isinstance(person.app.screen.query_one("#about"), Static)


async def test_a_fault_ends_the_screen_and_shows_no_variable(
    capsys: pytest.CaptureFixture[str],
) -> None:
    class Faulty(TopApp):
        def tick(self) -> None:
            held = {"secret": "words of somebody else"}
            raise KeyError(held["secret"])

    app = Faulty(ports=ports(FixedFeed(snapshot(row("n1")))), place=PLACE)
    with pytest.raises(KeyError):
        await app.run_to_end(mouse=False, headless=True)
    told = capsys.readouterr()
    assert "somebody" not in told.out + told.err
