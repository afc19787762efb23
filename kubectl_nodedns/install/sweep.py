"""Look at nodes for what a cache left there, and have it taken away by the agent itself."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kubectl_nodedns.cluster.paths import collection, named
from kubectl_nodedns.errors import ApiError, TimedOutError
from kubectl_nodedns.facts.cache_pods import trouble
from kubectl_nodedns.facts.conditions import is_ready
from kubectl_nodedns.facts.images import NO_IMAGE, Imageless
from kubectl_nodedns.install.host_jobs import NETWORK, RULES, RUN_LABEL, clean_job, look_job
from kubectl_nodedns.install.leftover import Leftover, leftover_of

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
        looks = dict(zip(nodes, await asyncio.gather(*map(self.look, nodes)), strict=True))
        for node, look in looks.items():
            found = look.leftover
            if found is None or found.nothing:
                continue
            self._note(f"node {node}: a cache that was killed left {found}")
            try:
                await self.clean(node, found)
            except (ApiError, TimedOutError) as error:
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
                uid = await self._start(job)
            except ApiError as error:
                return Look(leftover=None, why=str(error))
            try:
                pod = await self._wait(name, _ended, "has not looked")
                rules = await self._log(pod, RULES)
                network = await self._log(pod, NETWORK)
            except (ApiError, TimedOutError) as error:
                return Look(leftover=None, why=str(error))
            finally:
                await self._delete(name, uid)
        if failed := _failed(pod):
            return Look(leftover=None, why=failed)
        return Look(leftover=leftover_of(rules, network, self._cache_ips))

    async def clean(self, node: str, found: Leftover) -> None:
        """Run the agent once with the orphan's addresses, and end it in order.

        Raises:
            TimedOutError: it did not start, or did not end.
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
        uid = await self._start(job)
        try:
            await self._wait(name, _ready, "does not answer")
        finally:
            await self._delete(name, uid)
        await self._wait(name, lambda pod: pod is None, "has not ended")

    def _name(self, what: str) -> str:
        self._count += 1
        return f"nodedns-{what}-{self._run}-{self._count}"

    async def _start(self, job: dict[str, Any]) -> str:
        path = collection("batch/v1", "jobs", self._namespace)
        return str((await self._client.create(path, job))["metadata"]["uid"])

    async def _delete(self, name: str, uid: str) -> None:
        with contextlib.suppress(ApiError):
            path = named("batch/v1", "jobs", self._namespace, name)
            await asyncio.shield(self._client.delete(path, uid=uid))

    async def _log(self, pod: Mapping[str, Any], container: str) -> str:
        path = named("v1", "pods", self._namespace, pod["metadata"]["name"])
        return await self._client.get_text(f"{path}/log?container={container}", timeout=20)

    async def _wait(
        self, job: str, done: Callable[[Mapping[str, Any] | None], bool], complaint: str
    ) -> Mapping[str, Any]:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + PATIENCE
        imageless = Imageless()
        path = collection("v1", "pods", self._namespace)
        while True:
            pods = await self._client.list(path, labels=f"{RUN_LABEL}={self._run}")
            mine = (p for p in pods if p["metadata"]["name"].startswith(f"{job}-"))
            pod = next(mine, None)
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
