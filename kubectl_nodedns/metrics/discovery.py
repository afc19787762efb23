"""What nodes and cache pods there are, kept up to date by one list and then a watch of each.

Network, through the client that is handed in. Everything is asked for as a Table without objects:
5,000 pods take a quarter of a second. A watch that ends goes on from where it was; one that is too
far behind (410), or any other trouble, lists again. Trouble never ends it: it is shown as
`problems`, and tried again with growing pauses.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from kubectl_nodedns.cluster.paths import collection
from kubectl_nodedns.errors import UNAUTHORIZED, ApiError, ForbiddenError, NotFoundError
from kubectl_nodedns.metrics.inventory import (
    Inventory,
    Node,
    Row,
    by_node,
    columns,
    read_node,
    read_pod,
    rows,
)
from kubectl_nodedns.together import together

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping, Sequence
    from typing import Protocol

    from kubectl_nodedns.facts.cache_pods import CachePod
    from kubectl_nodedns.facts.caches import Cache

    class TableReader(Protocol):
        """The part of `cluster.client.Client` that is needed here."""

        def pages(
            self, path: str, *, params: Mapping[str, str] | None = None, accept: str = ...
        ) -> AsyncIterator[Any]:
            """Read a list page by page."""
            ...

        def watch(
            self,
            path: str,
            *,
            since: str,
            params: Mapping[str, str] | None = None,
            accept: str = ...,
        ) -> AsyncIterator[dict[str, Any]]:
            """Yield watch events."""
            ...


T = TypeVar("T")
UNREADABLE = (KeyError, TypeError, ValueError, AttributeError, IndexError)
"""What reading a table raises that is none."""
TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"
PAUSE_SECONDS = (1.0, 2.0, 5.0, 10.0, 30.0)
"""Pauses before trying again, the last one repeated."""
LASTED_SECONDS = 60.0
"""A watch that stood this long was in order; what ends it is new trouble."""


class Followed(Generic[T]):
    """One collection, followed as Tables.

    Args:
        client: where to ask.
        path: path of the collection.
        labels: label selector; empty for all.
        read: turns a row into an item.
    """

    def __init__(
        self, client: TableReader, path: str, *, labels: str, read: Callable[[Row], T]
    ) -> None:
        self.items: dict[str, T] = {}
        """What there is, by name."""
        self.problem: ApiError | None = None
        """Why it may be out of date; None while the watch stands."""
        self.revision = 0
        """Counts changes of `items`."""
        self._client = client
        self._path = path
        self._params = {"includeObject": "None"} | ({"labelSelector": labels} if labels else {})
        self._read = read
        self._columns: tuple[str, ...] = ()
        self._version = ""

    async def load(self) -> None:
        """List everything anew.

        Raises:
            ApiError: it cannot be listed.
        """
        items: dict[str, T] = {}
        version = ""
        try:
            async for table in self._client.pages(self._path, params=self._params, accept=TABLE):
                version = table["metadata"]["resourceVersion"]
                self._columns = columns(table) or self._columns
                items |= {row["Name"]: self._read(row) for row in rows(table, self._columns)}
        except UNREADABLE as error:
            raise _problem(self._path, error) from error
        self.items = items
        self.revision += 1
        self._version = version
        self.problem = None

    async def follow(self) -> None:
        """Watch for ever; list anew where the watch cannot go on.

        However a watch ends, in order or not, and whatever came through it: one that did not last
        is opened again after a pause, and the pauses grow.
        """
        loop = asyncio.get_running_loop()
        ended = 0
        while True:
            opened, failed, behind = loop.time(), False, False
            try:
                if not self._version:
                    await self.load()
                async for event in self._client.watch(
                    self._path, since=self._version, params=self._params, accept=TABLE
                ):
                    self.apply(event)
            except Exception as error:  # noqa: BLE001 - no trouble ends it, expected or not
                self._version = ""
                behind = isinstance(error, NotFoundError) and not ended
                failed = not behind
                if failed:
                    self.problem = _problem(self._path, error)
            lasted = loop.time() - opened > LASTED_SECONDS
            ended = 0 if lasted else ended
            if failed or not (lasted or behind):
                await asyncio.sleep(PAUSE_SECONDS[min(ended, len(PAUSE_SECONDS) - 1)])
            ended += 1

    def apply(self, event: Mapping[str, Any]) -> None:
        """Take in one watch event.

        Raises:
            ApiError: it holds no table.
        """
        table = event["object"]
        if table.get("kind") != "Table":
            raise ApiError(f"watch {self._path}: the server sends no tables")
        self._version = table["metadata"].get("resourceVersion") or self._version
        if event["type"] == "BOOKMARK":
            return
        self._columns = columns(table) or self._columns
        self.revision += 1
        for row in rows(table, self._columns):
            if event["type"] == "DELETED":
                self.items.pop(row["Name"], None)
            else:
                self.items[row["Name"]] = self._read(row)


class Discovery:
    """Nodes and cache pods.

    Args:
        client: where to ask.
        caches: the DaemonSets whose pods to follow.
        labels: label selector on nodes; empty for all.
        clock: tells Unix seconds.
    """

    def __init__(
        self,
        client: TableReader,
        caches: Sequence[Cache],
        *,
        labels: str = "",
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._client = client
        self._labels = labels
        self._clock = clock
        self._nodes: Followed[Node] = Followed(
            client, collection("v1", "nodes"), labels=labels, read=read_node
        )
        self._pods: dict[tuple[object, ...], Followed[CachePod]] = {}
        self._inventory = Inventory(nodes={}, pods={})
        self._state: tuple[object, ...] = ()
        self.watch(caches)

    def watch(self, caches: Sequence[Cache]) -> None:
        """Follow the pods of these DaemonSets from now on, and no others."""
        self._pods = {
            key: self._pods.get(key) or _pods_of(self._client, cache, self._clock)
            for key, cache in ((_key(cache), cache) for cache in caches)
        }

    async def load(self) -> None:
        """Read everything once.

        A user who may not list nodes sees those that have a cache pod.

        Raises:
            ApiError: it cannot be read.
        """
        await together([*(pods.load() for pods in self._pods.values()), self._load_nodes()])

    async def follow(self) -> None:
        """Keep everything up to date, until cancelled."""
        running: dict[Followed[Any], asyncio.Task[None]] = {}
        async with asyncio.TaskGroup() as tasks:
            while True:
                wanted = self._followed()
                for followed in running.keys() - set(wanted):
                    gone = running.pop(followed)
                    gone.cancel()
                    await asyncio.wait([gone])
                for followed in wanted:
                    if followed not in running:
                        running[followed] = tasks.create_task(followed.follow())
                await asyncio.sleep(1.0)

    def inventory(self) -> Inventory:
        """Return what there is by now; the same object as before when nothing changed."""
        state = (self._nodes_hidden(), *((f, f.revision) for f in self._followed()))
        if state != self._state:
            self._state = state
            self._inventory = self._read()
        return self._inventory

    def _read(self) -> Inventory:
        pods = {p.where: p for followed in self._pods.values() for p in followed.items.values()}
        nodes = dict(self._nodes.items)
        grouped = by_node(tuple(pods.values()), {name: node.ip for name, node in nodes.items()})
        if self._nodes_hidden():
            nodes = {name: _only_named(name) for name in grouped}
        return Inventory(
            nodes=nodes, pods={node: some for node, some in grouped.items() if node in nodes}
        )

    def problems(self) -> tuple[ApiError, ...]:
        """Return why the inventory may be out of date or incomplete."""
        return tuple(f.problem for f in self._followed() if f.problem is not None)

    def _followed(self) -> list[Followed[Any]]:
        return [self._nodes, *self._pods.values()]

    def _nodes_hidden(self) -> bool:
        return not self._labels and isinstance(self._nodes.problem, ForbiddenError)

    async def _load_nodes(self) -> None:
        try:
            await self._nodes.load()
        except ForbiddenError as error:
            if self._labels or error.status == UNAUTHORIZED:
                raise
            self._nodes.problem = error


def _key(cache: Cache) -> tuple[object, ...]:
    """All of a cache that its pods' rows depend on."""
    ports = (cache.metrics_port, cache.setup_metrics_port)
    return (cache.namespace, cache.name, cache.selector, ports, cache.memory_limit)


def _pods_of(client: TableReader, cache: Cache, clock: Callable[[], float]) -> Followed[CachePod]:
    def read(row: Row) -> CachePod:
        return read_pod(
            row,
            namespace=cache.namespace,
            metrics_port=cache.metrics_port,
            agent_port=cache.setup_metrics_port,
            memory_limit_bytes=cache.memory_limit,
            at=clock(),
            cache=f"{cache.namespace}/{cache.name}",
        )

    path = collection("v1", "pods", cache.namespace)
    return Followed(client, path, labels=cache.selector, read=read)


def _problem(path: str, error: Exception) -> ApiError:
    if isinstance(error, ApiError):
        return error
    if isinstance(error, UNREADABLE):
        return ApiError(f"{path}: the server sent a table that cannot be read")
    return ApiError(f"{path}: unexpected {type(error).__name__}")


def _only_named(name: str) -> Node:
    return Node(name=name, ready=True, schedulable=True, windows=False, ip="")
