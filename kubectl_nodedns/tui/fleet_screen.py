"""The first screen: totals, and a row for each node, or a cell."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.widgets import Footer, Input, Static

from kubectl_nodedns.metrics.columns import BY_KEY, COLUMNS, ordered
from kubectl_nodedns.metrics.report import row_text
from kubectl_nodedns.tui import heat
from kubectl_nodedns.tui.base_screen import Heading, Session, SnapshotScreen
from kubectl_nodedns.tui.filter import faulty, keep, literal
from kubectl_nodedns.tui.findings_screen import FindingsScreen
from kubectl_nodedns.tui.heading import tiles
from kubectl_nodedns.tui.heat_map import HeatMap
from kubectl_nodedns.tui.lookup_panel import LookupScreen
from kubectl_nodedns.tui.modes import Mode
from kubectl_nodedns.tui.node_lines import row_words
from kubectl_nodedns.tui.node_screen import NodeScreen
from kubectl_nodedns.tui.node_table import Moved, NodeTable, Opened, Shown
from kubectl_nodedns.tui.styled_text import content

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from kubectl_nodedns.metrics.node_row import NodeRow

TALL = 30
"""Lines from which the totals have notes."""


class FleetScreen(SnapshotScreen):
    """All nodes.

    Args:
        session: what the screens share.
        sort_by: key of the column to sort by.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("t", "lookup", "Lookup"),
        Binding("f", "findings", "Findings"),
        Binding("slash", "filter", "Filter", key_display="/"),
        Binding("z", "faults", "Faults"),
        Binding("h", "heat", "Map"),
        Binding("w", "wide", "Wide", show=False),
        Binding("y", "copy", "Copy row", show=False),
        Binding("Y", "copy_command", "Copy the command", show=False),
        Binding("escape", "clear", "Clear filter", show=False),
        *(
            Binding(column.letter, f"sort('{column.key}')", f"Sort by {column.title}", show=False)
            for column in COLUMNS
            if column.letter
        ),
    ]

    def __init__(self, session: Session, *, sort_by: str) -> None:
        super().__init__(session)
        self._sort_by = BY_KEY[sort_by]
        self._reverse = False
        self._filter = ""
        self._matching = 0
        self._faults = False
        self._wide = False
        self._heat = False
        self._figure = heat.FIGURES[0]

    def compose(self) -> ComposeResult:
        """Lay out heading, totals, table or map, a line about the chosen node, and the keys."""
        yield Heading(id="heading")
        yield Static(id="tiles")
        yield NodeTable()
        yield HeatMap()
        yield Static(id="legend")
        yield Static(id="about")
        with Horizontal(id="filtering"):
            yield Static(" /")
            yield Input(id="filter", placeholder="regular expression, ! inverts", compact=True)
            yield Static("enter keeps it · esc clears it ")
        yield Footer(compact=True, show_command_palette=False)

    def on_mount(self) -> None:
        """Give the keys to the table."""
        super().on_mount()
        for hidden in ("#filtering", "#legend", "HeatMap"):
            self.query_one(hidden).display = False
        self.query_one(NodeTable).focus()

    @property
    def nodes(self) -> NodeTable | HeatMap:
        """What shows the nodes now."""
        return self.query_one(HeatMap) if self._heat else self.query_one(NodeTable)

    def draw(self) -> None:
        """Show the snapshot, filtered and sorted."""
        session = self.session
        snapshot = session.snapshot
        self.query_one(Heading).show(session)
        self.query_one("#tiles", Static).update(
            content(
                tiles(
                    snapshot,
                    list(session.trends.fleet),
                    self.size.width,
                    notes=self.size.height >= TALL,
                    per_second=session.mode.per_second,
                )
            )
        )
        rows = keep(snapshot.nodes, self._filter)
        if self._faults:
            rows = faulty(rows, snapshot)
        if self._heat:
            self.query_one(HeatMap).show(rows, snapshot, self._figure)
            self.query_one("#legend", Static).update(
                content([heat.legend(self._figure, self.size.width)])
            )
        else:
            shown = Shown(
                columns=session.columns(),
                sort_by=self._sort_by,
                reverse=self._reverse,
                wide=self._wide,
                total=session.mode is Mode.TOTAL,
            )
            by = ordered(tuple(rows), snapshot, self._sort_by, reverse=self._reverse)
            self.query_one(NodeTable).show(by, snapshot, shown)
        self._matching = len(rows)
        self._tell()
        seen = session.in_view = self.nodes.in_view()
        session.trends.look_at([] if self._heat else seen)
        session.ports.feed.look_at(seen)

    def action_sort(self, key: str) -> None:
        """Sort by a column, once more turns the order round; on the map, show that figure."""
        if self._heat:
            self._figure = heat.BY_KEY.get(key, self._figure)
        else:
            self._reverse = not self._reverse if key == self._sort_by.key else False
            self._sort_by = BY_KEY[key]
        self.show()

    def action_filter(self) -> None:
        """Open the filter."""
        self.query_one("#filtering").display = True
        self.query_one("#filter", Input).focus()

    def action_clear(self) -> None:
        """Close the filter and show all rows."""
        line = self.query_one("#filter", Input)
        line.value = ""
        self._filter = ""
        self._faults = False
        self._close_filter()

    def action_faults(self) -> None:
        """Show only nodes of which something is wrong, or all."""
        self._faults = not self._faults
        self.show()

    def action_wide(self) -> None:
        """Make all columns reachable, sideways, or choose those that fit."""
        self._wide = not self._wide
        self.show()
        if self._wide:
            self.notify("wide: ← and → show the other columns", timeout=3)

    def action_heat(self) -> None:
        """Show a cell for each node, or a row; the cursor stays on its node."""
        node = self.nodes.cursor
        self._heat = not self._heat
        self.query_one(NodeTable).display = not self._heat
        self.query_one(HeatMap).display = self._heat
        self.query_one("#legend").display = self._heat
        self.show()
        self.nodes.focus()
        self.nodes.go_to(node)

        # The map learns its size when it is laid out.
        self.call_after_refresh(self.show)

    def action_lookup(self) -> None:
        """Ask questions from the chosen node."""
        if node := self.nodes.cursor:
            self.app.push_screen(LookupScreen(self.session, node))

    def action_findings(self) -> None:
        """Look for what is wrong."""
        self.app.push_screen(FindingsScreen(self.session))

    def action_copy(self) -> None:
        """Copy the chosen row, as -o wide prints it."""
        if row := self._chosen():
            self.copy(row_text(row, self.session.snapshot), f"the row of {row.node.name}")

    def action_copy_command(self) -> None:
        """Copy the command that prints this table."""
        words = ("top", "--once", "-o", "wide", "--sort-by", self._sort_by.key)
        self.copy(self.session.command(*words), "the command")

    @on(Input.Changed, "#filter")
    def filter_changed(self, event: Input.Changed) -> None:
        """Filter while it is typed."""
        self._filter = event.value
        self.show()

    @on(Input.Submitted, "#filter")
    def filter_kept(self) -> None:
        """Keep the filter and go back to the table."""
        self._close_filter()

    @on(Opened)
    def node_opened(self, event: Opened) -> None:
        """Show one node."""
        self.app.push_screen(NodeScreen(self.session, event.node))

    @on(Moved)
    def node_moved(self) -> None:
        """Say what there is to say about the node under the cursor."""
        self._tell()

    def _close_filter(self) -> None:
        self.query_one("#filtering").display = bool(self._filter)
        self.nodes.focus()
        self.show()

    def _chosen(self) -> NodeRow | None:
        return self.session.row(self.nodes.cursor)

    def _tell(self) -> None:
        """Put the chosen node's troubles into words, or say why there are no rows."""
        about = self.query_one("#about", Static)
        row = self._chosen()
        if not self._matching:
            about.update(content([[(f" {self._why_empty()}", "note")]]))
        elif row is not None:
            line = [(f" {row.node.name}:", "strong"), *row_words(row, self.session)]
            if self._heat:
                figure = heat.words(row, self.session.snapshot, self._figure)
                line.insert(1, (f" {self._figure.title} {figure} ·", ""))
            if self._faults:
                line.insert(0, (" faults only (z) ·", "note"))
            if self._filter:
                all_nodes = len(self.session.snapshot.nodes)
                line.insert(0, (f" {self._matching} of {all_nodes} shown ·", "note"))
            about.update(content([line]))

    def _why_empty(self) -> str:
        if not self.session.snapshot.nodes:
            return "there are no nodes"
        if self._faults:
            return "nothing is wrong with any node: z shows all of them"
        if searched := literal(self._filter):
            return f"no node has {searched} in it, which is no regular expression: esc clears it"
        return "no node matches the filter: esc clears it"
