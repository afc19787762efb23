"""The columns of the node table: one definition for the screen and for the printed table.

Pure: a row and its snapshot in, text out. How many columns fit, colours and padding are the
view's; what a cell says is decided here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kubectl_nodedns.checks.interception import Interception
from kubectl_nodedns.facts.nodes import natural
from kubectl_nodedns.metrics import units
from kubectl_nodedns.metrics.row_severity import severity

if TYPE_CHECKING:
    from collections.abc import Callable

    from kubectl_nodedns.metrics.fleet import FleetSnapshot
    from kubectl_nodedns.metrics.histogram import Latency
    from kubectl_nodedns.metrics.node_row import NodeRow


@dataclass(frozen=True, kw_only=True)
class Column:
    """One column of the node table."""

    key: str
    """Name that --sort-by takes."""
    title: str
    """Heading."""
    width: int
    """Cells on the screen; the column "node" takes what is left."""
    text: Callable[[NodeRow, FleetSnapshot], str]
    """What a cell says."""
    sort: Callable[[NodeRow, FleetSnapshot], Any]
    """What to sort by; None, for not known, always comes last."""
    letter: str = ""
    """With shift, sorts by this column."""
    rank: int = 0
    """Order in which columns find room: 0 always, then 1, 2, ..."""
    left: bool = False
    """Whether it is aligned left."""
    rising: bool = False
    """Whether the smallest comes first when sorted."""
    figure: bool = True
    """Whether it comes from metrics, so that it can be stale."""
    wide: bool = False
    """Whether it is printed with -o wide only."""


def upstream_p99(row: NodeRow) -> Latency | None:
    """Return the 99th percentile over all upstreams of a node."""
    return row.figures.upstream_p99 if row.figures else None


def _pod(row: NodeRow) -> str:
    return row.pod.name if row.pod else units.UNKNOWN


def _restarts(row: NodeRow) -> int | None:
    return sum(pod.restarts for pod in row.pods) if row.pods else None


def _seconds(value: Latency | None) -> float | None:
    return value.seconds if value else None


def _memory(row: NodeRow) -> float | None:
    return row.figures.memory_bytes if row.figures else None


def _entries(row: NodeRow) -> float | None:
    return row.figures.entries if row.figures else None


def _limit(row: NodeRow) -> int | None:
    return row.pod.memory_limit_bytes if row.pod else None


def _kube_dns(row: NodeRow, snapshot: FleetSnapshot) -> float | None:
    """Lookups per second that came in at the kube-dns IP."""
    figures = row.figures
    if figures is None or figures.seconds is None or not snapshot.kube_dns_ips:
        return None
    return sum(figures.address_rates.get(ip, 0.0) for ip in snapshot.kube_dns_ips)


def _interception(row: NodeRow, snapshot: FleetSnapshot) -> str:
    """How it is known whether lookups are intercepted, and how old that is."""
    found, age = snapshot.interception(row), snapshot.evidence_age(row)
    known = found not in (Interception.NOT_KNOWN, Interception.DARK) and age is not None
    return f"{found} {units.age(age)}" if known else str(found)


_DOUBTFUL_FIRST = (
    Interception.NOT_INTERCEPTED,
    Interception.NOT_KNOWN,
    Interception.DARK,
    Interception.BY_COUNTERS,
    Interception.PROVED,
)
COLUMNS: tuple[Column, ...] = (
    Column(
        key="node",
        title="NODE",
        width=12,
        text=lambda row, _: row.node.name,
        sort=lambda row, _: natural(row.node.name),
        letter="N",
        left=True,
        rising=True,
        figure=False,
    ),
    Column(
        key="pod",
        title="POD",
        width=20,
        rank=8,
        text=lambda row, _: _pod(row),
        sort=lambda row, _: _pod(row),
        left=True,
        rising=True,
        figure=False,
    ),
    Column(
        key="state",
        title="STATE",
        width=8,
        text=lambda row, _: row.state,
        sort=lambda row, snapshot: (severity(row, snapshot), row.state),
        letter="S",
        left=True,
        figure=False,
    ),
    Column(
        key="restarts",
        title="RESTARTS",
        width=3,
        rank=1,
        text=lambda row, _: units.number(_restarts(row)),
        sort=lambda row, _: _restarts(row),
        letter="R",
        figure=False,
    ),
    Column(
        key="uptime",
        title="UP",
        width=5,
        rank=5,
        text=lambda row, snapshot: units.age(row.uptime(snapshot.at)),
        sort=lambda row, snapshot: row.uptime(snapshot.at),
        letter="U",
        rising=True,
        figure=False,
    ),
    Column(
        key="lookups",
        title="LOOKUP/S",
        width=8,
        text=lambda row, _: units.number(row.traffic.lookups),
        sort=lambda row, _: row.traffic.lookups,
        letter="L",
    ),
    Column(
        key="hit",
        title="HIT%",
        width=6,
        text=lambda row, _: units.percent(row.traffic.hit_ratio),
        sort=lambda row, _: row.traffic.hit_ratio,
        letter="H",
        rising=True,
    ),
    Column(
        key="denial",
        title="DENIAL%",
        width=7,
        rank=7,
        text=lambda row, _: units.percent(row.traffic.denial_ratio),
        sort=lambda row, _: row.traffic.denial_ratio,
        letter="D",
        wide=True,
    ),
    Column(
        key="p50",
        title="P50",
        width=7,
        rank=4,
        text=lambda row, _: units.latency(row.traffic.p50),
        sort=lambda row, _: _seconds(row.traffic.p50),
    ),
    Column(
        key="p99",
        title="P99",
        width=7,
        text=lambda row, _: units.latency(row.traffic.p99),
        sort=lambda row, _: _seconds(row.traffic.p99),
        letter="P",
    ),
    Column(
        key="upstream-p99",
        title="UP-P99",
        width=7,
        rank=6,
        text=lambda row, _: units.latency(upstream_p99(row)),
        sort=lambda row, _: _seconds(upstream_p99(row)),
        wide=True,
    ),
    Column(
        key="failures",
        title="FAIL%",
        width=5,
        text=lambda row, _: units.percent(row.traffic.failure_ratio),
        sort=lambda row, _: row.traffic.failure_ratio,
        letter="F",
    ),
    Column(
        key="entries",
        title="ENTRIES",
        width=10,
        rank=3,
        text=lambda row, snapshot: units.of(_entries(row), snapshot.capacity(row)),
        sort=lambda row, _: _entries(row),
        letter="E",
    ),
    Column(
        key="memory",
        title="MEMORY",
        width=9,
        rank=2,
        text=lambda row, _: units.size_of(_memory(row), _limit(row)),
        sort=lambda row, _: _memory(row),
        letter="M",
    ),
    Column(
        key="kube-dns",
        title="KUBE-DNS/S",
        width=10,
        rank=9,
        text=lambda row, snapshot: units.number(_kube_dns(row, snapshot)),
        sort=_kube_dns,
        letter="K",
        wide=True,
    ),
    Column(
        key="age",
        title="SAMPLED",
        width=7,
        rank=10,
        text=lambda row, snapshot: units.age(row.age(snapshot.at)),
        sort=lambda row, snapshot: row.age(snapshot.at),
        letter="A",
        wide=True,
        figure=False,
    ),
)

INTERCEPTION = Column(
    key="interception",
    title="INTERCEPTION",
    width=19,
    text=_interception,
    sort=lambda row, snapshot: _DOUBTFUL_FIRST.index(snapshot.interception(row)),
    left=True,
    wide=True,
    rising=True,
    figure=False,
)
PRINTED = (*COLUMNS[:-1], INTERCEPTION, COLUMNS[-1])
"""The columns of a printed table; the screen shows in its own way what probes said."""
BY_KEY = {column.key: column for column in PRINTED}


def ordered(
    rows: tuple[NodeRow, ...], snapshot: FleetSnapshot, column: Column, *, reverse: bool = False
) -> list[NodeRow]:
    """Sort rows by a column, the most interesting first; rows that do not know it come last."""
    known: list[tuple[Any, NodeRow]] = []
    unknown = []
    for row in rows:
        value = column.sort(row, snapshot)
        if value is None:
            unknown.append(row)
        else:
            known.append((value, row))
    known.sort(key=lambda pair: pair[0], reverse=column.rising == reverse)
    return [row for _, row in known] + unknown
