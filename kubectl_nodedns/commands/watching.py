"""What `top` watches with: the caches, a source of their metrics, the monitor, a recording."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

from kubectl_nodedns.cluster.paths import named
from kubectl_nodedns.cluster.web import Web
from kubectl_nodedns.errors import ApiError, NodednsError, RefusedError, UsageError
from kubectl_nodedns.facts.caches import Cache, read_caches
from kubectl_nodedns.facts.command_line import flag
from kubectl_nodedns.facts.dataplane import read_dataplane
from kubectl_nodedns.facts.dns_service import home_of, read_dns_service
from kubectl_nodedns.facts.progress import read_progress
from kubectl_nodedns.facts.quantity import quantity
from kubectl_nodedns.metrics.details import Details
from kubectl_nodedns.metrics.discovery import Discovery
from kubectl_nodedns.metrics.forwarded import PortForward, through_api_server
from kubectl_nodedns.metrics.monitor import Monitor
from kubectl_nodedns.metrics.prometheus import Prometheus, ThroughApiServer
from kubectl_nodedns.metrics.record import LARGEST, Recorder
from kubectl_nodedns.metrics.sampler import Sampler
from kubectl_nodedns.metrics.source import PodProxy, Scraped

if TYPE_CHECKING:
    import argparse
    from collections.abc import AsyncIterator, Sequence

    from kubectl_nodedns.cluster.client import Client
    from kubectl_nodedns.metrics.source import Source

SMALLEST_RECORDING = 2**20
"""Bytes; less would hold no minute of a small cluster."""


async def make_monitor(
    client: Client,
    arguments: argparse.Namespace,
    *,
    source: Source,
    refresh: float,
    recorder: Recorder | None,
) -> Monitor:
    """Find the caches, and return what watches them.

    Raises:
        NodednsError: there is none.
    """
    caches, dns_ips = await asyncio.gather(
        find_caches(client, arguments), dns_ips_of(client, arguments.dns_service)
    )

    return Monitor(
        discovery=Discovery(client, caches, labels=arguments.selector or ""),
        sampler=Sampler(source, interval=refresh, heard=recorder.heard if recorder else None),
        caches=caches,
        dns_ips=dns_ips,
        reread=lambda: read_caches(client, dns_namespace(arguments)),
        meter=client,
        progress=lambda caches: read_progress(client, caches),
        coredns_ips=await _coredns_ips(client, caches, dns_ips),
        details=Details(client),
        corefile=lambda cache: read_corefile(client, cache),
    )


@contextlib.asynccontextmanager
async def make_source(client: Client, arguments: argparse.Namespace) -> AsyncIterator[Source]:
    """Give where metrics come from: what was asked for, else the pod proxy with its substitute.

    Raises:
        NodednsError: a Prometheus was asked for, and does not answer as one.
    """
    where = arguments.prometheus
    if where and arguments.source != "auto":
        raise UsageError("--source and --prometheus are two answers to one question: give one")
    if where and "://" in where:
        async with Web(where) as web:
            source = Prometheus(web, web.name)
            await source.check()
            yield source
    elif where:
        source = Prometheus(ThroughApiServer(client, where), where)
        await source.check()
        yield source
    elif arguments.source == "auto":
        yield through_api_server(client)
    else:
        proxy = arguments.source == "proxy"
        yield Scraped(PodProxy(client) if proxy else PortForward(client))


async def make_recorder(client: Client, arguments: argparse.Namespace) -> Recorder | None:
    """Return the recording that is asked for; None without one.

    Raises:
        UsageError: its file cannot be made, or its limit cannot be used.
    """
    if not arguments.record:
        return None
    limit = int(quantity(arguments.record_limit))
    if not SMALLEST_RECORDING <= limit <= LARGEST:
        raise UsageError(
            f"--record-limit: {arguments.record_limit!r} is no size from 1Mi to 1Gi",
            hint="such as 100Mi or 1Gi; a longer one could not be replayed",
        )
    try:
        mode = (await read_dataplane(client)).mode
    except ApiError:
        mode = ""
    facts = {"context": client.access.context, "mode": mode}
    return Recorder(Path(arguments.record), facts, limit=limit)


@contextlib.asynccontextmanager
async def recording(
    monitor: Monitor, recorder: Recorder | None, refresh: float
) -> AsyncIterator[None]:
    """Write a frame each `refresh` seconds for as long as this stands."""
    if recorder is None:
        yield
        return
    writing = asyncio.create_task(_write(monitor, recorder, refresh))
    try:
        yield
    finally:
        writing.cancel()
        await asyncio.gather(writing, return_exceptions=True)
        recorder.close()


async def _write(monitor: Monitor, recorder: Recorder, refresh: float) -> None:
    while True:
        await asyncio.sleep(refresh)
        await recorder.frame(monitor.snapshot())
        if recorder.problem:
            monitor.trouble("recording", recorder.problem)
            return


async def find_caches(client: Client, arguments: argparse.Namespace) -> tuple[Cache, ...]:
    """Find the caches to watch, ours or not.

    Raises:
        NodednsError: there is none.
    """
    caches = await read_caches(client, dns_namespace(arguments))
    if not caches:
        raise NodednsError(
            "this cluster has no node-local DNS cache to watch",
            hint="install one with: kubectl nodedns enable",
        )
    return caches


def dns_namespace(arguments: argparse.Namespace) -> str:
    """Return the DNS service's namespace."""
    return home_of(arguments.dns_service)


async def dns_ips_of(client: Client, given: str | None) -> tuple[str, ...]:
    """Read the DNS service's addresses; none where that is not possible, unless it was named."""
    try:
        return (await read_dns_service(client, given or "")).ips
    except (ApiError, RefusedError):
        if given:
            raise
        return ()


async def _coredns_ips(
    client: Client, caches: Sequence[Cache], dns_ips: tuple[str, ...]
) -> tuple[str, ...]:
    """Read at which addresses the caches reach CoreDNS: their upstream services', and the usual."""
    found = list(dns_ips)
    for cache in caches:
        service = flag(cache.arguments, "upstreamsvc") or "kube-dns"  # the agent's own default
        try:
            read = await client.get(named("v1", "services", cache.namespace, service))
        except ApiError:
            continue
        found += read["spec"].get("clusterIPs") or [read["spec"].get("clusterIP") or ""]
    return tuple(dict.fromkeys(ip for ip in found if ip not in {"", "None"}))


async def read_corefile(client: Client, cache: Cache) -> str:
    """Read a cache's Corefile; empty where there is none or it is not ours to read."""
    if not cache.configmap:
        return ""
    try:
        read = await client.get(named("v1", "configmaps", cache.namespace, cache.configmap))
    except ApiError:
        return ""
    data = read.get("data") or {}
    return str(data.get("Corefile") or next(iter(data.values()), ""))
