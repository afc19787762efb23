"""Checks of the nodes and pods that no cache serves."""

from __future__ import annotations

import ipaddress
from collections import defaultdict
from typing import TYPE_CHECKING

from kubectl_nodedns.checks.finding import Category, Check, Seen, Severity
from kubectl_nodedns.checks.ways import keeper

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from kubectl_nodedns.checks.evidence import Evidence, NodeEvidence
    from kubectl_nodedns.facts.caches import Cache
    from kubectl_nodedns.facts.pod_dns import PodDns

SHOWN = 5
"""Pods that a finding names one by one."""
NOT_OURS = frozenset({"169.254.169.253", "169.254.169.254", "169.254.10.10", "169.254.10.11"})
"""Link-local servers of clouds: AWS, metadata services, AKS LocalDNS."""
SYSTEM = "kube-system"


def left_out(evidence: Evidence, one: NodeEvidence) -> list[str]:
    """Say for each cache why it puts no pod on a node; empty where it should."""
    return [cache.absence(one.node) or _chosen(evidence, cache) for cache in evidence.caches]


def _missing(evidence: Evidence) -> Iterator[Seen]:
    if not evidence.caches:
        return
    for one in evidence.linux:
        if not one.pods:
            yield _absent(evidence, one)


def _absent(evidence: Evidence, one: NodeEvidence) -> Seen:
    subject = f"node {one.node.name}"
    reasons = left_out(evidence, one)
    asks_cache = set(one.kubelet or ()) & evidence.local_ips
    if asks_cache:
        return Seen(
            subject=subject,
            text=f"no cache pod, and its kubelet hands out {', '.join(sorted(asks_cache))}",
            severity=Severity.ERROR,
            matters="its pods ask an address that nobody answers: they have no DNS",
        )
    if not all(reasons):
        state = "" if one.node.ready else "; the node is not ready"
        wanting = next(
            cache for cache, why in zip(evidence.caches, reasons, strict=True) if not why
        )
        return Seen(
            subject=subject,
            text=f"no cache pod, and it should have one{state}",
            way_out=f"kubectl -n {wanting.namespace} describe daemonset {wanting.name} says what "
            "stands in the way: a taint, a selector, an affinity, no room",
        )
    chosen = not any("taint" in reason for reason in reasons)
    return Seen(
        subject=subject,
        text=f"no cache pod: {reasons[0]}",
        severity=Severity.INFO if chosen else None,
        way_out="label the node, if it was left out by accident" if chosen else "",
    )


def _chosen(evidence: Evidence, cache: Cache) -> str:
    """Say that an affinity leaves nodes out, when the controller wants no more pods than run."""
    where = f"{cache.namespace}/{cache.name}"
    pods = sum(pod.cache == where for one in evidence.nodes for pod in one.pods)
    return "its affinity chooses other nodes" if cache.affinity and pods >= cache.desired else ""


def _not_ready(evidence: Evidence) -> Iterator[Seen]:
    for one in evidence.nodes:
        for pod in one.pods:
            if one.node.system != "linux":
                yield Seen(
                    subject=f"node {one.node.name}",
                    text=f"pod {pod.where}: the node runs {one.node.system.title()}, and the agent "
                    "knows Linux only",
                    severity=Severity.WARNING,
                    matters="it never runs there: the DaemonSet is never whole, and a rollout of "
                    "it waits for this pod",
                    way_out="give the DaemonSet's pods the nodeSelector kubernetes.io/os: linux",
                )
            elif not pod.ready:
                why = pod.trouble or "it does not say why"
                kubectl = f"kubectl -n {pod.namespace}"
                cache = keeper(evidence, pod)
                away = "; kubectl nodedns disable --now takes the cache out everywhere"
                yield Seen(
                    subject=f"node {one.node.name}",
                    text=f"pod {pod.where}: {why}",
                    way_out=f"{kubectl} describe pod {pod.name} and {kubectl} logs {pod.name} "
                    f"(--previous too) say why{away if cache and cache.ours else ''}",
                )


def _other_servers(evidence: Evidence) -> Iterator[Seen] | None:
    if evidence.pods is None:
        return None
    served = {*evidence.dns.ips, *evidence.local_ips}
    dead = _dead(evidence)
    pods = [
        pod
        for pod in evidence.pods
        if pod.policy == "None" and not served & set(pod.servers) and not dead & set(pod.servers)
    ]
    return (
        Seen(subject=subject, text=f"{which} asks {', '.join(some[0].servers)}, not the cache")
        for subject, which, some in _grouped(pods)
    )


