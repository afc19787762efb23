"""Small plots out of block characters. Pure: numbers in, lines of text out.

A moment of which nothing is known is a gap, never a zero.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

BLOCKS = "▁▂▃▄▅▆▇█"
EIGHTHS = len(BLOCKS)


def spark(values: Sequence[float | None], width: int, *, top: float | None = None) -> str:
    """Draw the newest `width` values as one line; the scale goes from zero to the highest.

    Args:
        values: oldest first.
        width: cells.
        top: the end of the scale, where it is known (1.0 for ratios).
    """
    shown = values[-width:] if width > 0 else []
    highest = top or max((value for value in shown if value is not None), default=0.0)
    return "".join(_block(value, highest) for value in shown).rjust(width)


def plot(
    values: Sequence[float | None], width: int, height: int, *, top: float | None = None
) -> list[str]:
    """Draw the newest `width` values as bars over `height` lines, the highest line first."""
    shown = values[-width:] if width > 0 else []
    highest = top or max((value for value in shown if value is not None), default=0.0)
    levels = [None if v is None else _level(v, highest, height) for v in shown]
    lines = []
    for line in range(height - 1, -1, -1):
        bars = (_bar(level, line) for level in levels)
        lines.append("".join(bars).rjust(width))
    return lines


def _block(value: float | None, highest: float) -> str:
    if value is None:
        return " "
    if highest <= 0:
        return BLOCKS[0]
    return BLOCKS[min(int(value / highest * EIGHTHS), EIGHTHS - 1)]


def _level(value: float, highest: float, height: int) -> int:
    """Return the height of a bar in eighths of a line; at least one, so that zero is seen."""
    return max(round(value / highest * height * EIGHTHS), 1) if highest > 0 else 1


def _bar(level: int | None, line: int) -> str:
    if level is None:
        return " "
    part = level - line * EIGHTHS
    if part <= 0:
        return " "
    return BLOCKS[min(part, EIGHTHS) - 1]
