"""Figures as a person reads them: short, with a unit, and honest about what is not known.

Pure. A dash is "not known"; "0" is zero and nothing else: what rounds to zero reads "<0.1".
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kubectl_nodedns.metrics.histogram import Latency

UNKNOWN = "–"
_BINARY = ("", "Ki", "Mi", "Gi", "Ti")
_DECIMAL = ("", "k", "M", "G")
_MINUTE, _HOUR, _DAY, _YEAR = 60, 3600, 86400, 365 * 86400
_AGES = (
    # below this: in this unit, its letter, and the smaller unit for the rest (0 for none)
    (2 * _MINUTE, 1, "s", 0, ""),
    (10 * _MINUTE, _MINUTE, "m", 1, "s"),
    (3 * _HOUR, _MINUTE, "m", 0, ""),
    (8 * _HOUR, _HOUR, "h", _MINUTE, "m"),
    (2 * _DAY, _HOUR, "h", 0, ""),
    (8 * _DAY, _DAY, "d", _HOUR, "h"),
    (2 * _YEAR, _DAY, "d", 0, ""),
    (float("inf"), _YEAR, "y", _DAY, "d"),
)


def number(value: float | None) -> str:
    """Write a count or a rate in five cells or less: 0, <0.1, 3.2, 812, 48.2k."""
    if value is None or not math.isfinite(value):
        return UNKNOWN
    if 0 < value < 0.1:  # noqa: PLR2004 - what "3.2" would round to zero
        return "<0.1"
    if value == int(value) and value < 1000:  # noqa: PLR2004
        return str(int(value))
    if value < 99.95:  # noqa: PLR2004
        return f"{value:.1f}"
    return _scaled(value, 1000, _DECIMAL)


def percent(ratio: float | None) -> str:
    """Write a ratio of 0 to 1 as a percentage without its sign: 0, <0.1, 88.2, 100."""
    if ratio is None or not math.isfinite(ratio):
        return UNKNOWN
    if ratio in {0, 1}:
        return f"{100 * ratio:.0f}"
    if ratio < 0.001:  # noqa: PLR2004 - what one digit would round away
        return "<0.1"
    return ">99.9" if ratio > 0.999 else f"{100 * ratio:.1f}"  # noqa: PLR2004


def size(value: float | None) -> str:
    """Write bytes: 61Mi."""
    return UNKNOWN if value is None or not math.isfinite(value) else _scaled(value, 1024, _BINARY)


def size_of(value: float | None, limit: float | None) -> str:
    """Write bytes against a limit: 61/128Mi, and without one: 61Mi."""
    if value is None or limit is None:
        return size(value)
    left, right = size(value), size(limit)
    same = left.lstrip("0123456789.") == right.lstrip("0123456789.")
    return f"{left[:-2] if same and left.endswith('i') else left}/{right}"


def of(value: float | None, room: float | None) -> str:
    """Write a count against its limit: 4.1k/79.9k; alone where no limit is known."""
    return number(value) if value is None or room is None else f"{number(value)}/{number(room)}"


def latency(value: Latency | None) -> str:
    """Write a duration of a histogram in seven cells or less: <0.25ms, 1.2ms, 310ms, >8.2s."""
    if value is None:
        return UNKNOWN
    return value.relation.replace("=", "") + duration(value.seconds)


def duration(seconds: float) -> str:
    """Write a short duration: 0.25ms, 1.2ms, 310ms, 2.1s."""
    if not math.isfinite(seconds):
        return UNKNOWN
    milliseconds = seconds * 1000
    if milliseconds < 0.995:  # noqa: PLR2004
        return f"{milliseconds:.2f}ms"
    if milliseconds < 9.95:  # noqa: PLR2004
        return f"{milliseconds:.1f}ms"
    if milliseconds < 999.5:  # noqa: PLR2004
        return f"{milliseconds:.0f}ms"
    return f"{seconds:.1f}s"


def age(seconds: float | None) -> str:
    """Write an age as kubectl does, in four cells or so: 42s, 4m30s, 3h5m, 12d."""
    if seconds is None or not math.isfinite(seconds):
        return UNKNOWN
    whole = int(seconds)
    _, unit, name, part, part_name = next(scale for scale in _AGES if whole < scale[0])
    rest = whole % unit // part if part else 0
    return f"{whole // unit}{name}" + (f"{rest}{part_name}" if rest else "")


def _scaled(value: float, base: int, names: tuple[str, ...]) -> str:
    for name in names:
        if value < base * 0.9995 or name == names[-1]:
            break
        value /= base
    if name and value < 9.95:  # noqa: PLR2004
        return f"{value:.1f}{name}"
    if name and base == 1000 and value < 99.95:  # noqa: PLR2004
        return f"{value:.1f}{name}"
    return f"{value:.0f}{name}"
