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
from kubectl_nodedns.errors import ApiError, RefusedError
from kubectl_nodedns.facts.alert_rules import read_alert_rules
from kubectl_nodedns.facts.askers import read_askers
from kubectl_nodedns.facts.cache_pods import CachePod, read_cache_pods, read_last_words
from kubectl_nodedns.facts.caches import Cache, find_caches
from kubectl_nodedns.facts.cluster_domain import ClusterDomain, read_cluster_domain
from kubectl_nodedns.facts.dataplane import read_dataplane
from kubectl_nodedns.facts.dns_service import DnsService, read_dns_service
from kubectl_nodedns.facts.handed_out import read_unserved
from kubectl_nodedns.facts.inspection import Inspection
from kubectl_nodedns.facts.kubelets import read_kubelets
from kubectl_nodedns.facts.leftovers import read_leftovers, read_upstreams
from kubectl_nodedns.facts.nodes import Node, read_nodes
from kubectl_nodedns.facts.pod_dns import read_pod_dns
from kubectl_nodedns.facts.progress import state_of
from kubectl_nodedns.facts.readings import Readings, Unread
from kubectl_nodedns.health.corefiles import read_corefiles, read_customisations, read_kube_dns
from kubectl_nodedns.health.counters import count, count_coredns
from kubectl_nodedns.health.policies import read_blocked
from kubectl_nodedns.health.proofs import prove
from kubectl_nodedns.install.drift import drift_of
from kubectl_nodedns.install.recalled import recalled
from kubectl_nodedns.together import side_by_side, together

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from kubectl_nodedns.cluster.client import Client
    from kubectl_nodedns.health.proofs import Proofs
    from kubectl_nodedns.health.scope import Scope
    from kubectl_nodedns.lookup.probes import Probes

LOGS = 10
"""Cache pods in trouble whose logs are read; what ails a hundred is in the first ten."""


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
    readings = Readings()
    given = {"dns-service": scope.dns_service, "cluster-domain": scope.cluster_domain}
    known = await recalled(client, given)
    dns = await read_dns_service(client, known.get("dns-service", ""))
    async with side_by_side() as group:
        listing = group.create_task(read_nodes(client))
        looking = group.create_task(find_caches(client, dns.namespace))
        asking = group.create_task(read_dataplane(client))
    everywhere, there, dataplane = listing.result(), looking.result(), asking.result()
    caches = there.caches
    readings.note("DaemonSets", there.left_out)
    chosen = [node for node in everywhere if scope.labels is None or node.selected(scope.labels)]
    if not chosen:
        raise RefusedError(
            "there is no node to look at: none carries these labels",
            hint="kubectl get nodes --show-labels",
        )
    if not dataplane.mode:
        readings.add(Unread(what="kube-proxy's mode", why=dataplane.evidence))
    given_domain = known.get("cluster-domain", "")
    async with side_by_side() as group:
        reading_pods = group.create_task(_cache_pods(client, caches, {n.name for n in chosen}))
        reading_files = group.create_task(read_corefiles(client, readings, caches))
        finding = group.create_task(
            readings.maybe("the cluster domain", _domain(client, given_domain, dns, chosen))
        )
    pods, (blocks, unreadable), domain = (
        reading_pods.result(),
        reading_files.result(),
        finding.result(),
    )
    drift = None
    if domain is not None and any(cache.ours for cache in caches):
        seen = Inspection(
            dns=dns, domain=domain, dataplane=dataplane, nodes=everywhere, caches=caches
        )
        drift = await readings.maybe("the installation's objects", drift_of(client, seen))
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
        drift=drift,
    )
    observed = await _Observation(client, readings, scope, evidence, probes).observe()
    return await _completed(client, readings, observed)


