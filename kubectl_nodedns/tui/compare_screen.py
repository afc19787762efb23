"""One node beside another, or beside the middle of the fleet."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.widgets import Footer, Input, Static

from kubectl_nodedns.facts.nodes import natural
from kubectl_nodedns.tui.base_screen import Heading, Session, SnapshotScreen
from kubectl_nodedns.tui.compare_lines import (
    MEDIAN,
    compare_lines,
    median_cells,
    node_cells,
    upstream_lines,
)
from kubectl_nodedns.tui.filter import keep
from kubectl_nodedns.tui.styled_text import TextView, content

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from kubectl_nodedns.metrics.node_row import NodeRow
    from kubectl_nodedns.tui.compare_lines import Line


SAMPLED = 300
"""Nodes that a median is of: enough for its first digits, and quick in a fleet of any size."""


class CompareScreen(SnapshotScreen):
    """A node beside another; beside the fleet's median at first.

    Args:
        session: what the screens share.
        node: name of the node that is looked at.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "Back", key_display="esc"),
        Binding("right", "beside(1)", "Other node", key_display="←→"),
        Binding("left", "beside(-1)", "Previous node", show=False),
        Binding("m", "median", "Median"),
        Binding("slash", "choose", "Choose", key_display="/"),
        Binding("y", "copy", "Copy", show=False),
    ]

    def __init__(self, session: Session, node: str) -> None:
        super().__init__(session)
        self.node = node
        self.other = ""
        self._sampled = ""

    def compose(self) -> ComposeResult:
        """Lay out heading, what is compared, the figures, and the keys."""
        yield Heading(id="heading")
        yield Static(id="about-node")
        with TextView(id="text"):
            yield Static(id="figures")
        choice = Input(placeholder="part of a node's name", id="choice", compact=True)
        choice.display = False
        yield choice
        yield Footer(compact=True, show_command_palette=False)

    def on_mount(self) -> None:
        """Give the keys to the text."""
        super().on_mount()
        self.query_one("#text").focus()

    def draw(self) -> None:
        """Show the two as they are in the snapshot."""
        session = self.session
        self.query_one(Heading).show(session)
        lines = self._lines()
        about = f" {self.node} beside {self.other or MEDIAN}{self._sampled}"
        self.query_one("#about-node", Static).update(
            content([[(about, "strong"), (f" · rates: {session.mode.value}", "quiet")]])
        )
        self.query_one("#figures", Static).update(content(lines))
        nodes = [name for name in (self.node, self.other) if name]
        session.trends.look_at(nodes)
        session.ports.feed.look_at(nodes)

    def _lines(self) -> list[Line]:
        session = self.session
        snapshot, per_second = session.snapshot, session.mode.per_second
        here, there = session.row(self.node), session.row(self.other)
        for name, row in ((self.node, here), (self.other, there)):
            if name and row is None:
                return [[(f" {name} is no longer in the cluster, or not selected", "note")]]
        if here is None:
            return []
        self._sampled = ""
        if there is not None:
            cells = node_cells(there, snapshot, per_second)
        else:
            known = [row for row in snapshot.nodes if row.figures and not snapshot.stale(row)]
            chosen = known[:: len(known) // SAMPLED + 1]
            cells = median_cells([node_cells(row, snapshot, per_second) for row in chosen])
            if len(chosen) < len(snapshot.nodes):
                self._sampled = f" (of {len(chosen)} of {len(snapshot.nodes)} nodes)"
        names = (self.node, self.other or "median")
        lines = compare_lines(names, node_cells(here, snapshot, per_second), cells)
        return [*lines, *upstream_lines(names, (here, there))]

    def action_back(self) -> None:
        """Leave the choice, or the screen."""
        if self.query_one(Input).display:
            self._close_choice()
        else:
            self.app.pop_screen()

    def action_median(self) -> None:
        """Compare with the middle of the fleet."""
        self.other = ""
        self.show()

    def action_beside(self, step: int) -> None:
        """Compare with the node beside, by name."""
        names = self._others()
        if names:
            place = names.index(self.other) + step if self.other in names else min(step, 0)
            self.other = names[place % len(names)]
            self.show()

    def action_choose(self) -> None:
        """Ask for a name."""
        choice = self.query_one(Input)
        choice.display = True
        choice.value = ""
        choice.focus()

    @on(Input.Submitted)
    def _chosen(self, event: Input.Submitted) -> None:
        """Compare with the first node that matches, as the filter of the table does."""
        rows: list[NodeRow] = keep(self.session.snapshot.nodes, event.value.strip())
        found = [row.node.name for row in rows if row.node.name != self.node]
        self._close_choice()
        if event.value.strip() and found:
            self.other = min(found, key=natural)
            self.show()
        elif event.value.strip():
            self.notify(f"no other node matches {event.value.strip()!r}", markup=False)

    def _close_choice(self) -> None:
        self.query_one(Input).display = False
        self.query_one("#text").focus()

    def _others(self) -> list[str]:
        names = [row.node.name for row in self.session.snapshot.nodes if row.pod is not None]
        return sorted((name for name in names if name != self.node), key=natural)

    def action_copy(self) -> None:
        """Copy the comparison."""
        text = "\n".join("".join(text for text, _ in line).rstrip() for line in self._lines())
        self.copy(text, f"{self.node} beside {self.other or MEDIAN}")
