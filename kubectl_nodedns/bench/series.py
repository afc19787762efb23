"""Series of lookups and their statistics. Pure.

Quantiles are nearest-rank: each is a time that one lookup really took, as dig measured it, never a
value between two.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

LOCAL, KUBE_DNS, UPSTREAM = "local", "kube-dns", "upstream"
"""The addresses that are asked: the cache's own, the DNS service's, and the service for misses."""
CACHE, COREDNS = "cache", "CoreDNS"
"""Who answers at an address."""
FINE = frozenset({"NOERROR", "NXDOMAIN"})
"""Response codes that say something about the name; all others are failures of a server."""


@dataclass(frozen=True, kw_only=True)
class Server:
    """An address that is asked."""

    key: str
    """Which of the three it is."""
    address: str
    """Its IP address."""
    answered_by: str
    """Who answers there: the cache or CoreDNS; empty when that is not known."""


@dataclass(frozen=True, slots=True)
class Lookup:
    """What became of one lookup."""

    label: str
    """Which of the names it asked for: cluster, external, missing, reverse, or a name itself."""
    rcode: str
    """Response code; empty when there was no response."""
    microseconds: int | None
    """Time from query to response, as dig measured it; None without a response."""


@dataclass(frozen=True, kw_only=True)
class Distribution:
    """Times of responses, in microseconds."""

    least: int
    """The shortest."""
    p50: int
    """The median."""
    p90: int
    """Nine of ten are not longer."""
    p99: int
    """99 of 100 are not longer."""
    greatest: int
    """The longest."""

    def as_json(self) -> dict[str, int]:
        """Return it as `-o json` shows it."""
        return {
            "min": self.least,
            "p50": self.p50,
            "p90": self.p90,
            "p99": self.p99,
            "max": self.greatest,
        }


@dataclass(frozen=True, kw_only=True)
class Series:
    """Lookups of the same kind: from one node, to one address, over one transport."""

    node: str
    """Node that they were made from; names of several when series were merged."""
    server: Server
    """Where they were sent."""
    tcp: bool
    """Whether they went over TCP."""
    lookups: tuple[Lookup, ...]
    """Each of them, in the order in which they were made."""
    seconds: float
    """How long they took together."""

    @property
    def protocol(self) -> str:
        """The transport's name: udp or tcp."""
        return "tcp" if self.tcp else "udp"

    @property
    def asked(self) -> int:
        """How many were made."""
        return len(self.lookups)

    @property
    def lost(self) -> int:
        """How many had no response."""
        return sum(not lookup.rcode for lookup in self.lookups)

    @property
    def failed(self) -> int:
        """How many had a response that blames a server, such as SERVFAIL."""
        return sum(bool(one.rcode) and one.rcode not in FINE for one in self.lookups)

    @property
    def rate(self) -> float:
        """Lookups a second that were reached."""
        return self.asked / self.seconds if self.seconds else 0.0

    def times(self, label: str = "") -> list[int]:
        """Return the times of all responses (or of one name's) in microseconds, rising."""
        return sorted(
            one.microseconds
            for one in self.lookups
            if one.microseconds is not None and label in ("", one.label)
        )

    def labels(self) -> list[str]:
        """Return the labels of the names that were asked for, in their order."""
        return list(dict.fromkeys(one.label for one in self.lookups))

    def as_json(self) -> dict[str, Any]:
        """Return it as `-o json` shows it: figures, and each lookup for other people's figures."""
        found = distribution(self.times())
        return {
            "node": self.node,
            "server": self.server.key,
            "address": self.server.address,
            "answered_by": self.server.answered_by or None,
            "protocol": self.protocol,
            "asked": self.asked,
            "lost": self.lost,
            "failed": self.failed,
            "rcodes": dict(Counter(one.rcode for one in self.lookups if one.rcode)),
            "seconds": round(self.seconds, 2),
            "rate": round(self.rate, 1),
            "microseconds": found.as_json() if found else None,
            "lookups": [[one.label, one.rcode, one.microseconds] for one in self.lookups],
        }

    @classmethod
    def of_json(cls, data: Mapping[str, Any]) -> Series:
        """Read what `as_json` wrote.

        Raises:
            KeyError, TypeError, ValueError: it is something else.
        """
        server = Server(
            key=str(data["server"]),
            address=str(data["address"]),
            answered_by=str(data["answered_by"] or ""),
        )
        lookups = tuple(
            Lookup(str(label), str(rcode), None if took is None else int(took))
            for label, rcode, took in data["lookups"]
        )
        return cls(
            node=str(data["node"]),
            server=server,
            tcp=data["protocol"] == "tcp",
            lookups=lookups,
            seconds=float(data["seconds"]),
        )


def distribution(times: Sequence[int]) -> Distribution | None:
    """Summarize rising times in microseconds; None when there are none."""
    if not times:
        return None
    return Distribution(
        least=times[0],
        p50=rank(times, 0.5),
        p90=rank(times, 0.9),
        p99=rank(times, 0.99),
        greatest=times[-1],
    )


def rank(times: Sequence[int], q: float) -> int:
    """Return the q-quantile of rising times by nearest rank (0 < q <= 1)."""
    # 0.99 times 100 is a little more than 99 in binary; that must not become the next rank.
    return times[max(ceil(round(q * len(times), 9)), 1) - 1]


def merged(series: Iterable[Series]) -> list[Series]:
    """Put series of the same address and transport together, whatever node they are from.

    Their time is the longest one's: nodes ask side by side. Who answers is said only when it is
    the same everywhere.
    """
    groups: dict[tuple[str, str, bool], list[Series]] = {}
    for one in series:
        groups.setdefault((one.server.key, one.server.address, one.tcp), []).append(one)
    return [_merge(group) for group in groups.values()]


def _merge(group: Sequence[Series]) -> Series:
    first = group[0]
    answerers = {one.server.answered_by for one in group}
    return Series(
        node=", ".join(one.node for one in group),
        server=Server(
            key=first.server.key,
            address=first.server.address,
            answered_by=answerers.pop() if len(answerers) == 1 else "",
        ),
        tcp=first.tcp,
        lookups=tuple(lookup for one in group for lookup in one.lookups),
        seconds=max(one.seconds for one in group),
    )


def joined(slices: Iterable[Series]) -> list[Series]:
    """Put slices of the same series, made one after the other, together: their times add up."""
    groups: dict[tuple[str, Server, bool], list[Series]] = {}
    for one in slices:
        groups.setdefault((one.node, one.server, one.tcp), []).append(one)
    return [
        Series(
            node=node,
            server=server,
            tcp=tcp,
            lookups=tuple(lookup for one in group for lookup in one.lookups),
            seconds=sum(one.seconds for one in group),
        )
        for (node, server, tcp), group in groups.items()
    ]
