"""An HTTP server on loopback with an event loop on a thread of its own.

So whoever started it can do something else meanwhile, such as run commands against it, and a
command's own event loop never mixes with the server's.
"""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Self, TypeVar

from aiohttp import web

if TYPE_CHECKING:
    import ssl
    from collections.abc import Awaitable, Callable, Coroutine

    Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

T = TypeVar("T")
HOST = "127.0.0.1"
PATIENCE = 30.0
"""Seconds that starting and stopping may take."""


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
