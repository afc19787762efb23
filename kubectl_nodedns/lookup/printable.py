"""Text from the network in a line of its own. Pure."""

from __future__ import annotations

from kubectl_nodedns.printable import printable

__all__ = ["printable", "shortened"]


def shortened(text: str, cells: int) -> str:
    """Cut `text` to `cells` characters, and say how many are missing."""
    if len(text) <= cells:
        return text
    note = f"… ({len(text)} characters)"
    return text[: max(cells - len(note), 1)] + note