def _host_network(evidence: Evidence) -> Iterator[Seen] | None:
    if evidence.pods is None:
        return None
    pods = [pod for pod in evidence.pods if pod.falls_back and pod.namespace != SYSTEM]
    return (
        Seen(
            subject=subject,
            text=f"{which} is on the host network with dnsPolicy ClusterFirst, "
            "so it gets the node's resolvers",
        )
        for subject, which, _ in _grouped(pods)
    )


def _kubelets(evidence: Evidence) -> Iterator[Seen] | None:
    asked = [one for one in evidence.linux if one.kubelet is not None]
    if not asked:
        return None
    return _kubelets_seen(evidence, asked)


def _kubelets_seen(evidence: Evidence, asked: Iterable[NodeEvidence]) -> Iterator[Seen]:
    dead = _dead(evidence)
    for one in asked:
        servers = set(one.kubelet or ())
        served = one.listening
        nobody = dead | evidence.unserved
        if (
            one.pods
            and not one.dark
            and served
            and servers
            and not servers & served
            and not servers & nobody
        ):
            yield Seen(
                subject=f"node {one.node.name}",
                text=f"its kubelet hands out {', '.join(one.kubelet or ())}, and its cache "
                f"listens on {', '.join(sorted(served))}",
                way_out=_to_meet(evidence, one),
            )


def _to_meet(evidence: Evidence, one: NodeEvidence) -> str:
    """Say what is to change where kubelet and cache name different addresses."""
    dns, served = set(evidence.dns.ips), sorted(one.listening)
    handed = [ip for ip in one.kubelet or () if ip in dns]
    strange = [ip for ip in served if not _link_local(ip) and ip not in dns]
    cache = keeper(evidence, one.pods[0])
    # Beside its local IP it takes over an address that this cluster's DNS service does not have: a
    # manifest made for another cluster, or a DNS service that was made anew.
    if cache is None or not (handed and strange) or len(strange) == len(served):
        return f"let the kubelet's clusterDNS name {' or '.join(served)}, and restart the pods"
    if cache.ours:
        return f"kubectl nodedns enable puts {handed[0]} in the place of {', '.join(strange)}"
    return (
        f"leave the kubelets as they are: {', '.join(strange)} is no address of this cluster's DNS "
        f"service. Put {handed[0]} in its place, in -localip and in every bind of the Corefile: "
        f"kubectl -n {cache.namespace} edit daemonset/{cache.name} configmap/{cache.configmap}"
    )


def _dead_addresses(evidence: Evidence) -> Iterator[Seen]:
    dead = _dead(evidence)
    for one in evidence.nodes:
        if gone := sorted(evidence.unserved & set(one.kubelet or ())):
            dns = evidence.dns
            yield Seen(
                subject=f"node {one.node.name}",
                text=f"its pods have no DNS: its kubelet hands out {', '.join(gone)}, which no "
                f"service has; the DNS service {dns.namespace}/{dns.name} is at "
                f"{', '.join(dns.ips)}",
                way_out=f"make a service with the address {gone[0]} for CoreDNS's pods again, or "
                f"let the kubelet's clusterDNS name {dns.ip} and start the node's pods anew",
            )
        elif named := sorted(dead & set(one.kubelet or ())):
            yield Seen(
                subject=f"node {one.node.name}",
                text=f"its kubelet hands out {', '.join(named)}, where no cache listens",
                way_out=_instead(evidence, named[0]),
            )
    pods = [pod for pod in evidence.pods or () if dead & set(pod.servers)]
    for subject, which, some in _grouped(pods):
        named = sorted(dead & set(some[0].servers))
        yield Seen(
            subject=subject,
            text=f"{which} asks {', '.join(named)}, where no cache listens",
            # Anybody may write that into a pod; it says nothing about the cache.
            severity=Severity.WARNING,
            way_out=_instead(evidence, named[0]),
        )


def _instead(evidence: Evidence, ip: str) -> str:
    name = f"let it name the kube-dns IP, {evidence.dns.ip}, instead"
    if evidence.caches:
        return name
    return f"{name}, or install the cache there: kubectl nodedns enable --local-ip {ip}"


