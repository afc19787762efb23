"""How a change ended, for the command to print."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kubectl_nodedns.verdict import Gap, Verdict

NAMED = 10
"""Nodes that the last line of a run names; -o has all of them."""


@dataclass(frozen=True, kw_only=True)
class Result:
    """How a change ended."""

    word: str
    """For programs: enabled, repaired, unchanged, planned, disabled or cleaned."""
    text: str
    """The same for people, with the numbers."""
    verdicts: Sequence[Verdict] = ()
    """The last verdict on each node that was asked."""
    unproved: Mapping[str, str] = field(default_factory=dict)
    """Nodes that could not be asked, with the reason."""
    gaps: Sequence[Gap] = ()
    """What clients of the local IP met while cache pods were replaced."""
    whole: bool = True
    """Whether nothing was left undone or unproved."""


def with_reasons(nodes: Mapping[str, str]) -> str:
    """Name nodes with their reasons, and the number of those that are too many to name."""
    named = [f"{node} ({why})" for node, why in sorted(nodes.items())]
    more = [f"and {len(named) - NAMED} more"] if len(named) > NAMED else []
    return ", ".join((*named[:NAMED], *more))
