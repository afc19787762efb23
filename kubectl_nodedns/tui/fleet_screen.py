"""The first screen: totals, and a row for each node."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.widgets import Footer, Input, Static

from kubectl_nodedns.metrics.columns import BY_KEY, COLUMNS, ordered
from kubectl_nodedns.metrics.report import row_text
from kubectl_nodedns.tui.filter import keep
from kubectl_nodedns.tui.heading import tiles
from kubectl_nodedns.tui.live import Heading, LiveScreen, Session
from kubectl_nodedns.tui.lookup_screen import LookupScreen
from kubectl_nodedns.tui.node_lines import row_words
from kubectl_nodedns.tui.node_screen import NodeScreen
from kubectl_nodedns.tui.node_table import NodeTable
from kubectl_nodedns.tui.pieces import content

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from kubectl_nodedns.metrics.fleet import NodeRow

TALL = 30
"""Lines from which the totals have notes."""


class FleetScreen(LiveScreen):
    """All nodes.

    Args:
        session: what the screens share.
        sort_by: key of the column to sort by.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("t", "lookup", "Lookup"),
        Binding("slash", "filter", "Filter", key_display="/"),
        Binding("c", "copy", "Copy row", show=False),
        Binding("escape", "clear", "Clear filter", show=False),
        *(
            Binding(column.letter, f"sort('{column.key}')", f"Sort by {column.title}", show=False)
            for column in COLUMNS
            if column.letter
        ),
    ]

    def __init__(self, session: Session, *, sort_by: str) -> None:
        super().__init__(session)
        self._sort_by = sort_by
        self._reverse = False
        self._filter = ""

    def compose(self) -> ComposeResult:
        """Lay out heading, totals, table, a line about the chosen node, and the keys."""
        yield Heading(id="heading")
        yield Static(id="tiles")
        yield NodeTable()
        yield Static(id="about")
        yield Input(id="filter", placeholder="regular expression, ! turns it round", compact=True)
        yield Footer(compact=True)

    def on_mount(self) -> None:
        """Give the keys to the table."""
        super().on_mount()
        self.query_one("#filter").display = False
        self.query_one(NodeTable).focus()

    def show(self) -> None:
        """Show the snapshot, filtered and sorted."""
        session = self.session
        snapshot = session.snapshot
        self.query_one(Heading).show(session)
        notes = self.size.height >= TALL
        moments = list(session.trends.fleet)
        width = self.size.width
        self.query_one("#tiles", Static).update(
            content(tiles(snapshot, moments, width, notes=notes))
        )
        rows = keep(snapshot.nodes, self._filter)
        column = BY_KEY[self._sort_by]
        table = self.query_one(NodeTable)
        table.show(
            ordered(tuple(rows), snapshot, column, reverse=self._reverse),
            snapshot,
            sort_by=self._sort_by,
            reverse=self._reverse,
        )
        self._tell(len(rows))
        session.feed.look_at(table.in_view())

    def action_sort(self, key: str) -> None:
        """Sort by a column; once more turns the order round."""
        self._reverse = not self._reverse if key == self._sort_by else False
        self._sort_by = key
        self.show()

    def action_filter(self) -> None:
        """Open the filter."""
        line = self.query_one("#filter", Input)
        line.display = True
        line.focus()

    def action_clear(self) -> None:
        """Close the filter and show all rows."""
        line = self.query_one("#filter", Input)
        line.value = ""
        self._filter = ""
        self._close_filter()

    def action_lookup(self) -> None:
        """Ask questions from the chosen node."""
        if node := self.query_one(NodeTable).cursor:
            self.app.push_screen(LookupScreen(self.session, node))

    def action_copy(self) -> None:
        """Copy the chosen row, as -o wide prints it."""
        if row := self._chosen():
            self.app.copy_to_clipboard(row_text(row, self.session.snapshot))
            self.notify(f"copied the row of {row.node.name}")

    @on(Input.Changed, "#filter")
    def filter_changed(self, event: Input.Changed) -> None:
        """Filter while it is typed."""
        self._filter = event.value
        self.show()

    @on(Input.Submitted, "#filter")
    def filter_kept(self) -> None:
        """Keep the filter and go back to the table."""
        self._close_filter()

    @on(NodeTable.Opened)
    def node_opened(self, event: NodeTable.Opened) -> None:
        """Show one node."""
        self.app.push_screen(NodeScreen(self.session, event.node))

    @on(NodeTable.Moved)
    def node_moved(self) -> None:
        """Say what there is to say about the node under the cursor."""
        self.show()

    def _close_filter(self) -> None:
        self.query_one("#filter").display = bool(self._filter)
        self.query_one(NodeTable).focus()
        self.show()

    def _chosen(self) -> NodeRow | None:
        node = self.query_one(NodeTable).cursor
        return next((r for r in self.session.snapshot.nodes if r.node.name == node), None)

    def _tell(self, shown: int) -> None:
        """Put the chosen node's troubles into words, or say that the filter hides all."""
        about = self.query_one("#about", Static)
        row = self._chosen()
        if shown == 0:
            hidden = bool(self.session.snapshot.nodes)
            text = " no node matches the filter: esc clears it" if hidden else " there are no nodes"
            about.update(content([[(text, "note")]]))
        elif row is not None:
            name = (f" {row.node.name}:", "strong")
            about.update(content([[name, *row_words(row, self.session)]]))
