"""The one-screen answer: what is installed, where, and whether it works. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kubectl_nodedns.checks.coverage import left_out
from kubectl_nodedns.checks.interception import Interception
from kubectl_nodedns.checks.traffic import interception

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kubectl_nodedns.checks.evidence import Evidence
    from kubectl_nodedns.checks.finding import Finding, Outcome
    from kubectl_nodedns.facts.caches import Cache

SHOWN = 5
"""Findings that are said one by one, so that each node that is wrong is named."""
HEADER = ("NODE", "POD", "READY", "INTERCEPTING", "DETAIL")


@dataclass(frozen=True, kw_only=True)
class NodeStatus:
    """One node that can run a cache."""

    node: str
    """Its name."""
    pod: str
    """Its cache pod; empty without one."""
    expected: bool
    """Whether a cache should run on it."""
    ready: bool
    """Whether its cache pod is ready."""
    interception: Interception
    """Whether its pods' lookups reach the cache."""
    detail: str
    """What is remarkable about it; may be empty."""


@dataclass(frozen=True, kw_only=True)
class Status:
    """What is installed, and how it is."""

    caches: tuple[Cache, ...]
    """The caches, ours first."""
    state: str
    """State of an installation of ours; empty without one."""
    mode: str
    """What translates service addresses; empty when not known."""
    dns: str
    """The DNS service, with its addresses."""
    local_ips: tuple[str, ...]
    """Addresses that only caches have."""
    kube_dns_ips: tuple[str, ...]
    """Addresses of the DNS service that a cache listens on."""
    coredns: tuple[str, ...]
    """Versions of CoreDNS in the caches, as their metrics tell."""
    nodes: tuple[NodeStatus, ...]
    """The nodes that can run a cache."""
    drift: tuple[str, ...] | None
    """What differs from what the options yield; None when not known, or not ours."""
    wrong: tuple[Finding, ...]
    """What is wrong."""

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.wrong

    def count(self, kind: Interception) -> int:
        """Count the nodes of one kind of interception, among those with a cache pod."""
        return sum(one.interception is kind for one in self.nodes if one.pod)

    @property
    def verdict(self) -> str:
        """Say it in a sentence."""
        if not self.caches:
            return "not installed: this cluster has no node-local DNS cache"
        if self.wrong:
            codes = ", ".join(dict.fromkeys(one.code for one in self.wrong))
            return f"wrong: {self.wrong[0].subject}: {self.wrong[0].seen} ({codes})"
        expected = [one for one in self.nodes if one.expected]
        covered = f"{len(expected)} of {len(self.nodes)} nodes are covered and ready"
        kinds = [f"{kind} on {n}" for kind in Interception if (n := self.count(kind))]
        said = f"{covered}; interception {', '.join(kinds)}" if kinds else covered
        if self.count(Interception.NOT_KNOWN):
            return f"well as far as is known: {said} (--probe finds out)"
        return f"well: {said}"


def status_of(evidence: Evidence, outcome: Outcome) -> Status:
    """Sum the evidence up; `outcome` is what the checks said about the same evidence."""
    listened = [ip for cache in evidence.caches for ip in cache.local_ips]
    dns = evidence.dns
    versions = {one.counters.version for one in evidence.nodes if one.counters}
    return Status(
        caches=evidence.caches,
        state=evidence.state,
        mode=evidence.mode,
        dns=f"{dns.namespace}/{dns.name} at {', '.join(dns.ips)}",
        local_ips=tuple(dict.fromkeys(ip for ip in listened if ip not in dns.ips)),
        kube_dns_ips=tuple(dict.fromkeys(ip for ip in listened if ip in dns.ips)),
        coredns=tuple(sorted(versions - {""})),
        nodes=_nodes(evidence, outcome),
        drift=evidence.drift,
        wrong=outcome.wrong,
    )


def _nodes(evidence: Evidence, outcome: Outcome) -> tuple[NodeStatus, ...]:
    said: dict[str, str] = {}
    for finding in outcome.findings:
        said.setdefault(finding.subject, finding.seen)
    found = []
    for one in evidence.linux:
        pod = one.pods[0] if one.pods else None
        found.append(
            NodeStatus(
                node=one.node.name,
                pod=pod.name if pod else "",
                expected=bool(pod) or not all(left_out(evidence, one)),
                ready=bool(pod and pod.ready),
                interception=interception(evidence, one),
                detail=said.get(f"node {one.node.name}", one.proof.text if one.proof else ""),
            )
        )
    return tuple(found)


