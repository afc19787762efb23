"""From pieces of meaning to styled text in the theme's colours; printable, whoever wrote it.

And the view in which a long one scrolls up and down.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content

from kubectl_nodedns.printable import printable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kubectl_nodedns.tui.heading import Piece

STYLES = {
    "": "",
    "strong": "bold",
    "quiet": "$text-muted",
    "good": "$text-success",
    "note": "bold $text-warning",
    "bad": "bold $text-error",
    "production": "bold $text on $error",
    "trend": "$text-accent",
    "trend-2": "$text-primary",
    "trend-3": "$text-success",
    "trend-4": "$text-secondary",
    "stale": "italic $text-muted",
    "heat-0": "$text-muted",
    "heat-1": "$text-success",
    "heat-2": "$text-warning",
    "heat-3": "bold $text-warning",
    "heat-4": "bold $text-error",
}
"""Textual style of each meaning; bold or reverse where it matters, for screens without colour."""


def content(lines: Iterable[Iterable[Piece]]) -> Content:
    """Make the text of some lines."""
    parts: list[Content | str | tuple[str, str]] = []
    for number, line in enumerate(lines):
        if number:
            parts.append("\n")
        for text, style in line:
            shown = printable(text)
            parts.append((shown, STYLES[style]) if STYLES[style] else shown)
    return Content.assemble(*parts)


def tabs(names: Iterable[str], chosen: str) -> Content:
    """Make the line of tabs: a number to press for each, the chosen one in brackets."""
    parts: list[Content | str | tuple[str, str]] = [" "]
    for number, name in enumerate(names, 1):
        text = f"[{number} {name}]" if name == chosen else f" {number} {name} "
        style = "bold reverse" if name == chosen else "$text-muted"
        parts.append((text, f"{style} @click=screen.tab('{name}')"))
    return Content.assemble(*parts)


class TextView(VerticalScroll, inherit_bindings=False):
    """A text of any length, which leaves the keys ← and → to the screen that it is on."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "scroll_up", "Up", show=False),
        Binding("down,j", "scroll_down", "Down", show=False),
        Binding("pageup", "page_up", "Page up", show=False),
        Binding("pagedown", "page_down", "Page down", show=False),
        Binding("home", "scroll_home", "Top", show=False),
        Binding("end", "scroll_end", "Bottom", show=False),
    ]
