"""Discovery, sampler and the clock together: the live source of snapshots.

Owns the tasks that keep a snapshot current, and turns every trouble into a line of the snapshot's
`problems`: nothing that goes wrong while watching ends the watching.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from typing import TYPE_CHECKING

from kubectl_nodedns.errors import NodednsError
from kubectl_nodedns.facts.nodes import natural
from kubectl_nodedns.facts.progress import GO_ON
from kubectl_nodedns.metrics.capacity import capacity
from kubectl_nodedns.metrics.detail_reader import PAUSE_SECONDS
from kubectl_nodedns.metrics.discovery import Discovery
from kubectl_nodedns.metrics.fleet import FleetSnapshot, Load, Watched, totals
from kubectl_nodedns.metrics.node_row import NodeRow
from kubectl_nodedns.metrics.sampler import Sampler
from kubectl_nodedns.metrics.source import PodProxy, Scraped
from kubectl_nodedns.metrics.watched import Found, Unread
from kubectl_nodedns.together import together

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    from kubectl_nodedns.cluster.client import Client
    from kubectl_nodedns.facts.cache_pods import CachePod
    from kubectl_nodedns.facts.caches import Cache
    from kubectl_nodedns.metrics.capacity import Capacity
    from kubectl_nodedns.metrics.detail_reader import DetailReader
    from kubectl_nodedns.metrics.inventory import Inventory, Node
    from kubectl_nodedns.metrics.pod_details import Detail
    from kubectl_nodedns.metrics.sampler import Sampled
    from kubectl_nodedns.metrics.traffic import Traffic
    from kubectl_nodedns.metrics.watched import Cluster

ONCE_SECONDS = 2.0
"""Time between the two scrapes that one table needs for its rates."""
REREAD_SECONDS = 30.0
"""How often the DaemonSets are read again."""
CHANGED_SECONDS = 5.0
"""How soon they are read again when there are other pods: those may listen on other ports."""
MEASURED_SECONDS = 10.0
"""What our own load is measured over."""
MEASURED_EACH_SECONDS = 1.0
"""Shortest time between two measurements, so that one request does not look big."""


Proof = tuple[float | None, float | None]
"""When a probe last proved that a node's lookups are intercepted, or that they are not."""
_NO_PROOF: tuple[object, float, bool] = (None, 0.0, False)


