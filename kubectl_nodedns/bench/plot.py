"""A line of characters for a distribution: its histogram over time on a logarithmic axis. Pure.

All lines of a plot share one axis, so that distributions lie one above the other. The height of a
cell is the share of the lookups that took that long; anything at all is at least the lowest block,
for the tail is what one looks for.
"""

from __future__ import annotations

from math import log10
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

BLOCKS = " ▁▂▃▄▅▆▇█"
ASCII = " .:-=+*%@#"
WIDTH = 48
"""Cells of a plot, unless somebody asks for another width."""
_UNITS = ((1_000_000, "s"), (1_000, "ms"), (1, "µs"))


class Axis:
    """A logarithmic axis of times that holds all of `times` (microseconds).

    Args:
        times: everything that will be drawn.
        width: cells.
    """

    def __init__(self, times: Sequence[int], width: int = WIDTH) -> None:
        least, greatest = max(min(times), 1), max(*times, 2)
        self.width = width
        self._low = log10(least)
        # A little more than the span, so that the greatest is in the last cell and not behind it.
        self._span = max(log10(greatest) - self._low, 0.3) * 1.0001

    def cell(self, microseconds: float) -> int:
        """Return the cell of a time; those beyond the ends are in the end cells."""
        place = (log10(max(microseconds, 1)) - self._low) / self._span
        return min(max(int(place * self.width), 0), self.width - 1)

    def histogram(self, times: Sequence[int], *, blocks: bool = True) -> str:
        """Draw the histogram of `times`."""
        counts = [0] * self.width
        for time in times:
            counts[self.cell(time)] += 1
        signs = BLOCKS if blocks else ASCII
        most = max(counts)
        top = len(signs) - 1
        return "".join(signs[-(-count * top // most) if count else 0] for count in counts)

    def scale(self) -> str:
        """Write times under the axis, each beginning at its own cell; no two touch."""
        line = ""
        for power in range(7):
            for digit in (1, 2, 5):
                value = digit * 10**power
                cell = self.cell(value)
                inside = self._low <= log10(value) <= self._low + self._span
                text = f"╵{written(value)}"
                if inside and cell + len(text) <= self.width and (not line or cell > len(line)):
                    line += " " * (cell - len(line)) + text
        return line


def written(microseconds: float) -> str:
    """Write a round time: 200µs, 5ms, 1s."""
    for size, unit in _UNITS:
        if microseconds >= size:
            return f"{microseconds / size:g}{unit}"
    return "0"


def cumulative(times: Sequence[int], axis: Axis, *, blocks: bool = True) -> str:
    """Draw how large a share of rising `times` is done by each cell: full where all are."""
    signs = BLOCKS if blocks else ASCII
    top = len(signs) - 1
    counts = [0] * axis.width
    for time in times:
        counts[axis.cell(time)] += 1
    line, done = "", 0
    for count in counts:
        done += count
        line += signs[done * top // len(times)]
    return line


def ascii_only(text: str) -> str:
    """Write a line of ours with ASCII characters alone."""
    for sign, plain in (("µ", "u"), ("╵", "|"), ("–", "-"), ("×", "x"), ("→", "->"), ("…", "...")):
        text = text.replace(sign, plain)
    return text.encode("ascii", "replace").decode()
