"""Kubernetes quantities as numbers: "128Mi", "100m", "1e3". Pure.

The grammar is that of apimachinery's resource.Quantity: a decimal number, then a binary unit, a
decimal unit or an exponent.
"""

from __future__ import annotations

import re
from fractions import Fraction

KI, MI = 2**10, 2**20
BINARY = {"Ki": KI, "Mi": MI, "Gi": 2**30, "Ti": 2**40, "Pi": 2**50, "Ei": 2**60}
"""Bytes, or whatever is counted, of each binary unit."""
DECIMAL = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12, "P": 10**15, "E": 10**18}
"""The same of each decimal unit."""
_PARTS = {"m": 10**3, "u": 10**6, "n": 10**9}
_QUANTITY = re.compile(
    r"(?P<number>[+-]?(?:\d{1,30}\.?\d{0,30}|\.\d{1,30})(?:[eE][+-]?\d{1,2})?)"
    r"(?P<unit>[KMGTPE]i|[numkMGTPE]?)",
    re.ASCII,
)


def quantity(text: str) -> Fraction:
    """Read a quantity exactly; 0 where it is none, or has more digits than any that is meant."""
    match = _QUANTITY.fullmatch(text)
    if match is None:
        return Fraction(0)
    number, unit = Fraction(match["number"]), match["unit"]
    if unit in _PARTS:
        return number / _PARTS[unit]
    return number * (BINARY | DECIMAL)[unit]
