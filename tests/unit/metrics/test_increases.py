from __future__ import annotations

import pytest

from kubectl_nodedns.metrics.increases import increases
from kubectl_nodedns.metrics.page import Page
from kubectl_nodedns.metrics.series import Series

KEY = ("dns://169.254.20.10:53", ".")


def make(at: float, lookups: float | None, started: float | None = 1000.0) -> Page:
    totals: dict[Series, dict[tuple[str, ...], float]] = {}
    if lookups is not None:
        totals[Series.LOOKUPS] = {KEY: lookups}
    if started is not None:
        totals[Series.STARTED] = {(): started}
    return Page(at=at, totals=totals)


def test_growth_per_second() -> None:
    grown = increases(make(10, 100), make(12, 150))
    assert grown is not None
    assert not grown.restarted
    assert grown.rate(Series.LOOKUPS) == 25


def test_a_counter_that_is_not_there_has_no_rate_and_one_that_stands_still_has_zero() -> None:
    grown = increases(make(10, None), make(12, None))
    assert grown is not None
    assert grown.rate(Series.LOOKUPS) is None
    grown = increases(make(10, 5), make(12, 5))
    assert grown is not None
    assert grown.rate(Series.LOOKUPS) == 0.0


def test_after_a_restart_all_that_is_there_is_growth_even_if_it_is_more_than_before() -> None:
    grown = increases(make(10, 100), make(12, 150, started=1011))
    assert grown is not None
    assert grown.restarted
    assert grown.get(Series.LOOKUPS) == {KEY: 150}


def test_a_start_time_that_moves_with_the_clock_is_no_restart() -> None:
    grown = increases(make(10, 100), make(12, 150, started=1000.6))
    assert grown is not None
    assert not grown.restarted


def test_without_a_start_time_a_counter_that_fell_tells_a_restart() -> None:
    grown = increases(make(10, 100, started=None), make(12, 30, started=None))
    assert grown is not None
    assert grown.restarted
    assert grown.get(Series.LOOKUPS) == {KEY: 30}


def test_a_part_that_appears_counted_from_zero() -> None:
    before = make(10, None)
    grown = increases(before, make(12, 8))
    assert grown is not None
    assert grown.rate(Series.LOOKUPS) == 4


@pytest.mark.parametrize("at", [10.0, 9.0])
def test_no_time_between_means_no_rates(at: float) -> None:
    assert increases(make(10, 1), make(at, 2)) is None


def test_gauges_have_no_growth() -> None:
    grown = increases(make(10, 1), make(12, 2))
    assert grown is not None
    assert Series.STARTED not in grown.by
