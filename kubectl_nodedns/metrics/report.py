"""The snapshot as a printed table, and in one line of words.

Pure. The screen has its own layout; both take their cells from `columns`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubectl_nodedns.metrics import units
from kubectl_nodedns.metrics.columns import INTERCEPTION, PRINTED, Column, ordered
from kubectl_nodedns.metrics.row_severity import unasked
from kubectl_nodedns.metrics.table import render

if TYPE_CHECKING:
    from kubectl_nodedns.metrics.fleet import FleetSnapshot
    from kubectl_nodedns.metrics.node_row import NodeRow


def table(snapshot: FleetSnapshot, *, wide: bool, sort_by: Column) -> list[str]:
    """Lay out a line for each node; what probes proved has a column once there is something."""
    told = snapshot.fleet.proved or snapshot.fleet.refuted
    chosen = [one for one in PRINTED if wide or not one.wide or (told and one is INTERCEPTION)]
    rows = [_cells(row, snapshot, chosen) for row in ordered(snapshot.nodes, snapshot, sort_by)]
    header = [column.title for column in chosen]
    return render(header, rows, [column.left for column in chosen])


def row_text(row: NodeRow, snapshot: FleetSnapshot) -> str:
    """Write one row with its headings, as `-o wide` prints it: two lines."""
    header = [column.title for column in PRINTED]
    cells = _cells(row, snapshot, list(PRINTED))
    return "\n".join(render(header, [cells], [column.left for column in PRINTED]))


def summary(snapshot: FleetSnapshot) -> list[str]:
    """Say the totals, and what stands in the way of better ones."""
    fleet = snapshot.fleet
    traffic = fleet.traffic
    first = ", ".join(
        [
            f"{fleet.ready} of {fleet.wanted} nodes ready",
            _intercepting(snapshot),
            f"{units.number(traffic.lookups)} lookups/s",
            f"hit ratio {_percent(traffic.hit_ratio)}",
            f"p99 {units.latency(traffic.p99)}",
            f"failures {_percent(traffic.failure_ratio)}",
            f"CoreDNS spared {_percent(fleet.spared_ratio)}",
            f"read by {snapshot.source}",
        ]
    )
    lines = [first, *(f"warning: {problem}" for problem in snapshot.problems)]
    silent = [row for row in snapshot.nodes if row.reason and not row.node.windows]
    if snapshot.blind:  # one of the problems says so for all of them
        silent = [row for row in silent if row.sampled is None]
    lines += _named([(row, row.reason) for row in silent])
    doubtful = [(row, words) for row in snapshot.nodes if (words := unasked(row, snapshot))]
    lines += _named(doubtful)
    if doubtful:
        lines.append("counters are no proof: kubectl nodedns check --probe is")
    return lines


def _named(rows: list[tuple[NodeRow, str]]) -> list[str]:
    lines = [f"warning: {row.node.name}: {words}" for row, words in rows[:SAID]]
    if len(rows) > SAID:
        lines.append(f"warning: and {len(rows) - SAID} nodes more like these")
    return lines


def _intercepting(snapshot: FleetSnapshot) -> str:
    fleet = snapshot.fleet
    by_counters = fleet.intercepting - fleet.proved
    words = [f"{fleet.proved} proved intercepting"] if fleet.proved else []
    words += [f"{fleet.refuted} proved NOT intercepted"] if fleet.refuted else []
    if not words:
        return f"{by_counters} intercepting by counters"
    return ", ".join([*words, f"{by_counters} by counters"])


def _percent(ratio: float | None) -> str:
    return units.UNKNOWN if ratio is None else f"{units.percent(ratio)} %"


SAID = 5
"""Nodes with the same trouble that are named one by one."""


def _cells(row: NodeRow, snapshot: FleetSnapshot, chosen: list[Column]) -> list[str]:
    stale = snapshot.stale(row)
    return [
        f"({text})" if stale and column.figure and text != units.UNKNOWN else text
        for column in chosen
        for text in [column.text(row, snapshot)]
    ]
