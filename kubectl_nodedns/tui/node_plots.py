"""The plots of the node screen: which curves, with which units and axes. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubectl_nodedns.metrics import units
from kubectl_nodedns.tui.plots import Curve, Plot, draw

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from kubectl_nodedns.metrics.node_row import NodeRow
    from kubectl_nodedns.tui.plots import Line
    from kubectl_nodedns.tui.trends import Moment

MOST_CURVES = 4
"""Curves in one plot."""
LEAST_CELLS = 36
"""Cells that a plot needs."""
BESIDE_PLOT = 2
"""Lines that a plot has besides its own: title and time axis."""
GAP_INTERVALS = 4
"""A curve is broken where this many pages did not come."""
RATIO_TOP = 1.0


def node_plots(row: NodeRow, moments: Sequence[Moment], capacity: float | None) -> list[Plot]:
    """Return the six plots of a node.

    Args:
        row: the node as it is now.
        moments: what it was, oldest first.
        capacity: entries that its caches can hold; None when not known.
    """
    figures = row.figures
    limit = row.pod.memory_limit_bytes if row.pod else None
    traffic = row.traffic
    memory = figures.memory_bytes if figures else None
    entries = figures.entries if figures else None
    upstream = figures.upstream_p99 if figures else None
    return [
        Plot(
            title="lookups/s",
            curves=_busiest(moments, lambda m: m.types, units.number),
            unit=units.number,
        ),
        Plot(
            title="latency",
            curves=[
                _curve("p50", units.latency(traffic.p50), moments, lambda m: m.p50),
                _curve("p99", units.latency(traffic.p99), moments, lambda m: m.p99),
                _curve("up-p99", units.latency(upstream), moments, lambda m: m.upstream_p99),
            ],
            unit=_seconds,
        ),
        Plot(
            title="responses/s",
            curves=_busiest(moments, lambda m: m.rcodes, units.number),
            unit=units.number,
        ),
        Plot(
            title="hit %",
            curves=_busiest(moments, lambda m: m.zones, units.percent, by_name=True),
            unit=units.percent,
            top=RATIO_TOP,
        ),
        Plot(
            title="cache entries",
            curves=[_curve("", _of(entries, capacity, units.number), moments, lambda m: m.entries)],
            unit=units.number,
            top=capacity,
        ),
        Plot(
            title="memory",
            curves=[_curve("", _of(memory, limit, units.size), moments, lambda m: m.memory)],
            unit=units.size,
            top=limit,
            step=2,
        ),
    ]


def across(width: int, plots: int) -> int:
    """Return how many plots stand side by side."""
    return max(min(width // LEAST_CELLS, 3, plots), 1)


def lay_out(
    plots: Sequence[Plot], *, width: int, height: int, now: float, interval: float
) -> list[Line]:
    """Draw plots side by side, as many as fit, on as many rows as it takes.

    Args:
        plots: what to draw.
        width: cells.
        height: lines of each plot, without title and time axis.
        now: the right end, in Unix seconds.
        interval: seconds between two points.
    """
    beside = across(width, len(plots))
    each = width // beside - 1
    lines: list[Line] = []
    for first in range(0, len(plots), beside):
        drawn = [
            draw(plot, width=each, height=height, now=now, gap=GAP_INTERVALS * interval)
            for plot in plots[first : first + beside]
        ]
        lines += [
            [piece for part in parts for piece in _padded(part, each)]
            for parts in zip(*drawn, strict=True)
        ]
    return lines


def _padded(line: Line, width: int) -> Line:
    return [(" ", ""), *line, (" " * (width - sum(len(text) for text, _ in line)), "")]


def _busiest(
    moments: Sequence[Moment],
    parts: Callable[[Moment], Mapping[str, float | None]],
    unit: Callable[[float | None], str],
    *,
    by_name: bool = False,
) -> list[Curve]:
    """Return a curve for each part, the busiest first; small ones together as "other"."""
    newest = parts(moments[-1]) if moments else {}
    least = None if by_name else 0.0  # a ratio of zero says something, a rate of zero does not
    seen = {n for moment in moments for n, v in parts(moment).items() if v not in (None, least)}
    busy = sorted(newest.items(), key=lambda p: -(p[1] or 0.0))
    names = [name for name, _ in busy if name in seen]
    if by_name:
        names = [name for name in newest if name in seen]
    shown, rest = names[:MOST_CURVES], names[MOST_CURVES:]
    if rest and not by_name:
        shown, rest = names[: MOST_CURVES - 1], names[MOST_CURVES - 1 :]

    def part(name: str) -> Callable[[Moment], float | None]:
        return lambda moment: parts(moment).get(name)

    curves = [_curve(n or "unknown", unit(newest.get(n)), moments, part(n)) for n in shown]
    if rest and not by_name:
        now = unit(sum(newest[name] or 0.0 for name in rest))

        def others(moment: Moment) -> float:
            return sum(v or 0.0 for n, v in parts(moment).items() if n not in shown)

        curves.append(_curve("other", now, moments, others))
    return curves or [Curve(name="", now=units.UNKNOWN, points=())]


def _curve(
    name: str, now: str, moments: Sequence[Moment], value: Callable[[Moment], float | None]
) -> Curve:
    return Curve(name=name, now=now, points=[(moment.at, value(moment)) for moment in moments])


def _of(value: float | None, limit: float | None, unit: Callable[[float | None], str]) -> str:
    return unit(value) if limit is None else f"{unit(value)} of {unit(limit)}"


def _seconds(value: float) -> str:
    """Write a duration of the axis without digits that say nothing."""
    return units.duration(value).replace(".00", "").replace(".0", "")
