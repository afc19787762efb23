"""What a Corefile can make a cache need, in bytes. Pure.

Sources: 10,000 entries of a server block's cache take about 30 MB, and a lookup that waits for its
upstream about 2 KB (CoreDNS's deployment notes and its `forward` plugin). The process itself was
seen at 24 to 30 MiB.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kubectl_nodedns.facts.corefile import ServerBlock

PROCESS = 32 * 2**20
"""Bytes of the agent without entries."""
ENTRY = 3 * 2**10
"""Bytes of one entry."""
WAITING = 2 * 2**10
"""Bytes of one lookup that waits for its upstream."""


def worst_case(blocks: Iterable[ServerBlock]) -> int:
    """Return the bytes with full caches and as many waiting lookups as there may be.

    Where nothing bounds the waiting lookups they are not counted.
    """
    each = (block.capacity * ENTRY + block.max_concurrent * WAITING for block in blocks)
    return PROCESS + sum(each)