def lines(status: Status) -> list[tuple[str, str]]:
    """Return the screen as pairs of a name and what there is to say."""
    pairs = []
    for cache in status.caches:
        pairs += [
            ("cache", f"{cache.namespace}/{cache.name}"),
            ("installed by", cache.owner),
            ("image", cache.image),
        ]
    if status.caches:
        pairs += [("CoreDNS", ", ".join(status.coredns) or "not known: no metrics")]
        pairs += [("state", status.state)] if status.state else []
    pairs += [("mode", status.mode or "not known"), ("DNS service", status.dns)]
    if status.caches:
        taken = f", takes over {', '.join(status.kube_dns_ips)}" if status.kube_dns_ips else ""
        pairs += [
            ("addresses", f"{', '.join(status.local_ips) or 'no own'}{taken}"),
            ("nodes", _covered(status)),
            ("intercepting", _intercepting(status)),
            *[("", f"not known: {why}") for why in _unknown(status)],
        ]
        if status.drift is not None:
            pairs.append(("drift", _drift(status.drift)))
    wrong = [f"{one.subject}: {one.seen} ({one.code})" for one in status.wrong[:SHOWN]]
    if len(status.wrong) > SHOWN:
        wrong.append(f"and {len(status.wrong) - SHOWN} more: kubectl nodedns check")
    if len(wrong) > 1:
        pairs += [("wrong" * (not i), text) for i, text in enumerate(wrong)]
    return [*pairs, ("verdict", status.verdict)]


def _unknown(status: Status) -> list[str]:
    """Say why interception is not known on nodes where something stands in the way of looking."""
    wrong = {one.subject for one in status.wrong}
    why = Counter(
        one.detail
        for one in status.nodes
        if one.interception is Interception.NOT_KNOWN and one.ready and one.detail
        if f"node {one.node}" not in wrong
    )
    return [f"{text} ({nodes} node{'s' if nodes > 1 else ''})" for text, nodes in why.items()]


def document(status: Status) -> dict[str, Any]:
    """Return everything as plain data, for `-o json` and `-o yaml`."""
    kinds = Counter(one.interception for one in status.nodes if one.pod)
    return {
        "ok": status.ok,
        "verdict": status.verdict,
        "caches": [
            {
                "namespace": cache.namespace,
                "name": cache.name,
                "installedBy": cache.owner,
                "ours": cache.ours,
                "image": cache.image,
                "version": cache.version,
            }
            for cache in status.caches
        ],
        "state": status.state or None,
        "corednsVersions": list(status.coredns),
        "mode": status.mode or None,
        "localIPs": list(status.local_ips),
        "kubeDnsIPs": list(status.kube_dns_ips),
        "nodes": {
            "total": len(status.nodes),
            "expected": sum(one.expected for one in status.nodes),
            "covered": sum(bool(one.pod) for one in status.nodes),
            "ready": sum(one.ready for one in status.nodes),
            "interception": {kind.value: kinds.get(kind, 0) for kind in Interception},
        },
        "drift": None if status.drift is None else list(status.drift),
        "wrong": [
            {"code": one.code, "subject": one.subject, "seen": one.seen} for one in status.wrong
        ],
        "perNode": [
            {
                "node": one.node,
                "pod": one.pod or None,
                "expected": one.expected,
                "ready": one.ready,
                "interception": one.interception.value,
                "detail": one.detail or None,
            }
            for one in status.nodes
        ],
    }


def rows(status: Status) -> list[tuple[str, ...]]:
    """Return a row for each node, for `HEADER`."""
    return [
        (
            one.node,
            one.pod or "–",
            ("yes" if one.ready else "no") if one.pod else "–",
            one.interception.value if one.pod else "–",
            one.detail,
        )
        for one in status.nodes
    ]


def _covered(status: Status) -> str:
    nodes: Sequence[NodeStatus] = status.nodes
    covered = sum(bool(one.pod) for one in nodes)
    expected = sum(one.expected for one in nodes)
    ready = sum(one.ready for one in nodes)
    left = f", {len(nodes) - expected} left out" if len(nodes) > expected else ""
    return f"{covered} of {expected} covered, {ready} ready{left}"


def _intercepting(status: Status) -> str:
    kinds = [f"{n} {kind.value}" for kind in Interception if (n := status.count(kind))]
    unproved = sum(bool(one.pod) for one in status.nodes) - status.count(Interception.PROVED)
    unproved -= status.count(Interception.NOT_INTERCEPTED) + status.count(Interception.DARK)
    hint = f"; {unproved} unproved" if unproved else ""
    return (", ".join(kinds) or "no node") + hint


def _drift(drift: tuple[str, ...]) -> str:
    if not drift:
        return "none"
    more = f" (and {len(drift) - 1} more)" if len(drift) > 1 else ""
    return f"{drift[0]}{more}"
