"""The table's columns on the screen: those of every table, a small plot, and what probes said.

Pure. What a cell of the common columns says is decided in `metrics.columns`. In a plot of block
characters, a moment of which nothing is known is a gap, never a zero.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kubectl_nodedns.metrics import columns as common
from kubectl_nodedns.metrics.columns import Column
from kubectl_nodedns.metrics.units import UNKNOWN, duration
from kubectl_nodedns.tui.trends import RECENT

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kubectl_nodedns.lookup.question import Answer
    from kubectl_nodedns.metrics.fleet import FleetSnapshot
    from kubectl_nodedns.metrics.node_row import NodeRow

BLOCKS = "▁▂▃▄▅▆▇█"
EIGHTHS = len(BLOCKS)
PROBED_SECONDS = 60.0
"""Age from which what a probe said stands in brackets."""
NOT_INTERCEPTED = "not intercepted"


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


@dataclass(frozen=True, kw_only=True)
class Probed:
    """What the newest lookups from a pod on a node said."""

    pod: str
    """The cache pod of then."""
    at: float
    """When, in Unix seconds."""
    proved: bool | None
    """Whether lookups at the kube-dns IP are intercepted; None when that was not told."""
    local: Answer | None
    """The answer at the local IP; None when it was not asked."""
    kube_dns: Answer | None
    """The answer at the kube-dns IP; None when it was not asked."""


def columns(
    recent: Callable[[str], Sequence[float | None]],
    probed: Callable[[NodeRow], Probed | None] | None,
    *,
    wanted: bool = False,
) -> tuple[Column, ...]:
    """Return the columns, in the order in which they stand.

    Args:
        recent: a node's newest lookups per second.
        probed: what a probe said of a row; None while nothing was probed.
        wanted: whether that goes before entries and memory, where there is no room for all.
    """
    found: list[Column] = []
    for column in common.COLUMNS:
        found.append(column)
        if column.key == "lookups":
            found.append(_trend(recent))
    if probed is not None:
        found += _probe_columns(probed, rank=1 if wanted else 4)
    return tuple(found)


def _trend(recent: Callable[[str], Sequence[float | None]]) -> Column:
    return Column(
        key="trend",
        title="TREND",
        width=RECENT,
        rank=5,
        text=lambda row, _: spark(recent(row.node.name), RECENT),
        sort=lambda row, _: row.traffic.lookups,
    )


def _probe_columns(probed: Callable[[NodeRow], Probed | None], *, rank: int) -> list[Column]:
    def local(row: NodeRow, snapshot: FleetSnapshot) -> str:
        found = probed(row)
        return _aged(said(found.local), found, snapshot) if found else UNKNOWN

    def kube_dns(row: NodeRow, snapshot: FleetSnapshot) -> str:
        found = probed(row)
        if found is None:
            return UNKNOWN
        text = NOT_INTERCEPTED if found.proved is False else said(found.kube_dns)
        return _aged(text, found, snapshot)

    return [
        Column(
            key="local",
            title="LOCAL",
            width=8,
            rank=rank,
            text=local,
            sort=lambda row, _: _microseconds(probed(row), local=True),
            figure=False,
        ),
        Column(
            key="kube-dns-probe",
            title="KUBE-DNS",
            width=len(NOT_INTERCEPTED),
            rank=rank,
            text=kube_dns,
            sort=lambda row, _: _microseconds(probed(row), local=False),
            figure=False,
        ),
    ]


def said(answer: Answer | None) -> str:
    """Write what came back in eight cells or so: the time, an rcode, or that nothing did."""
    if answer is None:
        return UNKNOWN
    if not answer.rcode:
        return "timeout" if answer.asked else UNKNOWN
    if answer.rcode != "NOERROR":
        return answer.rcode
    microseconds = answer.microseconds
    return UNKNOWN if microseconds is None else duration(microseconds / 1e6)


def _aged(text: str, found: Probed, snapshot: FleetSnapshot) -> str:
    stale = snapshot.at - found.at > PROBED_SECONDS
    fits = len(text) + 2 <= len(NOT_INTERCEPTED)
    return f"({text})" if stale and fits and text != UNKNOWN else text


def _microseconds(found: Probed | None, *, local: bool) -> int | None:
    answer = (found.local if local else found.kube_dns) if found else None
    return answer.microseconds if answer else None
