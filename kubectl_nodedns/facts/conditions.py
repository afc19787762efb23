"""Conditions, as pods and nodes have them in their status."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

ENDED = frozenset({"Succeeded", "Failed"})
"""Phases of a pod none of whose containers runs."""


def is_ready(status: Mapping[str, Any]) -> bool:
    """Whether the status of a pod or a node says that it is ready."""
    return any(
        condition.get("type") == "Ready" and condition.get("status") == "True"
        for condition in status.get("conditions") or ()
    )
