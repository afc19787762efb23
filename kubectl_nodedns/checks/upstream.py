"""Checks of the servers that the caches ask."""

from __future__ import annotations

import ipaddress
import re
from collections import defaultdict
from typing import TYPE_CHECKING

from kubectl_nodedns.checks.finding import Category, Check, Seen, Severity
from kubectl_nodedns.checks.traffic import failing
from kubectl_nodedns.checks.wording import nodes as named
from kubectl_nodedns.facts.dataplane import out_of_reach

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from kubectl_nodedns.checks.evidence import CoreDnsLoad, Evidence, NodeEvidence

FAILURES = ("SERVFAIL", "REFUSED")
ENOUGH = 100.0
"""Lookups over the window below which a share says nothing."""
ANSWERS = 10.0
"""Answers of an upstream over the window below which their times say nothing."""
OTHERS = 2
"""Nodes that ask the same upstream for one to differ from."""
SLOW, SLOWER = 0.05, 4.0
"""Seconds from which an upstream is slow on a node, and times the slowest of the other nodes."""
UNEVEN = 3.0
"""Times that one pod's lookups may exceed what the others get on average."""
_LOOP = re.compile(r"Loop \([^)]*\) detected[^\n]*", re.IGNORECASE)


def _known(evidence: Evidence) -> list[NodeEvidence]:
    return [one for one in evidence.nodes if one.counters and one.counters.seconds]


def _answers(evidence: Evidence) -> Iterator[Seen] | None:
    known = _known(evidence)
    return _bad_answers(known) if known else None


def _bad_answers(known: Iterable[NodeEvidence]) -> Iterator[Seen]:
    total: dict[str, float] = defaultdict(float)
    bad: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    nodes: dict[str, list[str]] = defaultdict(list)
    for one in known:
        for upstream in one.counters.upstreams if one.counters else ():
            total[upstream.to] += upstream.responses
            failed = {rcode: upstream.by_rcode.get(rcode, 0.0) for rcode in FAILURES}
            for rcode, count in failed.items():
                bad[upstream.to][rcode] += count
            if sum(failed.values()):
                nodes[upstream.to].append(one.node.name)
    for to, rcodes in sorted(bad.items()):
        all_bad = sum(rcodes.values())
        if severity := failing(all_bad, total[to]):
            said = ", ".join(f"{count:.0f} {rcode}" for rcode, count in rcodes.items() if count)
            yield Seen(
                subject=f"upstream {to}",
                text=f"{said} in {total[to]:.0f} responses ({all_bad / total[to]:.1%}); "
                f"{named(nodes[to])} asked it",
                severity=severity,
            )


def _silence(evidence: Evidence) -> Iterator[Seen] | None:
    known = _known(evidence)
    return _silent(known) if known else None


def _silent(known: Iterable[NodeEvidence]) -> Iterator[Seen]:
    count: dict[str, float] = defaultdict(float)
    nodes: dict[str, list[str]] = defaultdict(list)
    for one in known:
        for upstream in one.counters.upstreams if one.counters else ():
            if upstream.unanswered:
                count[upstream.to] += upstream.unanswered
                nodes[upstream.to].append(one.node.name)
    for to, failed in sorted(count.items()):
        yield Seen(
            subject=f"upstream {to}",
            text=f"{failed:.0f} health check{'s' if failed > 1 else ''} of {named(nodes[to])} "
            "failed: lookups before them timed out",
        )


def _load(evidence: Evidence) -> Iterator[Seen] | None:
    return None if evidence.coredns is None else _uneven(evidence.coredns)


def _uneven(pods: tuple[CoreDnsLoad, ...]) -> Iterator[Seen]:
    total = sum(pod.lookups for pod in pods)
    if len(pods) < 2 or total < ENOUGH:  # noqa: PLR2004 - one has nobody to share with
        return
    for pod in pods:
        others = (total - pod.lookups) / (len(pods) - 1)
        if pod.lookups > UNEVEN * others:
            yield Seen(
                subject=f"pod {pod.pod}",
                text=f"it got {pod.lookups:.0f} of {total:.0f} lookups, {_rest(len(pods) - 1)} "
                f"{others:.0f} (node {pod.node})",
            )


def _rest(count: int) -> str:
    return "the other one" if count == 1 else f"the other {count} on average"


