"""Snapshots of made-up fleets: plain data for tests and benchmarks."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from kubectl_nodedns.facts.cache_pods import CachePod
from kubectl_nodedns.metrics.figures import figures
from kubectl_nodedns.metrics.fleet import FleetSnapshot, Load, Watched, totals
from kubectl_nodedns.metrics.inventory import Node
from kubectl_nodedns.metrics.node_row import NodeRow
from kubectl_nodedns.metrics.page import read_page
from kubectl_nodedns.metrics.pod_details import Detail
from kubectl_nodedns.metrics.sampler import Sampled
from tests.unit.metrics import pages

if TYPE_CHECKING:
    from kubectl_nodedns.metrics.traffic import Figures

NOW = 1_700_000_000.0
LOCAL, KUBE_DNS = pages.LOCAL, pages.KUBE_DNS
MIB = 2**20
CACHE = Watched(
    namespace="kube-system",
    name="node-local-dns",
    owner="kubectl nodedns",
    version="1.26.8",
    local_ip=LOCAL,
    kube_dns_ips=(KUBE_DNS,),
)


def node(name: str = "node1", *, ready: bool = True, windows: bool = False) -> Node:
    return Node(name=name, ready=ready, schedulable=True, windows=windows, ip="10.0.0.1")


def pod(
    node: str = "node1",
    *,
    name: str = "",
    ready: bool = True,
    status: str = "Running",
    restarts: int = 0,
    restarted_at: float | None = None,
    limit: int | None = 128 * MIB,
    ip: str = "10.0.0.1",
) -> CachePod:
    return CachePod(
        namespace="kube-system",
        name=name or f"node-local-dns-{node[-5:]}",
        node=node,
        ready=ready,
        status=status,
        restarts=restarts,
        restarted_at=restarted_at,
        created_at=NOW - 3 * 86400,
        metrics_port=9253,
        memory_limit_bytes=limit,
        ip=ip,
        cache="kube-system/node-local-dns",
    )


def traffic(
    *,
    lookups: int = 500,
    failing: float = 0.0,
    at: float = NOW,
    memory: float = 61 * MIB,
    upstream_seconds: float = 0.0015,
    started: float = NOW - 3 * 86400,
) -> Figures:
    """Figures of a cache that had `lookups` a second on each address, some of them failing."""
    grown = int(2 * lookups)
    zone = pages.ZoneLoad(name="cluster.local.", entries=400, denial_entries=120)
    root = pages.ZoneLoad(name=".", entries=9)
    before = pages.Load(
        zones=(zone, root),
        upstreams=(pages.UpstreamLoad(to="10.96.77.12:53", seconds=upstream_seconds),),
        started=started,
        memory=memory,
    )
    after = replace(
        before,
        zones=(
            replace(
                zone,
                fast=int(grown * 0.9),
                slow=grown - int(grown * 0.9),
                nxdomain=int(grown * 0.5),
                servfail=int(grown * failing),
                hits=int(grown * 0.3),
                denials=int(grown * 0.6),
            ),
            root,
        ),
        upstreams=(replace(before.upstreams[0], noerror=grown // 10),),
    )
    pair = [pages.page(load) for load in (before, after)]
    return figures(read_page(pair[0], at=at - 2), read_page(pair[1], at=at))


def row(
    name: str = "node1",
    *,
    figures: Figures | None = None,
    error: str = "",
    of: CachePod | None = None,
    asked: float | None = NOW,
) -> NodeRow:
    """A row whose cache pod runs."""
    cache_pod = of or pod(name)
    sampled = Sampled(
        pod=cache_pod.name,
        figures=figures,
        error=error,
        failed_at=NOW if error else None,
        asked_at={KUBE_DNS: asked} if asked is not None else {},
    )
    return NodeRow(node=node(name), pods=(cache_pod,), sampled=sampled)


def unasked(name: str = "node1", *, askers: int | None = 3, silence: float = 300.0) -> NodeRow:
    """A row whose cache was asked 500 times a second, and is not any more."""
    before = traffic()
    figures = replace(
        traffic(lookups=0),
        started=NOW - 1000,
        by_address={LOCAL: 0.0, KUBE_DNS: 500_000.0},
        address_rates=dict.fromkeys(before.address_rates, 0.0),
    )
    found = row(name, figures=figures, asked=NOW - silence)
    sampled = replace(found.sampled, since=NOW - 600) if found.sampled else None
    return replace(found, sampled=sampled, detail=Detail(askers=askers))


def snapshot(*rows: NodeRow, at: float = NOW, problems: tuple[str, ...] = ()) -> FleetSnapshot:
    return FleetSnapshot(
        at=at,
        caches=(CACHE,),
        fleet=totals(rows, at=at, interval=2.0, caches=(CACHE,)),
        nodes=rows,
        source="pod proxy",
        interval=2.0,
        load=Load(requests_per_second=1.5, bytes_per_second=9000.0),
        problems=problems,
    )


def mixed() -> FleetSnapshot:
    """One node of each kind that a person meets."""
    return snapshot(
        row("ip-10-0-1-9", figures=traffic(lookups=401), asked=NOW - 5),
        row(
            "ip-10-0-2-44",
            figures=traffic(lookups=377, memory=119 * MIB),
            of=pod("ip-10-0-2-44", restarts=3, restarted_at=NOW - 240),
        ),
        NodeRow(node=node("ip-10-0-2-51"), pods=(), sampled=None),
        row("ip-10-0-3-17", figures=traffic(lookups=812, failing=0.05, upstream_seconds=0.3)),
        row(
            "ip-10-0-3-18", figures=traffic(lookups=250, at=NOW - 40), error="no answer within 5 s"
        ),
        row(
            "ip-10-0-3-19",
            of=pod("ip-10-0-3-19", ready=False, status="CrashLoopBackOff", restarts=12),
            asked=None,
        ),
        row("ip-10-0-3-20", figures=traffic(lookups=0), asked=None),
        NodeRow(node=node("win-1", windows=True), pods=(), sampled=None),
    )


def large(nodes: int) -> FleetSnapshot:
    """A fleet of any size; a few different sets of figures are shared among the nodes."""
    kinds = [traffic(lookups=100 + 37 * n, failing=0.0 if n else 0.02) for n in range(16)]
    return snapshot(
        *(row(f"node-{n}", figures=kinds[n * 7 % 16]) for n in range(nodes)),
    )
