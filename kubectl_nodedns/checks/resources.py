"""Checks of memory, restarts, and what the agent and CoreDNS complain about themselves."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from kubectl_nodedns.checks.finding import Category, Check, Seen, Severity
from kubectl_nodedns.checks.ways import keeper, limit, more_memory
from kubectl_nodedns.checks.wording import DAY, MINUTE, ago
from kubectl_nodedns.facts.cache_memory import worst_case
from kubectl_nodedns.facts.loading import loading_faults

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from kubectl_nodedns.checks.evidence import Counters, Evidence, NodeEvidence
    from kubectl_nodedns.facts.cache_pods import CachePod
    from kubectl_nodedns.facts.caches import Cache

MIB = 2**20
NEAR = 0.8
"""Share of the limit from which memory is near it."""
OOM = "OOMKilled"
NO_TEMPLATE = (
    "its Corefile is not made from a template, so ConfigMap kube-dns is not followed; with "
    "kubespray that is always so"
)


def _killed(evidence: Evidence) -> Iterator[Seen]:
    for one in evidence.nodes:
        for pod in one.pods:
            if pod.ended_by.startswith(OOM):
                at_most = (
                    f", limit {_mib(pod.memory_limit_bytes)}" if pod.memory_limit_bytes else ""
                )
                yield Seen(
                    subject=f"node {one.node.name}",
                    text=f"pod {pod.where}: {pod.ended_by}{at_most}"
                    f"{_ago(evidence, pod.restarted_at)}",
                    way_out=f"{more_memory(evidence, pod)}; max_concurrent in the Corefile bounds "
                    "what waits for slow upstreams",
                )


def _restarts(evidence: Evidence) -> Iterator[Seen]:
    for one in evidence.nodes:
        for pod in one.pods:
            if not pod.restarts or pod.ended_by.startswith(OOM):
                continue
            old = pod.restarted_at is not None and evidence.at - pod.restarted_at > DAY
            times = f"{pod.restarts} time{'s' if pod.restarts > 1 else ''}"
            why = (
                f", last: {pod.ended_by}{_ago(evidence, pod.restarted_at)}" if pod.ended_by else ""
            )
            yield Seen(
                subject=f"node {one.node.name}",
                text=f"pod {pod.where} restarted {times}{why}",
                way_out=f"kubectl -n {pod.namespace} logs {pod.name} --previous says why it ended",
                severity=Severity.INFO if old else None,
            )


def _near(evidence: Evidence) -> Iterator[Seen] | None:
    known = [
        (one, one.counters.memory_bytes, one.pods[0].memory_limit_bytes)
        for one in evidence.nodes
        if one.pods and one.counters and one.counters.memory_bytes is not None
    ]
    return _near_limit(evidence, known) if known else None


def _near_limit(
    evidence: Evidence, known: Iterable[tuple[NodeEvidence, float, int | None]]
) -> Iterator[Seen]:
    for one, used, most in known:
        if most and used >= NEAR * most:
            yield Seen(
                subject=f"node {one.node.name}",
                text=f"{_mib(used)} resident, limit {_mib(most)} ({used / most:.0%})",
                way_out=f"{more_memory(evidence, one.pods[0])}, before it happens",
            )


def _limits(evidence: Evidence) -> Iterator[Seen] | None:
    return _low_limits(evidence) if evidence.corefiles else None


def _low_limits(evidence: Evidence) -> Iterator[Seen]:
    for cache in evidence.caches:
        where = f"{cache.namespace}/{cache.name}"
        worst = worst_case(evidence.corefiles.get(where, ()))
        if where in evidence.corefiles and cache.memory_limit and cache.memory_limit < worst:
            yield Seen(
                subject=f"daemonset {where}",
                text=f"memory limit {_mib(cache.memory_limit)}; full caches would take about "
                f"{_mib(worst)} by its Corefile",
                way_out=f"{_enough(cache, worst)}, or make the caches smaller in the Corefile "
                "(success, denial, max_concurrent)",
            )


def _enough(cache: Cache, worst: int) -> str:
    return limit(cache, "auto" if cache.ours else f"{-(-worst // MIB)}Mi")


def _setup(evidence: Evidence) -> Iterator[Seen] | None:
    known = [one for one in evidence.nodes if one.counters and one.counters.seconds]
    return _setup_errors(evidence, known) if known else None


def _setup_errors(evidence: Evidence, known: Iterable[NodeEvidence]) -> Iterator[Seen]:
    for one in known:
        if one.counters is None:
            continue
        lately = {kind: n for kind, n in one.counters.setup_errors.items() if n}
        if lately:
            harmless = set(lately) == {"configmap"}
            yield Seen(
                subject=f"node {one.node.name}",
                text=f"errors within {one.counters.seconds:.0f} s: {_by_kind(lately)}",
                severity=Severity.INFO if harmless else None,
                matters=NO_TEMPLATE if harmless else "",
            )
        elif ever := _still_failing(evidence, one.counters):
            yield Seen(
                subject=f"node {one.node.name}",
                text=f"errors since it started {ago(evidence.at - (one.counters.started or 0.0))}: "
                f"{_by_kind(ever)}; none within {one.counters.seconds:.0f} s, and it tries once a "
                "minute",
                severity=Severity.WARNING,
            )


def _still_failing(evidence: Evidence, counters: Counters) -> dict[str, float]:
    """Return errors since start that are as many as if each round failed; ConfigMaps apart.

    The agent tries once a minute, so a window of seconds rarely has a round in it, while what
    failed once at the start is soon less than one error a minute.
    """
    if counters.started is None:
        return {}
    ever = {k: n for k, n in counters.setup_errors_ever.items() if n and k != "configmap"}
    rounds = (evidence.at - counters.started) / MINUTE
    return ever if ever and sum(ever.values()) >= rounds else {}


def _by_kind(errors: Mapping[str, float]) -> str:
    return ", ".join(f"{n:.0f} {kind}" for kind, n in sorted(errors.items()))


def _reload(evidence: Evidence) -> Iterator[Seen] | None:
    known = [one for one in evidence.nodes if one.counters]
    if not (known or evidence.corefiles or evidence.unreadable):
        return None
    return itertools.chain(_unloadable(evidence), _reloads(evidence, known))


def _unloadable(evidence: Evidence) -> Iterator[Seen]:
    for cache in evidence.caches:
        where = f"{cache.namespace}/{cache.name}"
        faults = [
            (f"{fault.text}: {cache.image} ends at that", fault.way_out)
            for fault in loading_faults(evidence.corefiles.get(where, ()), cache.image)
        ]
        if where in evidence.unreadable:
            faults.append((f"CoreDNS ends at it: {evidence.unreadable[where]}", ""))
        for text, way_out in faults:
            yield Seen(
                subject=f"configmap {cache.namespace}/{cache.configmap}",
                text=text,
                severity=Severity.ERROR,
                matters="a cache pod that starts does not come up with it, and one that runs goes "
                "on with the Corefile before, until it starts again",
                way_out=way_out,
            )


def _reloads(evidence: Evidence, known: Iterable[NodeEvidence]) -> Iterator[Seen]:
    for one in known:
        failed = one.counters.reload_failures if one.counters else None
        if failed:
            yield Seen(
                subject=f"node {one.node.name}",
                text=f"{failed:.0f} Corefile{'s' if failed > 1 else ''} could not be loaded "
                "since the cache started",
                way_out=_reloaded(evidence, one.pods[0]) if one.pods else "",
            )


def _reloaded(evidence: Evidence, pod: CachePod) -> str:
    cache = keeper(evidence, pod)
    where = f"kubectl -n {pod.namespace}"
    if cache is not None and cache.ours:
        mend = "kubectl nodedns enable puts the ConfigMap back"
    else:
        configmap = f" {cache.configmap}" if cache and cache.configmap else ""
        mend = f"correct the ConfigMap{configmap}"
    return f"{where} logs {pod.name} names the line; {mend}; then {where} delete pod {pod.name}"


def _mib(number: float) -> str:
    return f"{number / MIB:.0f} MiB"


def _ago(evidence: Evidence, at: float | None) -> str:
    return "" if at is None else f", {ago(evidence.at - at)}"


CHECKS: tuple[Check[Evidence], ...] = (
    Check(
        code="ND040",
        title="A cache was killed for its memory",
        severity=Severity.ERROR,
        category=Category.RESOURCES,
        matters="a killed cache leaves its rules behind: until it is back, no pod of the node has "
        "DNS",
        way_out="raise the memory limit above what full caches take",
        look=_killed,
    ),
    Check(
        code="ND041",
        title="A cache restarted",
        severity=Severity.WARNING,
        category=Category.RESOURCES,
        matters="each restart is a moment without DNS on that node, and an empty cache after it",
        way_out="kubectl logs --previous says why it ended",
        look=_restarts,
    ),
    Check(
        code="ND042",
        title="A cache's memory is near its limit",
        severity=Severity.WARNING,
        category=Category.RESOURCES,
        matters="above the limit it is killed, and leaves its rules behind",
        way_out="raise the memory limit before it happens",
        look=_near,
    ),
    Check(
        code="ND043",
        title="The memory limit is below what full caches take",
        severity=Severity.INFO,
        category=Category.RESOURCES,
        matters="many distinct names, or slow upstreams, can take the cache over its limit",
        way_out="raise the limit, or make the caches smaller in the Corefile (success, denial, "
        "max_concurrent)",
        look=_limits,
    ),
    Check(
        code="ND044",
        title="The agent cannot set up rules or link",
        severity=Severity.ERROR,
        category=Category.RESOURCES,
        matters="without its rules and addresses the cache is not asked, or cannot answer",
        way_out="several kinds at once: the container lacks NET_ADMIN; iptables: no xt_CT in the "
        "kernel, or another iptables variant on the host; iptables_lock: somebody holds "
        "/run/xtables.lock; interface_…: a host daemon takes the link nodelocaldns away (exempt it "
        "in NetworkManager, systemd-networkd); the pod's log has the words",
        look=_setup,
    ),
    Check(
        code="ND045",
        title="A Corefile could not be loaded",
        severity=Severity.WARNING,
        category=Category.RESOURCES,
        matters="the cache goes on with the one before, and its metrics or health listener may be "
        "dead until it restarts",
        way_out="the pod's log names the line; correct the ConfigMap, then delete the pod",
        look=_reload,
    ),
)
