"""Checks of who can reach the cache, of rules about it, and of versions."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from kubectl_nodedns.checks.finding import Category, Check, Seen, Severity
from kubectl_nodedns.checks.gone_metrics import gone
from kubectl_nodedns.facts.kube_dns_config import stub_domains

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from kubectl_nodedns.checks.evidence import Evidence
    from kubectl_nodedns.facts.alert_rules import AlertRule
    from kubectl_nodedns.facts.network_policies import Blocked

EVERY_ADDRESS = frozenset({"0.0.0.0", "::"})  # noqa: S104 - what is looked for
SHOWN = 5
"""Pods that a finding names one by one."""
NEWEST = (1, 26, 8)
"""The newest released image, of March 2026."""
TIDY = (1, 22, 20)
"""Images before this one lose or double rules (kubernetes/dns, issues 292, 310, 568)."""
OLD_REGISTRY = "k8s.gcr.io/"
_TAG = re.compile(r"v?(\d+)\.(\d+)\.(\d+)")


def _open(evidence: Evidence) -> Iterator[Seen] | None:
    return _open_resolvers(evidence) if evidence.corefiles else None


def _open_resolvers(evidence: Evidence) -> Iterator[Seen]:
    for cache in evidence.caches:
        where = f"{cache.namespace}/{cache.name}"
        zones = [
            block.keys[0].text
            for block in evidence.corefiles.get(where, ())
            if not block.binds or EVERY_ADDRESS & set(block.binds)
        ]
        if zones and cache.host_network:
            yield Seen(
                subject=f"daemonset {where}",
                text=f"on the host network its Corefile listens on every address of a node, "
                f"for {', '.join(zones)}",
            )


def _policies(evidence: Evidence) -> Iterator[Seen] | None:
    return None if evidence.blocked is None else _blocked(evidence, *evidence.blocked)


def _blocked(
    evidence: Evidence, pods: tuple[Blocked, ...], caches: tuple[Blocked, ...]
) -> Iterator[Seen]:
    listened = {ip for cache in evidence.caches for ip in cache.local_ips}
    asked = ", ".join(sorted(listened & set(evidence.dns.ips)) or sorted(listened))
    for one in pods:
        which = f" ({', '.join(one.pods[:SHOWN])}{', …' if len(one.pods) > SHOWN else ''})"
        yield Seen(
            subject=f"networkpolicy {one.policy}",
            text=f"lets pods{which if one.pods else ''} ask CoreDNS by "
            f"{' and '.join(one.protocols)}, and not the cache at {asked}",
        )
    for one in caches:
        yield Seen(
            subject=f"networkpolicy {one.policy}",
            text=f"lets no node's address ask CoreDNS by {' and '.join(one.protocols)}",
            matters="the cache asks from the node's address over TCP: its misses are dropped",
            way_out="allow ingress at port 53, UDP and TCP, from an ipBlock of the nodes",
        )


def _custom(evidence: Evidence) -> Iterator[Seen] | None:
    if evidence.customisations is None:
        return None
    return (
        Seen(
            subject=f"zone {one.zone}",
            text=f"CoreDNS has for it, in its block {one.block}: {one.text}",
        )
        for one in evidence.customisations
        # ND072 says it, and that it is worse.
        if (one.zone, one.plugin) != (evidence.domain, "kubernetes")
    )


def _names(evidence: Evidence) -> Iterator[Seen] | None:
    return _strayed(evidence) if evidence.corefiles and evidence.domain else None


def _strayed(evidence: Evidence) -> Iterator[Seen]:
    for cache in evidence.caches:
        if why := evidence.strays(f"{cache.namespace}/{cache.name}"):
            yield Seen(subject=f"daemonset {cache.namespace}/{cache.name}", text=why)


def _kube_dns(evidence: Evidence) -> Iterator[Seen] | None:
    return None if evidence.kube_dns is None else _dropped(evidence.kube_dns)


def _dropped(configs: Mapping[str, Mapping[str, str]]) -> Iterator[Seen]:
    for namespace, data in configs.items():
        try:
            stub_domains(data)
        except ValueError as error:
            yield Seen(subject=f"configmap {namespace}/kube-dns", text=str(error))


def _rules(evidence: Evidence) -> Iterator[Seen] | None:
    return None if evidence.rules is None else _dead_rules(evidence, evidence.rules)


def _dead_rules(evidence: Evidence, rules: tuple[AlertRule, ...]) -> Iterator[Seen]:
    versions = [version(one.counters.version) for one in evidence.nodes if one.counters]
    newest = max((v[:2] for v in versions if v), default=None)
    for rule in rules:
        pairs = [(name, lost) for name in rule.metrics if (lost := gone(name))]
        dead = [
            f"{name} (now {instead})"
            for name, (since, instead) in pairs
            if newest is None or newest >= since
        ]
        if dead:
            yield Seen(
                subject=f"prometheusrule {rule.resource}",
                text=f"rule {rule.name} asks for {', '.join(dead)}",
            )


def _metrics(evidence: Evidence) -> Iterator[Seen]:
    for one in evidence.linux:
        if one.no_counters:
            yield Seen(subject=f"node {one.node.name}", text=one.no_counters)


def _probes(evidence: Evidence) -> Iterator[Seen]:
    for one in evidence.nodes:
        if one.no_proof:
            yield Seen(subject=f"node {one.node.name}", text=one.no_proof)


def _images(evidence: Evidence) -> Iterator[Seen]:
    for cache in evidence.caches:
        subject = f"daemonset {cache.namespace}/{cache.name}"
        newer = (
            "kubectl nodedns enable --upgrade" if cache.ours else f"where it is kept: {cache.owner}"
        )
        if cache.image.startswith(OLD_REGISTRY):
            yield Seen(
                subject=subject,
                way_out=newer,
                text=f"{cache.image} comes from a registry that is frozen since 2023",
                severity=Severity.WARNING,
            )
        found = version(cache.version)
        if found is None or found >= NEWEST:
            continue
        if found < TIDY:
            yield Seen(
                subject=subject,
                way_out=newer,
                text=f"image {cache.version}: those before 1.22.20 are known to lose or double "
                "their rules while the lock of iptables is held",
                severity=Severity.WARNING,
                matters="interception comes and goes on busy nodes",
            )
        else:
            yield Seen(
                subject=subject,
                way_out=newer,
                text=f"image {cache.version}; {'.'.join(map(str, NEWEST))} is out since "
                "March 2026, and takes the rules away before the link when it ends",
            )


def version(text: str) -> tuple[int, int, int] | None:
    """Read a version such as "1.13.2"; None when there is none."""
    found = _TAG.match(text)
    return (int(found[1]), int(found[2]), int(found[3])) if found else None


CHECKS: tuple[Check[Evidence], ...] = (
    Check(
        code="ND050",
        title="The cache is an open resolver",
        severity=Severity.WARNING,
        category=Category.SECURITY,
        matters="whoever reaches a node's address can resolve through it, the cluster's own names "
        "included, and use it to amplify an attack",
        way_out="let bind name the local IP and the kube-dns IP",
        look=_open,
    ),
    Check(
        code="ND051",
        title="A NetworkPolicy stands between pods, cache and CoreDNS",
        severity=Severity.WARNING,
        category=Category.SECURITY,
        matters="lookups of these pods are dropped, where the network plugin enforces policies on "
        "the node as well: the cache is on the host, and no pod selector covers it",
        way_out="add an ipBlock for the address, as /32, to the rule that allows port 53",
        look=_policies,
    ),
    Check(
        code="ND060",
        title="A rule asks for metrics that are gone",
        severity=Severity.WARNING,
        category=Category.MONITORING,
        matters="it can never fire, and looks as if all were well",
        way_out="use the new name; kubectl nodedns monitoring prints rules that fit",
        look=_rules,
    ),
    Check(
        code="ND061",
        title="A cache's metrics cannot be read",
        severity=Severity.WARNING,
        category=Category.MONITORING,
        matters="failures, memory and setup errors of that node are not known here",
        way_out="the API server must reach the node's metrics port through the pod proxy, and you "
        "need the right get pods/proxy",
        look=_metrics,
    ),
    Check(
        code="ND062",
        title="A probe does not run",
        severity=Severity.WARNING,
        category=Category.MONITORING,
        matters="whether the node's pods are served by its cache could not be proved",
        way_out="a quota, an admission policy, an image that cannot be pulled or a full node "
        "stands in the way: --probe-image, --probe-namespace, kubectl get events",
        look=_probes,
    ),
    Check(
        code="ND070",
        title="The image is old",
        severity=Severity.INFO,
        category=Category.COMPATIBILITY,
        matters="its faults and holes are known and mended in a newer one",
        way_out="take the newest image, the way the cache was installed",
        look=_images,
    ),
    Check(
        code="ND071",
        title="CoreDNS has settings that the cache goes past",
        severity=Severity.WARNING,
        category=Category.COMPATIBILITY,
        matters="the cache asks the node's resolvers for that name, so pods get another answer "
        "than CoreDNS would give",
        way_out="give the cache a server block for that zone that forwards to CoreDNS",
        look=_custom,
    ),
    Check(
        code="ND072",
        title="The cache does not ask CoreDNS for the cluster's names",
        severity=Severity.ERROR,
        category=Category.COMPATIBILITY,
        matters="no service of the cluster resolves where the cache is asked: pods get NXDOMAIN, "
        "or whatever somebody outside says",
        way_out="let the cache's first server block be for the cluster domain, with its forward to "
        "__PILLAR__CLUSTER__DNS__; --cluster-domain says which it is, if it was read wrongly",
        look=_names,
    ),
    Check(
        code="ND073",
        title="The agent drops ConfigMap kube-dns",
        severity=Severity.WARNING,
        category=Category.COMPATIBILITY,
        matters="one entry that it cannot use makes it leave out all of them: names of the stub "
        "domains that are right are asked of the usual servers too",
        way_out="repair that entry: JSON, and addresses for servers, with a port or without",
        look=_kube_dns,
    ),
)