def _loops(evidence: Evidence) -> Iterator[Seen]:
    kept = out_of_reach(evidence.mode, excluded=evidence.dns.nat_excluded)
    for one in evidence.nodes:
        # Where the dataplane keeps the DNS service's address, it leads to CoreDNS from it too.
        own = evidence.local_ips | (
            one.listening - set(evidence.dns.ips) if kept else one.listening
        )
        subject = f"node {one.node.name}"
        if found := _LOOP.search(one.last_words):
            yield Seen(subject=subject, text=f"the cache ended with: {found[0].strip()}")
            continue
        for upstream in one.counters.upstreams if one.counters else ():
            host = upstream.to.rpartition(":")[0].strip("[]")
            if host in own or _loopback(host):
                yield Seen(
                    subject=subject,
                    text=f"the cache forwards to {upstream.to}, "
                    + ("its own address" if host in own else "an address of the node itself"),
                )


def _slow(evidence: Evidence) -> Iterator[Seen] | None:
    known = _known(evidence)
    return _slow_alone(known) if known else None


def _slow_alone(known: Iterable[NodeEvidence]) -> Iterator[Seen]:
    took: dict[str, list[tuple[float, str]]] = defaultdict(list)
    for one in known:
        for upstream in one.counters.upstreams if one.counters else ():
            if upstream.median is not None and upstream.responses >= ANSWERS:
                took[upstream.to].append((upstream.median, one.node.name))
    for to, times in sorted(took.items()):
        (slowest, node), *others = sorted(times, reverse=True)
        if len(others) < OTHERS:
            continue
        usual = max(seconds for seconds, _ in others)
        if slowest >= SLOW and slowest > SLOWER * usual:
            yield Seen(
                subject=f"node {node}",
                text=f"half of the answers of {to} take longer than {slowest * 1000:.0f} ms here, "
                f"and no more than {usual * 1000:.1f} ms on {len(others)} other nodes",
                way_out=f"kubectl nodedns lookup NAME --node {node} times each server from there; "
                "look at the node's network: its link, its queue, its way to that address",
            )


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


CHECKS: tuple[Check[Evidence], ...] = (
    Check(
        code="ND030",
        title="An upstream answers with SERVFAIL or REFUSED",
        severity=Severity.WARNING,
        category=Category.UPSTREAM,
        matters="the cache hands that on to pods",
        way_out="ask it for the names that fail, with kubectl nodedns lookup NAME; CoreDNS's "
        "log has the cause when it is CoreDNS",
        look=_answers,
    ),
    Check(
        code="ND031",
        title="An upstream does not answer",
        severity=Severity.ERROR,
        category=Category.UPSTREAM,
        matters="a lookup that is not in the cache waits for seconds, and may fail",
        way_out="look at the network from these nodes to it, UDP and TCP, port 53; at its load "
        "and its connection limit; at NetworkPolicies",
        look=_silence,
    ),
    Check(
        code="ND032",
        title="CoreDNS pods carry uneven load",
        severity=Severity.WARNING,
        category=Category.UPSTREAM,
        matters="caches ask over TCP connections that they keep, so a CoreDNS pod that came later "
        "gets little, and the busy one is the first to be too slow",
        way_out="kubectl rollout restart the CoreDNS Deployment to spread connections anew; "
        "enable --cluster-forward prefer_udp avoids the cause, for a cache of ours; for another, "
        "prefer_udp in place of force_tcp in its Corefile",
        look=_load,
    ),
    Check(
        code="ND033",
        title="A forwarding loop",
        severity=Severity.ERROR,
        category=Category.UPSTREAM,
        matters="lookups come back to the cache until it ends, which it does on purpose",
        way_out="the node's resolv.conf names the node itself or the cluster's DNS: let the "
        "kubelet's resolvConf name the file with the real resolvers "
        "(/run/systemd/resolve/resolv.conf with systemd-resolved)",
        look=_loops,
    ),
    Check(
        code="ND034",
        title="An upstream is slow for one node only",
        severity=Severity.WARNING,
        category=Category.UPSTREAM,
        matters="what this node's cache does not know takes its pods that long, and the upstream "
        "is not to blame",
        way_out="look at the node's network: its link, its queue, its way to that address",
        look=_slow,
    ),
)
