"""Which rows are shown: a regular expression, `!` before it turns it round; faults only. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from kubectl_nodedns.metrics.row_severity import Severity, severity

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kubectl_nodedns.metrics.fleet import FleetSnapshot
    from kubectl_nodedns.metrics.node_row import NodeRow


def keep(rows: Iterable[NodeRow], text: str) -> list[NodeRow]:
    """Return the rows whose node, pod or state matches `text`."""
    inverse = text.startswith("!")
    wanted = text[1:] if inverse else text
    if not wanted:
        return list(rows)
    pattern = _pattern(wanted)
    return [row for row in rows if any(map(pattern.search, _words(row))) != inverse]


def _pattern(text: str) -> re.Pattern[str]:
    """Compile; what is no regular expression (yet, while it is typed) is searched for as it is."""
    try:
        return re.compile(text, re.IGNORECASE)
    except re.error:
        return re.compile(re.escape(text), re.IGNORECASE)


def literal(text: str) -> str:
    """Return what is searched for as it is, since it is no regular expression; else nothing."""
    wanted = text.removeprefix("!")
    try:
        re.compile(wanted)
    except re.error:
        return wanted
    return ""


def _words(row: NodeRow) -> tuple[str, str, str]:
    """Return what is searched, each by itself: ^ and $ are the ends of a name."""
    return row.node.name, row.pod.name if row.pod else "", row.state


def faulty(rows: Iterable[NodeRow], snapshot: FleetSnapshot) -> list[NodeRow]:
    """Return the rows of which something is wrong."""
    return [row for row in rows if severity(row, snapshot) is not Severity.OK]
