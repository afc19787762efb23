"""The heat map: one cell a node, so that 5,000 of them fit on 100 × 50.

Owns the cells, the cursor and the mouse. What a cell shows comes from `heat`. Like the node table
it draws only lines that can be seen, and its cursor belongs to a node.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from rich.segment import Segment
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from kubectl_nodedns.tui.heat import FIGURES, Figure, glyph, shape
from kubectl_nodedns.tui.node_table import Moved, Opened

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.style import Style
    from textual import events

    from kubectl_nodedns.metrics.fleet import FleetSnapshot
    from kubectl_nodedns.metrics.node_row import NodeRow

PADDING = 1
"""Cells left and right of the map, as the style sheet has them."""


class HeatMap(ScrollView, can_focus=True):
    """A cell for each node."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        *(f"heat-map--heat-{step}" for step in range(5)),
        "heat-map--bad",
        "heat-map--stale",
        "heat-map--quiet",
        "heat-map--cursor",
    }
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "move(-1, 0)", "Left", show=False),
        Binding("right,l", "move(1, 0)", "Right", show=False),
        Binding("up,k", "move(0, -1)", "Up", show=False),
        Binding("down,j", "move(0, 1)", "Down", show=False),
        Binding("home,g", "end(-1)", "First", show=False),
        Binding("end,G", "end(1)", "Last", show=False),
        Binding("enter", "open", "Node"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.cursor = ""
        """Name of the node that the cursor is on; empty without nodes."""
        self.figure: Figure = FIGURES[0]
        """What the cells show."""
        self._names: list[str] = []
        self._index: dict[str, int] = {}
        self._glyphs: list[tuple[str, str]] = []
        self._across, self._cells = 1, 1
        self._drawn: dict[int, Strip] = {}
        self._styles: dict[str, Style] = {}

    def show(self, rows: Sequence[NodeRow], snapshot: FleetSnapshot, figure: Figure) -> None:
        """Show a cell for each of these rows, in this order."""
        self.figure = figure
        names = [row.node.name for row in rows]
        if names != self._names:
            before = self._index.get(self.cursor, 0)
            self._names = names
            self._index = {name: number for number, name in enumerate(names)}
            if self.cursor not in self._index:
                self.cursor = names[min(before, len(names) - 1)] if names else ""
        self._glyphs = [glyph(row, snapshot, figure) for row in rows]
        self._lay_out()
        self.refresh()

    def in_view(self) -> list[str]:
        """Return the names of the nodes whose cells can be seen."""
        top = round(self.scroll_y) * self._across
        return self._names[top : top + self.size.height * self._across]

    def go_to(self, node: str) -> None:
        """Put the cursor on a node."""
        number = self._index.get(node)
        if number is None:
            return
        if node != self.cursor:
            self._drawn.pop(self._index.get(self.cursor, 0) // self._across, None)
            self.cursor = node
            self.post_message(Moved(node))
        line = number // self._across
        self._drawn.pop(line, None)
        self.scroll_to_region(Region(0, line, 1, 1), animate=False, force=True)
        self.refresh()

    def on_resize(self) -> None:
        """Fit the cells anew."""
        self._lay_out()

    def notify_style_update(self) -> None:
        """Forget what was drawn in the old theme's colours."""
        super().notify_style_update()
        self._styles.clear()
        self._drawn.clear()

    def render_line(self, y: int) -> Strip:
        """Draw one line of cells."""
        line = round(self.scroll_y) + y
        strip = self._drawn.get(line)
        if strip is None:
            strip = self._drawn[line] = self._strip(line)
        return strip

    def action_move(self, across: int, down: int) -> None:
        """Move the cursor by cells."""
        if self._names:
            number = self._index.get(self.cursor, 0) + across + down * self._across
            self.go_to(self._names[min(max(number, 0), len(self._names) - 1)])

    def action_end(self, direction: int) -> None:
        """Move the cursor to the first or the last node."""
        if self._names:
            self.go_to(self._names[0 if direction < 0 else -1])

    def action_open(self) -> None:
        """Open the node under the cursor."""
        if self.cursor:
            self.post_message(Opened(self.cursor))

    def on_click(self, event: events.Click) -> None:
        """Put the cursor where the mouse was; a double click opens."""
        across = event.x // self._cells
        number = (round(self.scroll_y) + event.y) * self._across + across
        if across < self._across and number < len(self._names):
            self.go_to(self._names[number])
            if event.chain > 1:
                self.action_open()

    def _strip(self, line: int) -> Strip:
        """Make a line; neighbours of one style are one piece."""
        width, base = self.size.width, self._style("")
        first = line * self._across
        pieces: list[tuple[str, str]] = []
        gap = " " * (self._cells - 1)
        for text, style in self._glyphs[first : first + self._across]:
            if pieces and pieces[-1][1] == style:
                pieces[-1] = (pieces[-1][0] + text + gap, style)
            else:
                pieces.append((text + gap, style))
        number = self._index.get(self.cursor, -1) - first
        if 0 <= number < self._across:
            pieces = _mark(pieces, number * self._cells)
        segments = [Segment(text, base + self._style(style)) for text, style in pieces]
        return Strip(segments).adjust_cell_length(width, base)

    def _style(self, name: str) -> Style:
        style = self._styles.get(name)
        if style is None:
            # Each line asks for it: what the style sheet yields is kept.
            style = self.rich_style
            if name:
                style = self.get_component_rich_style(f"heat-map--{name}")
            self._styles[name] = style
        return style

    def _lay_out(self) -> None:
        """Fit the cells into the view, and forget what was drawn."""
        width = max(self.outer_size.width - 2 * PADDING, 1)
        height = max(self.outer_size.height, 1)
        self._across, self._cells = shape(self._names, width, height)
        if self._across * height < len(self._names):  # it scrolls, and the bar takes a column
            self._across, self._cells = shape(self._names, max(width - 1, 1), height)
        lines = -(-len(self._names) // self._across)
        self.virtual_size = Size(self.size.width, lines)
        self._drawn.clear()


def _mark(pieces: list[tuple[str, str]], at: int) -> list[tuple[str, str]]:
    """Give the cell at `at` the style of the cursor."""
    marked: list[tuple[str, str]] = []
    for text, style in pieces:
        if 0 <= at < len(text):
            marked += [(text[:at], style), (text[at], "cursor"), (text[at + 1 :], style)]
        else:
            marked.append((text, style))
        at -= len(text)
    return marked
