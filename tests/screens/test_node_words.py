"""What the node screen says, without a screen: words about a row, tables, logs, events, rules."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kubectl_nodedns.metrics.histogram import EMPTY
from kubectl_nodedns.metrics.traffic import Upstream
from kubectl_nodedns.tui.base_screen import Session
from kubectl_nodedns.tui.columns import Probed
from kubectl_nodedns.tui.node_lines import (
    interception_words,
    node_lines,
    row_words,
    upstream_state,
)
from kubectl_nodedns.tui.ports import Configuration, Place
from kubectl_nodedns.tui.text_lines import event_lines, group, log_lines, rule_lines
from kubectl_nodedns.tui.trends import Moment
from tests.screens.stand_ins import EVENTS, LOG, FixedFeed, ports
from tests.unit.metrics.fleets import NOW, mixed, row, snapshot, traffic

PLACE = Place(
    context="staging", mode="iptables", kube_dns_ip="10.96.0.10", cluster_domain="cluster.local"
)


def text(pieces: list[tuple[str, str]]) -> str:
    return "".join(piece[0] for piece in pieces)


def session() -> Session:
    shown = mixed()
    behind = ports(FixedFeed(shown))
    return Session(
        ports=behind,
        place=PLACE,
        clock=lambda: NOW,
        snapshot=shown,
        taken=shown,
    )


def test_the_words_about_a_row() -> None:
    here = session()
    said = text(row_words(here.snapshot.nodes[3], here))
    assert "‼ 5.0% of lookups fail" in said
    assert "intercepting by counters" in said
    assert "nothing wrong" in text(row_words(here.snapshot.nodes[0], here))


def test_interception_in_words() -> None:
    here = session()
    first, idle = here.snapshot.nodes[0], here.snapshot.nodes[6]
    assert interception_words(idle, here) == "interception not known (t finds out)"
    found = Probed(pod=first.pods[0].name, at=NOW - 12, proved=True, local=None, kube_dns=None)
    here.probes[first.node.name] = found
    assert interception_words(first, here) == "interception proved 12s ago"
    here.probes[first.node.name] = replace(found, proved=False)
    assert interception_words(first, here).startswith("‼ NOT intercepted")
    here.probes[first.node.name] = replace(found, pod="an older pod")
    assert interception_words(first, here).startswith("intercepting by counters")
    proved = replace(first, proved_at=NOW - 30)
    assert interception_words(proved, here) == "interception proved 30s ago"


@pytest.mark.parametrize(("width", "height"), [(78, 24), (158, 50), (198, 60)])
def test_the_node_s_lines(width: int, height: int) -> None:
    here = session()
    lines = [
        text(said)
        for said in node_lines(here.snapshot.nodes[3], here, [Moment(at=NOW)], (width, height))
    ]
    whole = "\n".join(lines)
    assert "cluster.local." in whole
    assert "10.96.77.12:53" in whole
    assert "10.96.0.10 (kube-dns) 812/s" in whole
    assert "169.254.20.10 (local) 812/s" in whole
    assert all(len(said.rstrip()) <= width for said in lines)


def test_a_node_without_figures_has_no_lines_and_the_words_say_why() -> None:
    here = session()
    assert node_lines(here.snapshot.nodes[2], here, [], (80, 24)) == []
    assert "no cache pod on this node" in text(row_words(here.snapshot.nodes[2], here))


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({}, "ok"),
        ({"responses": 0.0}, "idle"),
        ({"responses": None}, "–"),
        ({"failures": 1.0}, "failing"),
        ({"healthcheck_failures": 0.2}, "failing"),
    ],
)
def test_an_upstream_in_a_word(changes: dict[str, float | None], state: str) -> None:
    well = Upstream(
        to="10.0.0.2:53", responses=10.0, failures=0.0, healthcheck_failures=0.0, latency=EMPTY
    )
    assert upstream_state(replace(well, **changes)) == state  # type: ignore[arg-type]


def test_log_lines_that_differ_in_names_and_numbers_are_one_group() -> None:
    found = group(LOG.splitlines())
    assert [one.count for one in found] == [1, 1, 1, 2]
    newest = found[-1]
    assert (newest.first, newest.last, newest.level) == ("22:11:07", "22:13:11", "bad")
    assert found[2].level == "note"


@pytest.mark.parametrize(
    ("first", "second", "groups"),
    [
        ("[INFO] 10.0.0.1:53 took 12ms", "[INFO] 10.0.0.9:53 took 3.5s", 1),
        ('[ERROR] "a" is missing', '[ERROR] "b" is missing', 1),
        (
            "E1122 10:00:00.000001 1 agent.go:12] no lock",
            "E1122 11:10:00.2 1 agent.go:12] no lock",
            1,
        ),
        ("[INFO] one", "[INFO] two", 2),
        ("[INFO] the same", "[ERROR] the same", 2),
    ],
)
def test_which_lines_are_alike(first: str, second: str, groups: int) -> None:
    assert len(group([first, second])) == groups


def test_an_empty_log_and_no_events_are_said() -> None:
    assert "the log is empty" in text(log_lines([], grouped=True, width=80)[0])
    assert "no events" in text(event_lines([], now=NOW, width=80)[0])


@pytest.mark.parametrize("grouped", [True, False])
@pytest.mark.parametrize("width", [60, 120])
def test_no_line_of_a_log_is_wider_than_the_screen(grouped: bool, width: int) -> None:
    lines = log_lines(LOG.splitlines(), grouped=grouped, width=width)
    assert all(len(text(line)) <= width for line in lines)


def test_events_say_when_how_often_and_what() -> None:
    lines = [text(line) for line in event_lines(EVENTS, now=NOW, width=80)]
    assert lines[1].startswith("!90s")
    assert "12  BackOff" in lines[1]
    assert any("Back-off restarting" in line for line in lines)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("-localip", "169.254.20.10"), "interface  nodelocaldns with 169.254.20.10"),
        (("-localip=1.2.3.4", "-interfacename=dns0"), "interface  dns0 with 1.2.3.4"),
        (("-setupinterface=false",), "interface  none"),
        (("-setupiptables=false",), "rules      none"),
        (("-skipteardown=true",), "both stay on the node"),
    ],
)
def test_rules_follow_from_the_agent_s_arguments(arguments: tuple[str, ...], words: str) -> None:
    found = Configuration(name="a/b", files={}, arguments=arguments)
    seen = snapshot(row(figures=traffic()))
    lines = "\n".join(text(line) for line in rule_lines(seen.nodes[0], found, width=100))
    assert words in lines
    assert "no setup errors in the newest interval" in lines


def test_setting_up_that_fails_is_said() -> None:
    found = Configuration(name="a/b", files={}, arguments=())
    failing = row(figures=replace(traffic(), setup_errors=0.1))
    lines = "\n".join(text(line) for line in rule_lines(failing, found, width=100))
    assert "‼ setting up fails, 6 times a minute" in lines
