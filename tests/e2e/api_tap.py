"""A tap between the plugin and the API server: counts its writes, and stops it after one of them.

The plugin speaks plain HTTP to the tap on loopback, the tap speaks TLS to the real API server with
the plugin's own credentials. A write is anything that changes an object: no read, no dry run, no
question about rights, no exec. The victim is killed with SIGKILL, or frozen with SIGSTOP, when the
server has done the write and before the plugin hears of it, which is the worst moment.
"""

from __future__ import annotations

import asyncio
import signal
import ssl
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

import aiohttp
import yaml
from aiohttp import web

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator
    from pathlib import Path

WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})
STDOUT = b"\x01"
"""Channel of a command's standard output (v4 and v5.channel.k8s.io)."""
HOP_BY_HOP = frozenset(
    {"host", "connection", "transfer-encoding", "content-length", "content-encoding", "upgrade"}
)


@dataclass
class Tap:
    """A running tap."""

    kubeconfig: Path
    """Kubeconfig of the real cluster."""
    own_kubeconfig: Path
    """Where the kubeconfig that leads through the tap is written."""
    kill_after: int = 0
    """The write after which the victim is killed, counted from 1; 0 is never."""
    freeze_after: str = ""
    """How the write ends after which the victim is frozen; empty is never."""
    frozen: threading.Event = field(default_factory=threading.Event)
    """Set once the victim is frozen."""
    victim: subprocess.Popen[str] | None = None
    """The process to kill or to freeze."""
    writes: list[str] = field(default_factory=list)
    """Method and path of each write so far."""
    printed: list[bytearray] = field(default_factory=list)
    """What each command in a pod has printed on its standard output, as it came over the wire."""
    _loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)
    _thread: threading.Thread | None = None
    _runner: web.AppRunner | None = None
    _session: aiohttp.ClientSession | None = None
    _server: str = ""

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._open(), self._loop).result(timeout=60)
        return self

    def __exit__(self, *exc: object) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(timeout=60)
        self._loop.call_soon_threadsafe(self._loop.stop)
        assert self._thread is not None
        self._thread.join(timeout=60)
        self._loop.close()

    def arm(self, victim: subprocess.Popen[str], kill_after: int) -> None:
        """Forget the writes so far, and kill `victim` after the given one."""
        self.writes.clear()
        self.victim, self.kill_after = victim, kill_after

    @contextmanager
    def freeze(self, victim: subprocess.Popen[str], write: str, seconds: float) -> Iterator[None]:
        """Freeze `victim` after the write that ends like that, and let it go on at the end."""
        self.frozen.clear()
        self.victim, self.freeze_after = victim, write
        assert self.frozen.wait(seconds), f"no {write} in {self.writes}"
        try:
            yield
        finally:
            self.freeze_after = ""
            victim.send_signal(signal.SIGCONT)

    async def _open(self) -> None:
        config = yaml.safe_load(self.kubeconfig.read_text())
        cluster = config["clusters"][0]["cluster"]
        self._server = cluster["server"]
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        connector = aiohttp.TCPConnector(ssl=context, limit=0)
        self._session = aiohttp.ClientSession(connector=connector, auto_decompress=False)
        app = web.Application(client_max_size=2**26)
        app.router.add_route("*", "/{path:.*}", self._handle)
        self._runner = web.AppRunner(app, shutdown_timeout=1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        port = self._runner.addresses[0][1]
        config["clusters"][0]["cluster"] = {"server": f"http://127.0.0.1:{port}"}
        self.own_kubeconfig.write_text(yaml.safe_dump(config))

    async def _close(self) -> None:
        assert self._runner is not None
        assert self._session is not None
        await self._session.close()
        await self._runner.cleanup()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return await self._exec(request)
        assert self._session is not None
        headers = {k: v for k, v in request.headers.items() if k.lower() not in HOP_BY_HOP}
        async with self._session.request(
            request.method,
            self._server + str(request.rel_url),
            headers=headers,
            data=await request.read() or None,  # an empty body would get a Content-Type
        ) as answer:
            body = await answer.read()
        question = "selfsubjectaccessreviews" in request.path
        if request.method in WRITES and "dryRun" not in request.query and not question:
            self._count(f"{request.method} {request.path}")
        kept = {k: v for k, v in answer.headers.items() if k.lower() not in HOP_BY_HOP}
        if "gzip" in answer.headers.get("Content-Encoding", ""):
            kept["Content-Encoding"] = "gzip"
        return web.Response(status=answer.status, body=body, headers=kept)

    def _count(self, write: str) -> None:
        self.writes.append(write)
        if self.victim is not None and len(self.writes) == self.kill_after:
            self.victim.kill()
        if self.victim is not None and self.freeze_after and write.endswith(self.freeze_after):
            self.victim.send_signal(signal.SIGSTOP)
            self.frozen.set()

    async def _exec(self, request: web.Request) -> web.StreamResponse:
        assert self._session is not None
        protocols = request.headers.get("Sec-WebSocket-Protocol", "").split(",")
        names = [name.strip() for name in protocols]
        authorization = {"Authorization": request.headers.get("Authorization", "")}
        async with self._session.ws_connect(
            self._server + str(request.rel_url), protocols=names, headers=authorization
        ) as upstream:
            downstream = web.WebSocketResponse(protocols=[upstream.protocol or names[0]])
            await downstream.prepare(request)

            printed = bytearray()
            self.printed.append(printed)

            async def pump(source: Any, sink: Any, record: bytearray) -> None:
                async for message in source:
                    if message.type is aiohttp.WSMsgType.BINARY:
                        if message.data[:1] == STDOUT:
                            record.extend(message.data[1:])
                        await sink.send_bytes(message.data)
                await sink.close()

            back = asyncio.create_task(pump(downstream, upstream, bytearray()))
            await pump(upstream, downstream, printed)
            back.cancel()
            return downstream
