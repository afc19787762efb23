"""One session to one API server: the verbs, in JSON.

Built on one `aiohttp` session, so a request is cancelled by cancelling its task. Every failure
becomes an `ApiError` that says what was asked for and what the server answered. A request that the
server turns away for load (429), and a read whose connection is lost, are repeated a few times; a
write is repeated only on 429, because only then is it known not to have happened.
"""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any, Self

import aiohttp

from kubectl_nodedns import __version__
from kubectl_nodedns.cluster.exec import ExecResult, run_in_pod
from kubectl_nodedns.cluster.failures import failure, unreachable
from kubectl_nodedns.cluster.paths import object_path
from kubectl_nodedns.errors import ApiError, ConflictError, NotFoundError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping, Sequence

    from kubectl_nodedns.cluster.access import Access

JSON = "application/json"
TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"
"""Ask for the rows that `kubectl get` prints: 100 times smaller than whole objects."""
APPLY = "application/apply-patch+yaml"
FIELD_MANAGER = "kubectl-nodedns"
PAGE = 500
"""Objects asked for at once; the API server keeps no more than that in one answer."""
ATTEMPTS = 4
"""How often a request is sent, the first time included."""
LARGE = 256 * 1024
"""Bytes from which JSON is parsed off the event loop."""
TOO_MANY = 429
GONE = 410
NO_API = "is this the address of an API server? A proxy or a login page may stand in between"


