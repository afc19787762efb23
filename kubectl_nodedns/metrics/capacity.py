"""How many entries the caches of a Corefile can hold. Pure.

CoreDNS keeps each cache in 256 shards of equal size, of four entries or more, so a capacity is cut
down to a multiple of 256 (CoreDNS, plugin/pkg/cache). Evictions begin before all shards are full.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kubectl_nodedns.facts.corefile import CorefileError
from kubectl_nodedns.facts.corefile_reader import read_corefile

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kubectl_nodedns.facts.corefile import Plugin

SHARDS = 256
SMALLEST_SHARD = 4


@dataclass(frozen=True, kw_only=True)
class Capacity:
    """Room for entries, as a Corefile gives it."""

    total: int
    """Entries of all caches together."""
    success: Mapping[str, int]
    """Entries with answers, by zone as the metrics name it ("cluster.local.", ".")."""
    denial: Mapping[str, int]
    """Entries with NXDOMAIN and NODATA, by zone."""


def capacity(corefile: str) -> Capacity | None:
    """Read the capacity from a Corefile; None when it has no cache, or cannot be read."""
    try:
        blocks = read_corefile(corefile).blocks
    except CorefileError:
        return None
    total = 0
    rooms: dict[str, dict[str, int]] = {"success": {}, "denial": {}}
    for block in blocks:
        for plugin in block.all("cache"):
            for kind, by_zone in rooms.items():
                room = _room(plugin, kind)
                total += room  # once, however many zones share the block
                by_zone.update({_as_in_metrics(zone): room for zone in block.names})
    if not total:
        return None
    return Capacity(total=total, success=rooms["success"], denial=rooms["denial"])


def _room(plugin: Plugin, kind: str) -> int:
    room = plugin.room(kind)
    return 0 if room is None else max(room // SHARDS, SMALLEST_SHARD) * SHARDS


def _as_in_metrics(zone: str) -> str:
    return zone if zone == "." else f"{zone}."
