"""Read what the caches themselves are: pods, Corefiles, the last words of those in trouble."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

from kubectl_nodedns.cluster.paths import named
from kubectl_nodedns.errors import ApiError, NodednsError
from kubectl_nodedns.facts.cache_pods import CachePod, read_cache_pods, read_last_words
from kubectl_nodedns.facts.corefile import CorefileError, ServerBlock
from kubectl_nodedns.facts.corefile_reader import read_corefile
from kubectl_nodedns.readable import Read, said

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterable, Sequence

    from kubectl_nodedns.checks.evidence import Evidence
    from kubectl_nodedns.cluster.client import Client
    from kubectl_nodedns.facts.caches import Cache

T = TypeVar("T")
LOGS = 10
"""Cache pods in trouble whose logs are read; what ails a hundred is in the first ten."""


class Reader:
    """Awaits one reading after the other, and keeps book of those that failed."""

    def __init__(self) -> None:
        self.unread: list[str] = []
        """What could not be read, in words."""

    async def maybe(self, what: str, reading: Awaitable[T]) -> T | None:
        """Return what is read; None when that is not possible.

        Raises:
            ApiError: the API server does not answer at all.
        """
        try:
            found = await reading
        except NodednsError as error:
            if isinstance(error, ApiError) and error.status == 0:
                raise
            self.unread.append(f"{what}: {error}")
            return None
        if isinstance(found, Read):
            self.note(what, found.left_out)
        return found

    def note(self, what: str, left_out: Iterable[str]) -> None:
        """Keep the names of what had to be left out of a reading."""
        if words := said(left_out):
            self.unread.append(f"{what}: {words}")


async def cache_pods(
    client: Client, caches: Sequence[Cache], nodes: set[str]
) -> dict[str, tuple[CachePod, ...]]:
    """Read the pods of all caches, by node; one that is leaving last."""
    read = await asyncio.gather(*(read_cache_pods(client, cache) for cache in caches))
    grouped: dict[str, tuple[CachePod, ...]] = {}
    for pod in (pod for pods in read for pod in pods if pod.node in nodes):
        grouped[pod.node] = (*grouped.get(pod.node, ()), pod)
    return {
        node: tuple(sorted(pods, key=lambda pod: not pod.running)) for node, pods in grouped.items()
    }


async def corefiles(
    client: Client, reader: Reader, caches: Sequence[Cache]
) -> tuple[dict[str, tuple[ServerBlock, ...]], dict[str, str]]:
    """Read the Corefile of each cache that has one, by NAMESPACE/NAME of its DaemonSet.

    Returns:
        The server blocks, and why there are none where the text is no Corefile.
    """
    found, unreadable = {}, {}
    for cache in caches:
        if not cache.configmap:
            continue
        path = named("v1", "configmaps", cache.namespace, cache.configmap)
        configmap = await reader.maybe(f"ConfigMap {cache.configmap}", client.get(path))
        text = ((configmap or {}).get("data") or {}).get("Corefile", "")
        try:
            if text:
                found[f"{cache.namespace}/{cache.name}"] = read_corefile(text).blocks
        except CorefileError as error:
            unreadable[f"{cache.namespace}/{cache.name}"] = str(error)
    return found, unreadable


async def last_words(client: Client, evidence: Evidence) -> dict[str, str]:
    """Read the last words of cache pods that ended or do not get ready."""
    troubled = [
        (one.node.name, pod)
        for one in evidence.nodes
        for pod in one.pods
        if pod.ended_by or not pod.ready
    ][:LOGS]
    found: dict[str, str] = {}
    for node, pod in troubled:
        for previous in (True, False):
            try:
                words = await read_last_words(client, pod, previous=previous)
            except ApiError:
                continue
            found[node] = f"{found.get(node, '')}\n{words}"
    return found
