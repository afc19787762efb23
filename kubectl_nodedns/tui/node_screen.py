"""One node: its past since the screen opened, its zones and its upstreams."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.widgets import Footer, Static

from kubectl_nodedns.metrics.report import row_text
from kubectl_nodedns.tui.live import Heading, LiveScreen, Session
from kubectl_nodedns.tui.lookup_screen import LookupScreen
from kubectl_nodedns.tui.node_lines import node_lines
from kubectl_nodedns.tui.pieces import content

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from kubectl_nodedns.metrics.fleet import NodeRow


class NodeScreen(LiveScreen):
    """One node.

    Args:
        session: what the screens share.
        node: the node's name.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "app.pop_screen", "Back", key_display="esc"),
        Binding("t", "lookup", "Lookup"),
        Binding("c", "copy", "Copy row", show=False),
    ]

    def __init__(self, session: Session, node: str) -> None:
        super().__init__(session)
        self.node = node

    def compose(self) -> ComposeResult:
        """Lay out heading, the lines about the node, and the keys."""
        yield Heading(id="heading")
        with VerticalScroll():
            yield Static(id="node")
        yield Footer(compact=True)

    def show(self) -> None:
        """Show the node as it is in the snapshot."""
        session = self.session
        self.query_one(Heading).show(session)
        body = self.query_one("#node", Static)
        row = self._row()
        if row is None:
            gone = f" {self.node} is no longer in the cluster, or not selected · esc goes back"
            body.update(content([[(gone, "note")]]))
            return
        moments = list(session.trends.node(self.node))
        width, height = self.size.width - 2, self.size.height
        body.update(content(node_lines(row, session, moments, width, height)))
        session.feed.look_at([self.node])

    def action_lookup(self) -> None:
        """Ask questions from this node."""
        self.app.push_screen(LookupScreen(self.session, self.node))

    def action_copy(self) -> None:
        """Copy the node's row, as -o wide prints it."""
        if row := self._row():
            self.app.copy_to_clipboard(row_text(row, self.session.snapshot))
            self.notify(f"copied the row of {self.node}")

    def _row(self) -> NodeRow | None:
        rows = self.session.snapshot.nodes
        return next((row for row in rows if row.node.name == self.node), None)
