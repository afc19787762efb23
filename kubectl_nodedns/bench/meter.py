"""What counters say around each series of `bench`: CoreDNS's, the caches', the kernel's."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

from kubectl_nodedns.bench.result import Counted
from kubectl_nodedns.cluster.paths import collection, pod_proxy
from kubectl_nodedns.errors import ApiError, NodednsError, SilentError
from kubectl_nodedns.facts.cache_pods import read_cache_pods
from kubectl_nodedns.facts.coredns import metrics_port_of
from kubectl_nodedns.metrics.exposition import ExpositionError
from kubectl_nodedns.metrics.lookup_counts import Served, read_served, total
from kubectl_nodedns.together import side_by_side, together

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from kubectl_nodedns.cluster.client import Client
    from kubectl_nodedns.facts.caches import Cache
    from kubectl_nodedns.facts.inspection import Inspection
    from kubectl_nodedns.lookup.probes import Probes

TRACKED = "/proc/sys/net/netfilter/nf_conntrack_count"
"""How many connections the kernel tracks in the network that a process lives in."""
LIMIT = 5.0
"""Seconds that one counter may take to be read."""
_NOTHING = Counted(server="", protocol="", seconds=0.0)


@dataclass(frozen=True, kw_only=True)
class Reading:
    """All counters at one moment; None for what could not be read."""

    at: float
    """Seconds of a clock that only rises."""
    coredns: Served | None
    """CoreDNS's pods together."""
    caches: Served | None
    """The cache pods on the nodes that are asked from, together."""
    tracked: float | None
    """Connections that the kernels of these nodes track."""


class Meter:
    """Reads counters. Whatever cannot be read is not known, and never an error.

    Args:
        client: an open client.
        coredns: pages of CoreDNS's pods.
        caches: pages of the cache pods on the nodes.
        nodes: nodes whose kernels are asked.
        host_probes: probes in these nodes' own networks; None when there are none.
        patience: seconds that a page may take; one that takes longer is not asked for again.
    """

    def __init__(
        self,
        client: Client,
        *,
        coredns: Sequence[str],
        caches: Sequence[str],
        nodes: Sequence[str],
        host_probes: Probes | None,
        patience: float = LIMIT,
    ) -> None:
        self._client = client
        self._coredns = coredns
        self._caches = caches
        self._nodes = nodes
        self._host_probes = host_probes
        self._patience = patience
        # Waited for once: counters are read some thirty times.
        self._silent: set[str] = set()

    @classmethod
    async def of(
        cls, client: Client, seen: Inspection, nodes: Sequence[str], host_probes: Probes | None
    ) -> Self:
        """Find the pods to read."""
        coredns = await _pages(client, seen.dns.namespace, _labels(seen.dns.selector))
        caches: list[str] = []
        for cache in seen.caches[:1]:
            caches = await _cache_pages(client, cache, nodes)
        return cls(client, coredns=coredns, caches=caches, nodes=nodes, host_probes=host_probes)

    async def read(self) -> Reading:
        """Read every counter once."""
        async with side_by_side() as group:
            coredns = group.create_task(self._served(self._coredns))
            caches = group.create_task(self._served(self._caches))
            tracked = group.create_task(self._tracked())
        return Reading(
            at=asyncio.get_running_loop().time(),
            coredns=coredns.result(),
            caches=caches.result(),
            tracked=tracked.result(),
        )

    async def idle(self, seconds: float) -> Counted:
        """Return what counters rise by while nothing is asked here."""
        before = await self.read()
        await asyncio.sleep(seconds)
        return between(before, await self.read())

    async def _served(self, paths: Sequence[str]) -> Served | None:
        pages = await together(map(self._page, paths))
        known = [page for page in pages if page is not None]
        return total(known) if known and len(known) == len(pages) else None

    async def _page(self, path: str) -> Served | None:
        if path in self._silent:
            return None
        try:
            return read_served(await self._client.get_text(path, timeout=self._patience))
        except SilentError:
            self._silent.add(path)
            return None
        except (ApiError, ExpositionError):
            return None

    async def _tracked(self) -> float | None:
        if self._host_probes is None:
            return None
        probes = self._host_probes
        try:
            counts = await together(
                probes.run(node, ["cat", TRACKED], timeout=LIMIT) for node in self._nodes
            )
            return float(sum(int(count) for count in counts))
        except (NodednsError, ValueError):
            return None


def between(before: Reading, after: Reading) -> Counted:
    """Return what counters rose by between two readings.

    One that fell (a process began anew, a pod left) is not known. Tracked connections may fall:
    they end by themselves.
    """
    coredns, caches = (
        _rise(*pair) for pair in ((before.coredns, after.coredns), (before.caches, after.caches))
    )
    both = before.tracked is not None and after.tracked is not None
    return replace(
        _NOTHING,
        seconds=after.at - before.at,
        coredns_udp=coredns.udp if coredns else None,
        coredns_tcp=coredns.tcp if coredns else None,
        cache_lookups=caches.lookups if caches else None,
        cache_hits=caches.hits if caches else None,
        cache_denial_hits=caches.denial_hits if caches else None,
        tracked=after.tracked - before.tracked if both else None,  # type: ignore[operator]
    )


def summed(parts: Iterable[Counted]) -> list[Counted]:
    """Add up what was counted for the same address and transport."""
    found: dict[tuple[str, str], Counted] = {}
    for part in parts:
        key = (part.server, part.protocol)
        found[key] = _add(found[key], part) if key in found else part
    return list(found.values())


def _add(one: Counted, other: Counted) -> Counted:
    def both(a: float | None, b: float | None) -> float | None:
        return None if a is None or b is None else a + b

    return Counted(
        server=one.server,
        protocol=one.protocol,
        seconds=one.seconds + other.seconds,
        coredns_udp=both(one.coredns_udp, other.coredns_udp),
        coredns_tcp=both(one.coredns_tcp, other.coredns_tcp),
        cache_lookups=both(one.cache_lookups, other.cache_lookups),
        cache_hits=both(one.cache_hits, other.cache_hits),
        cache_denial_hits=both(one.cache_denial_hits, other.cache_denial_hits),
        tracked=both(one.tracked, other.tracked),
    )


def _rise(before: Served | None, after: Served | None) -> Served | None:
    if before is None or after is None:
        return None
    rise = after - before
    return rise if min(rise) >= 0 else None


def _labels(selector: Mapping[str, str]) -> str:
    return ",".join(f"{key}={value}" for key, value in sorted(selector.items()))


async def _cache_pages(client: Client, cache: Cache, nodes: Sequence[str]) -> list[str]:
    """Return the paths of the metrics pages of a cache's pods; none where they may not be listed.

    Args:
        client: an open client.
        cache: whose pods: what only carries its labels is none of them.
        nodes: nodes that are asked from.
    """
    try:
        pods = await read_cache_pods(client, cache)
    except ApiError:
        return []
    return [
        pod_proxy(pod.namespace, pod.name, pod.metrics_port, "metrics")
        for pod in pods
        if pod.running and pod.node in nodes
    ]


async def _pages(client: Client, namespace: str, labels: str) -> list[str]:
    """Return the paths of the metrics pages of running pods; none where they may not be listed."""
    try:
        pods = await client.list(collection("v1", "pods", namespace), labels=labels)
    except ApiError:
        return []
    found = []
    for pod in pods:
        metadata = pod["metadata"]
        running = (pod.get("status") or {}).get("phase") == "Running"
        if not running or metadata.get("deletionTimestamp"):
            continue
        found.append(pod_proxy(namespace, metadata["name"], metrics_port_of(pod), "metrics"))
    return found
