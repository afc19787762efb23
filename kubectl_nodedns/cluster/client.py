"""The verbs of Kubernetes, in JSON: get, list, watch, apply, create, replace, delete, exec."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

from kubectl_nodedns.cluster.bounded import PRINTED, TooLargeError
from kubectl_nodedns.cluster.exec import ExecResult, exec_path, run_in_pod
from kubectl_nodedns.cluster.failures import failure
from kubectl_nodedns.cluster.paths import object_path
from kubectl_nodedns.cluster.port_forward import PortAnswer, get_through_kubelet, port_forward_path
from kubectl_nodedns.cluster.transport import ATTEMPTS, FAILED, JSON, Transport, parse
from kubectl_nodedns.errors import ConflictError, NotFoundError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping, Sequence

TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"
"""Ask for the rows that `kubectl get` prints: 100 times smaller than whole objects."""
APPLY = "application/apply-patch+yaml"
JSON_PATCH = "application/json-patch+json"
FIELD_MANAGER = "kubectl-nodedns"
PAGE = 500
"""Objects asked for at once; the API server keeps no more than that in one answer."""
LARGE = 256 * 1024
"""Bytes from which JSON is parsed off the event loop."""
FEWER = 8
"""A page of a list that is too large is asked for again with so many times fewer objects."""
GONE = 410


class Client(Transport):
    """A session to the API server with Kubernetes' verbs."""

    async def get(
        self,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        accept: str = JSON,
        timeout: float | None = None,
        most: int | None = None,
    ) -> Any:
        """Read one JSON document.

        Args:
            path: where it is.
            params: the query.
            accept: the media type that is wanted.
            timeout: seconds that it may take.
            most: bytes that it may have; see `send`.

        Raises:
            TooLargeError: it is larger.
            ApiError: no answer, or an answer that is an error.
        """
        body = await self.send(
            "GET", path, params=params, accept=accept, timeout=timeout, most=most
        )
        if len(body) < LARGE:
            return parse("GET", path, body)
        return await asyncio.to_thread(parse, "GET", path, body)

    async def get_text(
        self, path: str, *, timeout: float | None = None, most: int | None = None
    ) -> str:
        """Read a text, such as a page of metrics through the pod proxy; see `send` for `most`."""
        body = await self.send("GET", path, accept="text/plain, */*", timeout=timeout, most=most)
        return body.decode(errors="replace")

    async def get_forwarded(
        self, namespace: str, pod: str, port: int, path: str, *, timeout: float
    ) -> str:
        """Read one text document from a port of a pod, forwarded by its kubelet.

        Raises:
            ApiError: no answer, or an answer that is an error.
            TimedOutError: it did not come within `timeout` seconds.
        """

        async def fetch() -> PortAnswer:
            self.requests += 1
            return await get_through_kubelet(
                self.opened(), self.access, namespace, pod, port, path, timeout=timeout
            )

        answer = await self.renewed(port_forward_path(namespace, pod), fetch)
        self.received += answer.received
        return answer.text()

    async def pages(
        self,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        accept: str = JSON,
        again: Callable[[], None] = lambda: None,
    ) -> AsyncIterator[Any]:
        """Read a list page by page, as the server hands it out.

        A list that changed too much to go on with (410) is read again from its start, so an item
        may then be seen twice; `again` is called before that. A page that is too large is asked for
        with fewer objects: whoever may write objects may write large ones.
        """
        start = {"limit": str(PAGE), **(params or {})}
        query = start
        limit = int(start["limit"])
        left = ATTEMPTS
        while True:
            try:
                page = await self.get(path, params=query, accept=accept)
            except NotFoundError as error:
                left -= 1
                if error.status != GONE or "continue" not in query or not left:
                    raise
                again()
                query = start
                continue
            except TooLargeError:
                if limit <= 1:
                    raise
                limit = max(limit // FEWER, 1)
                start, query = ({**asked, "limit": str(limit)} for asked in (start, query))
                continue
            yield page
            token = (page.get("metadata") or {}).get("continue")
            if not token:
                return
            query = {**start, "continue": token}

    async def list(
        self,
        path: str,
        *,
        labels: str = "",
        fields: str = "",
    ) -> list[dict[str, Any]]:
        """Read a whole list of objects, page by page."""
        params = {}
        if labels:
            params["labelSelector"] = labels
        if fields:
            params["fieldSelector"] = fields
        items: list[dict[str, Any]] = []
        async for page in self.pages(path, params=params, again=items.clear):
            items.extend(page.get("items") or ())
        return items

    async def watch(
        self,
        path: str,
        *,
        since: str,
        params: Mapping[str, str] | None = None,
        accept: str = JSON,
    ) -> AsyncIterator[dict[str, Any]]:
        """Yield watch events from resource version `since` on, bookmarks included.

        Ends when the server closes the watch; go on from the last resource version seen.

        Raises:
            NotFoundError: the resource version is too old (410); list again.
        """
        query = {
            "watch": "1",
            "resourceVersion": since,
            "allowWatchBookmarks": "true",
            "timeoutSeconds": "290",
            **(params or {}),
        }
        async for line in self.lines(path, query, accept):
            yield _event(path, parse("watch", path, line))

    async def apply(
        self, obj: dict[str, Any], *, dry_run: bool = False, force: bool = False
    ) -> dict[str, Any]:
        """Server-side apply `obj` under our field manager; return the object as it now is.

        Raises:
            ConflictError: another field manager owns a field and says otherwise.
        """
        params = {"fieldManager": FIELD_MANAGER, "force": str(force).lower()}
        if dry_run:
            params["dryRun"] = "All"
        answer = await self.send(
            "PATCH", object_path(obj), params=params, body=obj, content_type=APPLY
        )
        return parse("PATCH", object_path(obj), answer)

    async def patch_json(
        self, path: str, operations: Sequence[dict[str, Any]], *, dry_run: bool = False
    ) -> dict[str, Any]:
        """Patch the object at `path` (RFC 6902); return it as it now is.

        Raises:
            ConflictError: a resource version among the operations is not the newest.
        """
        params = {"fieldManager": FIELD_MANAGER} | ({"dryRun": "All"} if dry_run else {})
        answer = await self.send(
            "PATCH", path, params=params, body=[*operations], content_type=JSON_PATCH
        )
        return parse("PATCH", path, answer)

    async def create(
        self, path: str, obj: dict[str, Any], *, dry_run: bool = False
    ) -> dict[str, Any]:
        """Create `obj` in the collection at `path`; return the object as it now is."""
        params = {"fieldManager": FIELD_MANAGER} | ({"dryRun": "All"} if dry_run else {})
        return parse("POST", path, await self.send("POST", path, params=params, body=obj))

    async def replace(
        self, path: str, obj: dict[str, Any], *, timeout: float | None = None
    ) -> dict[str, Any]:
        """Put `obj` in the place of the object at `path`; return it as it now is.

        Raises:
            ConflictError: the one there has another UID or resource version than `obj`.
        """
        params = {"fieldManager": FIELD_MANAGER}
        answer = await self.send("PUT", path, params=params, body=obj, timeout=timeout)
        return parse("PUT", path, answer)

    async def delete(
        self,
        path: str,
        *,
        uid: str,
        dry_run: bool = False,
        grace: int | None = None,
        orphan: bool = False,
    ) -> bool:
        """Delete the object at `path`, if it still is the one with `uid`.

        Args:
            path: where it is.
            uid: its UID.
            dry_run: whether to ask only.
            grace: seconds that a pod is given to end in; None for what the pod says itself.
            orphan: whether what it owns stays, without an owner; else that goes too.

        Returns:
            False when it was gone already, or is another object by now.
        """
        body: dict[str, Any] = {
            "kind": "DeleteOptions",
            "apiVersion": "v1",
            "propagationPolicy": "Orphan" if orphan else "Background",
            "preconditions": {"uid": uid},
        }
        if grace is not None:
            body["gracePeriodSeconds"] = grace
        if dry_run:
            body["dryRun"] = ["All"]
        try:
            await self.send("DELETE", path, body=body)
        except (NotFoundError, ConflictError):
            return False
        return True

    async def exec(
        self,
        namespace: str,
        pod: str,
        container: str,
        command: Sequence[str],
        *,
        timeout: float,
        received: Callable[[bytes], None] = lambda _: None,
        most: int = PRINTED,
    ) -> ExecResult:
        """Run `command` in a container and return what it printed and how it ended.

        Args:
            namespace: the pod's namespace.
            pod: the pod's name.
            container: the container's name.
            command: the program and its arguments; no shell is involved.
            timeout: seconds until the command is given up.
            received: called with each piece of standard output as it comes.
            most: bytes that it may print; it is given up when there are more.

        Raises:
            TooLargeError: it printed more.
            ApiError: the command could not be started.
            TimedOutError: it did not end in time.
        """

        async def run() -> ExecResult:
            self.requests += 1
            return await run_in_pod(
                self.opened(),
                self.access,
                namespace,
                pod,
                container,
                command,
                timeout=timeout,
                received=received,
                most=most,
            )

        return await self.renewed(exec_path(namespace, pod), run)


def _event(path: str, event: dict[str, Any]) -> dict[str, Any]:
    if event.get("type") == "ERROR":
        status = event.get("object") or {}
        code = status.get("code")
        code = code if isinstance(code, int) else FAILED.start
        raise failure("watch", path, code, json.dumps(status).encode())
    return event
