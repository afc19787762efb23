"""Look at nodes for what a cache left there, and have it taken away by the agent itself."""

from __future__ import annotations

import asyncio
import ipaddress
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kubectl_nodedns.cluster.bounded import DOCUMENT
from kubectl_nodedns.cluster.jobs import short_lived
from kubectl_nodedns.cluster.paths import collection, named
from kubectl_nodedns.errors import ApiError, RefusedError, TimedOutError
from kubectl_nodedns.facts.cache_pods import trouble
from kubectl_nodedns.facts.conditions import is_ready
from kubectl_nodedns.facts.images import NO_IMAGE, Imageless
from kubectl_nodedns.facts.pod_owners import pod_of_job
from kubectl_nodedns.install.host_jobs import NETWORK, RULES, RUN_LABEL, clean_job, look_job
from kubectl_nodedns.install.leftover import Leftover, leftover_of
from kubectl_nodedns.together import together

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from kubectl_nodedns.cluster.client import Client

PATIENCE = 60.0
"""Seconds that a look, and a cleaning, may take on one node."""
AT_ONCE = 20
"""Nodes that are looked at at the same time."""
POLL = 0.5
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
        self._run = secrets.token_hex(4)
        self._count = 0
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
        name = self._name("look")
        job = look_job(
            node,
            name=name,
            run=self._run,
            namespace=self._namespace,
            image=self._image,
            tools=self._tools,
            ipv6=ipv6,
        )
        async with self._gate:
            try:
                async with short_lived(self._client, job, told=self._note) as made:
                    pod = await self._wait(made.uid, node, _ended, "has not looked")
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
        name = self._name("clean")
        job = clean_job(
            node,
            name=name,
            run=self._run,
            namespace=self._namespace,
            image=self._image,
            addresses=addresses,
            upstreams=self._upstreams,
        )
        async with short_lived(self._client, job, told=self._note) as made:
            await self._wait(made.uid, node, _ready, "does not answer")
        await self._wait(made.uid, node, lambda pod: pod is None, "has not ended")

    def _name(self, what: str) -> str:
        self._count += 1
        return f"nodedns-{what}-{self._run}-{self._count}"

    async def _log(self, pod: Mapping[str, Any], container: str) -> str:
        path = named("v1", "pods", self._namespace, pod["metadata"]["name"])
        # All rules of a node with thousands of services are some 20 MiB.
        return await self._client.get_text(
            f"{path}/log?container={container}", timeout=20, most=DOCUMENT
        )

    async def _wait(
        self,
        job: str,
        node: str,
        done: Callable[[Mapping[str, Any] | None], bool],
        complaint: str,
    ) -> Mapping[str, Any]:
        """Wait for the pod of the Job with this UID."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + PATIENCE
        imageless = Imageless()
        path = collection("v1", "pods", self._namespace)
        while True:
            pods = await self._client.list(path, labels=f"{RUN_LABEL}={self._run}")
            pod = pod_of_job(pods, uid=job, node=node)
            if done(pod):
                return pod or {}
            why = trouble(pod.get("status") or {}) if pod else "its Job made no pod"
            now = loop.time()
            if imageless.too_long(job, now, imageless=why.startswith(NO_IMAGE)):
                raise TimedOutError(f"the pod {complaint}: its image cannot be had: {why}")
            if now >= deadline:
                raise TimedOutError(f"the pod {complaint} after {PATIENCE:.0f} s: {why}")
            await asyncio.sleep(POLL)


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
