"""The emulated API server of the demo, with answers that a real one does not give on demand.

Real sockets, no Kubernetes, nobody who starts pods: it stores objects, lists and watches them,
takes writes, and does at chosen paths what a test tells it to. It runs on a thread of its own, so
that tests can call the plugin's `main` as a person's shell does.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

from aiohttp import web

from kubectl_nodedns.demo.cluster import Serving
from kubectl_nodedns.demo.kinds import BY_PATH, Resource
from kubectl_nodedns.demo.routes import Routes
from kubectl_nodedns.demo.store import Store
from kubectl_nodedns.demo.verbs import Verbs

if TYPE_CHECKING:
    import ssl
    from collections.abc import Awaitable, Callable, Mapping

    Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

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

    store: Store = field(default_factory=Store)
    scripts: defaultdict[tuple[str, str], list[Handler]] = field(
        default_factory=lambda: defaultdict(list)
    )
    """What to do instead, by method and path; one after the other, the last one for ever."""
    seen: list[Seen] = field(default_factory=list)

    def __post_init__(self) -> None:
        # Kinds that nobody has told of are served too, in any namespace.
        uids = (f"made-by-the-server-{number}" for number in itertools.count())
        self.routes = Routes(Verbs(self.store, strict=False, new_uid=lambda: next(uids)))

    @property
    def objects(self) -> list[tuple[str, dict[str, Any]]]:
        """Plural and object of everything it holds."""
        return list(self.store.kinds())

    @property
    def writes(self) -> list[Seen]:
        """Requests that would change something; a question about one's rights does not."""
        asking = ("GET", "dryRun", REVIEWS)
        return [s for s in self.seen if not {s.method, s.path, *s.query} & {*asking}]


class Api:
    """The server. Use it as a context manager; `url` is its address."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.state = State()
        self._serving = Serving(self._handle, tls=tls)

    def __enter__(self) -> Self:
        self._serving.__enter__()
        return self

    def __exit__(self, *exc: object) -> None:
        self._serving.__exit__(*exc)

    @property
    def url(self) -> str:
        return self._serving.url

    def add(self, plural: str, *objects: dict[str, Any]) -> None:
        """Store objects, as they are."""
        for obj in objects:
            version = obj.get("apiVersion", "v1")
            namespaced = bool(obj["metadata"].get("namespace"))
            resource = Resource(version, plural, obj.get("kind", ""), namespaced=namespaced)
            self.state.store.put(BY_PATH.get((version, plural), resource), obj, stamp=False)

    def script(self, method: str, path: str, *handlers: Handler) -> None:
        """Do this at `path` instead."""
        self.state.scripts[method, path] += handlers

    def remove(self, plural: str) -> None:
        """Forget all objects of a kind."""
        self.state.store.drop(plural)

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        state = self.state
        body = await request.read()
        state.seen.append(
            Seen(request.method, request.path, dict(request.query), dict(request.headers), body)
        )
        handlers = state.scripts.get((request.method, request.path))
        if handlers:
            return await (handlers.pop(0) if len(handlers) > 1 else handlers[0])(request)
        return await state.routes.handle(request)


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