class Monitor:
    """Watches a fleet.

    Args:
        discovery: what there is.
        sampler: what the pods say.
        cluster: what is read again and again.
        found: what was found before.
        details: reads what rows of a table do not say; None where that is not wanted.
        clock: tells Unix seconds.
    """

    def __init__(
        self,
        *,
        discovery: Discovery,
        sampler: Sampler,
        cluster: Cluster,
        found: Found,
        details: DetailReader | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._discovery = discovery
        self._sampler = sampler
        self._cluster = cluster
        self._caches = found.caches
        self._there = self._caches
        """The DaemonSets that there are now; `_caches` keeps the last that there were."""
        self._told = found.dns_ips
        self._dns_ips = frozenset(found.dns_ips)
        self._dark: frozenset[str] = frozenset()
        self._coredns_ips = found.coredns_ips
        self._details = details
        self._capacities: dict[str, Capacity | None] = {}
        self._proofs: dict[str, tuple[object, float, bool]] = {}
        self._clock = clock
        self._measured = deque([(clock(), cluster.requests, cluster.received)])
        self._rows: dict[str, NodeRow] = {}
        self._names: list[str] = []
        self._inventory: Inventory | None = None
        self._trouble: dict[str, str] = {}

    async def once(self, apart: float = ONCE_SECONDS) -> FleetSnapshot:
        """Read everything twice, so that there are rates, and return what came out.

        Args:
            apart: seconds between the two.

        Raises:
            ApiError: nodes or pods cannot be listed.
        """
        await self.load()
        loop = asyncio.get_running_loop()
        started = loop.time()
        await self._sampler.scrape_all()
        await asyncio.sleep(max(apart - (loop.time() - started), 0.0))
        await self._sampler.scrape_all()
        await self._read_details()
        return self.snapshot()

    async def load(self) -> None:
        """Read nodes and pods, so that a screen can open with rows.

        Raises:
            ApiError: they cannot be listed.
        """
        await together([self._discovery.load(), self._read_corefiles(), self._read_progress()])
        self._reconcile()

    async def run(self) -> None:
        """Watch until cancelled."""
        await together(
            [
                self._discovery.follow(),
                self._sampler.run(),
                self._keep_pods(),
                self._keep_caches(),
                self._keep_details(),
            ]
        )

    def look_at(self, nodes: Collection[str]) -> None:
        """Scrape these nodes before all others."""
        rows = (self._rows.get(node) for node in nodes)
        self._sampler.look_at([row.pod.where for row in rows if row and row.pod])

    @property
    def kube_dns_ip(self) -> str:
        """Address of the DNS service: as it was told, else as the caches listen; may be empty."""
        listened = (ip for cache in self._caches for ip in cache.local_ips[1:])
        return next(iter((*self._told, *listened)), "")

    def trouble(self, about: str, words: str) -> None:
        """Show some trouble with the snapshots from now on; empty words end it."""
        self._trouble[about] = words

    def note_proof(self, node: str, *, intercepted: bool) -> None:
        """Remember what a probe on a node found; it counts until the node's pod changes."""
        row = self._rows.get(node)
        if row is not None and row.pod is not None:
            self._proofs[node] = (_life(row.pod), self._clock(), intercepted)

    def snapshot(self) -> FleetSnapshot:
        """Return everything as it is known now."""
        at = self._clock()
        rows = self._current_rows()
        caches = tuple(
            _watched(cache, self._dns_ips, self._capacities.get(_name(cache)))
            for cache in self._caches
        )
        interval = self._sampler.interval
        return FleetSnapshot(
            at=at,
            caches=caches,
            fleet=totals(
                rows,
                at=at,
                interval=interval,
                caches=caches,
                coredns_ips=self._coredns_ips,
            ),
            nodes=rows,
            source=self._sampler.source.name,
            interval=interval,
            load=self._measure(at),
            problems=self._problems(rows),
            coredns_ips=self._coredns_ips,
        )

    def _current_rows(self) -> tuple[NodeRow, ...]:
        """Make the rows; one of which nothing changed is the same object as before."""
        inventory = self._discovery.inventory()
        if inventory is not self._inventory:
            self._inventory = inventory
            self._names = sorted(inventory.nodes, key=natural)
        rows = {}
        for name in self._names:
            node, pods = inventory.nodes[name], inventory.pods.get(name, ())
            sampled = self._sampler.sampled(pods[0].where) if pods else None
            detail = self._details.get(name) if self._details else None
            proof = self._proof(name, pods)
            dark = name in self._dark
            row = self._rows.get(name)
            if (
                row is None
                or row.dark is not dark
                or _changed(row, node, pods, sampled, detail, proof)
            ):
                proved_at, refuted_at = proof
                row = NodeRow(
                    node=node,
                    pods=pods,
                    sampled=sampled,
                    detail=detail,
                    proved_at=proved_at,
                    refuted_at=refuted_at,
                    dark=dark,
                )
            rows[name] = row
        self._rows = rows
        return tuple(rows.values())

    def _proof(self, node: str, pods: tuple[CachePod, ...]) -> Proof:
        life, at, intercepted = self._proofs.get(node, _NO_PROOF)
        if life is None or not pods or life != _life(pods[0]):
            return None, None
        return (at, None) if intercepted else (None, at)

    def _problems(self, rows: Sequence[NodeRow]) -> tuple[str, ...]:
        found = [str(problem) for problem in self._discovery.problems()]
        found += [trouble for trouble in self._trouble.values() if trouble]
        errors = [row.sampled.error for row in rows if row.sampled is not None]
        if errors and all(errors):  # the same as `FleetSnapshot.blind`
            found.append(f"no metrics from any node: {errors[0]}")
        return tuple(dict.fromkeys(found))

    def _measure(self, at: float) -> Load:
        """Measure our own load over some seconds: scrapes come in waves, and are no zero between.

        What is measured is as old as the window, or since the start while that is younger.
        """
        measured = self._measured
        if at - measured[-1][0] >= MEASURED_EACH_SECONDS:
            measured.append((at, self._cluster.requests, self._cluster.received))
        while len(measured) > 1 and at - measured[1][0] >= MEASURED_SECONDS:
            measured.popleft()
        since, requests, received = measured[0]
        seconds = measured[-1][0] - since
        if not seconds:
            return Load()
        _, newest_requests, newest_received = measured[-1]
        return Load(
            requests_per_second=(newest_requests - requests) / seconds,
            bytes_per_second=(newest_received - received) / seconds,
        )

    def _reconcile(self) -> None:
        """Scrape the first pod of each node: two on one node share a port, and so a registry."""
        first = (pods[0] for pods in self._discovery.inventory().pods.values())
        self._sampler.follow(pod for pod in first if pod.listening)

    async def _keep_pods(self) -> None:
        while True:
            with self._shown("pods"):
                self._reconcile()
            await asyncio.sleep(0.5)

    async def _keep_details(self) -> None:
        while True:
            with self._shown("details"):
                await self._read_details()
            await asyncio.sleep(PAUSE_SECONDS)

    async def _read_details(self) -> None:
        if self._details:
            snapshot = self.snapshot()
            unasked = [row.node.name for row in snapshot.nodes if snapshot.unasked(row)]
            await self._details.read(snapshot.nodes, self._there, unasked)

    async def _read_corefiles(self) -> None:
        texts = await together(map(self._cluster.corefile, self._caches))
        named = zip(map(_name, self._caches), texts, strict=True)
        self._capacities = {name: capacity(text) for name, text in named}

    async def _read_progress(self) -> None:
        progress = await self._cluster.progress(self._there)
        self._trouble["progress"] = f"{progress}: {GO_ON}" if progress else ""
        self._dark = frozenset(progress.dark if progress else ())

    async def _keep_caches(self) -> None:
        while True:
            await self._until_reread()
            with self._shown("caches"):
                await self._reread()

    async def _reread(self) -> None:
        caches = tuple(await self._cluster.caches())
        self._there = caches
        if not caches:
            raise NodednsError("the cache has been removed: no DaemonSet")
        self._caches = caches
        self._discovery.watch(caches)
        await self._read_corefiles()
        await self._read_progress()

    @contextlib.contextmanager
    def _shown(self, about: str) -> Iterator[None]:
        """Show what goes wrong here from then on, whatever it is, until it goes well."""
        try:
            yield
        except NodednsError as error:
            self.trouble(about, str(error))
        except Exception as error:  # noqa: BLE001 - nothing that goes wrong ends the watching
            self.trouble(about, f"{about}: unexpected {type(error).__name__}")
        else:
            self.trouble(about, "")

    async def _until_reread(self) -> None:
        """Wait until the DaemonSets are to be read again."""
        before, waited = self._pod_names(), 0.0
        while waited < REREAD_SECONDS and before == self._pod_names():
            pause = min(CHANGED_SECONDS, REREAD_SECONDS)
            await asyncio.sleep(pause)
            waited += pause

    def _pod_names(self) -> frozenset[str]:
        pods = self._discovery.inventory().pods.values()
        return frozenset(pod.where for some in pods for pod in some)


async def traffic_of(client: Client, caches: Sequence[Cache]) -> Traffic:
    """Read the counters of some caches twice, and return what goes through all of them.

    Raises:
        ApiError: nodes or pods cannot be listed.
    """
    monitor = Monitor(
        discovery=Discovery(client, caches),
        sampler=Sampler(Scraped(PodProxy(client))),
        cluster=Unread(),
        found=Found(caches=tuple(caches)),
    )
    return (await monitor.once()).fleet.traffic


def _changed(
    row: NodeRow,
    node: Node,
    pods: tuple[CachePod, ...],
    sampled: Sampled | None,
    detail: Detail | None,
    proof: Proof,
) -> bool:
    """Compare by identity first: of thousands of rows nearly all are as they were."""
    if row.detail is not detail or (row.proved_at, row.refuted_at) != proof:
        return True
    same = row.node is node and row.pods is pods and row.sampled is sampled
    return not same and (row.node, row.pods, row.sampled) != (node, pods, sampled)


def _life(pod: CachePod) -> object:
    """Whatever changes when a pod's cache starts anew."""
    return (pod.where, pod.restarts)


def _name(cache: Cache) -> str:
    return f"{cache.namespace}/{cache.name}"


def _watched(cache: Cache, dns_ips: Collection[str], room: Capacity | None) -> Watched:
    """Tell a cache's own address from the DNS service's; by convention its own comes first."""
    listened = [ip for ip in cache.local_ips if ip in dns_ips]
    own = [ip for ip in cache.local_ips if ip not in dns_ips]
    if not dns_ips:
        own, listened = own[:1], own[1:]
    return Watched(
        namespace=cache.namespace,
        name=cache.name,
        owner=cache.owner,
        version=cache.version,
        local_ip="".join(own[:1]),
        kube_dns_ips=tuple(listened),
        capacity=room,
    )
