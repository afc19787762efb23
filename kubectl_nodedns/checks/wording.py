"""Words that findings share: spans of time, and nodes one by one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubectl_nodedns.facts.nodes import natural

if TYPE_CHECKING:
    from collections.abc import Sequence

SHOWN = 5
"""Nodes that are named one by one."""
MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0


def ago(seconds: float) -> str:
    """Say how long ago something was, rounded: "3 minutes ago".

    Up to two hours it is minutes, up to two days hours: "90 minutes ago" says more than "an hour".
    """
    if seconds < MINUTE:
        return "less than a minute ago"
    if seconds >= 2 * DAY:
        return f"{seconds / DAY:.0f} days ago"
    if seconds >= 2 * HOUR:
        return f"{seconds / HOUR:.0f} hours ago"
    minutes = round(seconds / MINUTE)
    return "a minute ago" if minutes == 1 else f"{minutes} minutes ago"


def nodes(names: Sequence[str]) -> str:
    """Name nodes, or count them where they are many: "node a", "nodes a and b", "7 nodes"."""
    if len(names) > SHOWN:
        return f"{len(names)} nodes"
    *most, last = sorted(names, key=natural)
    return f"nodes {', '.join(most)} and {last}" if most else f"node {last}"
