"""Look at nodes for what a cache left there, and have it taken away by the agent itself."""

from __future__ import annotations

import asyncio
import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kubectl_nodedns.cluster.bounded import DOCUMENT
from kubectl_nodedns.cluster.paths import named
from kubectl_nodedns.errors import ApiError, RefusedError, TimedOutError
from kubectl_nodedns.facts.conditions import is_ready
from kubectl_nodedns.install.host_jobs import NETWORK, RULES, RUN_LABEL, clean_job, look_job
from kubectl_nodedns.install.leftover import Leftover, leftover_of
from kubectl_nodedns.probes.jobs import JobRun
from kubectl_nodedns.together import together

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from kubectl_nodedns.cluster.client import Client
    from kubectl_nodedns.probes.jobs import ShortLived

PATIENCE = 60.0
"""Seconds that a look, and a cleaning, may take on one node."""
AT_ONCE = 20
"""Nodes that are looked at at the same time."""
IPV6 = 6


@dataclass(frozen=True, kw_only=True)
class Look:
    """What a look at one node told."""

    leftover: Leftover | None
    """What is left there; None when it could not be looked at."""
    why: str = ""
    """Why it could not."""


class Sweep:
    """Looks at nodes, and cleans them.

    Args:
        client: an open client.
        namespace: the DNS service's; Jobs run there.
        image: the cache's image.
        tools: the probes' image.
        cache_ips: addresses of the cache, the local IP first.
        upstreams: CoreDNS's endpoints, as ADDRESS:PORT.
        note: told what is done.
    """

    def __init__(
        self,
        client: Client,
        *,
        namespace: str,
        image: str,
        tools: str,
        cache_ips: tuple[str, ...],
        upstreams: tuple[str, ...],
        note: Callable[[str], None],
    ) -> None:
        self._client = client
        self._namespace = namespace
        self._image = image
        self._tools = tools
        self._cache_ips = cache_ips
        self._upstreams = upstreams
        self._note = note
        self._run = JobRun(client, namespace, label=RUN_LABEL, told=note)
        self._gate = asyncio.Semaphore(AT_ONCE)

    async def sweep(self, nodes: Sequence[str]) -> Mapping[str, Look]:
        """Look at each node, clean those where something is left, and look at those again."""
        looks = dict(zip(nodes, await together(map(self.look, nodes)), strict=True))
        for node, look in looks.items():
            found = look.leftover
            if found is None or found.nothing:
                continue
            self._note(f"node {node}: a cache that was killed left {found}")
            try:
                await self.clean(node, found)
            except (ApiError, RefusedError, TimedOutError) as error:
                self._note(f"node {node} could not be cleaned: {error}")
            looks[node] = await self.look(node)
        return looks

    async def look(self, node: str) -> Look:
        """Look at one node: rules, link, addresses."""
        ipv6 = ipaddress.ip_address(self._cache_ips[0]).version == IPV6
        job = look_job(
            node,
            name=self._run.name("look"),
            run=self._run.id,
            namespace=self._namespace,
            image=self._image,
            tools=self._tools,
            ipv6=ipv6,
        )
        async with self._gate:
            try:
                async with self._run.having(job) as made:
                    pod = await self._wait(made, node, _ended, "has not looked")
                    rules = await self._log(pod, RULES)
                    network = await self._log(pod, NETWORK)
            except (ApiError, RefusedError, TimedOutError) as error:
                return Look(leftover=None, why=str(error))
        if failed := _failed(pod):
            return Look(leftover=None, why=failed)
        return Look(leftover=leftover_of(rules, network, self._cache_ips))

    async def clean(self, node: str, found: Leftover) -> None:
        """Run the agent once with the orphan's addresses, and end it in order.

        Raises:
            TimedOutError: it did not start, or did not end.
            RefusedError: another pod says that it is this one, or it runs on another node.
            ApiError: it may not be started.
        """
        addresses = found.addresses or self._cache_ips[:1]
        self._note(f"node {node}: the agent runs once more at {', '.join(addresses)}")
        job = clean_job(
            node,
            name=self._run.name("clean"),
            run=self._run.id,
            namespace=self._namespace,
            image=self._image,
            addresses=addresses,
            upstreams=self._upstreams,
        )
        async with self._run.having(job) as made:
            await self._wait(made, node, _ready, "does not answer")
        await self._wait(made, node, lambda pod: pod is None, "has not ended")

    async def _log(self, pod: Mapping[str, Any], container: str) -> str:
        path = named("v1", "pods", self._namespace, pod["metadata"]["name"])
        # All rules of a node with thousands of services are some 20 MiB.
        return await self._client.get_text(
            f"{path}/log?container={container}", timeout=20, most=DOCUMENT
        )

    async def _wait(
        self,
        job: ShortLived,
        node: str,
        done: Callable[[Mapping[str, Any] | None], bool],
        complaint: str,
    ) -> Mapping[str, Any]:
        """Wait for the pod of a Job.

        Raises:
            TimedOutError: it is not as it should be in time, or has no image.
        """
        waited = await self._run.wait(job, node, done, timeout=PATIENCE)
        if waited.done:
            return waited.pod or {}
        if waited.imageless:
            raise TimedOutError(f"the pod {complaint}: its image cannot be had: {waited.why}")
        raise TimedOutError(f"the pod {complaint} after {PATIENCE:.0f} s: {waited.why}")


def _ended(pod: Mapping[str, Any] | None) -> bool:
    return pod is not None and (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed")


def _ready(pod: Mapping[str, Any] | None) -> bool:
    return is_ready((pod or {}).get("status") or {})


def _failed(pod: Mapping[str, Any]) -> str:
    """Say which container of a look failed; empty when none did."""
    for status in (pod.get("status") or {}).get("containerStatuses") or ():
        ended = (status.get("state") or {}).get("terminated") or {}
        if ended.get("exitCode"):
            return f"{status['name']} ended with exit code {ended['exitCode']}"
    return ""
