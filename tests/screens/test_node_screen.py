"""The node screen: its tabs, and what each says."""

from __future__ import annotations

from dataclasses import replace

import pytest
from textual.widgets import Input

from kubectl_nodedns.tui.fleet_screen import FleetScreen
from kubectl_nodedns.tui.node_screen import TABS, NodeScreen
from kubectl_nodedns.tui.styled_text import TextView
from tests.screens.person import Person, open_top
from tests.screens.stand_ins import FixedAsker, FixedReader
from tests.unit.metrics.fleets import NOW, mixed, node, row, snapshot, traffic

BAD = "ip-10-0-3-17"


async def open_node(person: Person, name: str = BAD) -> None:
    person.table.go_to(name)
    await person.press("enter")
    assert isinstance(person.app.screen, NodeScreen)


async def test_node_screen(size: tuple[int, int]) -> None:
    async with open_top(size) as person:
        await open_node(person)
        text = person.text()
        for wanted in (f"{BAD} ›", "cluster.local.", "10.96.77.12:53", "5.0% of lookups fail"):
            assert wanted in text
        assert "slow" in person.line("10.96.77.12:53")
        assert person.feed.looked_at == [BAD]
        await person.press("escape")
        assert isinstance(person.app.screen, FleetScreen)
        assert person.table.cursor == BAD


async def test_plots_have_axes_and_a_past(size: tuple[int, int]) -> None:
    async with open_top(size) as person:
        await open_node(person)
        for second in range(2, 30, 2):
            person.clock.now = NOW + second
            figures = traffic(lookups=800 + 10 * second, at=NOW + second)
            await person.see(snapshot(row(BAD, figures=figures), at=NOW + second))
        text = person.text()
        assert "A 1.1k" in text or "A 2.2k" in text
        assert "┤" in text
        assert "-60s" in text
        assert any("\u2801" <= sign <= "\u28ff" for sign in text)


async def test_a_node_has_a_past_as_soon_as_it_was_in_view() -> None:
    async with open_top() as person:
        for second in range(2, 10, 2):
            later = replace(row(BAD, figures=traffic(at=NOW + second)))
            await person.see(snapshot(later, at=NOW + second))
        assert len(person.app.session.trends.node(BAD)) >= 3


@pytest.mark.parametrize(("key", "tab"), list(zip("123456", TABS, strict=True)))
async def test_a_number_opens_a_tab(key: str, tab: str) -> None:
    async with open_top((100, 30)) as person:
        await open_node(person)
        await person.press(key)
        assert f"[{key} {tab}]" in person.text()


async def test_arrows_turn_the_tabs() -> None:
    async with open_top((100, 30)) as person:
        await open_node(person)
        await person.press("left")
        assert "[6 rules]" in person.text()
        await person.press("right")
        assert "[1 overview]" in person.text()


async def test_events_logs_and_configuration_are_shown() -> None:
    async with open_top((120, 40)) as person:
        await open_node(person)
        await person.press("3")
        await person.until("Back-off restarting failed container")
        assert person.line("BackOff").startswith("!")
        await person.press("4")
        await person.until("×2")
        await person.press("g")
        await person.until_not("×2")
        assert person.text().count("plugin/errors") == 3
        await person.press("5")
        await person.until("ConfigMap kube-system/node-local-dns-5b35e2c516")
        assert "success 9984 30" in person.text()
        await person.press("6")
        await person.until("interface  nodelocaldns with 169.254.20.10, 10.96.0.10")
        assert "NOTRACK" in person.text()


async def test_the_log_of_before_the_last_restart() -> None:
    reader = FixedReader()
    async with open_top((120, 40), reader=reader) as person:
        await open_node(person)
        await person.press("4")
        await person.until("×2")
        await person.press("p")
        await person.until("it was this")
        assert reader.previous == [False, True]


