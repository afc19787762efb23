"""Checks of the objects of an installation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubectl_nodedns.checks.finding import Category, Check, Seen, Severity
from kubectl_nodedns.checks.imitations import check_of
from kubectl_nodedns.checks.wording import SHOWN as NAMED
from kubectl_nodedns.checks.wording import nodes
from kubectl_nodedns.facts.progress import GO_ON, progress_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kubectl_nodedns.checks.evidence import Evidence
    from kubectl_nodedns.facts.leftovers import UpstreamService

HEADLESS = "make the service anew without clusterIP: None; its address cannot be changed later"
SHOWN = 5
"""Differences that a finding shows one by one."""


def _none(evidence: Evidence) -> Iterator[Seen]:
    if not evidence.caches:
        yield Seen(subject="cluster", text="no DaemonSet runs a node-local DNS cache")


def _unfinished(evidence: Evidence) -> Iterator[Seen]:
    for cache in (cache for cache in evidence.caches if cache.ours):
        where = f"{cache.namespace}/{cache.name}"
        phases = {
            one.node.name: pod.phase
            for one in evidence.linux
            for pod in one.pods
            if pod.cache == where
        }
        wanted = sum(not cache.absence(one.node) for one in evidence.linux)
        if progress := progress_of(evidence.state, phases, wanted):
            dark = f" ({nodes(progress.dark)})" if 0 < len(progress.dark) <= NAMED else ""
            yield Seen(subject=f"daemonset {where}", text=f"{progress}{dark}")


def _duplicates(evidence: Evidence) -> Iterator[Seen]:
    for one in evidence.nodes:
        sets = sorted({pod.cache for pod in one.pods})
        if len(sets) > 1:
            names = ", ".join(pod.where for pod in one.pods)
            yield Seen(
                subject=f"node {one.node.name}",
                text=f"caches of the DaemonSets {' and '.join(sets)} run on it ({names})",
            )


def _leftovers(evidence: Evidence) -> Iterator[Seen] | None:
    if evidence.leftovers is None:
        return None
    return (
        Seen(
            subject=f"{one.kind.lower()} {one.namespace}/{one.name}",
            text="no cache uses it" + (", and kubectl nodedns made it" if one.ours else ""),
            way_out="kubectl nodedns disable removes it, if no cache is wanted here; "
            "kubectl nodedns enable takes it up again"
            if one.ours and not evidence.caches
            else "",
        )
        for one in evidence.leftovers
    )


def _drift(evidence: Evidence) -> Iterator[Seen] | None:
    if evidence.drift is None:
        return None
    return _drifted(evidence.drift)


def _drifted(drift: tuple[str, ...]) -> Iterator[Seen]:
    if drift:
        more = f"; and {len(drift) - SHOWN} more" if len(drift) > SHOWN else ""
        yield Seen(subject="cluster", text="; ".join(drift[:SHOWN]) + more)


def _upstream(evidence: Evidence) -> Iterator[Seen] | None:
    if evidence.upstreams is None:
        return None
    return (
        Seen(
            subject=f"service {one.namespace}/{one.name}",
            text=f"cache {one.cache} asks it, and {why}",
            way_out=HEADLESS if one.address == "None" else "",
        )
        for one in evidence.upstreams
        if (why := _lacking(one))
    )


def _lacking(upstream: UpstreamService) -> str:
    """Say why nobody can be asked by way of an upstream service; empty when somebody can."""
    if not upstream.address:
        return "there is no such service"
    if upstream.address == "None":
        return "it is headless: the agent gets no address of it, and CoreDNS ends at that"
    return "" if upstream.ready else "it has no ready endpoint"


def _faults(evidence: Evidence) -> Iterator[Seen]:
    for cache in evidence.caches:
        for fault in cache.faults:
            yield Seen(subject=f"daemonset {cache.namespace}/{cache.name}", text=fault)


CHECKS: tuple[Check[Evidence], ...] = (
    Check(
        code="ND001",
        title="No cache is installed",
        severity=Severity.WARNING,
        category=Category.INSTALL,
        matters="every lookup of every pod crosses the network to CoreDNS",
        way_out="kubectl nodedns check --pre says whether one can be installed, "
        "kubectl nodedns enable installs it",
        decisive=True,
        look=_none,
    ),
    Check(
        code="ND002",
        title="An installation was not finished",
        severity=Severity.WARNING,
        category=Category.INSTALL,
        matters="some nodes are served by the cache, others are not; one in the dark has a cache "
        "that is set up and that nobody asks: kube-dns answers its pods, as before",
        way_out=GO_ON,
        decisive=True,
        look=_unfinished,
    ),
    Check(
        code="ND003",
        title="Two caches on one node",
        severity=Severity.ERROR,
        category=Category.INSTALL,
        matters="they share port 53 and the link, and the one that ends takes the rules of the "
        "other away: pods of the node lose lookups for up to a minute",
        way_out="remove one of the DaemonSets, the way it was installed",
        decisive=True,
        look=_duplicates,
    ),
    Check(
        code="ND004",
        title="Leftovers of an earlier installation",
        severity=Severity.WARNING,
        category=Category.INSTALL,
        matters="the next installer takes them up, or stumbles over them",
        way_out="kubectl delete it, once you know that nothing else uses it",
        look=_leftovers,
    ),
    Check(
        code="ND005",
        title="The installation is not what its options yield",
        severity=Severity.WARNING,
        category=Category.INSTALL,
        matters="somebody changed it by hand, or a node runs an older revision; what was proved "
        "is not what runs",
        way_out="kubectl nodedns enable puts it back; kubectl nodedns enable --dry-run=client "
        "shows what it would do",
        decisive=True,
        look=_drift,
    ),
    Check(
        code="ND006",
        title="The upstream service has no endpoint",
        severity=Severity.ERROR,
        category=Category.INSTALL,
        matters="what the cache does not know yet it cannot ask for: cluster names fail as soon "
        "as their entries expire",
        way_out="repair CoreDNS, or make the service's selector match its pods",
        decisive=True,
        look=_upstream,
    ),
    check_of("ND007"),
    Check(
        code="ND008",
        title="The agent ends at its own manifest",
        severity=Severity.ERROR,
        category=Category.INSTALL,
        matters="its pods start, end and start again: no lookup is ever answered by this cache",
        way_out="put in the value that belongs there, in the manifest, and apply it again: the "
        "local IP, and after a comma the DNS service's address where the cache takes that over",
        look=_faults,
    ),
)