@dataclass(frozen=True)
class _Observation:
    """What takes its time: two scrapes with the probes' questions between them, and all around."""

    client: Client
    readings: Readings
    scope: Scope
    evidence: Evidence
    probes: Probes | None

    async def observe(self) -> Evidence:
        """Return the evidence with what is observed, all of it at once."""
        async with side_by_side() as group:
            proving = group.create_task(self._prove())

            async def meanwhile() -> None:
                """Let the probes' questions fall between the two scrapes."""
                await asyncio.wait({proving})

            nodes = group.create_task(self._on_nodes(proving, meanwhile))
            seen = group.create_task(self._around(meanwhile))
        return replace(seen.result(), nodes=nodes.result())

    async def _prove(self) -> Proofs:
        return ({}, {}) if self.probes is None else await prove(self.evidence, self.probes)

    async def _on_nodes(
        self, proving: asyncio.Task[Proofs], meanwhile: Callable[[], Awaitable[None]]
    ) -> tuple[NodeEvidence, ...]:
        """Add to each node its metrics, proof and kubelet's servers, and a log where it ails."""
        nodes = self.evidence.nodes
        async with side_by_side() as group:
            counting = group.create_task(
                count(self.client, nodes, window=self.scope.window, meanwhile=meanwhile)
            )
            kubelets = group.create_task(
                self.readings.maybe(
                    "kubelets", read_kubelets(self.client, [one.node.name for one in nodes])
                )
            )
            listening = group.create_task(_last_words(self.client, nodes))
            proofs, no_proofs = await proving
        counters, no_counters = counting.result()
        words = listening.result()
        handed_out = {one.node: one.cluster_dns for one in kubelets.result() or ()}
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
            for one in nodes
        )

    async def _around(self, meanwhile: Callable[[], Awaitable[None]]) -> Evidence:
        """Add what is around the caches; only the upstream services where it is to be brief."""
        client, maybe, evidence = self.client, self.readings.maybe, self.evidence
        dns, caches = evidence.dns, evidence.caches
        upstreams = await maybe("upstream services", read_upstreams(client, caches))
        if self.scope.brief:
            return replace(evidence, upstreams=upstreams)
        spaces = {dns.namespace, *(cache.namespace for cache in caches)}
        loads = count_coredns(client, dns, window=self.scope.window, meanwhile=meanwhile)
        async with side_by_side() as group:
            start = group.create_task
            pods = start(maybe("pods", read_pod_dns(client)))
            leftovers = start(maybe("leftovers", read_leftovers(client, caches, spaces)))
            coredns = start(maybe("CoreDNS", loads))
            rules = start(maybe("rules of Prometheus", read_alert_rules(client)))
            blocked = start(maybe("NetworkPolicies", read_blocked(client, evidence)))
            custom = start(
                maybe("CoreDNS's Corefile", read_customisations(client, dns.namespace, caches))
            )
            kube_dns = start(maybe("ConfigMap kube-dns", read_kube_dns(client, caches)))
        return replace(
            evidence,
            upstreams=upstreams,
            pods=pods.result(),
            leftovers=leftovers.result(),
            coredns=coredns.result(),
            rules=rules.result(),
            blocked=blocked.result(),
            customisations=custom.result(),
            kube_dns=kube_dns.result(),
        )


async def _completed(client: Client, readings: Readings, seen: Evidence) -> Evidence:
    """Add what is only read where something seen asks for it, and what could not be read."""
    nodes = seen.nodes
    if names := unasked(seen):
        askers = await readings.maybe("pods that ask", read_askers(client, names)) or {}
        nodes = tuple(replace(one, askers=askers.get(one.node.name)) for one in nodes)
    strange = {ip for one in nodes for ip in one.kubelet or ()} - {
        *seen.dns.ips,
        *(ip for cache in seen.caches for ip in cache.local_ips),
    }
    unserved = await readings.maybe("all services", read_unserved(client, strange))
    return replace(
        seen,
        nodes=nodes,
        unserved=unserved or frozenset(),
        unread=tuple(sorted(map(str, readings.unread))),
    )


async def _cache_pods(
    client: Client, caches: Sequence[Cache], nodes: set[str]
) -> dict[str, tuple[CachePod, ...]]:
    """Read the pods of all caches, by node; one that is leaving last."""
    read = await together(read_cache_pods(client, cache) for cache in caches)
    grouped: dict[str, tuple[CachePod, ...]] = {}
    for pod in (pod for pods in read for pod in pods if pod.node in nodes):
        grouped[pod.node] = (*grouped.get(pod.node, ()), pod)
    return {
        node: tuple(sorted(pods, key=lambda pod: not pod.running)) for node, pods in grouped.items()
    }


async def _domain(
    client: Client, given: str, dns: DnsService, nodes: Sequence[Node]
) -> ClusterDomain:
    if given:
        return ClusterDomain(name=given, evidence="as given")
    ready = [node.name for node in nodes if node.ready][:3]
    return await read_cluster_domain(client, dns.namespace, ready)


async def _last_words(client: Client, nodes: Sequence[NodeEvidence]) -> Mapping[str, str]:
    """Read the last words of cache pods that ended or do not get ready."""
    troubled = [
        (one.node.name, pod) for one in nodes for pod in one.pods if pod.ended_by or not pod.ready
    ][:LOGS]
    found: dict[str, str] = {}
    for node, pod in troubled:
        for previous in (True, False):
            try:
                words = await read_last_words(client, pod, previous=previous)
            except ApiError:
                continue
            found[node] = f"{found.get(node, '')}\n{words}"
    return found
