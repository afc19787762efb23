"""A run of `lookup` as lines: rows as they come, then what differs, then the verdict. Pure."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from kubectl_nodedns.lookup.events import LookupCame, NameFound, NodeDone, Report, RoundBegan
from kubectl_nodedns.lookup.table import Layout, result

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from kubectl_nodedns.lookup.events import Event
    from kubectl_nodedns.lookup.question import Answer
    from kubectl_nodedns.lookup.vantage import Lookup


class Table:
    """Turns events into the lines of a table, one round after the other.

    Args:
        wide: whether it has all columns.
        cells: tells how many cells a line has, for each round.
        watching: whether more rounds follow: each then has its time above it.
        search: whether the names that were tried are shown.
        now: tells the time, in UTC.
    """

    def __init__(
        self,
        *,
        wide: bool,
        cells: Callable[[], int],
        watching: bool,
        search: bool,
        now: Callable[[], time.struct_time] = time.gmtime,
    ) -> None:
        self._wide = wide
        self._cells = cells
        self._watching = watching
        self._search = search
        self._now = now
        self._layout: Layout | None = None
        self._live = True
        self._titled = False

    def lines(self, event: Event) -> list[str]:
        """Return the lines that an event adds to the table; rows of one node as they come."""
        match event:
            case RoundBegan(nodes=nodes, points=points):
                self._live = len(nodes) == 1
                self._layout = Layout.of(nodes, points, wide=self._wide, cells=self._cells())
                self._titled = False
            case NameFound(tried=tried) if self._search:
                return [*map(_tried, tried), ""]
            case LookupCame(lookup=lookup) if self._live:
                return self._rows([lookup])
            case NodeDone(lookups=lookups) if not self._live:
                return self._rows(lookups)
            case Report():
                return self._end(event)
        return []

    def _rows(self, lookups: Iterable[Lookup]) -> list[str]:
        assert self._layout is not None  # noqa: S101 - a round begins before its rows come
        rows = [self._layout.line(lookup) for lookup in lookups]
        if self._titled or not rows:
            return rows
        self._titled = True
        at = [time.strftime("%H:%M:%S", self._now()) + " UTC"] if self._watching else []
        return [*at, self._layout.header(), *rows]

    def _end(self, report: Report) -> list[str]:
        """Say what differs, and the verdict."""
        differ = report.outcome.differences
        lines = [f"{'‼' if one.serious else '·'} {one.text}" for one in differ]
        lines += [f"‼ not asked from {node}: {why}" for node, why in report.unasked.items()]
        lines += [f"· {note}" for note in report.notes]
        return ["", *lines, f"verdict: {report.outcome.text}", *[""] * self._watching]


def note_of(event: Event, *, table: bool, search: bool) -> str:
    """Return what is to be said about an event beside the data; empty for nothing.

    Args:
        event: the event.
        table: whether a table is printed, in which rows can be seen.
        search: whether that table shows the names that were tried.
    """
    match event:
        case NameFound(name=name, tried=tried) if len(tried) > 1 and not (table and search):
            return f"{name} is what the search list comes to, after {len(tried)} names"
        case NodeDone(done=done, of=of) if of > 1 and not table:
            return f"{done} of {of} nodes answered"
    return ""


def _tried(answer: Answer) -> str:
    took = "–" if answer.microseconds is None else f"{answer.microseconds} µs"
    return f"{result(answer):<8}  {took:>10}  {answer.question.name}"
