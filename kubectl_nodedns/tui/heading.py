"""The lines at the top of each screen: where we look, how fresh it is, totals, the replay. Pure.

Each piece is (text, style), a style being named by what it means.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kubectl_nodedns.metrics import units
from kubectl_nodedns.metrics.histogram import quantile
from kubectl_nodedns.tui.columns import spark
from kubectl_nodedns.tui.trends import Moment, values

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kubectl_nodedns.metrics.fleet import FleetSnapshot
    from kubectl_nodedns.tui.ports import Finding, Place, Playback

Piece = tuple[str, str]


@dataclass(frozen=True, kw_only=True)
class Seen:
    """How the picture came to be, and what was found in it."""

    now: float
    """The time, in Unix seconds."""
    paused: bool = False
    """Whether it stands still."""
    mode: str = "now"
    """What rates are over."""
    replay: str = ""
    """Where in a recording it is, in words; empty when it is live."""
    findings: Sequence[Finding] | None = None
    """What was found; None when nobody looked."""
    findings_at: float | None = None
    """When that was, in Unix seconds."""


def title(snapshot: FleetSnapshot, place: Place, seen: Seen, width: int) -> list[Piece]:
    """Say where we look, what is installed there, and how old the picture is."""
    left: list[Piece] = [(" nodedns · ", "quiet")]
    left.append((place.context or "no context", "production" if place.production else "strong"))
    freshness = _freshness(snapshot, seen)
    room = width - sum(len(text) for text, _ in left) - len(freshness[0]) - 4
    about = "   " + _about(snapshot, place, room)
    gap = width - sum(len(text) for text, _ in left) - len(about) - len(freshness[0]) - 1
    return [*left, (about, ""), (" " * max(gap, 1), ""), freshness]


def counts(snapshot: FleetSnapshot, seen: Seen, width: int) -> list[Piece]:
    """Say how many nodes there are and how many do what they should, and what watching costs."""
    fleet = snapshot.fleet
    pieces: list[Piece] = [
        (f" nodes {fleet.nodes}", ""),
        ("  ready ", ""),
        _share(fleet.ready, fleet.wanted),
    ]
    known = ""
    if snapshot.kube_dns_ips:
        pieces += [("  intercepting ", ""), _share(fleet.intercepting, fleet.wanted)]
        known = f", {fleet.proved} proved" if fleet.proved else " by counters"
        if fleet.refuted:
            pieces.append((f", ‼ {fleet.refuted} proved NOT", "bad"))
        if unasked := sum(snapshot.unasked(row) is not None for row in snapshot.nodes):
            pieces.append((f", ! {unasked} not asked", "note"))
            known = " (z shows, t proves)"
    else:
        pieces += [("  intercepting ", ""), ("not at the kube-dns IP", "quiet")]
    place = len(pieces)
    pieces += _findings(seen)
    if seen.mode != "now":
        pieces += [("  rates ", ""), (seen.mode, "note")]
    part = [("  sampled ", ""), (str(fleet.sampled), "note")]
    if fleet.sampled < fleet.ready and _cells(pieces) + _cells(part) < width:
        pieces[place:place] = part  # the totals are over these
    if _cells(pieces) + len(known) < width:  # the first to go
        pieces.insert(place, (known, "quiet"))
    load = snapshot.load
    requests = f"{units.number(load.requests_per_second)} requests/s"
    used = _cells(pieces)
    room = width - used - 3 - len(f" · {requests}")
    costs = [
        f"{snapshot.source} · {requests} · {units.size(load.bytes_per_second)}B/s",
        requests,
    ]
    if room >= LEAST_NAME:  # a Prometheus goes by its address, and that may be long
        costs.insert(1, f"{_shortened(snapshot.source, room)} · {requests}")
    cost = next((cost for cost in costs if used + len(cost) + 3 <= width), "")
    return [*pieces, (" " * max(width - used - len(cost) - 1, 1), ""), (cost, "quiet")]


def tiles(
    snapshot: FleetSnapshot,
    moments: Sequence[Moment],
    width: int,
    *,
    notes: bool,
    per_second: str = "/s",
) -> list[list[Piece]]:
    """Lay out the four totals side by side: a value, its trend, and a note under it."""
    traffic = snapshot.fleet.traffic
    upstream = quantile(0.99, snapshot.fleet.upstream_latency)
    each = width // 4
    durations = f"p50 {units.latency(traffic.p50)} · upstream {units.latency(upstream)}"
    parts = [
        _tile(
            f"lookups{per_second}",
            units.number(traffic.lookups),
            f"CoreDNS spared {_percent(snapshot.fleet.spared_ratio)}",
            _trend(moments, lambda m: m.lookups, each),
        ),
        _tile(
            "hit ratio",
            _percent(traffic.hit_ratio),
            f"denials {_percent(traffic.denial_ratio)}",
            _trend(moments, lambda m: m.hit_ratio, each, top=1.0),
        ),
        _tile(
            "p99",
            units.latency(traffic.p99),
            durations if len(durations) + 2 <= each else f"upstream {units.latency(upstream)}",
            _trend(moments, lambda m: m.p99, each),
        ),
        _tile(
            "failures",
            _percent(traffic.failure_ratio),
            f"SERVFAIL {_percent(traffic.servfail_ratio)}",
            _trend(moments, lambda m: m.failure_ratio, each),
        ),
    ]
    lines: list[list[Piece]] = []
    for number in range(3 if notes else 2):
        pieces: list[Piece] = []
        for part in parts:
            pieces += _cut([(" ", ""), *part[number]], each)
        lines.append(pieces)
    return lines


def problem_line(snapshot: FleetSnapshot, width: int) -> list[Piece]:
    """Say what stands in the way; nothing when nothing does."""
    if not snapshot.problems:
        return []
    more = len(snapshot.problems) - 1
    text = f" ‼ {snapshot.problems[0]}" + (f" (and {more} more)" if more else "")
    return [(_shortened(text, width), "bad")]


def _findings(seen: Seen) -> list[Piece]:
    """Count what was found, by how bad it is; in brackets when that is a while ago."""
    findings = seen.findings
    if findings is None:
        return []
    ago = seen.now - (seen.now if seen.findings_at is None else seen.findings_at)
    if ago > FOUND_SECONDS:
        return [("  findings ", ""), (f"({len(findings)}) {units.age(ago)} old", "quiet")]
    errors = sum(finding.severity == "error" for finding in findings)
    pieces: list[Piece] = [
        ("  findings ", ""),
        (str(len(findings)), "note" if findings else "good"),
    ]
    return [*pieces, (f" ‼{errors}", "bad")] if errors else pieces


def _freshness(snapshot: FleetSnapshot, seen: Seen) -> Piece:
    """Say how old the newest figure is; that the screen still moves proves nothing."""
    if seen.replay:
        return f"{seen.replay} ", "note"
    if seen.paused:
        return f"PAUSED · {units.age(seen.now - snapshot.at)} ago ", "note"
    newest = snapshot.fleet.newest
    if newest is None:
        return "no figures yet ", "note"
    if seen.now - newest > snapshot.stale_after:
        return f"newest {units.age(seen.now - newest)} old ", "bad"
    return f"live · {units.age(max(seen.now - newest, 0.0))} ago ", "good"


def _about(snapshot: FleetSnapshot, place: Place, room: int) -> str:
    """Name mode, addresses and versions, as much as there is room for."""
    cache = snapshot.caches[0] if snapshot.caches else None
    addresses = " + ".join(filter(None, [cache.local_ip, *cache.kube_dns_ips])) if cache else ""
    coredns = next(
        (r.figures.version for r in snapshot.nodes if r.figures and r.figures.version), ""
    )
    rule = f"“{place.production}” in its name" if place.production else ""
    parts = [rule, place.mode, addresses] if room >= RULED else [place.mode, addresses]
    if cache:
        parts.append(f"node-cache {cache.version}" + (f" / CoreDNS {coredns}" if coredns else ""))
        parts.append(f"by {cache.owner}")
    text = ""
    for part in filter(None, parts):
        longer = f"{text} · {part}" if text else part
        if len(longer) > room:
            break
        text = longer
    return text


FOUND_SECONDS = 60.0
"""Age from which the number of findings stands in brackets: nobody looks again by itself."""
LEAST_NAME = 12
"""Cells that the name of a source takes at least, be it cut."""
RULED = 110
"""Cells of room from which it is said why a context is red."""


def _shortened(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"


def _cells(pieces: Sequence[Piece]) -> int:
    return sum(len(text) for text, _ in pieces)


def _share(part: int, whole: int) -> Piece:
    if part == whole:
        return str(part), "good"
    return f"{part} of {whole}", "note"


def _tile(title: str, value: str, note: str, trend: str) -> list[list[Piece]]:
    return [
        [(f"{title} ", "quiet"), (value, "strong")],
        [(trend, "trend")],
        [(note, "quiet")],
    ]


def _trend(
    moments: Sequence[Moment],
    value: Callable[[Moment], float | None],
    width: int,
    *,
    top: float | None = None,
) -> str:
    return spark(values(moments, value), max(width - 3, 0), top=top)


def _percent(ratio: float | None) -> str:
    return units.UNKNOWN if ratio is None else f"{units.percent(ratio)} %"


def _cut(pieces: list[Piece], width: int) -> list[Piece]:
    """Cut or pad a line to its width."""
    left = width
    cut: list[Piece] = []
    for text, style in pieces:
        part = text[:left]
        cut.append((part, style))
        left -= len(part)
    return [*cut, (" " * left, "")]


def replay_words(playback: Playback) -> str:
    """Say which moment it is, in UTC, and how time passes."""
    at = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(playback.at))
    runs = f"▶ ×{playback.speed:g}" if playback.playing else "PAUSED"
    return f"replay {at} · {runs} · {playback.index + 1} of {len(playback.moments)}"


def time_line(playback: Playback, width: int) -> list[Piece]:
    """Draw the recording from begin to end: nodes in trouble, and where we are."""
    cells = max(width - 2, 1)
    first, last = playback.moments[0].at, playback.moments[-1].at
    length = max(last - first, 1e-9)
    worst: list[float | None] = [None] * cells
    for moment in playback.moments:
        cell = min(int((moment.at - first) / length * cells), cells - 1)
        worst[cell] = max(worst[cell] or 0.0, moment.trouble[0] if moment.trouble else 0.0)
    line = spark(worst, cells)
    here = min(int((playback.at - first) / length * cells), cells - 1)
    return [(" ", ""), (line[:here], "quiet"), ("┃", "strong"), (line[here + 1 :], "quiet")]
