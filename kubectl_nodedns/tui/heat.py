"""The heat map's meaning: which figure, and how bad its value is on a scale of five. Pure.

A cell's glyph says the same as its colour; what is not a figure has glyphs of its own.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kubectl_nodedns.metrics import units
from kubectl_nodedns.metrics.row_severity import FAILING_RATIO, SLOW_SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kubectl_nodedns.metrics.fleet import FleetSnapshot
    from kubectl_nodedns.metrics.node_row import NodeRow
    from kubectl_nodedns.tui.heading import Piece

GLYPHS = ("·", "░", "▒", "▓", "█")
"""From good to bad."""
NO_CACHE, UNASKED, UNKNOWN, STALE, WINDOWS = "x", "!", "-", "?", "w"


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A figure that the cells can show."""

    key: str
    """Key of its column."""
    title: str
    """What it is."""
    value: Callable[[NodeRow, FleetSnapshot], float | None]
    """Its value; the higher, the worse."""
    bounds: tuple[float, float, float, float]
    """Values from which a cell is one step worse."""
    words: tuple[str, str, str, str, str]
    """What each of the five steps means."""


def _ratio_missed(row: NodeRow, _: FleetSnapshot) -> float | None:
    ratio = row.traffic.hit_ratio
    return None if ratio is None else 1.0 - ratio


def _p99(row: NodeRow, _: FleetSnapshot) -> float | None:
    p99 = row.traffic.p99
    return p99.seconds if p99 else None


FIGURES: tuple[Figure, ...] = (
    Figure(
        key="hit",
        title="hit ratio",
        value=_ratio_missed,
        bounds=(0.1, 0.25, 0.5, 0.75),
        words=("90 % or more", "75", "50", "25", "less"),
    ),
    Figure(
        key="p99",
        title="p99",
        value=_p99,
        bounds=(0.01, 0.1, 1.0, SLOW_SECONDS),
        words=("below 10 ms", "100 ms", "1 s", f"{SLOW_SECONDS:.0f} s", "slower"),
    ),
    Figure(
        key="failures",
        title="failures",
        value=lambda row, _: row.traffic.failure_ratio,
        bounds=(0.001, *FAILING_RATIO, 0.1),
        words=("below 0.1 %", "1 %", "3 %", "10 %", "more"),
    ),
    Figure(
        key="age",
        title="age of the figures",
        value=lambda row, snapshot: row.age(snapshot.at),
        bounds=(10.0, 30.0, 60.0, 300.0),
        words=("below 10 s", "30 s", "1 m", "5 m", "older"),
    ),
)
BY_KEY = {figure.key: figure for figure in FIGURES}


def level(row: NodeRow, snapshot: FleetSnapshot, figure: Figure) -> int | None:
    """Return how bad a node's figure is, 0 to 4; None where there is none to show."""
    value = figure.value(row, snapshot)
    return None if value is None else bisect_right(figure.bounds, value)


def glyph(row: NodeRow, snapshot: FleetSnapshot, figure: Figure) -> tuple[str, str]:
    """Return a node's cell and its style: "heat-0" to "heat-4", "bad", "stale" or "quiet"."""
    if row.node.windows:
        return WINDOWS, "quiet"
    if row.pod is None or not row.pod.ready:
        return NO_CACHE, "bad"
    if figure.key != "age" and snapshot.stale(row):
        return STALE, "stale"
    if snapshot.unasked(row):
        return UNASKED, "note"
    step = level(row, snapshot, figure)
    return (UNKNOWN, "quiet") if step is None else (GLYPHS[step], f"heat-{step}")


def legend(figure: Figure, width: int) -> list[Piece]:
    """Say what the cells mean, shorter where not all of it fits."""
    line: list[Piece] = [(f" {figure.title}: ", "strong")]
    for step, words in enumerate(figure.words):
        line += [(GLYPHS[step], f"heat-{step}"), (f" {words}  ", "quiet")]
    stale: list[Piece] = [] if figure.key == "age" else [(STALE, "stale"), (" stale  ", "quiet")]
    unasked: list[Piece] = [(UNASKED, "note"), (" not asked  ", "quiet")]
    rest: list[Piece] = [(NO_CACHE, "bad"), (" no ready cache  ", "quiet"), *unasked, *stale]
    rest += [(UNKNOWN, "quiet"), (" not known", "quiet")]
    if sum(len(text) for text, _ in (*line, *rest)) > width:  # a dash means the same everywhere
        rest = [(NO_CACHE, "bad"), (" no cache  ", "quiet"), *unasked, *stale]
    if sum(len(text) for text, _ in (*line, *rest)) > width:
        rest = [*rest[:2], *stale]
    return [*line, *rest]


def words(row: NodeRow, snapshot: FleetSnapshot, figure: Figure) -> str:
    """Write a node's figure."""
    if figure.key == "age":
        return units.age(row.age(snapshot.at))
    traffic = row.traffic
    if figure.key == "p99":
        return units.latency(traffic.p99)
    ratio = traffic.hit_ratio if figure.key == "hit" else traffic.failure_ratio
    return units.UNKNOWN if ratio is None else f"{units.percent(ratio)} %"


def columns_of(width: int, height: int, nodes: int) -> int:
    """Return how many nodes stand on a line: cells have a space between them where all fit so."""
    return width if (width // 2) * height < nodes else max(width // 2, 1)


def shape(names: Sequence[str], width: int, height: int) -> tuple[int, int]:
    """Return nodes on a line, and cells for each."""
    across = columns_of(width, height, len(names))
    return max(across, 1), 1 if across == width else 2
