"""What is a number in text from outside, and what is none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubectl_nodedns.numbers import port, whole


@pytest.mark.parametrize(("text", "number"), [("0", 0), ("53", 53), ("007", 7), ("100", 100)])
def test_ascii_digits_are_a_number(text: str, number: int) -> None:
    assert whole(text, most=100) == number


@pytest.mark.parametrize(
    "text", ["²", "٣", "9" * 5000, "101", "-1", "+1", "1.0", "1e2", " 1", "1\n", "", None, 1, ["1"]]
)
def test_anything_else_is_none(text: object) -> None:
    assert whole(text, most=100) is None


def test_a_port_has_sixteen_bits_and_is_not_zero() -> None:
    assert [port(text) for text in ("0", "1", "65535", "65536")] == [None, 1, 65535, None]


@given(st.text())
def test_no_text_is_too_odd(text: str) -> None:
    number = whole(text, most=10**18)
    assert number is None or 0 <= number <= 10**18
