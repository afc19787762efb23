"""HTTP in front of the verbs: paths, lists in pages, tables, watches, Status objects."""

from __future__ import annotations

import asyncio
import base64
import gzip
import json
from typing import TYPE_CHECKING, Any

import yaml
from aiohttp import web

from kubectl_nodedns.demo import discovery
from kubectl_nodedns.demo.kinds import Address, address
from kubectl_nodedns.demo.refusals import Refusal, expired
from kubectl_nodedns.demo.selecting import selected
from kubectl_nodedns.demo.tables import partial, table
from kubectl_nodedns.demo.watching import watch

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from kubectl_nodedns.demo.verbs import Verbs

    Subresource = Callable[[web.Request, Address], Awaitable[web.StreamResponse]]

LARGE = 128 * 1024
"""Bytes from which a document is compressed, as the real server does it."""
UNSUPPORTED = "the body of the request was in an unknown format"


class Routes:
    """The handler of every request.

    Args:
        verbs: what is done.
        subresources: handlers by plural and subresource, such as ("pods", "exec").
    """

    def __init__(
        self, verbs: Verbs, subresources: Mapping[tuple[str, str], Subresource] | None = None
    ) -> None:
        self.verbs = verbs
        self._subresources = subresources or {}
        self.closing = asyncio.Event()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one request; what is refused becomes a Status object."""
        try:
            return await self._answer(request)
        except Refusal as refusal:
            return web.json_response(refusal.status(), status=refusal.code)

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        known = discovery.document(request.path)
        if isinstance(known, str):
            return web.Response(text=known)
        return await self._resource(request) if known is None else _document(request, known)

    async def _resource(self, request: web.Request) -> web.StreamResponse:
        """Answer a request about objects."""
        body = await request.read()
        if review := discovery.review(request.path, body):
            return web.json_response(review, status=201)
        at = address(request.path, strict=self.verbs.strict)
        if at is None:
            return web.Response(status=404, text="404 page not found\n")
        if at.subresource:
            handler = self._subresources.get((at.resource.plural, at.subresource))
            if handler is None:
                raise Refusal(404, "NotFound", "the server could not find the requested resource")
            return await handler(request, at)
        if request.method != "GET":
            return self._write(request, at, body)
        if not at.name and request.query.get("watch") in ("1", "true"):
            return await watch(request, self.verbs.store, at, self.closing)
        found = _one(request, at, self.verbs.get(at)) if at.name else self._list(request, at)
        return _document(request, found)

    def _list(self, request: web.Request, at: Address) -> dict[str, Any]:
        query = request.query
        test = selected(query.get("labelSelector", ""), query.get("fieldSelector", ""))
        store = self.verbs.store
        version, start = store.version, ("", "")
        if token := query.get("continue"):
            version, start = _read_token(token)
        limit = int(query.get("limit") or 0)
        metadata: dict[str, Any] = {"resourceVersion": str(version)}
        items: list[tuple[tuple[str, str], dict[str, Any]]] = []
        for key, obj in store.items(at.resource, at.namespace, start):
            if test(obj):
                if limit and len(items) == limit:
                    metadata["continue"] = _token(version, items[-1][0])
                    break
                items.append((key, obj))
        objects = [obj for _, obj in items]
        accept = request.headers.get("Accept", "")
        if "as=Table" in accept:
            include = query.get("includeObject") or "Metadata"
            return table(at.resource, objects, metadata, include=include)
        if "as=PartialObjectMetadataList" in accept:
            kind = {"kind": "PartialObjectMetadataList", "apiVersion": "meta.k8s.io/v1"}
            return {**kind, "metadata": metadata, "items": [partial(obj) for obj in objects]}
        hidden = ("kind", "apiVersion")
        bare = [{k: v for k, v in obj.items() if k not in hidden} for obj in objects]
        kind = {"kind": f"{at.resource.kind}List", "apiVersion": at.resource.version}
        return {**kind, "metadata": metadata, "items": bare}

    def _write(self, request: web.Request, at: Address, body: bytes) -> web.Response:
        content = _content(request, body)
        manager = request.query.get("fieldManager") or "unknown"
        dry = "dryRun" in request.query or (request.method == "DELETE" and "dryRun" in content)
        verbs = self.verbs
        if request.method == "POST" and not at.name:
            made = verbs.create(at, content, manager=manager, dry=dry)
            return web.json_response(made, status=201)
        if request.method == "PUT" and at.name:
            return web.json_response(verbs.replace(at, content, manager=manager, dry=dry))
        if request.method == "PATCH" and at.name:
            if request.content_type == "application/apply-patch+yaml":
                force = request.query.get("force") == "true"
                return web.json_response(
                    verbs.apply(at, content, manager=manager, force=force, dry=dry)
                )
            if request.content_type == "application/json-patch+json":
                raise Refusal(415, "UnsupportedMediaType", UNSUPPORTED)
            return web.json_response(verbs.patch(at, content, manager=manager, dry=dry))
        if request.method == "DELETE" and at.name:
            return web.json_response(verbs.delete(at, content, dry=dry))
        if request.method == "DELETE":
            return self._delete_all(request, at, content, dry=dry)
        raise Refusal(405, "MethodNotAllowed", "the server does not allow this method here")

    def _delete_all(
        self, request: web.Request, at: Address, options: dict[str, Any], *, dry: bool
    ) -> web.Response:
        query = request.query
        test = selected(query.get("labelSelector", ""), query.get("fieldSelector", ""))
        for (namespace, name), obj in list(self.verbs.store.items(at.resource, at.namespace)):
            if test(obj):
                one = Address(at.resource, namespace, name, "", "")
                self.verbs.delete(one, options, dry=dry)
        return web.json_response({"kind": "Status", "apiVersion": "v1", "status": "Success"})


def compressed(request: web.Request, body: bytes, content_type: str) -> web.Response:
    """Answer with a body, compressed where the client takes that."""
    headers = {"Content-Type": content_type}
    if "gzip" in request.headers.get("Accept-Encoding", ""):
        headers["Content-Encoding"] = "gzip"
        body = gzip.compress(body, compresslevel=1, mtime=0)
    return web.Response(body=body, headers=headers)


def _document(request: web.Request, content: dict[str, Any]) -> web.Response:
    body = json.dumps(content, separators=(",", ":")).encode()
    if len(body) >= LARGE:
        return compressed(request, body, "application/json")
    return web.Response(body=body, content_type="application/json")


def _one(request: web.Request, at: Address, obj: dict[str, Any]) -> dict[str, Any]:
    accept = request.headers.get("Accept", "")
    if "as=Table" in accept:
        metadata = {"resourceVersion": obj["metadata"].get("resourceVersion", "")}
        include = request.query.get("includeObject") or "Metadata"
        return table(at.resource, [obj], metadata, include=include)
    return obj


def _content(request: web.Request, body: bytes) -> dict[str, Any]:
    """Read the body of a write.

    Raises:
        Refusal: it is no object, or one in a format that is not spoken here.
    """
    if not body:
        return {}
    if "protobuf" in request.content_type:  # `kubectl create namespace` and its like send it
        raise Refusal(415, "UnsupportedMediaType", f"{UNSUPPORTED}: only JSON and YAML are spoken")
    try:
        content = yaml.safe_load(body) if "yaml" in request.content_type else json.loads(body)
    except (ValueError, yaml.YAMLError) as error:
        raise Refusal(400, "BadRequest", f"error decoding the body: {error}") from error
    if not isinstance(content, dict):
        raise Refusal(415, "UnsupportedMediaType", UNSUPPORTED)
    return content


def _token(version: int, key: tuple[str, str]) -> str:
    return base64.urlsafe_b64encode(json.dumps([version, *key]).encode()).decode()


def _read_token(token: str) -> tuple[int, tuple[str, str]]:
    try:
        version, namespace, name = json.loads(base64.urlsafe_b64decode(token))
    except ValueError as error:
        raise expired(0, 0) from error
    return version, (namespace, name)
