"""Verdicts on nodes that may be lost while they are asked: a lost node proves nothing.

Where no command runs in the probe, the kubelet is dead or comes back in a moment; which of the two
the API server knows only after a while. DNS has not failed there.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from kubectl_nodedns.install.pods import LOOK
from kubectl_nodedns.install.proof import failed

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from kubectl_nodedns.install.pods import CachePods
    from kubectl_nodedns.verdict import Verdict

UNREADY = 60.0
"""Seconds until the API server calls a node unready whose kubelet died, and a little more: 50 by
default (kube-controller-manager, --node-monitor-grace-period), 40 before Kubernetes 1.32."""


class Verdicts:
    """The verdicts of one run.

    Args:
        pods: looks at nodes, and knows the lost ones.
    """

    def __init__(self, pods: CachePods) -> None:
        self._pods = pods

    async def ask(self, question: Callable[[], Awaitable[Verdict]]) -> Verdict:
        """Ask for a verdict, again where no question left the node, until that node is lost."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + UNREADY
        verdict = await question()
        while not verdict.asked and loop.time() < deadline:
            await self._pods.look([verdict.node])
            if verdict.node in self._pods.lost:
                break
            await asyncio.sleep(LOOK)
            verdict = await question()
        return verdict

    async def bad(self, verdicts: Sequence[Verdict]) -> list[Verdict]:
        """Return the verdicts that failed, but for nodes that are lost."""
        if bad := failed(verdicts):
            await self._pods.look(verdict.node for verdict in bad)
        return [verdict for verdict in bad if verdict.node not in self._pods.lost]


def the_same_on(verdicts: Sequence[Verdict]) -> str:
    """Name the nodes of more verdicts of one cause; empty without any."""
    return f"the same on: {', '.join(one.node for one in verdicts)}" if verdicts else ""
