"""What to look at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

WINDOW_SECONDS = 5.0
"""Time between the two scrapes that rates are made of."""
SHORTEST_WINDOW = 1.0
"""Seconds; counters that are read twice within less say nothing."""


@dataclass(frozen=True, kw_only=True)
class Scope:
    """What to look at."""

    dns_service: str = ""
    """NAMESPACE/NAME of the DNS service; empty for what is remembered, or to find it."""
    cluster_domain: str = ""
    """Cluster domain; empty for what is remembered, or to find it."""
    labels: Mapping[str, str] | None = None
    """Labels that a node must carry to be looked at; None for all nodes."""
    window: float = WINDOW_SECONDS
    """Seconds between two scrapes."""
    brief: bool = False
    """Whether to leave out what takes reading all pods, policies and rules of the cluster."""
