"""An API server for the answers that a real one does not give on demand.

Real sockets, no Kubernetes: it stores objects, lists them with equality selectors, takes writes,
and does at chosen paths what a test tells it to. It runs on a thread of its own, so that tests can
call the plugin's `main` as a person's shell does.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import threading
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

from aiohttp import web

if TYPE_CHECKING:
    import ssl
    from collections.abc import Awaitable, Callable, Iterable, Mapping

    Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_PATH = re.compile(
    r"/(?:api/(?P<core>v1)|apis/(?P<group>[^/]+/[^/]+))"
    r"(?:/namespaces/(?P<namespace>[^/]+))?/(?P<plural>[^/]+)(?:/(?P<name>[^/]+))?"
)
REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"


@dataclass(frozen=True)
class Seen:
    """One request, as it came."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes


@dataclass
class State:
    """What the server holds and what it was asked; a fresh one for each test."""

    objects: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    """Plural and object."""
    scripts: defaultdict[tuple[str, str], list[Handler]] = field(
        default_factory=lambda: defaultdict(list)
    )
    """What to do instead, by method and path; one after the other, the last one for ever."""
    seen: list[Seen] = field(default_factory=list)

    @property
    def writes(self) -> list[Seen]:
        """Requests that would change something; a question about one's rights does not."""
        asking = ("GET", "dryRun", REVIEWS)
        return [s for s in self.seen if not {s.method, s.path, *s.query} & {*asking}]


class Api:
    """The server. Use it as a context manager; `url` is its address."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.state = State()
        self.url = ""
        self._tls = tls
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._runner: web.AppRunner | None = None

    def __enter__(self) -> Self:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._start(), self._loop).result(10)
        return self

    def __exit__(self, *exc: object) -> None:
        assert self._runner is not None
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def add(self, plural: str, *objects: dict[str, Any]) -> None:
        """Store objects."""
        self.state.objects += [(plural, obj) for obj in objects]

    def script(self, method: str, path: str, *handlers: Handler) -> None:
        """Do this at `path` instead."""
        self.state.scripts[method, path] += handlers

    def remove(self, plural: str) -> None:
        """Forget all objects of a kind."""
        self.state.objects = [entry for entry in self.state.objects if entry[0] != plural]

    async def _stop(self) -> None:
        """End the server, and every answer that a test has left hanging."""
        await self._runner.cleanup()
        hanging = asyncio.all_tasks() - {asyncio.current_task()}
        for task in hanging:
            task.cancel()
        await asyncio.gather(*hanging, return_exceptions=True)

    async def _start(self) -> None:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._handle)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0, ssl_context=self._tls)
        await site.start()
        port = self._runner.addresses[0][1]
        self.url = f"{'https' if self._tls else 'http'}://127.0.0.1:{port}"

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        state = self.state
        body = await request.read()
        state.seen.append(
            Seen(request.method, request.path, dict(request.query), dict(request.headers), body)
        )
        handlers = state.scripts.get((request.method, request.path))
        if handlers:
            return await (handlers.pop(0) if len(handlers) > 1 else handlers[0])(request)
        found = _PATH.fullmatch(request.path)
        if found is None:
            return status(404, "NotFound", f"the server has no {request.path}")
        if request.method == "GET":
            return _read(state, found, request.query)
        return _written(request.method, body)


def _read(state: State, found: re.Match[str], query: Mapping[str, str]) -> web.Response:
    version = found["core"] or found["group"]
    items = [
        obj
        for plural, obj in state.objects
        if (plural, obj.get("apiVersion", "v1")) == (found["plural"], version)
        and found["namespace"] in (None, obj["metadata"].get("namespace"))
    ]
    if found["name"]:
        for obj in items:
            if obj["metadata"]["name"] == found["name"]:
                return web.json_response(obj)
        name = f'{found["plural"]} "{found["name"]}" not found'
        return status(404, "NotFound", name)
    labels = [*_pairs(query.get("labelSelector", ""))]
    fields = [*_pairs(query.get("fieldSelector", ""))]
    items = [
        obj
        for obj in items
        if all((obj["metadata"].get("labels") or {}).get(k) == v for k, v in labels)
        and all(_field(obj, k) == v for k, v in fields)
    ]
    return web.json_response({"kind": "List", "metadata": {}, "items": items})


def _written(method: str, body: bytes) -> web.Response:
    if method == "DELETE":
        return web.json_response({"kind": "Status", "status": "Success"})
    obj = json.loads(body)
    obj.setdefault("metadata", {}).setdefault("uid", "made-by-the-server")
    if obj.get("kind") == "SelfSubjectAccessReview":
        obj["status"] = {"allowed": True}
    return web.json_response(obj)


def _pairs(selector: str) -> Iterable[tuple[str, str]]:
    for part in filter(None, selector.split(",")):
        key, _, value = part.partition("=")
        yield key, value


def _field(obj: Any, path: str) -> Any:
    for key in path.split("."):
        obj = (obj or {}).get(key)
    return obj


# What a script can do.


def status(
    code: int, reason: str, message: str, headers: Mapping[str, str] | None = None
) -> web.Response:
    """A Status object, as the API server sends it."""
    document = {
        "kind": "Status",
        "apiVersion": "v1",
        "status": "Failure",
        "code": code,
        "reason": reason,
        "message": message,
    }
    return web.json_response(document, status=code, headers=headers)


def answers(
    code: int, reason: str = "", message: str = "", headers: Mapping[str, str] | None = None
) -> Handler:
    """Answer with a Status object."""

    async def handler(_: web.Request) -> web.Response:
        return status(code, reason, message, headers)

    return handler


def document(content: Any) -> Handler:
    """Answer with JSON."""

    async def handler(_: web.Request) -> web.Response:
        return web.json_response(content)

    return handler


def text(content: str, code: int = 200) -> Handler:
    """Answer with anything."""

    async def handler(_: web.Request) -> web.Response:
        return web.Response(text=content, status=code)

    return handler


def lines(*events: Any, then: Handler | None = None) -> Handler:
    """Answer as a watch does: a line of JSON for each event."""

    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for event in events:
            await response.write(json.dumps(event).encode() + b"\n")
        if then is not None:
            await then(request)
        return response

    return handler


async def drops(request: web.Request) -> web.StreamResponse:
    """Close the connection without an answer."""
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


async def breaks(request: web.Request) -> web.StreamResponse:
    """Close the connection in the middle of the body."""
    response = web.StreamResponse(headers={"Content-Length": "1000"})
    await response.prepare(request)
    await response.write(b'{"kind": "List", "items": [')
    assert request.transport is not None
    request.transport.abort()
    return response


async def hangs(_: web.Request) -> web.StreamResponse:
    """Never answer."""
    with contextlib.suppress(asyncio.CancelledError):
        await asyncio.sleep(3600)
    return web.Response()
