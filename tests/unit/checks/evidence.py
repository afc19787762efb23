"""Small pieces of evidence: plain data for tests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kubectl_nodedns.checks.evidence import Counters, Evidence, NodeEvidence
from kubectl_nodedns.facts.cache_pods import CachePod
from kubectl_nodedns.facts.dns_service import DnsService
from kubectl_nodedns.facts.nodes import Node

if TYPE_CHECKING:
    from collections.abc import Mapping

NOW = 1_700_000_000.0
LOCAL, DNS = "169.254.20.10", "10.96.0.10"
CACHE = "kube-system/node-local-dns"


def cache_pod(name: str = "cache-1", **more: Any) -> CachePod:
    given: dict[str, Any] = {"namespace": "kube-system", "node": "node1", "ready": True}
    given |= {"status": "Running", "metrics_port": 9253, "cache": CACHE, "uid": f"uid-of-{name}"}
    return CachePod(name=name, **given | {"local_ips": (LOCAL, DNS)} | more)


def counters(*, lately: Mapping[str, float] | None = None, **more: Any) -> Counters:
    given: dict[str, Any] = {
        "seconds": 5.0,
        "started": NOW - 3600,
        "version": "1.13.2",
        "lookups_by_address": {},
        "responses": 0.0,
        "servfail": 0.0,
        "refused": 0.0,
        "nxdomain": 0.0,
        "missed": None,
        "upstreams": (),
        "memory_bytes": None,
        "setup_errors": {},
        "setup_errors_ever": {},
        "reload_failures": None,
    }
    return Counters(lately_by_address=lately or {}, **given | more)


def node(name: str = "node1", **more: Any) -> NodeEvidence:
    of = Node(
        name=name, ready=True, system="linux", labels={}, addresses=("10.0.0.1",), pod_ranges=()
    )
    return NodeEvidence(node=of, **{"pods": (cache_pod(node=name),)} | more)


def evidence(*nodes: NodeEvidence, **more: Any) -> Evidence:
    dns = DnsService(
        namespace="kube-system",
        name="kube-dns",
        ips=(DNS,),
        selector={"k8s-app": "kube-dns"},
        ready=2,
        target_ports={"UDP": 53, "TCP": 53},
    )
    return Evidence(at=NOW, dns=dns, nodes=nodes, **{"caches": ()} | more)
