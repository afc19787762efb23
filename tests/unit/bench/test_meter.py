from __future__ import annotations

from dataclasses import replace

from kubectl_nodedns.commands.bench_meter import Reading, between, summed
from kubectl_nodedns.commands.bench_plan import Load
from kubectl_nodedns.metrics.lookup_counts import Served

BEFORE = Reading(at=1.0, coredns=Served(udp=10, tcp=5), caches=Served(udp=3), tracked=50.0)


def test_counters_are_compared_between_two_readings() -> None:
    after = Reading(at=4.0, coredns=Served(udp=17, tcp=6), caches=Served(udp=9), tracked=40.0)
    rise = between(BEFORE, after)
    assert (rise.seconds, rise.coredns_udp, rise.coredns_tcp, rise.coredns) == (3.0, 7, 1, 8)
    assert (rise.cache_lookups, rise.tracked) == (6, -10.0)


def test_a_process_that_began_anew_is_not_known() -> None:
    rise = between(BEFORE, replace(BEFORE, coredns=Served(udp=2)))
    assert rise.coredns is None
    assert rise.cache_lookups == 0


def test_what_one_slice_does_not_know_the_series_does_not_know() -> None:
    one = replace(between(BEFORE, replace(BEFORE, at=3.0)), server="local", protocol="udp")
    [both] = summed([one, replace(one, coredns_udp=4, tracked=None)])
    assert (both.seconds, both.coredns_udp, both.tracked) == (4.0, 4, None)


def test_a_series_is_bounded_by_count_and_by_time() -> None:
    assert Load(rate=100, count=1000, seconds=5).lookups == 500
    assert Load(rate=100, count=30, seconds=5).lookups == 30
    assert Load(rate=1, count=30, seconds=0.1).lookups == 1
    assert Load(rate=100, count=5, seconds=5).slices() == [3, 2]
    assert Load(rate=1, count=1, seconds=1).slices() == [1]
