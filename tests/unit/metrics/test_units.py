from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubectl_nodedns.metrics import units
from kubectl_nodedns.metrics.histogram import Latency


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),
        (0, "0"),
        (0.04, "<0.1"),
        (0.1, "0.1"),
        (3.2, "3.2"),
        (150, "150"),
        (149.7, "150"),
        (812.4, "812"),
        (999.6, "1.0k"),
        (4100, "4.1k"),
        (48_230, "48.2k"),
        (481_000, "481k"),
        (1_200_000, "1.2M"),
    ],
)
def test_number(value: float | None, text: str) -> None:
    assert units.number(value) == text


@pytest.mark.parametrize(
    ("ratio", "text"),
    [
        (None, "–"),
        (0, "0"),
        (0.0004, "<0.1"),
        (0.019, "1.9"),
        (0.82, "82.0"),
        (0.9994, ">99.9"),
        (1, "100"),
    ],
)
def test_percent(ratio: float | None, text: str) -> None:
    assert units.percent(ratio) == text


@pytest.mark.parametrize(
    ("value", "limit", "text"),
    [
        (None, None, "–"),
        (61 * 2**20, None, "61Mi"),
        (61 * 2**20, 128 * 2**20, "61/128Mi"),
        (61 * 2**20, 2**30, "61Mi/1.0Gi"),
        (None, 128 * 2**20, "–"),
        (1.25 * 2**30, None, "1.2Gi"),
        (512, None, "512"),
    ],
)
def test_size(value: float | None, limit: float | None, text: str) -> None:
    assert units.size_of(value, limit) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),
        (Latency(0.00025, "<"), "<0.25ms"),
        (Latency(0.0012), "1.2ms"),
        (Latency(0.31), "310ms"),
        (Latency(2.13), "2.1s"),
        (Latency(8.192, ">"), ">8.2s"),
    ],
)
def test_latency(value: Latency | None, text: str) -> None:
    assert units.latency(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "–"),
        (0, "0s"),
        (42, "42s"),
        (119, "119s"),
        (270, "4m30s"),
        (300, "5m"),
        (3000, "50m"),
        (3 * 3600 + 5 * 60, "3h5m"),
        (20 * 3600, "20h"),
        (3 * 86400 + 7200, "3d2h"),
        (12 * 86400, "12d"),
        (3 * 365 * 86400, "3y"),
    ],
)
def test_age(seconds: float | None, text: str) -> None:
    assert units.age(seconds) == text


@given(st.floats(0, 1e11))
def test_no_number_is_wider_than_its_column(value: float) -> None:
    assert len(units.number(value)) <= 5


@given(st.floats(0, 1))
def test_only_zero_reads_zero_and_only_all_reads_hundred(ratio: float) -> None:
    assert (units.percent(ratio) == "0") == (ratio == 0)
    assert (units.percent(ratio) == "100") == (ratio == 1)
    assert len(units.percent(ratio)) <= 5


@given(st.floats(0.0001, 60), st.sampled_from("<=>"))
def test_no_latency_is_wider_than_its_column(seconds: float, relation: str) -> None:
    assert len(units.latency(Latency(seconds, relation))) <= 7
