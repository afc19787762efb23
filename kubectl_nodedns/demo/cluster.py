"""The demo's cluster: everything put together behind one address on loopback.

Its HTTP server has an event loop on a thread of its own. So whoever started it can do something
else meanwhile, such as run commands against it, and a command's own event loop never mixes with the
server's.
"""

from __future__ import annotations

import asyncio
import json
import random
import threading
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self, TypeVar

from aiohttp import web

from kubectl_nodedns.demo import faults, traffic, world
from kubectl_nodedns.demo.clock import Clock, stamp
from kubectl_nodedns.demo.controllers import Controllers
from kubectl_nodedns.demo.corefile import zones
from kubectl_nodedns.demo.events import Recorder
from kubectl_nodedns.demo.kinds import BY_KIND, Address
from kubectl_nodedns.demo.kubelets import Kubelets
from kubectl_nodedns.demo.machines import Network
from kubectl_nodedns.demo.names import Names
from kubectl_nodedns.demo.nodecache import NodeCache
from kubectl_nodedns.demo.replies import Silence
from kubectl_nodedns.demo.routes import Routes
from kubectl_nodedns.demo.store import Store
from kubectl_nodedns.demo.subresources import Subresources
from kubectl_nodedns.demo.verbs import Verbs

if TYPE_CHECKING:
    import ssl
    from collections.abc import Awaitable, Callable, Coroutine, Iterable

    Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

T = TypeVar("T")
HOST = "127.0.0.1"
PATIENCE = 30.0
"""Seconds that starting and stopping may take."""
CONTEXT = "demo"
"""Name of the context in the kubeconfig: what screens show."""
INSTALLED_SECONDS = 70 * 3600.0
"""How long what is installed from the start has run."""


class Serving:
    """A server; use it as a context manager. `url` is its address.

    Args:
        handler: answers every request.
        port: port to listen on; 0 for any that is free.
        tls: the server's certificate; None for plain HTTP.
    """

    def __init__(
        self, handler: Handler, *, port: int = 0, tls: ssl.SSLContext | None = None
    ) -> None:
        self.url = ""
        self.loop = asyncio.new_event_loop()
        self._handler = handler
        self._port = port
        self._tls = tls
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self._runner: web.AppRunner | None = None

    def __enter__(self) -> Self:
        self._thread.start()
        try:
            self.call(self._start())
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(self, *exc: object) -> None:
        try:
            self.call(self._stop())
        finally:
            self._end()

    def call(self, work: Coroutine[object, object, T]) -> T:
        """Run something on the server's loop, and wait for it."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(PATIENCE)

    def _end(self) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(PATIENCE)
        self.loop.close()

    async def _start(self) -> None:
        app = web.Application(client_max_size=16 * 2**20)
        app.router.add_route("*", "/{path:.*}", self._handler)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, HOST, self._port, ssl_context=self._tls)
        await site.start()
        port = self._runner.addresses[0][1]
        self.url = f"{'https' if self._tls else 'http'}://{HOST}:{port}"

    async def _stop(self) -> None:
        """End the server, and every answer that is left hanging."""
        if self._runner is not None:
            await self._runner.cleanup()
        hanging = asyncio.all_tasks() - {asyncio.current_task()}
        for task in hanging:
            task.cancel()
        await asyncio.gather(*hanging, return_exceptions=True)


@dataclass(frozen=True, kw_only=True)
class Options:
    """What a demo's cluster is like."""

    nodes: int = 12
    """How many nodes it has."""
    seed: int = 1
    """What chance begins with."""
    speed: float = 1.0
    """Seconds that pass in the cluster in one second on the wall."""
    coredns: str = "1.13.2"
    """Version of CoreDNS inside the node caches: names of metrics depend on it."""
    faults: tuple[str, ...] = faults.ALL
    """What goes wrong; see `faults`."""
    port: int = 0
    """Port of the API server; 0 for any that is free."""


