"""The tour's words."""

from __future__ import annotations

from kubectl_nodedns.demo.tour import SEARCH, before_screen

INDENT = 10
"""Cells that the command puts before each line."""


def test_what_is_said_before_the_screen_fits_on_80_cells() -> None:
    lines = before_screen(tuple(SEARCH))
    assert len(lines) > len(SEARCH)
    assert [line for line in lines if INDENT + len(line) > 80] == []
