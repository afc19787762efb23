"""The lookup panel: what it asks, what it says of the answers, and how it fails."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from textual.widgets import Input

from kubectl_nodedns.tui.fleet_screen import FleetScreen
from kubectl_nodedns.tui.lookup_panel import LookupScreen
from kubectl_nodedns.tui.ports import Place
from tests.screens.person import open_top
from tests.screens.stand_ins import BrokenAsker, FixedAsker, FixedReader, NoAsker
from tests.unit.metrics.fleets import NOW

if TYPE_CHECKING:
    from kubectl_nodedns.tui.ports import Asker

PROVED = "✓ intercepted: the node's own cache"


async def test_lookup_that_proves(size: tuple[int, int]) -> None:
    asker = FixedAsker()
    async with open_top(size, asker=asker) as person:
        assert asker.asked == []  # top only reads until it is asked
        await person.press("t")
        assert isinstance(person.app.screen, LookupScreen)
        await person.until(PROVED)
        text = person.text()
        for wanted in ("169.254.20.10", "10.96.0.10", "10.96.77.12", "10.244.1.3", "10.244.2.3"):
            assert wanted in text
        assert "intercepted ✓" in person.line("10.96.0.10     udp")
        ((asked, questions),) = asker.asked
        assert asked == "ip-10-0-1-9"
        assert {(q.name, q.rtype) for q in questions} == {
            ("id.nodedns.cluster.local.", "TXT"),
            ("kubernetes.default.svc.cluster.local.", "A"),
        }
        assert {q.tcp for q in questions} == {True, False}
        assert person.noted == [("ip-10-0-1-9", True)]
        await person.press("escape")
        person.clock.now = NOW + 5
        await person.tick()
        assert "interception proved 5s ago" in person.text()


async def test_what_a_lookup_said_stands_in_the_table_until_the_pod_changes() -> None:
    async with open_top((160, 50), asker=FixedAsker()) as person:
        assert "LOCAL" not in person.line("NODE")
        await person.press("t")
        await person.until(PROVED)
        await person.press("escape")
        await person.tick()
        assert "LOCAL" in person.line("NODE")
        assert person.line("ip-10-0-1-9 ").count("0.21ms") == 2
        person.clock.now = NOW + 90
        await person.see(person.later(90))
        assert person.line("ip-10-0-1-9 ").count("(0.21ms)") == 2


async def test_lookup_of_another_name_and_type() -> None:
    asker = FixedAsker()
    async with open_top(asker=asker) as person:
        await person.press("t")
        await person.until(PROVED)
        person.app.screen.query_one("Input", Input).value = ""
        await person.press(*"example.com", "space", *"aaaa", "enter")
        await person.until("example.com. AAAA")
        await person.until(PROVED)
        _, questions = asker.asked[-1]
        assert {(q.name, q.rtype) for q in questions if q.rtype != "TXT"} == {
            ("example.com.", "AAAA")
        }


async def test_lookup_that_finds_no_interception() -> None:
    async with open_top((160, 50), asker=FixedAsker(intercepted=False)) as person:
        await person.press("t")
        await person.until("‼ not intercepted")
        assert person.noted == [("ip-10-0-1-9", False)]
        await person.press("escape")
        await person.tick()
        assert "not intercepted" in person.line("ip-10-0-1-9 ")
        assert "‼ NOT intercepted" in person.line("ip-10-0-1-9:")


async def test_one_coredns_pod_that_fails_is_named() -> None:
    asker = FixedAsker(failing="10.244.2.3")
    async with open_top((160, 50), asker=asker) as person:
        await person.press("t")
        await person.until("1 of 2 CoreDNS pods fail for this name")
        assert "‼ differs" in person.line("10.244.2.3     udp")
        assert "SERVFAIL" in person.line("10.244.2.3     udp")


async def test_a_watch_asks_again_and_again_until_it_is_stopped() -> None:
    asker = FixedAsker()
    async with open_top((120, 40), asker=asker) as person:
        await person.press("t")
        await person.until(PROVED)
        await person.press("enter")  # the keys are the answers' from here on
        await person.until(PROVED)
        before = len(asker.asked)
        await person.press("w")
        await person.until("watching, every 2 s")
        await person.until("2 rounds, the newest first")
        assert len(asker.asked) > before
        await person.press("w")
        await person.until_not("watching, every")
        assert isinstance(person.app.screen, LookupScreen)


async def test_copy_takes_the_answers_or_the_command() -> None:
    async with open_top(asker=FixedAsker()) as person:
        await person.press("t")
        await person.until(PROVED)
        await person.press("enter")
        await person.until(PROVED)
        await person.press("y")
        assert "from ip-10-0-1-9" in person.app.clipboard
        assert "NOERROR" in person.app.clipboard
        await person.press("Y")
        name = "kubernetes.default.svc.cluster.local"
        assert person.app.clipboard == f"kubectl nodedns lookup {name} --node ip-10-0-1-9"


async def test_where_services_cannot_be_read_it_asks_at_what_is_known() -> None:
    asker = FixedAsker()
    async with open_top(asker=asker, reader=FixedReader(error="forbidden")) as person:
        await person.press("t")
        await person.until(PROVED)
        _, questions = asker.asked[-1]
        assert {q.server for q in questions} == {"169.254.20.10", "10.96.0.10"}


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
        await person.until(PROVED)
        person.app.screen.query_one("Input", Input).value = "a..b"
        await person.press("enter")
        await person.until("is not a domain name")
        assert len(asker.asked) == 1


async def test_without_a_cluster_domain_there_is_no_marker_to_ask() -> None:
    asker = FixedAsker()
    place = Place(context="", mode="", kube_dns_ip="10.96.0.10", cluster_domain="")
    async with open_top(asker=asker, place=place) as person:
        await person.press("t")
        await person.until("interception is not proved")
        assert all(q.rtype == "A" for _, questions in asker.asked for q in questions)


async def test_lookup_from_the_node_screen_is_about_its_node() -> None:
    asker = FixedAsker()
    async with open_top(asker=asker) as person:
        await person.press("down", "enter", "t")
        await person.until(PROVED)
        assert asker.asked[0][0] == "ip-10-0-2-44"
