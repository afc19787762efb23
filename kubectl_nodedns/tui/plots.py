"""Plots over time with labelled axes, drawn in braille dots. Pure: series in, pieces of text out.

Series in one plot differ by their dashes as well as by colour, so they can be told apart without
it. A moment of which nothing is known is a gap, never a zero.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kubectl_nodedns.metrics import units

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kubectl_nodedns.tui.heading import Piece

Line = list["Piece"]
Point = tuple[float, float | None]
SPANS = (60, 120, 300, 900, 3600)
"""Seconds that a plot can be wide; the shortest that holds all moments is taken."""
AXIS_CELLS = 7
"""Cells of the labels on the left, the axis included."""
DASHES = ("─", "╌", "┈", "╴")
"""How the series' lines look, in the legend."""
STYLES = ("trend", "trend-2", "trend-3", "trend-4")
_DRAWN: tuple[Callable[[int], bool], ...] = (
    lambda _: True,
    lambda x: x % 6 < 4,  # noqa: PLR2004 - four dots, and two left out
    lambda x: x % 3 == 0,
    lambda x: x % 8 < 2,  # noqa: PLR2004 - two dots, and six left out
)
_DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))


@dataclass(frozen=True, kw_only=True)
class Curve:
    """One line of a plot."""

    name: str
    """What it shows."""
    now: str
    """Its newest value in words."""
    points: Sequence[Point]
    """Time in Unix seconds and value, oldest first; None is not known."""


@dataclass(frozen=True, kw_only=True)
class Plot:
    """What to draw."""

    title: str
    """What it is about, with the unit."""
    curves: Sequence[Curve]
    """One to four lines."""
    unit: Callable[[float], str]
    """Writes a value of the axis in six cells or less."""
    top: float | None = None
    """The end of the axis where it is known (1.0 for ratios, a limit); else it is chosen."""
    step: int = 10
    """Base of the numbers that the axis ends at: 10, or 2 for bytes."""


def draw(plot: Plot, *, width: int, height: int, now: float, gap: float) -> list[Line]:
    """Draw a plot.

    Args:
        plot: what to draw.
        width: cells.
        height: lines of the plot itself; a title and the time axis come to it.
        now: the right end, in Unix seconds.
        gap: seconds between two points from which the line is broken.
    """
    seen = [point for curve in plot.curves for point in curve.points if point[1] is not None]
    highest = max((value for _, value in seen if value is not None), default=0.0)
    top = max(plot.top or 0.0, highest if plot.top else 0.0) or ceiling(highest, plot.step)
    oldest = min((at for at, _ in seen), default=now)
    span = next((span for span in SPANS if now - oldest <= span), SPANS[-1])
    columns = max(width - AXIS_CELLS, 1)
    grid = _Grid(columns, height)
    for number, curve in enumerate(plot.curves):
        rows = [
            None if value is None else round((1 - min(value / top, 1.0)) * (4 * height - 1))
            for value in _buckets(curve.points, 2 * columns, now - span, now, gap)
        ]
        grid.line(rows, number)
    labels = {0: plot.unit(top), height - 1: "0"}
    if height % 2 and height > 1:  # a line in the very middle
        labels[height // 2] = plot.unit(top / 2)
    lines = [_legend(plot, width)]
    for row in range(height):
        label = labels.get(row, "")
        axis = "┤" if label else "│"
        lines.append([(f"{label:>{AXIS_CELLS - 1}}{axis}", "quiet"), *grid.pieces(row)])
    left = f"-{units.age(span)}"
    middle = max(columns - len(left) - 3, 1)
    lines.append([(" " * (AXIS_CELLS - 1) + "└" + left + "─" * middle + "now", "quiet")])
    return lines


def ceiling(value: float, step: int = 10) -> float:
    """Return the next number above `value` that has a round half, or the next power of 2."""
    if value <= 0:
        return 1.0
    if step == 2:  # noqa: PLR2004 - bytes
        return float(2 ** math.ceil(math.log2(value)))
    power = 10.0 ** math.floor(math.log10(value))
    return next(n * power for n in (1, 2, 3, 4, 6, 8, 10) if value <= n * power * (1 + 1e-9))


def _buckets(
    points: Sequence[Point], columns: int, start: float, end: float, gap: float
) -> list[float | None]:
    """Return a value for each column of dots, on straight lines between points that are near."""
    found: list[float | None] = [None] * columns
    before: tuple[float, float] | None = None
    for at, value in points:
        if value is None:
            before = None
            continue
        x = (at - start) / (end - start) * (columns - 1)
        if before is not None and (x - before[0]) * (end - start) / columns <= gap:
            low, high = max(math.ceil(before[0]), 0), min(math.floor(x), columns - 1)
            for column in range(low, high + 1):
                share = (column - before[0]) / (x - before[0]) if x > before[0] else 1.0
                found[column] = before[1] + (value - before[1]) * share
        elif 0 <= round(x) < columns:
            found[round(x)] = value
        before = (x, value)
    return found


class _Grid:
    """Cells of 2 × 4 dots."""

    def __init__(self, columns: int, height: int) -> None:
        self._dots = [[0] * columns for _ in range(height)]
        self._owner = [[0] * columns for _ in range(height)]

    def line(self, rows: Sequence[int | None], number: int) -> None:
        """Draw a line through one row of dots for each column of dots."""
        drawn = _DRAWN[number % len(_DRAWN)]
        before: int | None = None
        for x, y in enumerate(rows):
            if y is not None and drawn(x):
                first = y if before is None or abs(before - y) <= 1 else before
                for dot in range(min(first, y), max(first, y) + 1):
                    self._dots[dot // 4][x // 2] |= _DOTS[dot % 4][x % 2]
                    self._owner[dot // 4][x // 2] = number
            before = y

    def pieces(self, row: int) -> Line:
        """Return one line of cells, neighbours of one colour together."""
        line: Line = []
        for dots, owner in zip(self._dots[row], self._owner[row], strict=True):
            text = chr(0x2800 + dots) if dots else " "
            style = STYLES[owner % len(STYLES)]
            if line and (line[-1][1] == style or not dots):
                line[-1] = (line[-1][0] + text, line[-1][1])
            else:
                line.append((text, style))
        return line


def _legend(plot: Plot, width: int) -> Line:
    """Name plot and lines, as many of them as there is room for."""
    line: Line = [(plot.title[:width], "strong")]
    left = width - len(plot.title)
    for number, curve in enumerate(plot.curves):
        mark = f"  {DASHES[number % len(DASHES)]} "
        text = f"{curve.name} {curve.now}".strip()
        if len(mark) + len(text) > left:
            break
        line += [(mark, STYLES[number % len(STYLES)]), (text, "")]
        left -= len(mark) + len(text)
    return [*line, (" " * left, "")]
