from __future__ import annotations

from kubectl_nodedns.bench.claims import Claim, claims
from tests.unit.bench.runs import INTERCEPTED, LOCAL, PLAIN, QUIET, UPSTREAM, counted, run, series

CACHED = series(INTERCEPTED, [100] * 98 + [200, 400])
MISSED = series(UPSTREAM, [500] * 90 + [900] * 10)


def by_title(*found: Claim) -> dict[str, Claim]:
    return {claim.title.split()[0]: claim for claim in found}


def test_each_claim_is_answered_with_this_runs_figures() -> None:
    counts = [
        counted(CACHED, coredns_tcp=4, cache_denial_hits=48, tracked=1),
        counted(MISSED, coredns_udp=100, tracked=99),
    ]
    found = by_title(*claims(run(CACHED, MISSED, counts=counts)))
    assert all(claim.seen for claim in found.values())
    assert found["fewer"].text.startswith("96 of 100 spared (96.0 %)")
    assert (
        found["lower"].text == "p99 200 µs by the cache, 900 µs by CoreDNS (UDP): 4.5 times lower"
    )
    assert "p50 100 µs by the cache, 500 µs by CoreDNS" in found["names"].text
    assert "48 of 50 answered from what the cache held" in found["names"].text
    assert found["misses"].text.startswith("4 of 4 lookups that reached CoreDNS came over TCP")
    assert "1 connections tracked more" in found["no"].text
    assert "99 after 100 by CoreDNS" in found["no"].text


def test_a_cache_that_is_slower_is_said_to_be() -> None:
    slow = series(INTERCEPTED, [900] * 10)
    found = by_title(*claims(run(slow, series(UPSTREAM, [300] * 10))))
    assert found["lower"].text.endswith("3.0 times higher")


def test_without_a_cache_nothing_is_claimed() -> None:
    found = claims(run(series(PLAIN, [100] * 10)))
    assert not any(claim.seen for claim in found)
    assert all(claim.text.startswith("not seen here: ") for claim in found)


def test_counters_that_cannot_be_read_are_said_to_be_missing() -> None:
    found = by_title(*claims(run(CACHED, MISSED, others=None)))
    assert found["lower"].seen
    for word in ("fewer", "misses", "no"):
        assert not found[word].seen
    assert "--host-probe" in found["no"].text


def test_a_run_in_which_nothing_was_a_miss_says_nothing_about_the_transport_of_misses() -> None:
    found = by_title(*claims(run(CACHED, counts=[counted(CACHED)])))
    assert found["misses"].text == "not seen here: no lookup was a miss for CoreDNS"


def test_other_peoples_lookups_are_not_counted_as_ours() -> None:
    others = counted(CACHED, coredns_udp=8)
    found = by_title(*claims(run(CACHED, counts=[counted(CACHED, coredns_udp=10)], others=others)))
    assert "2 reached CoreDNS" in found["fewer"].text
    assert QUIET.seconds == others.seconds


def test_the_local_ip_stands_in_where_pods_are_not_intercepted() -> None:
    parts = series(LOCAL, [100] * 10), series(PLAIN, [400] * 10)
    found = by_title(*claims(run(*parts)))
    assert "p99 100 µs by the cache, 400 µs by CoreDNS" in found["lower"].text
