"""Rows of the node table as styled text: which columns fit, and what each cell looks like. Pure.

A style is named by what it means ("bad", "stale", ...); the colours are the theme's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from kubectl_nodedns.metrics.row_severity import Severity, marks
from kubectl_nodedns.metrics.units import UNKNOWN, age

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kubectl_nodedns.metrics.columns import Column
    from kubectl_nodedns.metrics.fleet import FleetSnapshot
    from kubectl_nodedns.metrics.node_row import NodeRow

MARK_CELLS = 2
"""Cells before the first column: a mark, and a space."""
NODE_CELLS = (10, 20, 45)
"""Cells for node names: the least, what is kept before optional columns, the most."""
STYLE = {Severity.OK: "", Severity.NOTE: "note", Severity.BAD: "bad"}


class Cell(NamedTuple):
    """A piece of a line."""

    text: str
    """The text, padded."""
    style: str = ""
    """What it means: "", "bad", "note", "stale", "quiet", "sorted"."""


class Slot(NamedTuple):
    """A column and the cells that it gets."""

    column: Column
    """The column."""
    width: int
    """Its width."""


def layout(width: int, longest: int, columns: Sequence[Column]) -> tuple[Slot, ...]:
    """Choose the columns that fit into `width` cells, those of low rank first.

    Args:
        width: cells that there are.
        longest: cells of the longest node name.
        columns: the columns to choose from; "node" is always there.
    """
    least, kept, _ = NODE_CELLS
    room = width - MARK_CELLS - min(max(longest, least), kept)
    chosen = {"node"}
    for column in sorted(columns, key=lambda column: column.rank):
        if column.key == "node":
            continue
        if room < column.width + 1 and column.rank > 0:
            break
        chosen.add(column.key)
        room -= column.width + 1
    return _slots([c for c in columns if c.key in chosen], room, longest)


def layout_wide(
    width: int, longest: int, columns: Sequence[Column], first: int
) -> tuple[Slot, ...]:
    """Lay out the columns from `first` on, as many as fit; "node" stays where it is."""
    least, kept, _ = NODE_CELLS
    room = width - MARK_CELLS - min(max(longest, least), kept)
    others = [column for column in columns if column.key != "node"]
    chosen = [column for column in columns if column.key == "node"]
    for column in others[min(first, len(others) - 1) :]:
        if room < column.width + 1:
            break
        chosen.append(column)
        room -= column.width + 1
    return _slots(chosen, room, longest)


def _slots(columns: Sequence[Column], room: int, longest: int) -> tuple[Slot, ...]:
    """Give node names the cells that are left over."""
    least, kept, most = NODE_CELLS
    name = min(max(longest, least), kept) + max(min(room, min(longest, most) - kept), 0)
    if room < 0:
        name = max(name + room, 4)
    return tuple(Slot(c, name if c.key == "node" else c.width) for c in columns)


def header(
    slots: Sequence[Slot], sort_by: Column, *, reverse: bool, total: bool = False
) -> list[Cell]:
    """Return the headings; the one that is sorted by has an arrow.

    Args:
        slots: the columns.
        sort_by: the column that is sorted by.
        reverse: whether the other way round than usual.
        total: whether rates are counts since start, which have another heading.
    """
    arrow = "▲" if sort_by.rising != reverse else "▼"
    cells = [Cell(" " * (MARK_CELLS - 1))]
    for column, width in slots:
        title = (
            SHORT.get(column.key, column.title)
            if column.width < len(column.title)
            else column.title
        )
        if total and title.endswith("/S"):
            title = title.removesuffix("/S") + "S"
        if column.key == sort_by.key:
            cells.append(
                Cell(" " + fit(title[: width - 1] + arrow, width, left=column.left), "sorted")
            )
        else:
            cells.append(Cell(" " + fit(title, width, left=column.left)))
    return cells


SHORT = {"restarts": "↻", "entries": "CACHED"}
"""Headings for columns that are narrower than their full heading."""


def line(row: NodeRow, snapshot: FleetSnapshot, slots: Sequence[Slot]) -> list[Cell]:
    """Return one row; where there are no figures, the reason stands in their place."""
    found = marks(row, snapshot)
    worst = found[0].severity if found else Severity.OK
    styles = {mark.column: STYLE[mark.severity] for mark in reversed(found)}
    stale = snapshot.stale(row)
    cells = [Cell(worst.glyph.ljust(MARK_CELLS - 1), STYLE[worst])]
    for number, (column, width) in enumerate(slots):
        if column.figure and row.figures is None:
            rest = sum(slot.width + 1 for slot in slots[number:]) - 1
            cells.append(Cell(" " + fit(row.reason or "no sample yet", rest, left=True), "quiet"))
            break
        text, style = column.text(row, snapshot), ""
        if text == UNKNOWN:
            style = "quiet"
        elif stale:
            text, style = _stale(text, row, snapshot, column, width)
        text = fit_name(text, width) if column.key == "node" else text
        cells.append(Cell(" " + fit(text, width, left=column.left), styles.get(column.key, style)))
    return cells


def _stale(
    text: str, row: NodeRow, snapshot: FleetSnapshot, column: Column, width: int
) -> tuple[str, str]:
    """Put a stale figure in brackets where there is room, and its age in the place of "Ready"."""
    if column.figure:
        return (f"({text})" if len(text) + 2 <= width else text), "stale"
    if column.key == "state" and row.pod is not None and row.pod.ready:
        since = age(row.age(snapshot.at))
        return f"{since} old" if len(since) + 4 <= width else f"({since})", "note"
    return text, ""


def fit(text: str, width: int, *, left: bool) -> str:
    """Pad or cut to `width` cells."""
    if len(text) > width:
        text = f"{text[: width - 1]}…" if left else "…"
    return text.ljust(width) if left else text.rjust(width)


def fit_name(text: str, width: int) -> str:
    """Pad or cut a name. Node names differ at either end, so they are cut in the middle."""
    if len(text) > width > 2:  # noqa: PLR2004 - a character at either end
        head = (width - 1) // 2
        text = f"{text[:head]}…{text[len(text) - (width - 1 - head) :]}"
    return fit(text, width, left=True)
