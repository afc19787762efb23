"""Gather what the checks look at: the one path that `check`, `status` and the screen share.

What cannot be read is None, and a line in `unread`; only an API server that does not answer, or
does not let us list nodes and DaemonSets, ends it.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from kubectl_nodedns.checks.evidence import Evidence, NodeEvidence
from kubectl_nodedns.checks.traffic import unasked
from kubectl_nodedns.commands.cache_reading import Reader, cache_pods, corefiles, last_words
from kubectl_nodedns.commands.counting import count, count_coredns
from kubectl_nodedns.commands.proving import prove
from kubectl_nodedns.commands.surrounding import read_blocked, read_customisations, read_kube_dns
from kubectl_nodedns.errors import RefusedError
from kubectl_nodedns.facts.alert_rules import read_alert_rules
from kubectl_nodedns.facts.askers import read_askers
from kubectl_nodedns.facts.caches import Cache, find_caches
from kubectl_nodedns.facts.cluster_domain import ClusterDomain, read_cluster_domain
from kubectl_nodedns.facts.dataplane import Dataplane, read_dataplane
from kubectl_nodedns.facts.dns_service import DnsService, read_dns_service
from kubectl_nodedns.facts.handed_out import read_unserved
from kubectl_nodedns.facts.inspection import Inspection
from kubectl_nodedns.facts.kubelets import read_kubelets
from kubectl_nodedns.facts.leftovers import read_leftovers, read_upstreams
from kubectl_nodedns.facts.nodes import Node, read_nodes
from kubectl_nodedns.facts.pod_dns import read_pod_dns
from kubectl_nodedns.facts.progress import state_of
from kubectl_nodedns.install.drift import drift_of
from kubectl_nodedns.install.recalled import recalled

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from kubectl_nodedns.checks.evidence import Proof
    from kubectl_nodedns.cluster.client import Client
    from kubectl_nodedns.lookup.probes import Probes

WINDOW_SECONDS = 5.0
"""Time between the two scrapes that rates are made of."""


@dataclass(frozen=True, kw_only=True)
class Scope:
    """What to look at."""

    dns_service: str = ""
    """NAMESPACE/NAME of the DNS service; empty for what is remembered, or to find it."""
    cluster_domain: str = ""
    """Cluster domain; empty for what is remembered, or to find it."""
    labels: Mapping[str, str] | None = None
    """Labels that a node must carry to be looked at; None for all nodes."""
    window: float = WINDOW_SECONDS
    """Seconds between two scrapes."""
    brief: bool = False
    """Whether to leave out what takes reading all pods, policies and rules of the cluster."""


async def gather(client: Client, scope: Scope, *, probes: Probes | None = None) -> Evidence:
    """Read everything once, and the metrics twice.

    Args:
        client: an open client.
        scope: what to look at.
        probes: pods to prove interception from; None to judge by counters.

    Raises:
        ApiError: nodes or DaemonSets cannot be read.
        RefusedError: there is no DNS service, or it cannot be told which.
    """
    reader = Reader()
    given = {"dns-service": scope.dns_service, "cluster-domain": scope.cluster_domain}
    known = await recalled(client, given)
    scope = replace(
        scope,
        dns_service=known.get("dns-service", ""),
        cluster_domain=known.get("cluster-domain", ""),
    )
    dns = await read_dns_service(client, scope.dns_service)
    everywhere, there = await asyncio.gather(read_nodes(client), find_caches(client, dns.namespace))
    caches = there.caches
    reader.note("DaemonSets", there.left_out)
    chosen = [node for node in everywhere if scope.labels is None or node.selected(scope.labels)]
    if not chosen:
        raise RefusedError(
            "there is no node to look at: none carries these labels",
            hint="kubectl get nodes --show-labels",
        )
    names = [node.name for node in chosen]
    pods = await cache_pods(client, caches, set(names))
    dataplane = await read_dataplane(client)
    if not dataplane.mode:
        reader.unread.append(f"kube-proxy's mode: {dataplane.evidence}")
    blocks, unreadable = await corefiles(client, reader, caches)
    domain = await reader.maybe("the cluster domain", _domain(client, scope, dns, chosen))
    evidence = Evidence(
        at=time.time(),
        dns=dns,
        caches=caches,
        imitations=there.imitations,
        nodes=tuple(NodeEvidence(node=node, pods=pods.get(node.name, ())) for node in chosen),
        mode=dataplane.mode,
        domain=domain.name if domain else "",
        state=next(filter(None, map(state_of, caches)), ""),
        corefiles=blocks,
        unreadable=unreadable,
        drift=await _drift(client, reader, dns, domain, dataplane, everywhere, caches),
    )
    return await _observe(client, reader, scope, evidence, probes)


async def _observe(
    client: Client, reader: Reader, scope: Scope, evidence: Evidence, probes: Probes | None
) -> Evidence:
    """Add what takes its time, all at once."""
    asking = asyncio.create_task(_asked(evidence, probes))

    async def meanwhile() -> None:
        """Let the probes' questions fall between the two scrapes."""
        await asyncio.wait({asking})

    on_nodes = asyncio.create_task(_on_nodes(client, reader, scope, evidence, asking, meanwhile))
    around = asyncio.create_task(_around(client, reader, scope, evidence, meanwhile))
    try:
        nodes, seen = await asyncio.gather(on_nodes, around)
    finally:
        for task in (asking, on_nodes, around):
            task.cancel()
        # To their end, before whoever called closes the session that they read from.
        await asyncio.gather(asking, on_nodes, around, return_exceptions=True)
    seen = replace(seen, nodes=nodes)
    if names := unasked(seen):
        askers = await reader.maybe("pods that ask", read_askers(client, names)) or {}
        nodes = tuple(replace(one, askers=askers.get(one.node.name)) for one in nodes)
    strange = {ip for one in nodes for ip in one.kubelet or ()} - {
        *evidence.dns.ips,
        *(ip for cache in evidence.caches for ip in cache.local_ips),
    }
    unserved = await reader.maybe("all services", read_unserved(client, strange))
    return replace(
        seen,
        nodes=nodes,
        unserved=unserved or frozenset(),
        unread=tuple(sorted(reader.unread)),
    )


