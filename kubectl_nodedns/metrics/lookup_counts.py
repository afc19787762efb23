"""How many lookups a CoreDNS has served, by its own counters: for measuring, not for watching.

The same page comes from CoreDNS behind the DNS service and from a node's cache, which is one too.
Before 1.7 the counters had other names; such a page counts as not known.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from kubectl_nodedns.metrics.exposition import parse

if TYPE_CHECKING:
    from collections.abc import Iterable

REQUESTS = "coredns_dns_requests_total"
CACHE_REQUESTS = "coredns_cache_requests_total"
CACHE_HITS = "coredns_cache_hits_total"
_WANTED = frozenset({REQUESTS, CACHE_REQUESTS, CACHE_HITS, "coredns_build_info"})


class Served(NamedTuple):
    """Lookups since the process started."""

    udp: float = 0.0
    """That came over UDP."""
    tcp: float = 0.0
    """That came over TCP."""
    cache_requests: float = 0.0
    """That its cache was asked."""
    hits: float = 0.0
    """That its cache answered with records."""
    denial_hits: float = 0.0
    """That its cache answered with "there is no such name" or "no such record"."""

    def __sub__(self, other: Served) -> Served:
        return Served(*(a - b for a, b in zip(self, other, strict=True)))

    @property
    def lookups(self) -> float:
        """Over both transports."""
        return self.udp + self.tcp


def read_served(text: str) -> Served | None:
    """Read a metrics page; None when it is no page of CoreDNS 1.7 or later.

    Raises:
        ExpositionError: it cannot be read.
    """
    udp = tcp = requests = hits = denial = 0.0
    known = False
    for name, labels, value in parse(text, _WANTED):
        known = True
        if name == REQUESTS:
            udp += value if labels.get("proto") == "udp" else 0
            tcp += value if labels.get("proto") == "tcp" else 0
        elif name == CACHE_REQUESTS:
            requests += value
        elif name == CACHE_HITS:
            hits += value if labels.get("type") == "success" else 0
            denial += value if labels.get("type") == "denial" else 0
    return Served(udp, tcp, requests, hits, denial) if known else None


def total(parts: Iterable[Served]) -> Served:
    """Add up several processes' counters."""
    summed = Served()
    for part in parts:
        summed = Served(*(a + b for a, b in zip(summed, part, strict=True)))
    return summed
