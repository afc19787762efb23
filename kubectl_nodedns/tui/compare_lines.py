"""Two nodes side by side, or a node beside the middle of the fleet: figures, zones, differences.

Pure. What differs is said in words and marked by a sign; colour only underlines it. The middle of
the fleet is, figure by figure, the value of which half of the nodes have less.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from kubectl_nodedns.metrics import units
from kubectl_nodedns.metrics.columns import upstream_p99
from kubectl_nodedns.metrics.row_severity import FAILING_RATIO
from kubectl_nodedns.tui.node_lines import upstream_state

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from kubectl_nodedns.metrics.fleet import FleetSnapshot
    from kubectl_nodedns.metrics.histogram import Latency
    from kubectl_nodedns.metrics.node_row import NodeRow
    from kubectl_nodedns.metrics.traffic import Traffic
    from kubectl_nodedns.tui.heading import Piece

Line = list["Piece"]
MEDIAN = "the fleet's median"
SAME_POINTS = 0.01
"""Ratios that are closer than this are much the same."""
FAR_POINTS = 0.1
"""Ratios that are further apart than this are marked; of failures less is enough."""
SAME_SHARE = 0.1
"""Amounts of which one is at most this much more are the same."""
FAR_TIMES = 2.0
"""Amounts of which one is so many times the other are marked."""


class Cell(NamedTuple):
    """One figure of one node."""

    value: float | None
    """To compare; None when not known."""
    text: str
    """As it is shown."""
    far: float | None = None
    """Of a share: the difference from which it is marked; None where times are compared."""


UNKNOWN = Cell(None, units.UNKNOWN)
Cells = dict[tuple[str, str], Cell]
"""By zone ("" for the whole node) and the figure's name, in the order in which they are shown."""


def node_cells(row: NodeRow, snapshot: FleetSnapshot, per_second: str) -> Cells:
    """Return the figures of a node that can be compared."""
    figures = row.figures
    cells = _traffic("", row.traffic, per_second)
    cells["", "upstream p99"] = _latency(upstream_p99(row))
    cells["", "entries"] = _amount(figures.entries if figures else None, units.number)
    cells["", f"evictions{per_second}"] = _amount(
        figures.evictions if figures else None, units.number
    )
    cells["", "memory"] = _amount(figures.memory_bytes if figures else None, units.size)
    cells["", "restarts"] = _amount(float(sum(pod.restarts for pod in row.pods)), units.number)
    cells["", "up"] = _amount(row.uptime(snapshot.at), units.age)
    for zone in figures.zones if figures else ():
        cells |= _traffic(zone.name, zone.traffic, per_second)
    return cells


def _traffic(zone: str, traffic: Traffic, per_second: str) -> Cells:
    return {
        (zone, f"lookups{per_second}"): _amount(traffic.lookups, units.number),
        (zone, "hit %"): _ratio(traffic.hit_ratio),
        (zone, "denial %"): _ratio(traffic.denial_ratio),
        (zone, "NXDOMAIN %"): _ratio(traffic.nxdomain_ratio),
        (zone, "failures %"): _ratio(traffic.failure_ratio, far=FAILING_RATIO[0]),
        (zone, "p50"): _latency(traffic.p50),
        (zone, "p99"): _latency(traffic.p99),
    }


def _amount(value: float | None, unit: Callable[[float | None], str]) -> Cell:
    return Cell(value, unit(value))


def _ratio(value: float | None, *, far: float = FAR_POINTS) -> Cell:
    return Cell(value, units.percent(value), far=far)


def _latency(value: Latency | None) -> Cell:
    return Cell(value.seconds if value else None, units.latency(value))


def median_cells(fleet: Sequence[Cells]) -> Cells:
    """Return of each figure the one in the middle; zones that only some nodes have included."""
    names = dict.fromkeys(name for cells in fleet for name in cells)
    found = {}
    for name in names:
        known = sorted(
            (cell for cells in fleet if (cell := cells.get(name)) and cell.value is not None),
            key=lambda cell: cell.value or 0.0,
        )
        found[name] = known[(len(known) - 1) // 2] if known else UNKNOWN
    return found


def difference(here: Cell, there: Cell) -> tuple[str, bool]:
    """Say how `here` differs from `there`, and whether that is a lot."""
    a, b = here.value, there.value
    if a is None or b is None:
        known = "" if a is None and b is None else "known of one only"
        return known, False
    return _times(a, b) if here.far is None else _points(a, b, here.far)


def _points(a: float, b: float, far: float) -> tuple[str, bool]:
    points = abs(a - b)
    if points < min(SAME_POINTS, far):
        return ("the same" if a == b else "much the same"), False
    return (
        f"{units.number(round(100 * points, 1))} points {'more' if a > b else 'less'}",
        points >= far,
    )


def _times(a: float, b: float) -> tuple[str, bool]:
    if a == b:
        return "the same", False
    if not a or not b:
        return ("none here" if not a else "none there"), True
    times = max(a, b) / min(a, b)
    if times <= 1 + SAME_SHARE:
        return "much the same", False
    if times < FAR_TIMES:
        return f"{abs(a / b - 1):.0%} {'more' if a > b else 'less'}", False
    return f"{units.number(times)} times {'as much' if a > b else 'less'}", True


def compare_lines(names: tuple[str, str], here: Cells, there: Cells) -> list[Line]:
    """Lay out the figures of two, the whole node first, then zone by zone.

    Args:
        names: what to call the two.
        here: figures of the one that is looked at.
        there: figures of what it is compared with.
    """
    every = dict.fromkeys([*here, *there])
    rows = [
        (zone, name, here.get((zone, name), UNKNOWN), there.get((zone, name), UNKNOWN))
        for zone, name in every
    ]
    width = max(len(name) for _, name, _, _ in rows) + 2
    cells = [max(len(name), 10) for name in names]
    head = f"   {'':{width}}{names[0]:>{cells[0]}}   {names[1]:>{cells[1]}}   {names[0]} has"
    lines: list[Line] = [[(head, "quiet")]]
    before = ""
    for zone, name, one, other in rows:
        if one.value is None and other.value is None:
            continue
        if zone != before:
            before = zone
            lines += [[], [(f" zone {zone}", "strong")]]
        words, far = difference(one, other)
        text = f"{name:{width}}{one.text:>{cells[0]}}   {other.text:>{cells[1]}}   "
        lines.append(
            [(" ! " if far else "   ", "note"), (text, ""), (words, "note" if far else "quiet")]
        )
    return lines


def upstream_lines(names: tuple[str, str], rows: tuple[NodeRow, NodeRow | None]) -> list[Line]:
    """Say of each upstream how it does, seen from each of two nodes."""
    seen: list[Mapping[str, str]] = [
        {u.to: f"{upstream_state(u)}, p99 {units.latency(u.p99)}" for u in row.figures.upstreams}
        if row is not None and row.figures is not None
        else {}
        for row in rows
    ]
    every = sorted({to for one in seen for to in one})
    if not every or rows[1] is None:
        return []
    width = max(map(len, every))
    lines: list[Line] = [[], [(" upstreams", "strong")]]
    for to in every:
        words = [
            f"{name}: {one.get(to, 'not asked')}" for name, one in zip(names, seen, strict=True)
        ]
        lines.append([(f"   {to:{width}}  {'   '.join(words)}", "")])
    return lines