class Cluster:
    """A cluster; use it as a context manager. `url` is the address of its API server.

    Args:
        options: what it is like.
        installed: objects that are there from the start, applied as our own field manager does,
            with pods that have run for a while.
    """

    def __init__(self, options: Options, installed: Iterable[dict[str, Any]] = ()) -> None:
        chance = random.Random(options.seed)  # noqa: S311 - not cryptography
        self.options = options
        self.store = Store()
        clock = Clock(options.speed)
        self.machines = world.machines(options.nodes, chance)
        self.faults = faults.choose(tuple(self.machines), options.faults, chance)
        faults.prepare(self.faults, self.machines)
        names = Names(self.store, world.DOMAIN)
        network = Network(self.store, names, self.machines, chance)
        events = Recorder(self.store)
        self._kubelets = Kubelets(
            self.store,
            self.machines,
            network,
            clock=clock,
            chance=chance,
            events=events,
            coredns=options.coredns,
        )
        self._controllers = Controllers(self.store, self._kubelets, chance=chance, events=events)
        self._happening = faults.Happening(self.faults, self._kubelets, clock, world.DNS_IP)
        self._verbs = Verbs(self.store, deleting=self._kubelets.deleting)
        coredns = {
            name: _coredns(clock, traffic.profile(chance), options.nodes) for name in world.COREDNS
        }
        behind = Subresources(self._verbs, self.machines, network, chance, coredns)
        self._routes = Routes(self._verbs, behind.handlers)
        self._serving = Serving(self._routes.handle, port=options.port)
        self._installed = list(installed)

    def __enter__(self) -> Self:
        self._fill()
        self._serving.__enter__()
        self._serving.call(self._live())
        return self

    def __exit__(self, *exc: object) -> None:
        self._serving.__exit__(*exc)

    @property
    def url(self) -> str:
        """Address of the API server."""
        return self._serving.url

    @property
    def faults_waiting(self) -> bool:
        """Whether a fault that was chosen has not happened yet."""
        return self._happening.waiting

    def trouble(self) -> None:
        """Let faults happen to the caches that are there from the start too."""
        self._serving.call(self._trouble())

    def change(self, work: Callable[[Store], None]) -> None:
        """Change what is stored on the loop of the cluster, as whoever acts in it does."""

        async def changed() -> None:
            work(self.store)

        self._serving.call(changed())

    def kubeconfig(self) -> str:
        """Return a kubeconfig with one context, named "demo". JSON is YAML."""
        content = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": CONTEXT,
            "contexts": [{"name": CONTEXT, "context": {"cluster": CONTEXT, "user": CONTEXT}}],
            "clusters": [{"name": CONTEXT, "cluster": {"server": self.url}}],
            "users": [{"name": CONTEXT, "user": {}}],
        }
        return json.dumps(content, indent=2) + "\n"

    def _fill(self) -> None:
        """Create what is there from the start; nobody listens yet."""
        world.fill(self._verbs, self.machines.values())
        for pod in world.workloads(self._verbs, self.machines):
            self._kubelets.run_at_once(pod)
        for obj in self._installed:
            metadata = obj["metadata"]
            resource = BY_KIND[obj["apiVersion"], obj["kind"]]
            at = Address(resource, metadata.get("namespace", ""), metadata["name"], "", "")
            made = self._verbs.apply(at, obj, manager="kubectl-nodedns")
            created = stamp(time.time() - INSTALLED_SECONDS)
            aged = {**made["metadata"], "creationTimestamp": created}
            self.store.put(resource, {**made, "metadata": aged})
        self._controllers.act_at_once()

    async def _live(self) -> None:
        """Let controllers, kubelets and faults begin."""
        self._kubelets.started.append(self._happening.started)
        self.store.listen(self._kubelets.see)
        self.store.listen(self._controllers.see)

    async def _trouble(self) -> None:
        for pod, machine in self._kubelets.caches():
            self._happening.started(pod, machine)


def _coredns(clock: Clock, usual: traffic.Profile, nodes: int) -> NodeCache:
    """Return what a CoreDNS pod counts: what the nodes' caches leave for it."""
    profile = replace(usual, rate=6.0 * nodes, kinds={traffic.OUTSIDE: 1.0})
    counted = NodeCache(
        zones=zones(world.COREFILE, {}),
        addresses=("",),
        upstream=lambda *_: Silence("timed out"),
        clock=clock,
        profile=profile,
        version=world.COREDNS_VERSION,
    )
    counted.flow("")
    counted.aged(world.AGE_SECONDS)
    return counted
