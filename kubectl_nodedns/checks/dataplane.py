"""Checks of whether lookups can reach the cache on what translates service addresses here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubectl_nodedns.checks.finding import Category, Check, Seen, Severity
from kubectl_nodedns.facts.dataplane import out_of_reach

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kubectl_nodedns.checks.evidence import Evidence

AGAIN = (
    "kubectl nodedns enable makes it a cache for that dataplane, on the local IP alone, and prints "
    "the steps for the kubelets"
)


def _mode(evidence: Evidence) -> Iterator[Seen] | None:
    return _out_of_reach(evidence) if evidence.mode else None


def _out_of_reach(evidence: Evidence) -> Iterator[Seen]:
    why = out_of_reach(evidence.mode, excluded=evidence.dns.nat_excluded)
    for cache in evidence.caches:
        taken = [ip for ip in cache.local_ips if ip in evidence.dns.ips]
        if why and taken and cache.host_network:
            yield Seen(
                subject=f"daemonset {cache.namespace}/{cache.name}",
                text=f"it is to take over {', '.join(taken)}, the DNS service's address, and "
                f"services are translated by {evidence.mode}: {why}",
                way_out=AGAIN if cache.ours and evidence.mode == "ipvs" else "",
            )


CHECKS: tuple[Check[Evidence], ...] = (
    Check(
        code="ND017",
        title="The cache waits where no lookup comes",
        severity=Severity.ERROR,
        category=Category.COVERAGE,
        matters="pods of every node go past the cache, or have no DNS while it changes: the node's "
        "rules and the dataplane's work against each other",
        way_out="let -localip and the Corefile's bind name the local IP alone and kubelets hand it "
        "out (ipvs), or use what the dataplane has for it: docs/dataplanes.md",
        look=_mode,
    ),
)
