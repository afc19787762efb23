from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubectl_nodedns.metrics.histogram import EMPTY, Histogram, Latency, histogram, merge, quantile


def make(*counts: float) -> Histogram:
    return Histogram((0.25, 0.5, 1.0, math.inf), tuple(counts))


def test_in_the_first_bucket_nothing_is_made_up() -> None:
    assert quantile(0.5, make(90, 100, 100, 100)) == Latency(0.25, "<")


def test_between_two_bounds_as_prometheus_does() -> None:
    # rank 99; 90 lie below 0.25 and 100 below 0.5: nine tenths of the way
    assert quantile(0.99, make(90, 100, 100, 100)) == Latency(pytest.approx(0.475), "=")  # type: ignore[arg-type]


def test_beyond_the_last_bound() -> None:
    assert quantile(0.99, make(0, 0, 10, 100)) == Latency(1.0, ">")


def test_without_observations_it_is_not_known() -> None:
    assert quantile(0.99, make(0, 0, 0, 0)) is None
    assert quantile(0.99, EMPTY) is None


def test_needs_a_finite_and_the_infinite_bound() -> None:
    assert histogram({"0.25": 3.0}) is EMPTY
    assert histogram({"+Inf": 3.0}) is EMPTY
    assert histogram({"+Inf": 3.0, "0.25": 1.0}) == Histogram((0.25, math.inf), (1.0, 3.0))


def test_counts_never_fall() -> None:
    assert histogram({"1": 5.0, "2": 4.0, "+Inf": 6.0}).counts == (5.0, 5.0, 6.0)


def test_merging_adds_up() -> None:
    assert merge([make(1, 2, 3, 4), EMPTY, make(1, 1, 1, 1)]) == make(2, 3, 4, 5)
    assert merge([]) is EMPTY


def test_merging_different_bounds_keeps_those_in_common() -> None:
    other = Histogram((0.5, 2.0, math.inf), (10.0, 20.0, 30.0))
    assert merge([make(1, 2, 3, 4), other]) == Histogram((0.5, math.inf), (12.0, 34.0))


@given(
    st.floats(0.01, 0.99),
    st.lists(st.integers(0, 1000), min_size=3, max_size=12),
)
def test_the_quantile_lies_in_the_bucket_that_holds_the_rank(q: float, buckets: list[int]) -> None:
    bounds = [2.0**n for n in range(len(buckets) - 1)] + [math.inf]
    counts = [float(sum(buckets[: n + 1])) for n in range(len(buckets))]
    found = quantile(q, Histogram(tuple(bounds), tuple(counts)))
    if counts[-1] == 0:
        assert found is None
        return
    assert found is not None
    low, high = {
        "<": (-math.inf, bounds[0]),
        "=": (bounds[0], bounds[-2]),
        ">": (bounds[-2], math.inf),
    }[found.relation]
    assert low <= found.seconds <= high
    below = sum(c for b, c in zip(bounds, buckets, strict=True) if b <= found.seconds)
    assert below <= q * counts[-1] + max(buckets)
