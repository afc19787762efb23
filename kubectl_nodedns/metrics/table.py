"""Rows of text as a table for a pipe: columns padded with spaces, widths in terminal cells.

Pure. Knows nothing about what it prints, so that no cell may end its line.
"""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

from kubectl_nodedns.printable import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

GAP = "   "


def cells(text: str) -> int:
    """Return how many terminal cells a text takes."""
    return sum(_cells(character) for character in text)


def render(header: Sequence[str], rows: Sequence[Sequence[str]], left: Sequence[bool]) -> list[str]:
    """Lay out a table, line by line; the last column is not padded, so that no line ends in spaces.

    Args:
        header: headings.
        rows: cells of each row.
        left: whether each column is aligned left.
    """
    shown = [[*map(printable, row)] for row in (header, *rows)]
    widths = [max(cells(row[i]) for row in shown) for i in range(len(header))]
    lines = []
    for row in shown:
        padded = [_pad(*cell) for cell in zip(row, widths, left, strict=True)]
        lines.append(GAP.join(padded).rstrip())
    return lines


def _pad(text: str, width: int, left: bool) -> str:
    space = " " * (width - cells(text))
    return text + space if left else space + text


def _cells(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
