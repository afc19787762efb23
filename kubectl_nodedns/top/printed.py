"""Snapshots for print: one with rates, or one after the other; with proofs where asked for."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from kubectl_nodedns.together import beside
from kubectl_nodedns.top.printed_probing import PrintedProbing

if TYPE_CHECKING:
    from collections.abc import Callable

    from kubectl_nodedns.metrics.fleet import FleetSnapshot
    from kubectl_nodedns.top.probe_pods import ProbePods
    from kubectl_nodedns.top.wiring import WatchedCluster


async def once(
    watched: WatchedCluster, asker: ProbePods, *, told: Callable[[str], None]
) -> tuple[FleetSnapshot, int]:
    """Read everything twice, so that there are rates, and record what came out.

    Args:
        watched: what is watched.
        asker: asks from probe pods, which are gone at the end.
        told: called with what people should know, in words.

    Returns:
        The snapshot, and the number of nodes that could not be asked from.

    Raises:
        ApiError: nodes or pods cannot be listed.
    """
    monitor, request = watched.monitor, watched.request
    async with PrintedProbing(watched, asker, told) as probing:
        snapshot = await monitor.once(request.apart)
        if request.probe:  # rows must be there to be in an order, and fresh when printed
            await probing.once()
            snapshot = await monitor.once(request.apart)
        if watched.recorder:
            await watched.recorder.frame(snapshot)
        return snapshot, probing.failed


async def watch(
    watched: WatchedCluster,
    asker: ProbePods,
    *,
    shown: Callable[[FleetSnapshot], None],
    told: Callable[[str], None],
) -> None:
    """Show a snapshot with each refresh, until cancelled or `shown` raises something.

    Args:
        watched: what is watched.
        asker: asks from probe pods, which are gone at the end.
        shown: called with each snapshot.
        told: called with what people should know, in words.

    Raises:
        ApiError: nodes or pods cannot be listed.
    """
    monitor, request = watched.monitor, watched.request
    async with PrintedProbing(watched, asker, told) as probing, watched.recorded():
        await monitor.load()
        meanwhile = [monitor.run(), *([probing.again()] if request.probe else [])]
        async with beside(*meanwhile):
            while True:
                await asyncio.sleep(request.refresh)
                shown(monitor.snapshot())