async def test_what_cannot_be_read_is_said_and_what_was_read_before_stays() -> None:
    reader = FixedReader()
    async with open_top((120, 40), reader=reader) as person:
        await open_node(person)
        await person.press("4")
        await person.until("×2")
        reader.error = "pods/log is forbidden"
        person.clock.now = NOW + 60
        await person.tick()
        await person.until("‼ pods/log is forbidden")
        assert "as it was 60s ago" in person.text()
        assert "×2" in person.text()
        reader.error = ""
        person.clock.now = NOW + 70
        await person.tick()
        await person.until_not("forbidden")


async def test_the_lookups_tab_asks_only_when_it_is_told_to() -> None:
    asker = FixedAsker()
    async with open_top((120, 40), asker=asker) as person:
        await open_node(person)
        await person.press("2")
        assert asker.asked == []
        await person.press("3", "2")  # numbers still turn the tabs
        await person.press("tab", "shift+tab")
        assert isinstance(person.app.focused, Input) or person.app.focused is not None
        await person.press("enter")
        await person.until("✓ intercepted")
        assert asker.asked[0][0] == BAD
        await person.press("1")
        assert "[1 overview]" in person.text()


@pytest.mark.parametrize(
    ("key", "copied", "command"),
    [
        ("1", BAD, f"kubectl nodedns top --once -o wide -l kubernetes.io/hostname={BAD}"),
        ("3", "BackOff", "kubectl events -n kube-system --for pod/node-local-dns--3-17"),
        ("4", "plugin/errors", "kubectl logs -n kube-system node-local-dns--3-17"),
        ("5", "success 9984 30", "kubectl get configmap -n kube-system node-local-dns-5b35e2c516"),
        ("6", "NOTRACK", "kubectl get pod -n kube-system node-local-dns--3-17 -o yaml"),
    ],
)
async def test_copy_takes_what_the_tab_shows_or_the_command(
    key: str, copied: str, command: str
) -> None:
    async with open_top((120, 40)) as person:
        await open_node(person)
        await person.press(key)
        await person.until_not("reading …")
        await person.press("y")
        assert copied in person.app.clipboard
        await person.press("Y")
        assert person.app.clipboard.startswith(command)


async def test_node_screen_of_a_node_without_figures_and_of_one_that_goes() -> None:
    async with open_top() as person:
        await open_node(person, "ip-10-0-2-51")
        assert "no cache pod on this node" in person.text()
        await person.press("4")
        assert "no cache pod on this node" in person.text()
        await person.see(snapshot(row("ip-10-0-1-9")))
        assert "ip-10-0-2-51 is no longer in the cluster" in person.text()
        await person.press("t", "escape", "escape")
        assert isinstance(person.app.screen, FleetScreen)


async def test_a_node_that_is_drained_or_not_ready_says_so() -> None:
    async with open_top((120, 40)) as person:
        ill = replace(node(BAD), ready=False, schedulable=False)
        await person.see(snapshot(replace(row(BAD, figures=traffic()), node=ill)))
        text = person.text()
        assert "the node is NotReady" in text
        assert "cordoned or drained" in text


async def test_since_start_and_total_change_the_tables_and_not_the_plots() -> None:
    async with open_top((160, 50), seen=mixed()) as person:
        await open_node(person)
        assert "LOOKUPS/s" in person.text()
        await person.press("v", "v")
        assert "LOOKUPS " in person.line("ZONE")
        assert "LOOKUPS/s" not in person.text()
        assert "lookups/s" in person.text()  # the plot is over time


async def test_a_text_that_is_longer_than_the_screen_scrolls_by_every_key() -> None:
    async with open_top((80, 12)) as person:
        await open_node(person)
        await person.press("6")
        text = person.app.screen.query_one(TextView)
        last = text.max_scroll_y
        page = text.scrollable_content_region.height
        assert last > page
        for key, y in (
            *(("down", 1), ("j", 2), ("up", 1), ("k", 0), ("pagedown", page), ("pageup", 0)),
            *(("end", last), ("home", 0)),
        ):
            await person.press(key)
            assert text.scroll_target_y == y, key