async def _on_nodes(
    client: Client,
    reader: Reader,
    scope: Scope,
    evidence: Evidence,
    asking: asyncio.Task[tuple[Mapping[str, Proof], Mapping[str, str]]],
    meanwhile: Callable[[], Awaitable[None]],
) -> tuple[NodeEvidence, ...]:
    """Add to each node its metrics, its proof, its kubelet's servers, and a log where it ails."""
    names = [one.node.name for one in evidence.nodes]
    (counters, no_counters), (proofs, no_proofs), kubelets, words = await asyncio.gather(
        count(client, evidence.nodes, window=scope.window, meanwhile=meanwhile),
        asking,
        reader.maybe("kubelets", read_kubelets(client, names)),
        last_words(client, evidence),
    )
    handed_out = {one.node: one.cluster_dns for one in kubelets or ()}
    return tuple(
        replace(
            one,
            counters=counters.get(one.node.name),
            no_counters=no_counters.get(one.node.name, ""),
            proof=proofs.get(one.node.name),
            no_proof=no_proofs.get(one.node.name, ""),
            kubelet=handed_out.get(one.node.name),
            last_words=words.get(one.node.name, ""),
        )
        for one in evidence.nodes
    )


async def _around(
    client: Client,
    reader: Reader,
    scope: Scope,
    evidence: Evidence,
    meanwhile: Callable[[], Awaitable[None]],
) -> Evidence:
    """Add what is around the caches; of that only the upstream services where it is to be brief."""
    dns, caches = evidence.dns, evidence.caches
    upstreams = await reader.maybe("upstream services", read_upstreams(client, caches))
    if scope.brief:
        return replace(evidence, upstreams=upstreams)
    spaces = {dns.namespace, *(cache.namespace for cache in caches)}
    loads = count_coredns(client, dns, window=scope.window, meanwhile=meanwhile)
    pods, leftovers, coredns, rules, blocked, custom = await asyncio.gather(
        reader.maybe("pods", read_pod_dns(client)),
        reader.maybe("leftovers", read_leftovers(client, caches, spaces)),
        reader.maybe("CoreDNS", loads),
        reader.maybe("rules of Prometheus", read_alert_rules(client)),
        reader.maybe("NetworkPolicies", read_blocked(client, evidence)),
        reader.maybe("CoreDNS's Corefile", read_customisations(client, evidence)),
    )
    return replace(
        evidence,
        upstreams=upstreams,
        pods=pods,
        leftovers=leftovers,
        coredns=coredns,
        rules=rules,
        blocked=blocked,
        customisations=custom,
        kube_dns=await reader.maybe("ConfigMap kube-dns", read_kube_dns(client, evidence)),
    )


async def _asked(
    evidence: Evidence, probes: Probes | None
) -> tuple[Mapping[str, Proof], Mapping[str, str]]:
    return ({}, {}) if probes is None else await prove(evidence, probes)


async def _domain(
    client: Client, scope: Scope, dns: DnsService, nodes: Sequence[Node]
) -> ClusterDomain:
    if scope.cluster_domain:
        return ClusterDomain(name=scope.cluster_domain, evidence="as given")
    ready = [node.name for node in nodes if node.ready][:3]
    return await read_cluster_domain(client, dns.namespace, ready)


async def _drift(
    client: Client,
    reader: Reader,
    dns: DnsService,
    domain: ClusterDomain | None,
    dataplane: Dataplane,
    nodes: tuple[Node, ...],
    caches: tuple[Cache, ...],
) -> tuple[str, ...] | None:
    """Compare an installation of ours with what its options yield; None without one."""
    if domain is None or not any(cache.ours for cache in caches):
        return None
    seen = Inspection(dns=dns, domain=domain, dataplane=dataplane, nodes=nodes, caches=caches)
    return await reader.maybe("the installation's objects", drift_of(client, seen))
