"""The HTTP under the verbs: one session, requests that are repeated where that is safe, lines.

Built on one `aiohttp` session, so a request is cancelled by cancelling its task. Every failure
becomes an `ApiError` that says what was asked for and what the server answered. A request that the
server turns away for load (429), and a read whose connection is lost, are repeated a few times; a
write is repeated only on 429, because only then is it known not to have happened. A request that
is turned away for its credentials (401) is repeated once, with new ones: a token may live for a few
minutes, and a run takes longer.
"""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any, Self

import aiohttp

from kubectl_nodedns import __version__
from kubectl_nodedns.cluster.failures import failure, unreachable
from kubectl_nodedns.errors import UNAUTHORIZED, ApiError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

    from kubectl_nodedns.cluster.access import Access

JSON = "application/json"
ATTEMPTS = 4
"""How often a request is sent, the first time included."""
TOO_MANY = 429
NO_API = "is this the address of an API server? A proxy or a login page may stand in between"


class Transport:
    """An open session to the API server; use it as an async context manager.

    Args:
        access: where the server is, and as whom to speak.
        log_in: gets access with new credentials, in a thread of its own; None where nobody can.
    """

    def __init__(self, access: Access, *, log_in: Callable[[], Access] | None = None) -> None:
        self.access = access
        self._log_in = log_in
        self._logging_in = asyncio.Lock()
        self._retired: list[aiohttp.ClientSession] = []  # what is under way there may go on
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
            self._retired.append(self._session)
            self._session = None
        for session in self._retired:
            await session.close()
        self._retired.clear()

    async def logged_in_again(self, before: Access) -> bool:
        """After a 401: get new credentials, and say whether there are others than `before`.

        Of several requests that are turned away at once, one logs in for all.

        Raises:
            NodednsError: to log in failed.
        """
        if self._log_in is None:
            return False
        async with self._logging_in:
            if self.access is before:
                self._retired.append(self._go_on_as(await asyncio.to_thread(self._log_in)))
        return True

    async def renew(self, access: Access) -> None:
        """Go on with other credentials; what is under way ends with an error."""
        await self._go_on_as(access).close()

    def _go_on_as(self, access: Access) -> aiohttp.ClientSession:
        """Open a session with other credentials; return the one before it, still open."""
        before = self.opened()
        self.access = access
        self._session = self._connect()
        return before

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

    def opened(self) -> aiohttp.ClientSession:
        """Return the open session."""
        if self._session is None:
            raise RuntimeError("the client is used outside its 'async with'")
        return self._session

    def _url(self, path: str) -> str:
        return self.access.server + path

    async def send(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        body: dict[str, Any] | list[dict[str, Any]] | None = None,
        content_type: str = JSON,
        accept: str = JSON,
        timeout: float | None = None,
    ) -> bytes:
        """Send one request, repeat it where that is safe, and return the body."""
        data = None if body is None else json.dumps(body).encode()
        renewed = False
        for attempt in range(1, ATTEMPTS + 1):
            access = self.access
            try:
                status, pause, answer = await self._once(
                    method, path, params, data, content_type, accept, timeout
                )
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                if method != "GET" or attempt == ATTEMPTS or not _lost(error):
                    raise unreachable(self.access.server, error) from error
                status, pause, answer = TOO_MANY, 0.2 * attempt, b""
            if status == UNAUTHORIZED and not renewed and await self.logged_in_again(access):
                renewed = True
                continue
            if status != TOO_MANY or attempt == ATTEMPTS:
                break
            await asyncio.sleep(pause)
        if status >= 400:  # noqa: PLR2004 - HTTP
            raise failure(method, path, status, answer)
        return answer

    async def lines(self, path: str, query: Mapping[str, str], accept: str) -> AsyncIterator[bytes]:
        """Yield the lines of an answer that goes on until the server ends it.

        Raises:
            ApiError: no answer, an answer that is an error, or one that breaks off.
        """
        self.requests += 1
        try:
            async with self.opened().get(
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
                            yield line
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise unreachable(self.access.server, error) from error

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
        async with self.opened().request(
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


def _lost(error: BaseException) -> bool:
    """Whether a connection that stood broke before the whole answer had come."""
    if isinstance(error, aiohttp.ClientConnectorError):  # it never stood
        return False
    broken = (aiohttp.ServerDisconnectedError, aiohttp.ClientPayloadError, ConnectionError)
    return isinstance(error, (*broken, aiohttp.ClientOSError))


def parse(verb: str, path: str, body: bytes) -> dict[str, Any]:
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
