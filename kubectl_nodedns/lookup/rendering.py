"""A run of `lookup` as lines: rows as they come, then what differs, then the verdict. Pure.

Widths are known before the first answer: whatever can be longer than expected stands last.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kubectl_nodedns.lookup.events import LookupCame, NameFound, NodeDone, Report, RoundBegan
from kubectl_nodedns.lookup.vantage import Lookup, Where

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from kubectl_nodedns.lookup.events import Event
    from kubectl_nodedns.lookup.question import Answer
    from kubectl_nodedns.lookup.vantage import Lookup, VantagePoint

NARROW = 60
"""Cells that the answer gets at least, however narrow the terminal is."""
SHOWN = 4
"""Records that a line shows; the rest is counted."""
NOT_KNOWN = "–"
IPV4 = 15
"""Cells of the longest IPv4 address: a node's resolvers are not known when the table begins."""


@dataclass(frozen=True, kw_only=True)
class Layout:
    """The columns of one table."""

    node: int
    """Cells of the node's name; 0 leaves the column out."""
    address: int
    """Cells of the address."""
    by: int
    """Cells of who answered."""
    wide: bool
    """Whether size, OPT record and who is behind an address are shown."""
    cells: int
    """Cells of a line."""

    @classmethod
    def of(
        cls,
        nodes: Sequence[str],
        points: Sequence[VantagePoint],
        *,
        wide: bool = False,
        cells: int = 120,
    ) -> Layout:
        """Lay out a table of lookups at `points` from `nodes`."""
        longest = max((len(node) for node in nodes), default=4)
        behind = [len(point.target) for point in points] if wide else []
        return cls(
            node=longest if len(nodes) > 1 else 0,
            address=max(IPV4, *(len(point.address) for point in points)),
            by=max(len("cache ") + longest, len("no cache"), *behind),
            wide=wide,
            cells=cells,
        )

    def header(self) -> str:
        """Return the line of titles."""
        first = [f"{'NODE':<{self.node}}"] if self.node else []
        size = [f"{'SIZE':>5}"] if self.wide else []
        return "  ".join(
            [
                *first,
                f"{'WHERE':<8}",
                f"{'ADDRESS':<{self.address}}",
                "PROTO",
                f"{'RESULT':<8}",
                f"{'TIME':>10}",
                f"{'TTL':>5}",
                *size,
                f"{'FLAGS':<11}",
                f"{'BY':<{self.by}}",
                "ANSWER",
            ]
        )

    def line(self, lookup: Lookup) -> str:
        """Return the line of one lookup."""
        answer = lookup.answer
        time = NOT_KNOWN if answer.microseconds is None else f"{answer.microseconds} µs"
        ttl = NOT_KNOWN if answer.ttl is None else str(answer.ttl)
        size = NOT_KNOWN if answer.size is None else str(answer.size)
        head = "  ".join(
            [
                *([f"{lookup.node:<{self.node}}"] if self.node else []),
                f"{lookup.point.where:<8}",
                f"{lookup.point.address:<{self.address}}",
                f"{answer.question.protocol:<5}",
                f"{result(answer):<8}",
                f"{time:>10}",
                f"{ttl:>5}",
                *([f"{size:>5}"] if self.wide else []),
                f"{' '.join(answer.flags) or NOT_KNOWN:<11}",
                f"{answered_by(lookup, wide=self.wide):<{self.by}}",
                "",
            ]
        )
        return (head + said(answer, self.cells - len(head), wide=self.wide)).rstrip()


def result(answer: Answer) -> str:
    """Return the rcode, or why there is none in a word or two."""
    if answer.rcode:
        return answer.rcode
    return "silent" if answer.asked else "unasked"


def answered_by(lookup: Lookup, *, wide: bool = False) -> str:
    """Say who answered, as far as that is proved or known by address."""
    if lookup.answered_by:
        return f"cache {lookup.answered_by.node}"
    if lookup.point.where == Where.COREDNS:
        return lookup.point.target if wide and lookup.point.target else "CoreDNS"
    if lookup.marker is not None and lookup.marker.rcode:
        return "no cache"
    return NOT_KNOWN


def said(answer: Answer, cells: int, *, wide: bool = False) -> str:
    """Say what came back, in so many cells."""
    if not answer.rcode:
        return answer.error
    words = [record.text() for record in answer.records[:SHOWN]]
    more = len(answer.records) - SHOWN
    text = ", ".join(words) + (f" and {more} more" if more > 0 else "")
    if answer.truncated:
        text += " (truncated over UDP)"
    if wide and answer.opt:
        text = f"{text} [{'; '.join(answer.opt)}]"
    return _shortened(text, max(cells, NARROW)) if text else NOT_KNOWN


def _shortened(text: str, cells: int) -> str:
    """Cut `text` to `cells` characters, and say how many are missing."""
    if len(text) <= cells:
        return text
    note = f"… ({len(text)} characters)"
    return text[: max(cells - len(note), 1)] + note


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
