"""The keys that work everywhere: pause, help, palette, copy, themes, the end."""

from __future__ import annotations

import asyncio

import pytest
from textual.widgets import Static

from kubectl_nodedns.tui.fleet_screen import FleetScreen
from kubectl_nodedns.tui.help_screen import HelpScreen
from tests.screens.person import open_top
from tests.unit.metrics.fleets import NOW, row, snapshot


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
