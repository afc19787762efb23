"""The lookup panel: what it asks, what it says of the answers, and how it fails."""

from __future__ import annotations

import pytest
from textual.widgets import Input

from kubectl_nodedns.tui.fleet_screen import FleetScreen
from kubectl_nodedns.tui.given import Asker, Place
from kubectl_nodedns.tui.lookup_screen import LookupScreen
from tests.screens.person import open_top
from tests.screens.stand_ins import BrokenAsker, FixedAsker, NoAsker
from tests.unit.metrics.fleets import NOW


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
