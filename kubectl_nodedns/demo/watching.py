"""Watches: a line of JSON for each change, and bookmarks between them."""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import TYPE_CHECKING, Any

from aiohttp import web

from kubectl_nodedns.demo.refusals import Refusal
from kubectl_nodedns.demo.selecting import selected
from kubectl_nodedns.demo.tables import partial, table

if TYPE_CHECKING:
    from collections.abc import Callable

    from kubectl_nodedns.demo.kinds import Address
    from kubectl_nodedns.demo.store import Change, Object, Store

BOOKMARK_SECONDS = 10.0
"""A quiet watch hears this often how far it is; the real server takes a minute."""
LONGEST_SECONDS = 3600.0


async def watch(
    request: web.Request, store: Store, at: Address, closing: asyncio.Event
) -> web.StreamResponse:
    """Answer a watch until its time is up, the client goes, or the server closes."""
    stream = _Stream(request, store, at)
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    await response.prepare(request)
    loop = asyncio.get_running_loop()
    end = loop.time() + min(float(request.query.get("timeoutSeconds") or 1800), LONGEST_SECONDS)
    store.listen(stream.take)
    try:
        for line in stream.start():
            await response.write(line)
        while not stream.failed and not closing.is_set() and (left := end - loop.time()) > 0:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(min(left, BOOKMARK_SECONDS)):
                    await stream.news.wait()
            lines = stream.lines() or stream.bookmark()
            if lines:
                await response.write(b"".join(lines))
    except (ConnectionError, RuntimeError):
        pass  # the client has gone
    finally:
        store.forget(stream.take)
    return response


class _Stream:
    """What one watch has to say."""

    def __init__(self, request: web.Request, store: Store, at: Address) -> None:
        query = request.query
        self.news = asyncio.Event()
        self.failed = False
        self._store = store
        self._at = at
        self._selects = selected(query.get("labelSelector", ""), query.get("fieldSelector", ""))
        self._since = query.get("resourceVersion") or "0"
        self._bookmarks = query.get("allowWatchBookmarks") in ("1", "true")
        self._waiting: list[Change] = []
        self._shape = _shape(request, at)

    def take(self, change: Change) -> None:
        """Keep a change until it is written; called from the store."""
        if change.resource == self._at.resource:
            self._waiting.append(change)
            self.news.set()

    def start(self) -> list[bytes]:
        """Return what there is to say at once: all objects, or the changes since a version."""
        if self._since == "0":
            found = self._store.items(self._at.resource, self._at.namespace)
            return [self._line("ADDED", obj) for _, obj in found if self._selects(obj)]
        try:
            missed = self._store.since(self._at.resource, int(self._since))
        except (Refusal, ValueError) as error:
            self.failed = True
            status = error.status() if isinstance(error, Refusal) else {"kind": "Status"}
            return [_encoded({"type": "ERROR", "object": status})]
        return [line for change in missed for line in self._event(change)]

    def lines(self) -> list[bytes]:
        """Return the lines of what happened since the last call."""
        self.news.clear()
        waiting, self._waiting = self._waiting, []
        return [line for change in waiting for line in self._event(change)]

    def bookmark(self) -> list[bytes]:
        """Return a line that says how far the watch is."""
        if not self._bookmarks:
            return []
        metadata = {"resourceVersion": str(self._store.version), "creationTimestamp": None}
        resource = self._at.resource
        obj = {"kind": resource.kind, "apiVersion": resource.version, "metadata": metadata}
        return [self._line("BOOKMARK", obj)]

    def _event(self, change: Change) -> list[bytes]:
        """Return the line of a change; an object that is no longer selected is deleted."""
        if self._at.namespace not in ("", change.object["metadata"].get("namespace") or ""):
            return []
        if self._at.name and change.object["metadata"]["name"] != self._at.name:
            return []
        was = change.before is not None and self._selects(change.before)
        is_now = change.after is not None and self._selects(change.after)
        if not was and not is_now:
            return []
        kind = "MODIFIED" if was and is_now else "ADDED" if is_now else "DELETED"
        metadata = {**change.object["metadata"], "resourceVersion": str(change.version)}
        return [self._line(kind, {**change.object, "metadata": metadata})]

    def _line(self, kind: str, obj: Object) -> bytes:
        return _encoded({"type": kind, "object": self._shape(kind, obj)})


def _shape(request: web.Request, at: Address) -> Callable[[str, Object], Any]:
    """Return what turns an object into what the client wants to see of it."""
    accept = request.headers.get("Accept", "")
    if "as=PartialObjectMetadata" in accept:
        return lambda _, obj: partial(obj)
    if "as=Table" not in accept:
        kind = {"kind": at.resource.kind, "apiVersion": at.resource.version}
        return lambda _, obj: {**kind, **obj}
    include = request.query.get("includeObject") or "Metadata"
    told = False

    def row(kind: str, obj: Object) -> Object:
        nonlocal told
        metadata = {"resourceVersion": obj["metadata"]["resourceVersion"]}
        if kind == "BOOKMARK":
            return {**table(at.resource, [], metadata, headed=False), "rows": []}
        shown = table(at.resource, [obj], metadata, include=include, headed=not told)
        told = True
        return shown

    return row


def _encoded(event: Object) -> bytes:
    return json.dumps(event, separators=(",", ":")).encode() + b"\n"
