"""What is said in favour of a node-local cache, held against a run. Pure.

The claims are those of the Kubernetes documentation's page on NodeLocal DNSCache. Each is answered
with figures of this run, or with why it cannot be seen here; never with what others measured.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from kubectl_nodedns.bench.series import CACHE, COREDNS, Series, rank

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kubectl_nodedns.bench.result import Result

NOT_SEEN = "not seen here: "
_NO_PAIR = "it takes a series that the cache answers, and one that CoreDNS answers"
_NO_COUNTS = (
    "CoreDNS's counters could not be read, or others' lookups drown the ones that were made here"
)


@dataclass(frozen=True, kw_only=True)
class Claim:
    """One claim, and what this run says about it."""

    title: str
    """The claim in a few words."""
    text: str
    """The figures in a sentence; or why there are none."""
    figures: Mapping[str, Any] = field(default_factory=dict)
    """The same figures by name; empty when there are none."""

    @property
    def seen(self) -> bool:
        """Whether this run says anything about it."""
        return bool(self.figures)

    def as_json(self) -> dict[str, Any]:
        """Return it as `-o json` shows it."""
        return {"claim": self.title, "seen": self.seen, "text": self.text, **self.figures}


def claims(result: Result) -> list[Claim]:
    """Hold every claim against `result`."""
    cache, coredns = (result.find(who, tcp=False) for who in (CACHE, COREDNS))
    return [
        _spared(result),
        _tail(cache, coredns),
        _denial(result, cache, coredns),
        _transport(result),
        _tracking(result, cache, coredns),
    ]


def _at_caches(result: Result) -> list[Series]:
    """Return all series that caches answered over UDP: at the kube-dns IP and at the local IP."""
    return [s for s in result.merged() if s.server.answered_by == CACHE and not s.tcp]


def _reached(result: Result, what: str) -> float | None:
    """Return how many lookups reached CoreDNS while caches were asked over UDP."""
    counts = [result.count(series, what) for series in _at_caches(result)]
    known = [count for count in counts if count is not None]
    return sum(known) if counts and len(known) == len(counts) else None


def _spared(result: Result) -> Claim:
    title = "fewer lookups at CoreDNS"
    asked = sum(series.asked for series in _at_caches(result))
    if not asked:
        return Claim(title=title, text=NOT_SEEN + "no cache answered")
    reached = _reached(result, "coredns")
    if reached is None:
        return Claim(title=title, text=NOT_SEEN + _NO_COUNTS)
    spared = max(asked - reached, 0)
    share = 100 * spared / asked
    return Claim(
        title=title,
        text=f"{spared:.0f} of {asked} spared ({share:.1f} %): asked at the cache over UDP, "
        f"{reached:.0f} reached CoreDNS",
        figures={"asked": asked, "reached": reached, "spared_percent": round(share, 1)},
    )


def _tail(cache: Series | None, coredns: Series | None) -> Claim:
    title = "lower tail latency"
    if not (cache and coredns and cache.times() and coredns.times()):
        return Claim(title=title, text=NOT_SEEN + _NO_PAIR)
    ours, theirs = (rank(one.times(), 0.99) for one in (cache, coredns))
    return Claim(
        title=title,
        text=f"p99 {ours} µs by the cache, {theirs} µs by CoreDNS (UDP): {_times(ours, theirs)}",
        figures={"cache_p99_microseconds": ours, "coredns_p99_microseconds": theirs},
    )


def _denial(result: Result, cache: Series | None, coredns: Series | None) -> Claim:
    title = "names that do not exist are cached"
    ours, theirs = (_missing(one) for one in (cache, coredns))
    if cache is None or not (ours and theirs):
        return Claim(title=title, text=NOT_SEEN + _NO_PAIR + ", with names that do not exist")
    medians = rank(ours, 0.5), rank(theirs, 0.5)
    figures = {
        "cache_p50_microseconds": medians[0],
        "coredns_p50_microseconds": medians[1],
        "asked": len(ours),
    }
    text = f"p50 {medians[0]} µs by the cache, {medians[1]} µs by CoreDNS"
    held = result.count(cache, "cache_denial_hits")
    if held is not None:
        figures["held"] = int(held)
        text += f"; {held:.0f} of {len(ours)} answered from what the cache held"
    return Claim(title=title, text=text, figures=figures)


def _transport(result: Result) -> Claim:
    title = "misses go to CoreDNS over TCP"
    if not _at_caches(result):
        return Claim(title=title, text=NOT_SEEN + "no cache answered")
    udp, tcp = (_reached(result, what) for what in ("coredns_udp", "coredns_tcp"))
    if udp is None or tcp is None:
        return Claim(title=title, text=NOT_SEEN + _NO_COUNTS)
    if udp + tcp == 0:
        return Claim(title=title, text=NOT_SEEN + "no lookup was a miss for CoreDNS")
    return Claim(
        title=title,
        text=f"{tcp:.0f} of {udp + tcp:.0f} lookups that reached CoreDNS came over TCP, while the "
        "cache was asked over UDP",
        figures={"tcp": tcp, "udp": udp},
    )


def _tracking(result: Result, cache: Series | None, coredns: Series | None) -> Claim:
    title = "no address translation, no connection tracking"
    if cache is None or coredns is None:
        return Claim(title=title, text=NOT_SEEN + _NO_PAIR)
    ours, theirs = (result.count(one, "tracked") for one in (cache, coredns))
    if ours is None or theirs is None:
        return Claim(
            title=title,
            text=NOT_SEEN + "only a pod in the node's own network sees the kernel's table "
            "(--host-probe)",
        )
    return Claim(
        title=title,
        text=f"{ours:.0f} connections tracked more after {cache.asked} UDP lookups by the cache, "
        f"{theirs:.0f} after {coredns.asked} by CoreDNS",
        figures={"cache_tracked": ours, "coredns_tracked": theirs},
    )


def _missing(series: Series | None) -> list[int]:
    """Return the times of a series' NXDOMAIN responses in microseconds, rising."""
    lookups = series.lookups if series else ()
    return sorted(
        one.microseconds
        for one in lookups
        if one.rcode == "NXDOMAIN" and one.microseconds is not None
    )


def _times(ours: int, theirs: int) -> str:
    if not ours or not theirs:
        return "too short to compare"
    if ours <= theirs:
        return f"{theirs / ours:.1f} times lower"
    return f"{ours / theirs:.1f} times higher"
