"""Quantities are read as the API server writes them."""

from __future__ import annotations

from fractions import Fraction

import pytest

from kubectl_nodedns.facts.quantity import quantity


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("134217728", 134217728),
        ("128Mi", 128 * 2**20),
        ("0.5Gi", 2**29),
        ("1Ti", 2**40),
        ("64Ki", 65536),
        ("200M", 200_000_000),
        ("1G", 10**9),
        ("1k", 1000),
        ("128e6", 128_000_000),
        ("128974848000m", 128974848),
        ("2Pi", 2**51),
        ("1E", 10**18),
        ("100m", Fraction(1, 10)),
        ("250u", Fraction(1, 4000)),
        ("5n", Fraction(5, 10**9)),
        ("1.5e-1", Fraction(3, 20)),
        (".5", Fraction(1, 2)),
        ("-1", -1),
    ],
)
def test_a_quantity_is_read_exactly(text: str, number: Fraction) -> None:
    assert quantity(text) == number


@pytest.mark.parametrize("text", ["", "Mi", "12 Mi", "12mib", "-"])
def test_what_is_no_quantity_is_zero(text: str) -> None:
    assert quantity(text) == 0
