"""A run, and two runs side by side, as lines, rows and plots of text. Pure.

A plot is a line of characters for each distribution: its histogram over time on a logarithmic axis.
All lines of a plot share one axis, so that distributions lie one above the other. The height of a
cell is the share of the lookups that took that long; anything at all is at least the lowest block,
for the tail is what one looks for.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log10
from typing import TYPE_CHECKING, Any

from kubectl_nodedns.bench.claims import claims
from kubectl_nodedns.bench.series import Series, distribution
from kubectl_nodedns.metrics.table import render

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kubectl_nodedns.bench.result import Result

BLOCKS = " ▁▂▃▄▅▆▇█"
ASCII = " .:-=+*%@#"
WIDTH = 48
"""Cells of a plot, unless somebody asks for another width."""
_UNITS = ((1_000_000, "s"), (1_000, "ms"), (1, "µs"))
HEADER = (
    *("ADDRESS", "IP", "PROTO", "ANSWERED BY", "ASKED", "LOST", "FAILED", "PER S"),
    *("P50 µs", "P90 µs", "P99 µs", "MAX µs"),
)
LEFT = (True, True, True, True) + (False,) * 8
WIDE = ("NODE", "NAME")
"""Columns that `-o wide` has before the others."""
UNKNOWN = "–"
PAIR_HEADER = (
    *("ADDRESS", "PROTO", "ANSWERED BY", "LOST", "P50 µs", "P90 µs", "P99 µs", "MAX µs"),
    *("P99", "AT COREDNS"),
)
PAIR_LEFT = (True, True, True) + (False,) * 7


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


@dataclass(frozen=True, kw_only=True)
class Format:
    """How a run is shown."""

    output: str
    """table, wide or json."""
    plain: bool
    """Whether it is ASCII alone."""


def run_lines(result: Result, *, wide: bool, plain: bool) -> list[str]:
    """Return a run as it is printed.

    Args:
        result: the run.
        wide: whether nodes and names are shown one by one, and the share done by then.
        plain: whether it is ASCII alone.
    """
    table = render(HEADER, rows(result), LEFT)
    lines = [*place_lines(result), "", *table, ""]
    if wide:
        left = (True,) * len(WIDE) + LEFT
        lines += [*render((*WIDE, *HEADER), wide_rows(result), left), ""]
    lines += ["how many lookups took how long", *plot_lines({"": result}, blocks=not plain), ""]
    if wide:
        drawn = plot_lines({"": result}, blocks=not plain, cdf=True)
        lines += ["how large a share was done by then", *drawn, ""]
    lines += claim_lines(result)
    lines += [f"note: {note}" for note in result.notes]
    return _finished(lines, plain=plain)


def run_json(result: Result) -> dict[str, Any]:
    """Return a run as `-o json` shows it, and as it is kept."""
    return {**result.as_json(), "claims": [claim.as_json() for claim in claims(result)]}


def pair_lines(before: Result, after: Result, *, plain: bool) -> list[str]:
    """Return two runs side by side as they are printed; in ASCII alone where `plain`."""
    lines = []
    for title, result in (("before", before), ("after", after)):
        lines += [title, *(f"  {line}" for line in place_lines(result)), ""]
    lines += [*render(PAIR_HEADER, pair_rows(before, after), PAIR_LEFT), ""]
    drawn = plot_lines({"before": before, "after": after}, blocks=not plain)
    lines += ["how many lookups took how long", *drawn, ""]
    lines += [f"note: {note}" for note in pair_notes(before, after)]
    return _finished(lines, plain=plain)


def pair_json(before: Result, after: Result) -> dict[str, Any]:
    """Return two runs side by side as `-o json` shows them."""
    header = [name.lower().replace(" µs", "_microseconds") for name in PAIR_HEADER]
    pairs = [dict(zip(header, row, strict=True)) for row in pair_rows(before, after)]
    return {"before": before.as_json(), "after": after.as_json(), "pairs": pairs}


def _finished(lines: Sequence[str], *, plain: bool) -> list[str]:
    text = "\n".join(lines).rstrip()
    return (ascii_only(text) if plain else text).split("\n")


def place_lines(result: Result) -> list[str]:
    """Say what a run was made on, and how."""
    place, options = result.place, result.options
    lines = [f"cluster  {place.get('cluster', UNKNOWN)}"]
    lines += [f"node     {machine}" for machine in place.get("machines", ())]
    lines += [f"cache    {place['cache']}"] if place.get("cache") else []
    lines += [f"CoreDNS  {place['coredns']}"] if place.get("coredns") else []
    names = ", ".join(options.get("names", ()))
    lines.append(f"names    {names}")
    lines.append(f"at       {result.at}, {options.get('rate')} lookups/s from each node")
    return lines


def rows(result: Result) -> list[tuple[str, ...]]:
    """Return a row for each address and transport, over all nodes and names."""
    return [_row(series) for series in result.merged()]


def wide_rows(result: Result) -> list[tuple[str, ...]]:
    """Return a row for each node, address, transport and name."""
    found = []
    for series in result.series:
        for label in series.labels():
            part = Series(
                node=series.node,
                server=series.server,
                tcp=series.tcp,
                lookups=tuple(one for one in series.lookups if one.label == label),
                seconds=series.seconds,
            )
            found.append((series.node, label, *_row(part)))
    return found


def _row(series: Series) -> tuple[str, ...]:
    return (
        series.server.key,
        series.server.address,
        series.protocol,
        series.server.answered_by or UNKNOWN,
        *(str(series.asked), str(series.lost), str(series.failed), f"{series.rate:.1f}"),
        *_figures(series),
    )


def _figures(series: Series) -> tuple[str, str, str, str]:
    found = distribution(series.times())
    if found is None:
        return (UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN)
    return str(found.p50), str(found.p90), str(found.p99), str(found.greatest)


def plot_lines(results: Mapping[str, Result], *, blocks: bool, cdf: bool = False) -> list[str]:
    """Draw every series of one or several runs over one axis.

    Args:
        results: the runs, by what to call them before each line; one alone may be called "".
        blocks: whether block characters may be used.
        cdf: whether to draw the share that is done by then instead of how many took so long.
    """
    series = {
        f"{title} {one.server.key} {one.protocol}".strip(): one.times()
        for title, result in results.items()
        for one in result.merged()
        if one.times()
    }
    if not series:
        return []
    axis = Axis([time for times in series.values() for time in times])
    width = max(map(len, series)) + 2
    lines = []
    for name, times in series.items():
        drawn = (
            cumulative(times, axis, blocks=blocks) if cdf else axis.histogram(times, blocks=blocks)
        )
        lines.append(f"{name:<{width}}{drawn}".rstrip())
    lines.append(" " * width + axis.scale())
    return lines


def claim_lines(result: Result) -> list[str]:
    """Say what the run shows of what is claimed for the cache."""
    found = claims(result)
    width = max(len(claim.title) for claim in found) + 2
    return [f"{claim.title:<{width}}{claim.text}" for claim in found]


def pair_rows(before: Result, after: Result) -> list[tuple[str, ...]]:
    """Return a row for each address and transport that either run has: before → after."""
    old, new = ({(s.server.key, s.tcp): s for s in result.merged()} for result in (before, after))
    found = []
    for key in dict.fromkeys((*old, *new)):
        one, other = old.get(key), new.get(key)
        figures = [
            _arrow(a, b)
            for a, b in zip(
                _figures(one) if one else (UNKNOWN,) * 4,
                _figures(other) if other else (UNKNOWN,) * 4,
                strict=True,
            )
        ]
        found.append(
            (
                key[0],
                "tcp" if key[1] else "udp",
                _arrow(
                    (one.server.answered_by if one else "") or UNKNOWN,
                    (other.server.answered_by if other else "") or UNKNOWN,
                ),
                _arrow(_lost(one), _lost(other)),
                *figures,
                _change(one, other),
                _arrow(_reached(before, one), _reached(after, other)),
            )
        )
    return found


def _arrow(before: str, after: str) -> str:
    return before if before == after else f"{before} → {after}"


def _lost(series: Series | None) -> str:
    return f"{series.lost} of {series.asked}" if series else UNKNOWN


def _reached(result: Result, series: Series | None) -> str:
    count = result.count(series, "coredns") if series else None
    return f"{count:.0f}" if count is not None else UNKNOWN


def _change(before: Series | None, after: Series | None) -> str:
    """Say by how much the 99th percentile changed."""
    old = distribution(before.times()) if before else None
    new = distribution(after.times()) if after else None
    if old is None or new is None or not old.p99:
        return UNKNOWN
    return f"{100 * (new.p99 - old.p99) / old.p99:+.0f} %"


def pair_notes(before: Result, after: Result) -> Sequence[str]:
    """Say what differs between two runs besides what was measured."""
    differ = [
        f"the runs differ in their {what}"
        for what in ("names", "rate")
        if before.options.get(what) != after.options.get(what)
    ]
    if before.place.get("machines") != after.place.get("machines"):
        differ.append("the runs were made on different machines")
    return differ
