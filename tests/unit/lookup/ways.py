"""A way of lookups, a request and somebody to tell, for the tests about asking."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

from kubectl_nodedns.cluster.access import AccessOptions
from kubectl_nodedns.facts.caches import Cache
from kubectl_nodedns.facts.dns_service import DnsService
from kubectl_nodedns.facts.nodes import Node
from kubectl_nodedns.facts.way import Endpoint, Way
from kubectl_nodedns.lookup.question import Manner
from kubectl_nodedns.lookup.request import LookupRequest
from kubectl_nodedns.probes.probe_job import ProbeOptions

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kubectl_nodedns.facts.cache_pods import CachePod

DNS = DnsService(
    namespace="kube-system",
    name="kube-dns",
    ips=("10.96.0.10",),
    selector={},
    ready=1,
    target_ports={},
)
NODES = tuple(
    Node(name=name, ready=True, system="linux", labels={}, addresses=(), pod_ranges=())
    for name in ("node1", "node2")
)
WAY = Way(
    dns=DNS,
    domain="cluster.local",
    cache=None,
    cache_pods=(),
    upstream_ips=(),
    endpoints=(Endpoint(address="10.244.1.3", port=53, pod="coredns-1", node="node1"),),
    forwards=(),
    nodes=NODES,
    unread=(),
)
REQUEST = LookupRequest(
    access=AccessOptions(),
    probes=ProbeOptions(),
    name="web.shop",
    whole="web.shop.",
    absolute=False,
    rtype="A",
    protocols=("udp",),
    manner=Manner(),
    nodes=(),
    selector=None,
    all_nodes=True,
    from_pod="",
    namespace="",
    direct=False,
    servers=(),
    search=False,
    interval=None,
    output="table",
    dns_service="",
    cluster_domain="",
)


class Told:
    """Remembers what was told."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def step(self, text: str) -> None:
        self.said.append(text)

    def note(self, text: str) -> None:
        self.said.append(text)

    def lines(self, lines: Iterable[str]) -> None:
        self.said += lines


def node(name: str, *, ready: bool = True, system: str = "linux") -> Node:
    """A node."""
    return Node(name=name, ready=ready, system=system, labels={}, addresses=(), pod_ranges=())


def cache(*ips: str, ours: bool = True) -> Cache:
    """A cache that listens at these addresses."""
    return Cache(
        namespace="kube-system",
        name="node-local-dns",
        uid="u",
        ours=ours,
        owner="",
        image="cache:1",
        arguments=(),
        local_ips=ips,
        selector="",
        metrics_port=9253,
        memory_limit=None,
        desired=1,
        annotations={},
    )


def cache_pod(on: str, *, running: bool = True) -> CachePod:
    """A pod of it, as far as `Way` looks at one."""
    return cast("CachePod", SimpleNamespace(node=on, running=running))
