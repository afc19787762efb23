"""What the node screen says, line by line. Pure: a row and its past in, pieces of text out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubectl_nodedns.checks.interception import Interception
from kubectl_nodedns.metrics import units
from kubectl_nodedns.metrics.row_severity import FAILING_RATIO, marks
from kubectl_nodedns.tui.node_plots import BESIDE_PLOT, across, lay_out, node_plots
from kubectl_nodedns.tui.rows import STYLE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kubectl_nodedns.metrics.fleet import FleetSnapshot
    from kubectl_nodedns.metrics.node_row import NodeRow
    from kubectl_nodedns.metrics.traffic import Figures, Upstream
    from kubectl_nodedns.tui.base_screen import Session
    from kubectl_nodedns.tui.heading import Piece
    from kubectl_nodedns.tui.plots import Plot
    from kubectl_nodedns.tui.trends import Moment

Line = list["Piece"]
LOW_PLOT = 5
"""Lines of a plot on a low screen."""
HIGH_PLOT = (9, 19)
"""Lines of a plot on a high screen, at least and at most; odd, so that there is a middle."""
AROUND = 7
"""Lines of a screen that are heading, tabs and keys."""


def row_words(row: NodeRow, session: Session) -> Line:
    """Say in one line what is wrong with a node, or that nothing is, and what proves it."""
    found = marks(row, session.snapshot)
    line: Line = [(" ", "")]
    for number, mark in enumerate(found):
        line.append((", " if number else "", ""))
        line.append((f"{mark.severity.glyph} {mark.words}", STYLE[mark.severity]))
    if not row.node.ready:
        line.append(((", " if found else "") + "! the node is NotReady", "note"))
    elif not found:
        line.append((row.reason or "nothing wrong", "quiet"))
    if not row.node.schedulable:
        line.append((" · the node is cordoned or drained (SchedulingDisabled)", "note"))
    line.append((f" · {interception_words(row, session)}", "quiet"))
    return line


def interception_words(row: NodeRow, session: Session) -> str:
    """Say whether pods' lookups are intercepted, and how that is known."""
    snapshot = session.snapshot
    at, proved = _newest_proof(row, session)
    if at is not None:
        ago = units.age(session.clock() - at)
        if proved:
            return f"interception proved {ago} ago"
        if row.refuted_at is not None:  # a mark says what, so here is said how that is known
            return f"a lookup from the node proved it {ago} ago"
        return f"‼ NOT intercepted: a lookup from the node proved it {ago} ago"
    if not snapshot.kube_dns_ips:
        return "does not listen on the kube-dns IP"
    if snapshot.interception(row) is Interception.BY_COUNTERS:
        return "intercepting by counters (t proves it)"
    return "interception not known (t finds out)"


def _newest_proof(row: NodeRow, session: Session) -> tuple[float | None, bool]:
    """Return when a lookup from the node proved something, and whether it was interception."""
    found = session.probed(row)
    if found is not None and found.proved is not None:
        return found.at, found.proved
    if row.proved_at is not None:
        return row.proved_at, True
    return row.refuted_at, False


