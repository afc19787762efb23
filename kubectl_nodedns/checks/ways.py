"""Ways out that fit the cluster in hand: whose the cache is, what it is called, how much it needs.

What our commands would do to a cache that is not ours is not advised: there the way leads through
`kubectl`, or through whoever manages it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubectl_nodedns.facts.cache_memory import worst_case

if TYPE_CHECKING:
    from kubectl_nodedns.checks.evidence import Evidence, NodeEvidence
    from kubectl_nodedns.facts.cache_pods import CachePod
    from kubectl_nodedns.facts.caches import Cache

MIB = 2**20
STEP = 64 * MIB
"""Limits are advised in multiples of it."""
SPARE = 1.25
"""Times the worst case by the Corefile, as `enable` sizes a limit."""
MORE = 1.5
"""Times the limit that was too low."""


def keeper(evidence: Evidence, pod: CachePod) -> Cache | None:
    """Return the cache that a pod belongs to."""
    found = (one for one in evidence.caches if f"{one.namespace}/{one.name}" == pod.cache)
    return next(found, None)


def repair(evidence: Evidence, one: NodeEvidence) -> str:
    """Say how a node's rules are put back."""
    pod = one.pods[0]
    cache = keeper(evidence, pod)
    if cache is not None and cache.ours:
        return "kubectl nodedns enable --yes proves each node and repairs one that is bypassed"
    delete = f"kubectl -n {pod.namespace} delete pod {pod.name}"
    return f"{delete} lets a new agent put the rules up again"


def more_memory(evidence: Evidence, pod: CachePod) -> str:
    """Say how a cache gets a limit that it can live with."""
    cache = keeper(evidence, pod)
    if cache is None:
        return "raise the memory limit of its DaemonSet"
    worst = worst_case(evidence.corefiles.get(pod.cache, ()))
    least = max(MORE * (pod.memory_limit_bytes or 0), SPARE * worst)
    return limit(cache, f"{-(-int(least) // STEP) * STEP // MIB}Mi", pod.container)


def limit(cache: Cache, amount: str, container: str = "") -> str:
    """Say how a cache gets a memory limit.

    Args:
        cache: the cache.
        amount: the limit, as Kubernetes writes it; "auto" lets `enable` size it by the Corefile.
        container: name of the cache's container; empty for all.
    """
    if cache.ours:
        return f"kubectl nodedns enable --memory-limit {amount}"
    which = f" -c {container}" if container else ""
    return (
        f"kubectl -n {cache.namespace} set resources daemonset/{cache.name}{which} "
        f"--limits=memory={amount}, or the same where it is kept: {cache.owner}"
    )
