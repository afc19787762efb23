"""What the node screen says, line by line. Pure: a row and its past in, pieces of text out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubectl_nodedns.metrics import units
from kubectl_nodedns.metrics.fleet import Interception
from kubectl_nodedns.metrics.marks import marks
from kubectl_nodedns.tui.rows import STYLE, fit_name
from kubectl_nodedns.tui.sparks import plot
from kubectl_nodedns.tui.trends import Moment, values

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kubectl_nodedns.metrics.fleet import FleetSnapshot, NodeRow
    from kubectl_nodedns.metrics.traffic import Figures
    from kubectl_nodedns.tui.heading import Piece
    from kubectl_nodedns.tui.live import Session

Line = list["Piece"]
ZONE_WIDTHS = (8, 5, 7, 6, 6, 7, 7)
UPSTREAM_WIDTHS = (9, 7, 5, 15)
PLOT_LINES = (3, 9)
"""Lines of a plot on a low screen, and on a high one."""


def row_words(row: NodeRow, session: Session) -> Line:
    """Say in one line what is wrong with a node, or that nothing is, and what proves it."""
    found = marks(row, session.snapshot)
    line: Line = [(" ", "")]
    for number, mark in enumerate(found):
        line.append((", " if number else "", ""))
        line.append((f"{mark.severity.glyph} {mark.words}", STYLE[mark.severity]))
    if not found:
        line.append((row.reason or "nothing wrong", "quiet"))
    line.append((f" · {interception_words(row, session)}", "quiet"))
    return line


def interception_words(row: NodeRow, session: Session) -> str:
    """Say whether pods' lookups are intercepted, and how that is known."""
    snapshot = session.snapshot
    pod, at = session.proved.get(row.node.name, ("", 0.0))
    if pod and row.pod and row.pod.name == pod:
        return f"interception proved {units.age(session.clock() - at)} ago"
    if not snapshot.kube_dns_ips:
        return "does not listen on the kube-dns IP"
    if row.interception(snapshot.kube_dns_ips, snapshot.at) is Interception.BY_COUNTERS:
        return "intercepting by counters (t proves it)"
    return "interception not known (t finds out)"


def node_lines(
    row: NodeRow, session: Session, moments: Sequence[Moment], width: int, height: int
) -> list[Line]:
    """Say everything about one node."""
    snapshot = session.snapshot
    lines = [*_first(row, snapshot, width), row_words(row, session), []]
    figures = row.figures
    if figures is None:
        return lines
    lines += _plots(row, moments, width, PLOT_LINES[height > TALL])
    lines += [[], *_zones(figures, width), [], *_upstreams(figures, width), []]
    lines += _rest(row, figures, snapshot, width)
    return lines


TALL = 40
"""Lines from which plots are high."""


def _first(row: NodeRow, snapshot: FleetSnapshot, width: int) -> list[Line]:
    """Name node and pod, and say how the pod is; on two lines where one is too short."""
    pod = row.pod
    if pod is None:
        return [[(f" {row.node.name}", "strong"), (f" · {row.state}", "")]]
    figures = row.figures
    memory = figures.memory_bytes if figures else None
    limit = pod.memory_limit_bytes
    share = f" ({memory / limit:.0%})" if memory is not None and limit else ""
    name = f" {row.node.name} › {pod.name}"
    words: Line = [
        (f" {row.state} · up {units.age(row.uptime(snapshot.at))}", ""),
        (f" · restarts {pod.restarts}", "note" if pod.restarts else ""),
        (f" · memory {units.size_of(memory, limit)}{share}", ""),
    ]
    if len(name) + 2 + sum(len(text) for text, _ in words) > width:
        return [[(name, "strong")], words]
    return [[(name, "strong"), ("  ", ""), *words]]


def _plots(row: NodeRow, moments: Sequence[Moment], width: int, height: int) -> list[Line]:
    """Draw four plots side by side, or the first two where it is narrow."""
    traffic = row.traffic
    figures = row.figures
    memory = figures.memory_bytes if figures else None
    limit = row.pod.memory_limit_bytes if row.pod else None
    parts = [
        ("lookups/s", units.number(traffic.lookups), units.number, _lookups, None),
        ("p99", units.latency(traffic.p99), units.duration, _p99, None),
        ("hit %", units.percent(traffic.hit_ratio), units.percent, _hits, 1.0),
        ("memory", units.size(memory), units.size, _memory, limit),
    ]
    shown = parts if width >= WIDE else parts[:2]
    each = width // len(shown) - 1
    columns = [
        _plot(title, now, unit, values(moments, figure), each, height, top)
        for title, now, unit, figure, top in shown
    ]
    return [
        [piece for column in columns for piece in ((" ", ""), *column[number])]
        for number in range(height + 1)
    ]