def node_lines(
    row: NodeRow,
    session: Session,
    moments: Sequence[Moment],
    size: tuple[int, int],
) -> list[Line]:
    """Say everything about one node.

    Args:
        row: the node.
        session: what the screens share.
        moments: what the node was, oldest first.
        size: cells and lines that there are.
    """
    width, height = size
    snapshot = session.snapshot
    figures = row.figures
    if figures is None:
        return []
    plots = node_plots(
        row if session.taken is snapshot else _now(row, session), moments, snapshot.capacity(row)
    )
    tables = [[], *side_by_side(_zones(figures, session), _upstreams(figures, session), width), []]
    tables += _rest(row, figures, session, width)

    def drawn(some: Sequence[Plot], lines: int) -> list[Line]:
        return lay_out(some, width=width, height=lines, now=snapshot.at, interval=snapshot.interval)

    if height >= TALL:
        stacked = -(-len(plots) // across(width, len(plots)))
        lines = (height - AROUND - len(tables)) // stacked - BESIDE_PLOT
        least, most = HIGH_PLOT
        return [*drawn(plots, min(max((lines - 1) // 2 * 2 + 1, least), most)), *tables]
    return [*drawn(plots[:2], LOW_PLOT), *tables, [], *drawn(plots[2:], LOW_PLOT)]


def _now(row: NodeRow, session: Session) -> NodeRow:
    """Return the row with the rates of now, whatever the tables show: plots are over time."""
    found = (one for one in session.taken.nodes if one.node.name == row.node.name)
    return next(found, row)


TALL = 40
"""Lines from which plots are high, and all come first."""


def first_lines(row: NodeRow, snapshot: FleetSnapshot, width: int) -> list[Line]:
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


def _zones(figures: Figures, session: Session) -> list[Line]:
    heads = (
        f"LOOKUPS{session.mode.per_second}",
        "HIT%",
        "DENIAL%",
        "NXDOM%",
        "SERVF%",
        "P50",
        "P99",
    )
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
    return grid(("ZONE", *heads), rows)


def _upstreams(figures: Figures, session: Session) -> list[Line]:
    heads = (f"ANSWERS{session.mode.per_second}", "P99", "FAIL%", "FAILED CHECKS", "STATE")
    rows = [
        (
            upstream.to,
            units.number(upstream.responses),
            units.latency(upstream.p99),
            units.percent(upstream.failure_ratio),
            units.number(upstream.healthcheck_failures),
            upstream_state(upstream),
        )
        for upstream in figures.upstreams
    ]
    return grid(("UPSTREAM", *heads), rows)


def upstream_state(upstream: Upstream) -> str:
    """Judge an upstream in a word: failing, slow, idle, ok; a dash while nothing is known."""
    if upstream.responses is None:
        return units.UNKNOWN
    if upstream.healthcheck_failures or (upstream.failure_ratio or 0.0) > FAILING_RATIO[0]:
        return "failing"
    if upstream.p99 is not None and upstream.p99.seconds >= SLOW_UPSTREAM_SECONDS:
        return "slow"
    return "ok" if upstream.responses else "idle"


SLOW_UPSTREAM_SECONDS = 0.25
"""A 99th percentile of an upstream from which it is called slow."""
WORDS = {"failing": "bad", "slow": "note", "ok": "good", "idle": "quiet"}


def grid(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[Line]:
    """Lay out a small table; its first column is left-aligned, a last one of words is coloured."""
    widths = [max(len(row[n]) for row in (head, *rows)) for n in range(len(head))]
    lines: list[Line] = []
    for number, row in enumerate((head, *rows)):
        cells = [row[0].ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
        *most, last = cells
        lines.append(
            [
                (" " + "  ".join(most) + "  ", "quiet" if number == 0 else ""),
                (last, "quiet" if number == 0 else WORDS.get(row[-1], "")),
            ]
        )
    return lines


def side_by_side(left: list[Line], right: list[Line], width: int) -> list[Line]:
    """Put two tables beside each other where there is room, else one under the other."""
    cells = max(sum(len(text) for text, _ in line) for line in left)
    if cells + 3 + max(sum(len(text) for text, _ in line) for line in right) > width:
        return [*left, [], *right]
    lines: list[Line] = []
    for number in range(max(len(left), len(right))):
        one = left[number] if number < len(left) else []
        gap = cells + 3 - sum(len(text) for text, _ in one)
        lines.append([*one, (" " * gap, ""), *(right[number] if number < len(right) else [])])
    return lines


def _rest(row: NodeRow, figures: Figures, session: Session, width: int) -> list[Line]:
    """Say which addresses clients ask, and what else the page tells."""
    snapshot, per_second = session.snapshot, session.mode.per_second
    names = dict.fromkeys(snapshot.kube_dns_ips, " (kube-dns)")
    names |= {cache.local_ip: " (local)" for cache in snapshot.caches if cache.local_ip}
    asked = [
        f"asked at {ip}{names.get(ip, '')} {_rate(figures.address_rates.get(ip), per_second)}, "
        f"{units.number(total)} in all"
        for ip, total in sorted(figures.by_address.items())
    ]
    asked += [
        f"over {p} {_rate(rate, per_second)}" for p, rate in sorted(figures.protocols.items())
    ]
    about = [
        f"cache entries {units.number(figures.entries)}",
        f"evictions {_rate(figures.evictions, per_second)}",
        f"setup errors {_rate(figures.setup_errors, per_second)}",
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


def _rate(rate: float | None, per_second: str) -> str:
    return units.UNKNOWN if rate is None else f"{units.number(rate)}{per_second}"