def _families(evidence: Evidence) -> Iterator[Seen]:
    wanted = {ipaddress.ip_address(ip).version: ip for ip in reversed(evidence.dns.ips)}
    for cache in evidence.caches:
        listened = {ipaddress.ip_address(ip).version for ip in cache.local_ips}
        for version, ip in sorted(wanted.items()):
            if listened and version not in listened:
                yield Seen(
                    subject=f"daemonset {cache.namespace}/{cache.name}",
                    text=f"the DNS service has the IPv{version} address {ip}, "
                    f"and the cache listens on {', '.join(cache.local_ips)}",
                )


def _dead(evidence: Evidence) -> frozenset[str]:
    """Return link-local nameservers that somebody names and no cache has."""
    named = {ip for pod in evidence.pods or () for ip in pod.servers}
    named |= {ip for one in evidence.nodes for ip in one.kubelet or ()}
    return frozenset(
        ip for ip in named if _link_local(ip) and ip not in evidence.local_ips | NOT_OURS
    )


def _link_local(ip: str) -> bool:
    try:
        return ipaddress.ip_address(ip).is_link_local
    except ValueError:
        return False


def _grouped(pods: Iterable[PodDns]) -> Iterator[tuple[str, str, list[PodDns]]]:
    """Group pods by what made them: subject, words for them, and the pods."""
    groups: dict[tuple[str, str, tuple[str, ...]], list[PodDns]] = defaultdict(list)
    for pod in pods:
        groups[pod.namespace, pod.owner or pod.name, pod.servers].append(pod)
    for (namespace, owner, _), some in groups.items():
        if len(some) == 1:
            made = f" ({some[0].owner})" if some[0].owner else ""
            yield f"pod {some[0].where}", f"it{made}", some
        else:
            more = ", …" if len(some) > SHOWN else ""
            names = ", ".join(pod.name for pod in some[:SHOWN]) + more
            kind, _, name = owner.partition(" ")
            subject = f"{kind.lower()} {namespace}/{name}"
            yield subject, f"each of its {len(some)} pods ({names})", some


CHECKS: tuple[Check[Evidence], ...] = (
    Check(
        code="ND010",
        title="A node has no cache pod",
        severity=Severity.WARNING,
        category=Category.COVERAGE,
        matters="its pods ask CoreDNS over the network, as without a cache",
        way_out="see what keeps its DaemonSet from the node: a taint, a selector, no room",
        decisive=True,
        look=_missing,
    ),
    Check(
        code="ND011",
        title="A cache pod is not ready",
        severity=Severity.ERROR,
        category=Category.COVERAGE,
        matters="a cache that was killed leaves its rules behind: until it is back, no pod of the "
        "node has DNS",
        way_out="describe the pod, and read its log (--previous too)",
        decisive=True,
        look=_not_ready,
    ),
    Check(
        code="ND012",
        title="Pods ask other nameservers",
        severity=Severity.WARNING,
        category=Category.COVERAGE,
        matters="their lookups never reach the cache, and cluster names may not resolve for them",
        way_out="take dnsPolicy None and its nameservers out of the pod template, or let them "
        "name the kube-dns IP",
        look=_other_servers,
    ),
    Check(
        code="ND013",
        title="Pods on the host network get the node's resolvers",
        severity=Severity.INFO,
        category=Category.COVERAGE,
        matters="cluster names do not resolve for them, and their lookups go past the cache",
        way_out="say dnsPolicy: ClusterFirstWithHostNet, or dnsPolicy: Default if that is meant",
        look=_host_network,
    ),
    Check(
        code="ND014",
        title="A kubelet hands out a nameserver that its cache does not serve",
        severity=Severity.WARNING,
        category=Category.COVERAGE,
        matters="the node's pods go past the cache",
        way_out="let the kubelet's clusterDNS name the address that the cache listens on, and "
        "restart the pods",
        look=_kubelets,
    ),
    Check(
        code="ND015",
        title="Somebody asks an address where no cache listens",
        severity=Severity.ERROR,
        category=Category.COVERAGE,
        matters="those lookups are answered by nobody: pods with no other nameserver have no DNS, "
        "pods with a second one wait for a timeout first",
        way_out="let them name the kube-dns IP instead",
        look=_dead_addresses,
    ),
    Check(
        code="ND016",
        title="An address family of the DNS service is not covered",
        severity=Severity.WARNING,
        category=Category.COVERAGE,
        matters="pods that ask at the other family's address go past the cache",
        way_out="the agent serves one family; let pods' resolv.conf name the covered one first",
        look=_families,
    ),
)
