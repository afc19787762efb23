from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubectl_nodedns.bench.result import read_result
from kubectl_nodedns.bench.series import CACHE, Lookup, Series, distribution, joined, merged, rank
from kubectl_nodedns.errors import UsageError
from tests.unit.bench.runs import INTERCEPTED, LOCAL, PLAIN, counted, run, series


def test_quantiles_are_times_that_were_taken() -> None:
    found = distribution(list(range(1, 101)))
    assert found is not None
    assert found.as_json() == {"min": 1, "p50": 50, "p90": 90, "p99": 99, "max": 100}


def test_one_lookup_is_all_of_its_quantiles() -> None:
    found = distribution([7])
    assert found is not None
    assert set(found.as_json().values()) == {7}


def test_no_response_has_no_distribution() -> None:
    assert distribution([]) is None
    assert series(LOCAL, [], lost=3).as_json()["microseconds"] is None


@given(st.lists(st.integers(1, 10**7), min_size=1), st.sampled_from([0.5, 0.9, 0.99, 1.0]))
def test_at_least_the_share_of_a_quantile_is_not_longer_and_no_shorter_time_does_that(
    times: list[int], q: float
) -> None:
    times.sort()
    value = rank(times, q)
    assert value in times
    assert sum(time <= value for time in times) >= q * len(times) - 1e-6
    assert sum(time < value for time in times) < q * len(times)


def test_losses_and_failures_are_counted_apart_and_a_missing_name_is_neither() -> None:
    lookups = (
        Lookup("a", "NOERROR", 10),
        Lookup("a", "NXDOMAIN", 20),
        Lookup("a", "SERVFAIL", 30),
        Lookup("a", "", None),
    )
    one = Series(node="n", server=LOCAL, tcp=False, lookups=lookups, seconds=2.0)
    assert (one.asked, one.lost, one.failed, one.rate) == (4, 1, 1, 2.0)
    assert one.times() == [10, 20, 30]


def test_slices_of_a_series_add_up_in_time_and_nodes_run_side_by_side() -> None:
    parts = [series(LOCAL, [1, 2]), series(LOCAL, [3]), series(LOCAL, [4], node="node2")]
    whole = joined(parts)
    assert [(one.node, one.asked, one.seconds) for one in whole] == [
        ("node1", 3, 4.0),
        ("node2", 1, 2.0),
    ]
    [together] = merged(whole)
    assert (together.asked, together.seconds, together.times()) == (4, 4.0, [1, 2, 3, 4])


def test_an_address_that_not_all_nodes_caches_answer_at_is_answered_by_nobody_known() -> None:
    [one] = merged([series(INTERCEPTED, [1]), series(PLAIN, [2], node="node2")])
    assert one.server.answered_by == ""


def test_a_run_survives_being_kept_and_read_again() -> None:
    one = series(LOCAL, [5, 6, 7], lost=1)
    before = run(one, counts=[counted(one, coredns_udp=3)])
    assert read_result(json.dumps(before.as_json()), file="x") == before


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"kind": "other", "version": 1}', "nothing", "null"]
)
def test_a_file_that_is_no_run_is_refused_by_its_name(text: str) -> None:
    with pytest.raises(UsageError, match=r"some\.json is no result of bench"):
        read_result(text, file="some.json")


def test_a_run_of_another_version_is_refused() -> None:
    text = json.dumps({**run().as_json(), "version": 99})
    with pytest.raises(UsageError, match="99"):
        read_result(text, file="x")


def test_counts_are_ours_alone_and_unknown_when_others_drown_them() -> None:
    one = series(INTERCEPTED, list(range(100)))
    busy = counted(one, coredns_udp=2, coredns_tcp=4)
    quiet = run(one, counts=[counted(one, coredns_udp=10)])
    assert quiet.count(one, "coredns") == 10
    some = run(one, counts=[counted(one, coredns_udp=10)], others=busy)
    assert some.count(one, "coredns") == 4
    loud = counted(one, coredns_udp=500)
    assert run(one, counts=[loud], others=loud).count(one, "coredns") is None
    assert run(one, counts=[counted(one)], others=None).count(one, "coredns") is None
    assert run(one).count(one, "coredns") is None


def test_pods_own_path_goes_before_the_local_ip() -> None:
    found = run(series(LOCAL, [1]), series(INTERCEPTED, [2])).find(CACHE, tcp=False)
    assert found is not None
    assert found.server == INTERCEPTED