WIDE = 120
"""Cells from which four plots stand side by side."""


def _plot(
    title: str,
    now: str,
    unit: Callable[[float], str],
    past: Sequence[float | None],
    width: int,
    height: int,
    top: float | None,
) -> list[Line]:
    shown = [value for value in past[-width:] if value is not None]
    highest = top or max(shown, default=0.0)
    head = f"{title} {now}"
    scale = f"▔ {unit(highest)}"
    gap = " " * max(width - len(head) - len(scale), 1)
    lines: list[Line] = [[(head, "strong"), (gap, ""), (scale, "quiet")]]
    lines += [[(text, "trend")] for text in plot(past, width, height, top=top)]
    return lines


def _zones(figures: Figures, width: int) -> list[Line]:
    heads = ("LOOKUP/S", "HIT%", "DENIAL%", "NXDOM%", "SERVF%", "P50", "P99")
    rows = [
        (
            zone.name,
            units.number(zone.traffic.lookups),
            units.percent(zone.traffic.hit_ratio),
            units.percent(zone.traffic.denial_ratio),
            units.percent(zone.traffic.nxdomain_ratio),
            units.percent(zone.traffic.servfail_ratio),
            units.latency(zone.traffic.p50),
            units.latency(zone.traffic.p99),
        )
        for zone in figures.zones
    ]
    return _grid(("ZONE", *heads), rows, ZONE_WIDTHS, width)


def _upstreams(figures: Figures, width: int) -> list[Line]:
    heads = ("ANSWERS/S", "P99", "FAIL%", "FAILED CHECKS/S")
    rows = [
        (
            upstream.to,
            units.number(upstream.responses),
            units.latency(upstream.p99),
            units.percent(upstream.failure_ratio),
            units.number(upstream.healthcheck_failures),
        )
        for upstream in figures.upstreams
    ]
    return _grid(("UPSTREAM", *heads), rows, UPSTREAM_WIDTHS, width)


def _grid(
    head: Sequence[str], rows: Sequence[Sequence[str]], widths: Sequence[int], width: int
) -> list[Line]:
    """Lay out a small table: the first column takes what is left."""
    longest = max((len(row[0]) for row in (head, *rows)), default=0)
    first = min(longest, max(width - sum(widths) - len(widths) - 2, 8))
    lines: list[Line] = []
    for number, row in enumerate((head, *rows)):
        text = " " + fit_name(row[0], first)
        text += "".join(" " + cell.rjust(w) for cell, w in zip(row[1:], widths, strict=True))
        lines.append([(text, "quiet" if number == 0 else "")])
    return lines


def _rest(row: NodeRow, figures: Figures, snapshot: FleetSnapshot, width: int) -> list[Line]:
    """Say which addresses clients ask, and what else the page tells."""
    names = dict.fromkeys(snapshot.kube_dns_ips, " (kube-dns)")
    names |= {cache.local_ip: " (local)" for cache in snapshot.caches if cache.local_ip}
    asked = [
        f"asked at {ip}{names.get(ip, '')} {_per_second(figures.address_rates.get(ip))}, "
        f"{units.number(total)} in all"
        for ip, total in sorted(figures.by_address.items())
    ]
    about = [
        f"cache entries {units.number(figures.entries)}",
        f"evictions {_per_second(figures.evictions)}",
        f"setup errors {_per_second(figures.setup_errors)}",
        f"panics {units.number(figures.panics_total)}",
        f"CoreDNS {figures.version or units.UNKNOWN}",
        f"sampled {units.age(row.age(snapshot.at))} ago",
    ]
    lines = [*_wrapped(asked, width), *_wrapped(about, width)]
    return [[(text, "quiet")] for text in lines]


def _wrapped(parts: Sequence[str], width: int) -> list[str]:
    """Join parts with dots between, on as many lines as it takes."""
    lines: list[str] = []
    for part in parts:
        if lines and len(lines[-1]) + 3 + len(part) <= width:
            lines[-1] += f" · {part}"
        else:
            lines.append(f" {part}")
    return lines


def _per_second(rate: float | None) -> str:
    return units.UNKNOWN if rate is None else f"{units.number(rate)}/s"


def _lookups(moment: Moment) -> float | None:
    return moment.lookups


def _p99(moment: Moment) -> float | None:
    return moment.p99


def _hits(moment: Moment) -> float | None:
    return moment.hit_ratio


def _memory(moment: Moment) -> float | None:
    return moment.memory
