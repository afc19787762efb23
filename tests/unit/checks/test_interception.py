"""One rule says whether lookups reach the cache, for `status` and for `top`."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kubectl_nodedns.checks.interception import Interception, asked_at, judge
from kubectl_nodedns.checks.traffic import interception
from tests.unit.checks.evidence import DNS, LOCAL, cache_pod, counters, evidence, node
from tests.unit.metrics import fleets

DARK, PROVED = Interception.DARK, Interception.PROVED
REFUTED, COUNTED = Interception.NOT_INTERCEPTED, Interception.BY_COUNTERS
UNKNOWN = Interception.NOT_KNOWN


@pytest.mark.parametrize(
    ("dark", "proved", "counted", "judged"),
    [
        (True, True, True, DARK),
        (False, True, False, PROVED),
        (False, False, True, REFUTED),
        (False, None, True, COUNTED),
        (False, None, False, UNKNOWN),
    ],
)
def test_the_dark_goes_before_a_proof_and_a_proof_before_counters(
    dark: bool, proved: bool | None, counted: bool, judged: Interception
) -> None:
    assert judge(dark=dark, proved=proved, counted=counted) is judged


@pytest.mark.parametrize(
    ("handed_out", "listening", "addresses"),
    [
        ((), (LOCAL, DNS), {DNS}),
        ((), (LOCAL,), {LOCAL}),
        ((LOCAL,), (LOCAL, DNS), {LOCAL}),
        ((DNS,), (LOCAL,), {DNS}),
        ((), (), set()),
    ],
)
def test_pods_ask_what_they_are_handed_else_what_the_cache_is_there_for(
    handed_out: tuple[str, ...], listening: tuple[str, ...], addresses: set[str]
) -> None:
    assert asked_at(handed_out=handed_out, dns_ips=(DNS,), listening=listening) == addresses


@pytest.mark.parametrize("listening", [(LOCAL,), (LOCAL, DNS)])
@pytest.mark.parametrize("asked", [LOCAL, DNS, ""])
def test_status_and_top_judge_a_node_alike(listening: tuple[str, ...], asked: str) -> None:
    one = node(pods=(cache_pod(local_ips=listening),), counters=counters(lately={asked: 7.0}))
    by_status = interception(evidence(one), one)

    watched = replace(fleets.CACHE, kube_dns_ips=tuple(ip for ip in listening if ip == DNS))
    row = fleets.row("node1", figures=fleets.traffic())
    assert row.sampled is not None
    row = replace(row, sampled=replace(row.sampled, asked_at={asked: fleets.NOW} if asked else {}))
    seen = replace(fleets.snapshot(row), caches=(watched,))

    assert seen.interception(row) is by_status
    assert (by_status is COUNTED) == (asked == (DNS if DNS in listening else LOCAL))
