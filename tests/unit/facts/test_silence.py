"""When a cache that counts nothing should count something."""

from __future__ import annotations

import pytest

from kubectl_nodedns.facts.askers import asking_node
from kubectl_nodedns.facts.silence import (
    Asked,
    Because,
    median_of_others,
    pods_that_ask,
    silent,
    words,
)

DAY = 86400.0


def asked(lately: float = 0, seconds: float = 5, ever: float = 0, age: float = DAY) -> Asked:
    return Asked(lately=lately, seconds=seconds, ever=ever, age=age)


@pytest.mark.parametrize(
    ("one", "others", "because"),
    [
        # Asked 200 times a second for days, and now not once.
        (asked(ever=200 * DAY), 150, Because.PAST),
        (asked(ever=200 * DAY), None, Because.PAST),
        # So were the others, and all fell silent at once: it is the pods that are idle.
        (asked(ever=200 * DAY), 0, None),
        # Bypassed three seconds after it was switched on.
        (asked(ever=600, age=25), 200, Because.PAST),
        (asked(ever=600, age=3600), 200, Because.FLEET),
        # Never asked but by the probes of `enable`, in a busy fleet.
        (asked(ever=8), 40, Because.FLEET),
        # One lookup is enough for doubt.
        (asked(lately=1, ever=200 * DAY), 200, None),
        # A quiet node: none within the window is to be expected.
        (asked(ever=1.5 * DAY), 140, None),
        # Nobody asks anywhere.
        (asked(), 0, None),
        (asked(ever=8), 0.5, None),
        # Just started.
        (asked(age=20), 200, None),
        (asked(ever=3, age=2, seconds=2), 200, None),
        # One page only.
        (asked(seconds=0, ever=200 * DAY), 200, None),
    ],
)
def test_silence_is_told_from_idleness(
    one: Asked, others: float | None, because: Because | None
) -> None:
    assert silent(one, others) is because


def test_five_hundred_idle_nodes_are_not_named() -> None:
    fleet = [asked(ever=number % 7) for number in range(500)]
    others = median_of_others(one.rate for one in fleet)
    assert [silent(one, others) for one in fleet] == [None] * 500


def test_a_fleet_that_is_mostly_idle_says_nothing_for_an_idle_node() -> None:
    rates = [0.0] * 300 + [50.0] * 200
    assert silent(asked(), median_of_others(rates)) is None
    assert silent(asked(), median_of_others([0.0, 50.0])) is Because.FLEET


def test_a_fleet_of_one_has_no_others() -> None:
    assert median_of_others([0.0]) is median_of_others([]) is None


def test_the_evidence_is_said_with_its_figures() -> None:
    assert words(asked(ever=1342, age=300), 257.3) == (
        "1342 lookups since it started 5 min ago (4.5/s), the other nodes' median is 257/s"
    )
    assert words(asked(ever=1, age=25), None) == "1 lookup since it started 25 s ago (0.04/s)"
    assert pods_that_ask(1) == "1 pod on it asks there"
    assert pods_that_ask(3) == "3 pods on it ask there"
    assert "could not be read" in pods_that_ask(None)


@pytest.mark.parametrize(
    ("spec", "phase", "node"),
    [
        ({}, "Running", "node1"),
        ({"dnsPolicy": "ClusterFirst"}, "Pending", "node1"),
        ({"dnsPolicy": "ClusterFirst", "hostNetwork": True}, "Running", ""),
        ({"dnsPolicy": "ClusterFirstWithHostNet", "hostNetwork": True}, "Running", "node1"),
        ({"dnsPolicy": "Default"}, "Running", ""),
        ({"dnsPolicy": "None"}, "Running", ""),
        ({}, "Succeeded", ""),
    ],
)
def test_who_asks_the_clusters_dns(spec: dict[str, object], phase: str, node: str) -> None:
    pod = {"spec": {"nodeName": "node1", **spec}, "status": {"phase": phase}}
    assert asking_node(pod) == node
