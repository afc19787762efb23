"""The node table: draws only the lines that can be seen, so a fleet of any size costs the same.

Owns scrolling, the cursor and the mouse. What a line says comes from `rows`; which rows there are,
and in what order, is the fleet screen's. The cursor belongs to a node, not to a line: it stays on
its node whatever moves around it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from rich.segment import Segment
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from kubectl_nodedns.metrics.columns import BY_KEY, COLUMNS
from kubectl_nodedns.printable import printable
from kubectl_nodedns.tui.rows import Cell, Slot, header, layout, layout_wide, line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.style import Style
    from textual import events

    from kubectl_nodedns.metrics.columns import Column
    from kubectl_nodedns.metrics.fleet import FleetSnapshot
    from kubectl_nodedns.metrics.node_row import NodeRow


@dataclass
class Opened(Message):
    """A node was chosen."""

    node: str
    """Its name."""


@dataclass
class Moved(Message):
    """The cursor stands on another node."""

    node: str
    """Its name."""


@dataclass(frozen=True, kw_only=True)
class Shown:
    """How the rows are to be shown."""

    columns: Sequence[Column] = COLUMNS
    """The columns to choose from."""
    sort_by: Column = BY_KEY["node"]
    """The column that the rows are sorted by."""
    reverse: bool = False
    """Whether the other way round than usual."""
    wide: bool = False
    """Whether every column can be reached, sideways."""
    total: bool = False
    """Whether rates are counts since start."""


class NodeTable(ScrollView, can_focus=True):
    """A row for each node, under a heading that stays."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "node-table--bad",
        "node-table--note",
        "node-table--stale",
        "node-table--quiet",
        "node-table--sorted",
        "node-table--header",
        "node-table--cursor",
    }
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Up", show=False),
        Binding("down,j", "move(1)", "Down", show=False),
        Binding("pageup", "page(-1)", "Page up", show=False),
        Binding("pagedown", "page(1)", "Page down", show=False),
        Binding("home,g", "end(-1)", "First", show=False),
        Binding("end,G", "end(1)", "Last", show=False),
        Binding("left", "aside(-1)", "Columns left", show=False),
        Binding("right", "aside(1)", "Columns right", show=False),
        Binding("enter", "open", "Node"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.cursor = ""
        """Name of the node that the cursor is on; empty without rows."""
        self._rows: Sequence[NodeRow] = ()
        self._index: dict[str, int] = {}
        self._snapshot: FleetSnapshot | None = None
        self._slots: tuple[Slot, ...] = ()
        self._shown = Shown()
        self._first = 0
        self._longest = 0
        self._drawn: dict[tuple[int, bool], Strip] = {}
        self._styles: dict[str, Style] = {}

    def show(self, rows: Sequence[NodeRow], snapshot: FleetSnapshot, shown: Shown) -> None:
        """Show these rows, in this order."""
        before = self._index.get(self.cursor, 0)
        self._rows = rows
        self._snapshot = snapshot
        self._shown = shown
        self._first = self._first if shown.wide else 0
        self._index = {row.node.name: number for number, row in enumerate(rows)}
        self._longest = max(map(len, self._index), default=0)
        if self.cursor not in self._index:
            self.cursor = rows[min(before, len(rows) - 1)].node.name if rows else ""
        self.virtual_size = Size(self.size.width, len(rows) + 1)
        self._lay_out()
        self.refresh()

    def in_view(self) -> list[str]:
        """Return the names of the nodes that can be seen."""
        top = round(self.scroll_y)
        rows = self._rows[top : top + max(self.size.height - 1, 0)]
        return [row.node.name for row in rows]

    def go_to(self, node: str) -> None:
        """Put the cursor on a node and scroll it into view."""
        number = self._index.get(node)
        if number is None:
            return
        if node != self.cursor:
            self.cursor = node
            self.post_message(Moved(node))
        # One line higher than its own: the heading covers the first line of the view.
        self.scroll_to_region(Region(0, number, 1, 2), animate=False, force=True)
        self.refresh()

    def on_resize(self) -> None:
        """Choose the columns anew."""
        self._lay_out()

    def notify_style_update(self) -> None:
        """Forget what was drawn in the old theme's colours."""
        super().notify_style_update()
        self._styles.clear()
        self._drawn.clear()

    def render_line(self, y: int) -> Strip:
        """Draw one line of the view."""
        width = self.size.width
        base = self._style("")
        number = round(self.scroll_y) + y - 1
        if self._snapshot is None or number >= len(self._rows):
            return Strip.blank(width, base)
        if y == 0:
            heading = base + self._style("header")
            shown = self._shown
            cells = header(self._slots, shown.sort_by, reverse=shown.reverse, total=shown.total)
            return self._strip(cells, heading)
        row = self._rows[number]
        chosen = row.node.name == self.cursor
        strip = self._drawn.get((number, chosen))
        if strip is None:
            style = base + self._style("cursor") if chosen else base
            cells = line(row, self._snapshot, self._slots)
            strip = self._drawn[number, chosen] = self._strip(cells, style, plain=chosen)
        return strip

    def action_move(self, lines: int) -> None:
        """Move the cursor by lines."""
        if self._rows:
            number = self._index.get(self.cursor, 0) + lines
            number = min(max(number, 0), len(self._rows) - 1)
            self.go_to(self._rows[number].node.name)

    def action_page(self, pages: int) -> None:
        """Move the cursor by views."""
        self.action_move(pages * max(self.size.height - 1, 1))

    def action_end(self, direction: int) -> None:
        """Move the cursor to the first or the last row."""
        self.action_move(direction * len(self._rows))

    def action_aside(self, columns: int) -> None:
        """Show columns further right or left, where wide rows do not fit."""
        if self._shown.wide:
            last = self._slots[-1].column is self._shown.columns[-1]
            if columns < 0 or not last:
                self._first = max(self._first + columns, 0)
                self._lay_out()
                self.refresh()

    def action_open(self) -> None:
        """Open the node under the cursor."""
        if self.cursor:
            self.post_message(Opened(self.cursor))

    def on_click(self, event: events.Click) -> None:
        """Put the cursor where the mouse was; a double click opens."""
        number = round(self.scroll_y) + event.y - 1
        if event.y > 0 and number < len(self._rows):
            self.go_to(self._rows[number].node.name)
            if event.chain > 1:
                self.action_open()

    def _strip(self, cells: Sequence[Cell], style: Style, *, plain: bool = False) -> Strip:
        """Make a line; under the cursor all cells have the cursor's colours."""
        segments = [
            Segment(
                printable(cell.text),
                style if plain or not cell.style else style + self._style(cell.style),
            )
            for cell in cells
        ]
        return Strip(segments).adjust_cell_length(self.size.width, style)

    def _style(self, name: str) -> Style:
        style = self._styles.get(name)
        if style is None:
            # Each line asks for it: what the style sheet yields is kept.
            style = self.rich_style
            if name:
                style = self.get_component_rich_style(f"node-table--{name}")
            self._styles[name] = style
        return style

    def _lay_out(self) -> None:
        """Choose the columns, and forget what was drawn with others or from an older snapshot."""
        width, shown = self.scrollable_content_region.width, self._shown
        if shown.wide:
            self._slots = layout_wide(width, self._longest, shown.columns, self._first)
        else:
            self._slots = layout(width, self._longest, shown.columns)
        self._drawn.clear()
