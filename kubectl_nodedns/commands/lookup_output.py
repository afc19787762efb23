"""What `lookup` prints: rows as they come, then what differs, then the verdict."""

from __future__ import annotations

import shutil
import sys
import time
from typing import TYPE_CHECKING, Any

from kubectl_nodedns.cli.output import print_data, print_documents, print_json_line, print_lines
from kubectl_nodedns.lookup.document import document
from kubectl_nodedns.lookup.table import Layout, result

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kubectl_nodedns.cli.talk import Talk
    from kubectl_nodedns.lookup.comparison import Outcome
    from kubectl_nodedns.lookup.question import Answer
    from kubectl_nodedns.lookup.vantage import Lookup, VantagePoint


class Printer:
    """Prints one round after the other.

    Args:
        output: table, wide, json or yaml.
        talk: for progress, on stderr.
        watching: whether more rounds follow: JSON is then a line a round.
        search: whether the names that were tried are shown.
    """

    def __init__(self, output: str, talk: Talk, *, watching: bool, search: bool) -> None:
        self._output = output
        self._talk = talk
        self._watching = watching
        self._search = search
        self._table = output in ("table", "wide")
        self._layout: Layout | None = None
        self._live = True
        self._titled = False

    def begin(self, nodes: Sequence[str], points: Sequence[VantagePoint]) -> None:
        """Begin a round from these nodes; rows of a single one are printed as they come."""
        self._live = len(nodes) == 1
        if not self._table:
            return
        cells = shutil.get_terminal_size((160, 24)).columns if sys.stdout.isatty() else 160
        self._layout = Layout.of(nodes, points, wide=self._output == "wide", cells=cells)
        self._titled = False

    def tried(self, whole: str, tried: Sequence[Answer]) -> None:
        """Show how the search list led to the name that is asked for."""
        if self._table and self._search:
            for answer in tried:
                took = "–" if answer.microseconds is None else f"{answer.microseconds} µs"
                print_lines([f"{result(answer):<8}  {took:>10}  {answer.question.name}"])
            print_lines([""])
        elif len(tried) > 1:
            self._talk.note(f"{whole} is what the search list comes to, after {len(tried)} names")

    def row(self, lookup: Lookup) -> None:
        """Print a row, unless others of its node must come with it."""
        if self._layout is not None and self._live:
            self._line(self._layout, lookup)

    def node(self, lookups: Sequence[Lookup], *, done: int, of: int) -> None:
        """Print all rows of a node, unless they stand there already."""
        if self._live:
            return
        if self._layout is not None:
            for lookup in lookups:
                self._line(self._layout, lookup)
        else:
            self._talk.note(f"{done} of {of} nodes answered")

    def _line(self, layout: Layout, lookup: Lookup) -> None:
        if not self._titled:
            if self._watching:
                print_lines([time.strftime("%H:%M:%S", time.gmtime()) + " UTC"])
            print_lines([layout.header()])
            self._titled = True
        print_lines([layout.line(lookup)])

    def end(
        self,
        *,
        name: str,
        rtype: str,
        lookups: Sequence[Lookup],
        outcome: Outcome,
        tried: Sequence[Answer],
        unasked: Mapping[str, str],
        about: Mapping[str, Any],
        notes: Sequence[str],
    ) -> None:
        """Print what differs, and the verdict."""
        if not self._table:
            whole = document(
                name=name,
                rtype=rtype,
                lookups=lookups,
                outcome=outcome,
                tried=tried,
                unasked=unasked,
                about=about,
            )
            if self._watching and self._output == "json":
                print_json_line(whole)
            elif self._output == "json":
                print_data(whole, self._output)
            else:
                print_documents([whole], explicit_start=self._watching)
            return
        lines = [f"{'‼' if one.serious else '·'} {one.text}" for one in outcome.differences]
        lines += [f"‼ not asked from {node}: {why}" for node, why in unasked.items()]
        lines += [f"· {note}" for note in notes]
        print_lines(["", *lines, f"verdict: {outcome.text}", *[""] * self._watching])