class Client:
    """An open session to the API server.

    Args:
        access: where the server is, and as whom to speak.
    """

    def __init__(self, access: Access) -> None:
        self.access = access
        self.requests = 0
        """Requests sent so far, repeated ones included."""
        self.received = 0
        """Bytes of bodies received so far, as they came over the wire where that is known."""
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = self._connect()
        return self

    async def __aexit__(self, *exc: object) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def renew(self, access: Access) -> None:
        """Go on with other credentials; what is under way ends with an error."""
        before = self._session
        self.access = access
        self._session = self._connect()
        if before is not None:
            await before.close()

    def _connect(self) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=self.access.tls, limit=0, limit_per_host=0),
            headers=[
                ("User-Agent", f"kubectl-nodedns/{__version__}"),
                ("Accept-Encoding", "gzip"),
                *self.access.headers.items(),
                *(("Impersonate-Group", group) for group in self.access.groups),
            ],
            timeout=aiohttp.ClientTimeout(total=self.access.request_timeout, sock_connect=10),
        )

    async def get(
        self,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        accept: str = JSON,
        timeout: float | None = None,
    ) -> Any:
        """Read one JSON document.

        Raises:
            ApiError: no answer, or an answer that is an error.
        """
        body = await self._send("GET", path, params=params, accept=accept, timeout=timeout)
        if len(body) < LARGE:
            return _parse("GET", path, body)
        return await asyncio.to_thread(_parse, "GET", path, body)

    async def get_text(self, path: str, *, timeout: float | None = None) -> str:
        """Read one text document, such as a page of metrics through the pod proxy."""
        body = await self._send("GET", path, accept="text/plain, */*", timeout=timeout)
        return body.decode(errors="replace")

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
        may then be seen twice; `again` is called before that.
        """
        start = {"limit": str(PAGE), **(params or {})}
        query = start
        left = ATTEMPTS
        while True:
            try:
                page = await self.get(path, params=query, accept=accept)
            except NotFoundError as error:
                left -= 1
                if error.status != GONE or query is start or not left:
                    raise
                again()
                query = start
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
        session = self._open()
        self.requests += 1
        try:
            async with session.get(
                self._url(path),
                params=query,
                headers={"Accept": accept},
                server_hostname=self.access.server_hostname,
                proxy=self.access.proxy,
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=10, sock_read=300),
            ) as answer:
                if answer.status >= 400:  # noqa: PLR2004 - HTTP
                    raise failure("watch", path, answer.status, await answer.read())
                buffer = bytearray()
                async for chunk in answer.content.iter_any():
                    self.received += len(chunk)
                    buffer += chunk
                    while (end := buffer.find(b"\n")) >= 0:
                        line = bytes(buffer[:end])
                        del buffer[: end + 1]
                        if line.strip():
                            yield _event(path, _parse("watch", path, line))
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise unreachable(self.access.server, error) from error

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
        answer = await self._send(
            "PATCH", object_path(obj), params=params, body=obj, content_type=APPLY
        )
        return _parse("PATCH", object_path(obj), answer)

    async def create(
        self, path: str, obj: dict[str, Any], *, dry_run: bool = False
    ) -> dict[str, Any]:
        """Create `obj` in the collection at `path`; return the object as it now is."""
        params = {"fieldManager": FIELD_MANAGER} | ({"dryRun": "All"} if dry_run else {})
        return _parse("POST", path, await self._send("POST", path, params=params, body=obj))

    async def delete(self, path: str, *, uid: str, dry_run: bool = False) -> bool:
        """Delete the object at `path`, if it still is the one with `uid`; what it owns goes too.

        Returns:
            False when it was gone already, or is another object by now.
        """
        body: dict[str, Any] = {
            "kind": "DeleteOptions",
            "apiVersion": "v1",
            "propagationPolicy": "Background",
            "preconditions": {"uid": uid},
        }
        if dry_run:
            body["dryRun"] = ["All"]
        try:
            await self._send("DELETE", path, body=body)
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
    ) -> ExecResult:
        """Run `command` in a container and return what it printed and how it ended.

        Args:
            namespace: the pod's namespace.
            pod: the pod's name.
            container: the container's name.
            command: the program and its arguments; no shell is involved.
            timeout: seconds until the command is given up.

        Raises:
            ApiError: the command could not be started.
            TimedOutError: it did not end in time.
        """
        self.requests += 1
        return await run_in_pod(
            self._open(), self.access, namespace, pod, container, command, timeout=timeout
        )

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            raise RuntimeError("the client is used outside its 'async with'")
        return self._session

    def _url(self, path: str) -> str:
        return self.access.server + path

    async def _send(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        body: dict[str, Any] | None = None,
        content_type: str = JSON,
        accept: str = JSON,
        timeout: float | None = None,
    ) -> bytes:
        """Send one request, repeat it where that is safe, and return the body."""
        data = None if body is None else json.dumps(body).encode()
        for attempt in range(1, ATTEMPTS + 1):
            try:
                status, pause, answer = await self._once(
                    method, path, params, data, content_type, accept, timeout
                )
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                if method != "GET" or attempt == ATTEMPTS or not _lost(error):
                    raise unreachable(self.access.server, error) from error
                status, pause, answer = TOO_MANY, 0.2 * attempt, b""
            if status != TOO_MANY or attempt == ATTEMPTS:
                break
            await asyncio.sleep(pause)
        if status >= 400:  # noqa: PLR2004 - HTTP
            raise failure(method, path, status, answer)
        return answer

    async def _once(
        self,
        method: str,
        path: str,
        params: Mapping[str, str] | None,
        data: bytes | None,
        content_type: str,
        accept: str,
        timeout: float | None,
    ) -> tuple[int, float, bytes]:
        """Send one request once; return status, seconds to wait before another try, body."""
        headers = {"Accept": accept}
        if data is not None:
            headers["Content-Type"] = content_type
        extra: dict[str, Any] = {}
        if timeout is not None:
            extra["timeout"] = aiohttp.ClientTimeout(total=timeout)
        self.requests += 1
        async with self._open().request(
            method,
            self._url(path),
            params=params,
            data=data,
            headers=headers,
            server_hostname=self.access.server_hostname,
            proxy=self.access.proxy,
            **extra,
        ) as answer:
            body = await answer.read()
            # aiohttp before 3.14 does not tell; there the decoded length counts.
            self.received += int(getattr(answer.content, "total_raw_bytes", len(body)))
            retry_after = answer.headers.get("Retry-After", "")
            pause = min(float(retry_after), 10.0) if retry_after.isdigit() else 1.0
            return answer.status, pause, body


def _event(path: str, event: dict[str, Any]) -> dict[str, Any]:
    if event.get("type") == "ERROR":
        status = event.get("object") or {}
        raise failure("watch", path, int(status.get("code") or 500), json.dumps(status).encode())
    return event


def _lost(error: BaseException) -> bool:
    """Whether a connection that stood broke before the whole answer had come."""
    if isinstance(error, aiohttp.ClientConnectorError):  # it never stood
        return False
    broken = (aiohttp.ServerDisconnectedError, aiohttp.ClientPayloadError, ConnectionError)
    return isinstance(error, (*broken, aiohttp.ClientOSError))


def _parse(verb: str, path: str, body: bytes) -> dict[str, Any]:
    """Read a JSON object.

    Raises:
        ApiError: it is something else, such as the login page of a proxy.
    """
    try:
        content = json.loads(body)
    except ValueError as error:
        raise ApiError(
            f"{verb} {path}: the answer is not JSON ({_start(body)})", hint=NO_API
        ) from error
    if not isinstance(content, dict):
        raise ApiError(f"{verb} {path}: the answer is not an object ({_start(body)})", hint=NO_API)
    return content


def _start(body: bytes) -> str:
    return repr(body[:60].decode(errors="replace")) if body else "it is empty"
