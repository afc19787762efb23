"""What watches a cluster, put together: a source of metrics, the monitor, a recording."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kubectl_nodedns.cluster.web import Web
from kubectl_nodedns.errors import ApiError
from kubectl_nodedns.facts.caches import read_caches
from kubectl_nodedns.facts.caches_to_watch import (
    caches_to_watch,
    coredns_ips_of,
    corefile_of,
    dns_ips_of,
)
from kubectl_nodedns.facts.dataplane import read_dataplane
from kubectl_nodedns.facts.progress import read_progress
from kubectl_nodedns.install.recalled import recalled
from kubectl_nodedns.metrics.detail_reader import DetailReader
from kubectl_nodedns.metrics.discovery import Discovery
from kubectl_nodedns.metrics.forwarded import PortForward, through_api_server
from kubectl_nodedns.metrics.monitor import Monitor
from kubectl_nodedns.metrics.prometheus import Prometheus, ThroughApiServer
from kubectl_nodedns.metrics.record import Recorder
from kubectl_nodedns.metrics.sampler import Sampler
from kubectl_nodedns.metrics.source import PodProxy, Scraped
from kubectl_nodedns.metrics.watched import Found
from kubectl_nodedns.together import beside, both

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from kubectl_nodedns.cluster.client import Client
    from kubectl_nodedns.facts.caches import Cache
    from kubectl_nodedns.facts.progress import Progress
    from kubectl_nodedns.metrics.source import Source
    from kubectl_nodedns.top.top_request import TopRequest


@dataclass(frozen=True, kw_only=True)
class WatchedCluster:
    """A cluster that is watched."""

    client: Client
    """The open session to the API server."""
    request: TopRequest
    """What was asked for, with what our installation remembers about the cluster."""
    monitor: Monitor
    """Where snapshots come from."""
    recorder: Recorder | None
    """What writes them to a file; None where that was not asked for."""

    @contextlib.asynccontextmanager
    async def recorded(self) -> AsyncIterator[None]:
        """Write a frame with each refresh for as long as this stands, where that is asked for."""
        if self.recorder is None:
            yield
            return
        async with beside(record(self.monitor, self.recorder, self.request.refresh)):
            yield


class LiveCluster:
    """What the monitor reads of a cluster again and again.

    Args:
        client: the session to the API server.
        namespace: the DNS service's.
    """

    def __init__(self, client: Client, namespace: str) -> None:
        self._client = client
        self._namespace = namespace

    @property
    def requests(self) -> int:
        """Requests sent so far."""
        return self._client.requests

    @property
    def received(self) -> int:
        """Bytes received so far."""
        return self._client.received

    async def caches(self) -> Sequence[Cache]:
        """Read the DaemonSets."""
        return await read_caches(self._client, self._namespace)

    async def progress(self, caches: Sequence[Cache]) -> Progress | None:
        """Read how far a change of ours came."""
        return await read_progress(self._client, caches)

    async def corefile(self, cache: Cache) -> str:
        """Read a cache's Corefile."""
        return await corefile_of(self._client, cache)


@contextlib.asynccontextmanager
async def watching(client: Client, request: TopRequest) -> AsyncIterator[WatchedCluster]:
    """Find the caches, and give what watches them; a recording is ended at the end.

    Raises:
        NodednsError: there is no cache, or a Prometheus was asked for and does not answer as one.
        UsageError: the file of the recording cannot be made.
    """
    async with open_source(client, request) as source:
        request = request.knowing(await recalled(client, request.cluster_facts))
        recorder = await _open_recorder(client, request)
        try:
            monitor = await _make_monitor(client, request, source, recorder)
            yield WatchedCluster(client=client, request=request, monitor=monitor, recorder=recorder)
        finally:
            if recorder:
                recorder.close()


@contextlib.asynccontextmanager
async def open_source(client: Client, request: TopRequest) -> AsyncIterator[Source]:
    """Give where metrics come from: what was asked for, else the pod proxy with its substitute.

    Raises:
        NodednsError: a Prometheus was asked for, and does not answer as one.
    """
    where = request.prometheus
    if where and "://" in where:
        async with Web(where) as web:
            source = Prometheus(web, web.name)
            await source.check()
            yield source
    elif where:
        source = Prometheus(ThroughApiServer(client, where), where)
        await source.check()
        yield source
    elif request.source == "auto":
        yield through_api_server(client)
    else:
        proxy = request.source == "proxy"
        yield Scraped(PodProxy(client) if proxy else PortForward(client))


async def record(monitor: Monitor, recorder: Recorder, refresh: float) -> None:
    """Write a frame each `refresh` seconds, until the recording ends; the monitor then says why."""
    while not recorder.problem:
        await asyncio.sleep(refresh)
        await recorder.frame(monitor.snapshot())
    monitor.trouble("recording", recorder.problem)


async def read_mode(client: Client) -> str:
    """Read what translates service addresses; empty where that cannot be read."""
    try:
        return (await read_dataplane(client)).mode
    except ApiError:
        return ""


async def _make_monitor(
    client: Client, request: TopRequest, source: Source, recorder: Recorder | None
) -> Monitor:
    """Find the caches, and return what watches them.

    Raises:
        NodednsError: there is none.
    """
    caches, dns_ips = await both(
        caches_to_watch(client, request.dns_service), dns_ips_of(client, request.dns_service)
    )
    return Monitor(
        discovery=Discovery(client, caches, labels=request.selector),
        sampler=Sampler(
            source, interval=request.refresh, heard=recorder.heard if recorder else None
        ),
        details=DetailReader(client),
        cluster=LiveCluster(client, request.dns_namespace),
        found=Found(
            caches=caches,
            dns_ips=dns_ips,
            coredns_ips=await coredns_ips_of(client, caches, dns_ips),
        ),
    )


async def _open_recorder(client: Client, request: TopRequest) -> Recorder | None:
    """Return the recording that is asked for; None without one.

    Raises:
        UsageError: its file cannot be made.
    """
    if request.record is None:
        return None
    facts = {"context": client.access.context, "mode": await read_mode(client)}
    return Recorder(request.record, facts, limit=request.record_limit)
