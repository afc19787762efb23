"""What comes back to CoreDNS when the caches go."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubectl_nodedns.errors import ApiError
from kubectl_nodedns.metrics.monitor import traffic_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kubectl_nodedns.cluster.client import Client
    from kubectl_nodedns.facts.caches import Cache
    from kubectl_nodedns.install.proof import Report

BUSY = 1000
"""Lookups a second of one CoreDNS pod from which more replicas are worth a thought."""
MANIFOLD = 2.0
"""From so many times today's load on it is a warning."""


async def tell_capacity(
    client: Client, caches: Sequence[Cache], coredns: int, report: Report
) -> None:
    """Say what comes back to CoreDNS; where the caches cannot be asked, that it is not known."""
    try:
        traffic = await traffic_of(client, caches)
    except ApiError:
        traffic = None
    if traffic is None or traffic.lookups is None:
        report.note("what comes back to CoreDNS is not known: the caches' counters cannot be read")
    else:
        report.note(capacity_words(traffic.lookups, traffic.hit_ratio, coredns))


def capacity_words(lookups: float, hit_ratio: float | None, coredns: int) -> str:
    """Say what CoreDNS gets when all lookups come back to it.

    Args:
        lookups: that the caches answer now, a second.
        hit_ratio: share of them that never reached anybody else; None when not known.
        coredns: ready CoreDNS pods.
    """
    if lookups < 1:
        return "the caches are asked next to nothing now: CoreDNS gets little more without them"
    text = f"the caches answer about {lookups:.0f} lookups/s"
    if hit_ratio is not None:
        text += f", {_share(hit_ratio)} of them themselves"
    text += f"; all of them come back to {coredns} CoreDNS pod{'s' if coredns != 1 else ''}"
    factor = 1 / max(1 - hit_ratio, 0.01) if hit_ratio is not None else MANIFOLD
    if factor >= MANIFOLD and lookups / max(coredns, 1) > BUSY:
        return f"WARNING: {text}, which get {_times(factor)} now: scale CoreDNS up first"
    return text


def _share(ratio: float) -> str:
    steps = ((0.95, "nearly all"), (0.7, "most"), (0.4, "about half"), (0.1, "some"))
    return next((words for least, words in steps if ratio >= least), "few")


def _times(factor: float) -> str:
    return "a small part of that" if factor >= 4 else "half of that or less"  # noqa: PLR2004
