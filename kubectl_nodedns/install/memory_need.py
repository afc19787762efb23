"""How much memory a Corefile can come to need, with the arithmetic in words. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kubectl_nodedns.facts.cache_memory import ENTRY, PROCESS, WAITING
from kubectl_nodedns.facts.quantity import KI, MI
from kubectl_nodedns.install.quantity import memory_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kubectl_nodedns.facts.corefile import ServerBlock

HEADROOM = 0.25
"""Share that is put on top: the heap grows by more than it holds until it is collected."""
FILLED = 0.25
"""Share of the entries that the request counts with: reverse zones stay nearly empty."""
STEP = 16 * MI
"""Figures are rounded up to that."""


@dataclass(frozen=True, kw_only=True)
class MemoryNeed:
    """What a Corefile can come to need."""

    entries: int
    """Entries that all blocks together may hold."""
    waiting: int
    """Lookups that all blocks together let wait; without a limit they are not counted."""
    blocks: int
    """Server blocks with a cache."""

    @property
    def worst(self) -> int:
        """Bytes at the worst: full caches, all upstreams slow."""
        return PROCESS + self.entries * ENTRY + self.waiting * WAITING

    @property
    def limit(self) -> str:
        """A limit that the worst case stays below, as a quantity."""
        return _rounded(self.worst * (1 + HEADROOM))

    @property
    def request(self) -> str:
        """A request that covers ordinary days, as a quantity."""
        return _rounded(PROCESS + self.entries * ENTRY * FILLED)

    def lines(self) -> list[str]:
        """Show the arithmetic."""
        kept = -(-self.entries * ENTRY // MI)
        waiting = -(-self.waiting * WAITING // MI)
        return [
            f"{PROCESS // MI} Mi for the process",
            f"+ {self.entries} entries in {self.blocks} blocks x {ENTRY // KI} Ki = {kept} Mi",
            f"+ {self.waiting} lookups that wait x {WAITING // KI} Ki = {waiting} Mi",
            f"= {-(-self.worst // MI)} Mi at worst, + {HEADROOM:.0%} = {self.limit}",
        ]


def memory_need(blocks: Sequence[ServerBlock]) -> MemoryNeed:
    """Add up what the blocks of a Corefile can hold."""
    return MemoryNeed(
        entries=sum(block.capacity for block in blocks),
        waiting=sum(block.max_concurrent for block in blocks),
        blocks=sum(1 for block in blocks if block.capacity),
    )


def _rounded(size: float) -> str:
    return memory_text(-int(-size // STEP) * STEP)
