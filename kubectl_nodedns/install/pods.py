"""Cache pods: replace one, wait for one."""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING

from kubectl_nodedns.cluster.paths import named
from kubectl_nodedns.errors import TimedOutError
from kubectl_nodedns.facts.images import Imageless
from kubectl_nodedns.facts.nodes import read_nodes
from kubectl_nodedns.install.live import CachePod, read_pods

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from kubectl_nodedns.cluster.client import Client

POLL = 0.3
"""Seconds between two looks at pods."""
GRACE = 30
"""Seconds that a cache pod is given to take its rules and its link away, whatever its own template
says: kubespray's says none, and then the agent is killed."""
PREPARED = 10.0
"""Seconds that a pod which is to be deleted may take to get its agent started before."""
LOOK = 3.0
"""Seconds between two looks at the nodes whose pods are waited for."""
LATE = 10.0
"""Seconds after which a person who waits is told what for."""
FEW = 10
"""Nodes that are read one by one; more are read as one list of all nodes."""


class CachePods:
    """The cache pods of our installation.

    Args:
        client: an open client.
        namespace: where the DaemonSet is.
        timeout: seconds that a pod may take to get where it should be.
        note: told why a pod that is waited for does not get there, once for each node.
    """

    def __init__(
        self, client: Client, namespace: str, *, timeout: float, note: Callable[[str], None]
    ) -> None:
        self._client = client
        self._namespace = namespace
        self._timeout = timeout
        self._note = note
        self.lost: dict[str, str] = {}
        """Nodes that left or went unready while their pod was waited for, with the reason."""

    async def look(self, nodes: Iterable[str]) -> None:
        """Remember which of `nodes` are lost: nobody waits for them any more."""
        looked = sorted(set(nodes) - set(self.lost))
        names = looked if len(looked) <= FEW else [""]
        found = await asyncio.gather(*(read_nodes(self._client, name) for name in names))
        ready = {node.name: node.ready for each in found for node in each}
        for node in looked:
            if not ready.get(node):
                self.lost[node] = "went unready" if node in ready else "left the cluster"
                self._note(f"node {node} {self.lost[node]}: going on without it")

    async def delete(self, pod: CachePod) -> None:
        """Delete exactly this pod, gracefully: the agent takes its rules and link away itself.

        One that only has the rules of its init containers in is given the time to start its agent.
        """
        await self._prepared(pod)
        path = named("v1", "pods", self._namespace, pod.name)
        await self._client.delete(path, uid=pod.uid, grace=GRACE)

    async def _prepared(self, pod: CachePod) -> None:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + PREPARED
        now: CachePod | None = pod
        while now and now.uid == pod.uid and now.preparing and not now.imageless:
            if loop.time() >= deadline:
                return
            await asyncio.sleep(POLL)
            now = (await self.read(pod.node)).get(pod.node)

    async def running(self, nodes: Iterable[str], revision: str, phase: str) -> dict[str, CachePod]:
        """Wait until each node runs a pod of that revision and phase.

        Raises:
            TimedOutError: a node does not in time; it says which and why.
        """
        return await self._wait(
            nodes,
            lambda p: p is not None and p.running and (p.revision, p.phase) == (revision, phase),
            f"does not run the cache ({phase})",
        )

    async def ready(self, nodes: Iterable[str]) -> dict[str, CachePod]:
        """Wait until the pod on each node is ready.

        Raises:
            TimedOutError: a node's pod is not in time.
        """
        return await self._wait(nodes, lambda p: p is not None and p.ready, "has no ready cache")

    async def gone(self, nodes: Iterable[str]) -> None:
        """Wait until no node has a pod.

        Raises:
            TimedOutError: a node still has one.
        """
        await self._wait(nodes, lambda p: p is None, "still has a cache pod")

    async def read(self, node: str = "") -> Mapping[str, CachePod]:
        """Read the pods as they are; that of one node when it is named."""
        return await read_pods(self._client, self._namespace, node)

    async def _wait(
        self, nodes: Iterable[str], done: Callable[[CachePod | None], bool], complaint: str
    ) -> dict[str, CachePod]:
        waiting = set(nodes) - set(self.lost)
        found: dict[str, CachePod] = {}
        said: set[str] = set()
        imageless = Imageless()
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._timeout
        look, late = loop.time() + LOOK, loop.time() + LATE
        while waiting:
            if loop.time() >= look:
                await self.look(waiting)
                waiting -= set(self.lost)
                look = loop.time() + LOOK
                if not waiting:
                    break
            one = next(iter(waiting)) if len(waiting) == 1 else ""
            pods = await read_pods(self._client, self._namespace, one)
            for node in [n for n in waiting if done(pods.get(n))]:
                waiting.discard(node)
                if node in pods:
                    found[node] = pods[node]
            for node in sorted(waiting):
                self._tell(node, pods.get(node), said)
                self._give_up_images(node, pods.get(node), imageless, complaint)
            if waiting - said and loop.time() >= late:
                node = min(waiting - said)
                others = f", and {len(waiting) - 1} more" if len(waiting) > 1 else ""
                self._note(f"waiting for {node}: {_why(pods.get(node))}{others}")
                late = math.inf
            if waiting and loop.time() >= deadline:
                node = min(waiting)
                pod = pods.get(node)
                raise TimedOutError(
                    f"node {node} {complaint} after {self._timeout:.0f} s: {_why(pod)}",
                    hint=f"look at it: kubectl -n {self._namespace} describe "
                    + (f"pod {pod.name}" if pod else "daemonset node-local-dns"),
                )
            if waiting:
                await asyncio.sleep(POLL)
        return found

    def _give_up_images(
        self, node: str, pod: CachePod | None, imageless: Imageless, complaint: str
    ) -> None:
        """End the waiting for a pod whose image cannot be had: it would be in vain."""
        without = pod.trouble if pod and pod.imageless else ""
        now = asyncio.get_running_loop().time()
        if imageless.too_long(node, now, imageless=bool(without)):
            raise TimedOutError(
                f"node {node} {complaint}: its image cannot be had: {without}",
                hint="is the name right, and may the node pull it (--image, --image-registry, "
                "--pull-secret)?",
            )

    def _tell(self, node: str, pod: CachePod | None, said: set[str]) -> None:
        """Pass on the first word of a reason that a person can do something about."""
        reason = pod.trouble.partition(":")[0] if pod else ""
        serious = reason.startswith(("Err", "Image", "Crash", "Invalid", "Create"))
        if pod and serious and node not in said:
            said.add(node)
            self._note(f"waiting for {node}: {pod.trouble}")


def _why(pod: CachePod | None) -> str:
    """Say why a pod is not what is waited for."""
    return (pod.trouble or "it has not started") if pod else "it has no pod"
