"""From pieces of meaning to styled text in the theme's colours."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.content import Content

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
    "production": "bold $error-darken-1 reverse",
    "trend": "$text-accent",
}
"""Textual style of each meaning; bold or reverse where it matters, for screens without colour."""


def content(lines: Iterable[Iterable[Piece]]) -> Content:
    """Make the text of some lines."""
    parts: list[Content | str | tuple[str, str]] = []
    for number, line in enumerate(lines):
        if number:
            parts.append("\n")
        parts += [(text, STYLES[style]) if STYLES[style] else text for text, style in line]
    return Content.assemble(*parts)
