"""The HTTP under the verbs: one session, requests that are repeated where that is safe, lines.

Built on one `aiohttp` session, so a request is cancelled by cancelling its task. Every failure
becomes an `ApiError` that says what was asked for and what the server answered. A request that the
server turns away for load (429), a read whose connection is lost, and a read that the server fails
at (5xx) are repeated a few times; a write is repeated only on 429, because only then is it known
not to have happened. What a kubelet answers in the server's name is not repeated. A request that
is turned away for its credentials (401) is repeated once, with new ones: a token may live for a
few minutes, and a run takes longer. So are watches, commands in pods and port-forwards (`renewed`).
What the API server only passes on, such as the answer of a pod, a Prometheus or a kubelet, may be a
401 too; that is no reason to log in, so the API server itself is asked first.

No answer is larger than its reader expects (`bounded`). Where somebody behind the API server does
not answer, that is said of him, not of the API server.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from typing import TYPE_CHECKING, Any, Self, TypeVar

import aiohttp

from kubectl_nodedns import __version__
from kubectl_nodedns.cluster.bounded import (
    DOCUMENT,
    LINE,
    RELAYED,
    TooLargeError,
    Unpacker,
    read_body,
)
from kubectl_nodedns.cluster.credentials import end_running
from kubectl_nodedns.cluster.failures import failure, no_answer, stood, unreachable
from kubectl_nodedns.cluster.proxies import route
from kubectl_nodedns.cluster.redirects import refused
from kubectl_nodedns.documents import DocumentError, read_json
from kubectl_nodedns.errors import UNAUTHORIZED, ApiError, NodednsError, UnreachableError
from kubectl_nodedns.numbers import whole

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

    from kubectl_nodedns.cluster.access import Access

T = TypeVar("T")
JSON = "application/json"
ATTEMPTS = 4
"""How often a request is sent, the first time included."""
TOO_MANY = 429
FAILED = range(500, 600)
"""Statuses of a server that could not do what it was asked for: another try may succeed."""
STEP = 0.2
"""Seconds before the second try of a read that failed; more before each one after it."""
_RELAYED = re.compile(r"/(pods|services|nodes)/[^/]+/(proxy|log|exec|portforward)([/?]|$)")
"""A path at which the API server passes on what somebody else says, or that nobody answers."""
IN_VAIN = 2
"""Log-ins in a row that may bring nothing before there is a pause."""
LOG_IN_PAUSE = 10.0
"""Seconds of that pause: whoever asks for credentials again and again may be locked out."""
NO_API = "is this the address of an API server? A proxy or a login page may stand in between"


class Transport:
    """An open session to the API server; use it as an async context manager.

    Args:
        access: where the server is, and as whom to speak.
        log_in: gets access with new credentials, in a thread of its own; None where nobody can.
        clock: tells seconds; not the time of day.
    """

    def __init__(
        self,
        access: Access,
        *,
        log_in: Callable[[], Access] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.access = access
        self._log_in = log_in
        self._clock = clock
        self._in_vain = 0
        self._tried = 0.0
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

    async def renewed(self, path: str, attempt: Callable[[], Awaitable[T]]) -> T:
        """Make an attempt; where it is turned away for its credentials (401), with new ones again.

        The one way to log in again: for requests, and for the start of watches, commands in pods
        and port-forwards.

        Args:
            path: what is asked for.
            attempt: asks for it with the session as it is then. Its `ForbiddenError` with the
                status 401 says that nobody has served it yet.

        Raises:
            UnreachableError: to log in failed.
        """
        access = self.access
        try:
            done = await attempt()
        except ApiError as error:
            if error.status not in (0, UNAUTHORIZED, TOO_MANY):
                self._in_vain = 0
            if error.status != UNAUTHORIZED or not await self._logged_in_again(access, path):
                raise
        else:
            self._in_vain = 0
            return done
        return await attempt()

    async def _logged_in_again(self, before: Access, path: str) -> bool:
        """After a 401: get new credentials, and say whether there are others than `before`.

        Of several requests that are turned away at once, one logs in for all. After log-ins that
        brought nothing there is a pause in which nobody does.

        Args:
            before: what the request was sent with.
            path: what was asked for.

        Raises:
            UnreachableError: to log in failed.
        """
        if self._log_in is None:
            return False
        async with self._logging_in:
            if self.access is not before:
                return True
            if self._in_vain >= IN_VAIN and self._clock() < self._tried + LOG_IN_PAUSE:
                return False
            if _RELAYED.search(path) and await self._taken():
                return False
            self._in_vain += 1
            self._tried = self._clock()
            try:
                access = await asyncio.to_thread(self._log_in)
            except asyncio.CancelledError:
                end_running()  # a thread is not interrupted, and the end would wait for it
                raise
            except UnreachableError:
                raise
            except NodednsError as error:  # such as a kubeconfig that is gone by now
                raise UnreachableError(str(error), hint=error.hint) from error
            self._retired.append(self.opened())
            self.access = access
            self._session = self._connect()
        return True

    async def _taken(self) -> bool:
        """Whether the API server itself takes the credentials: with bad ones it answers nothing."""
        try:
            status, _, _ = await self._once(
                "GET", "/version", None, None, JSON, JSON, None, DOCUMENT
            )
        except (aiohttp.ClientError, TimeoutError, OSError, TooLargeError):
            return True
        return status != UNAUTHORIZED

    def _connect(self) -> aiohttp.ClientSession:
        access = self.access
        return aiohttp.ClientSession(
            **route(access.proxy, access.tls, server_hostname=access.server_hostname),
            headers=[
                ("User-Agent", f"kubectl-nodedns/{__version__}"),
                ("Accept-Encoding", "gzip"),
                *access.headers.items(),
                *access.repeated,
            ],
            timeout=aiohttp.ClientTimeout(total=access.request_timeout, sock_connect=10),
            trace_configs=[refused()],
            auto_decompress=False,  # by `bounded`, which stops in time
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
        most: int | None = None,
    ) -> bytes:
        """Send one request, repeat it where that is safe, and return the body.

        It may have `most` bytes; without a number as many as the API server's own documents, or
        as what it passes on.

        Raises:
            SilentError: the API server passed it on, and nobody answered.
            TooLargeError: the answer is larger.
            ApiError: no answer, or an answer that is an error.
        """
        data = None if body is None else json.dumps(body).encode()
        relayed = bool(_RELAYED.search(path))
        most = most or (RELAYED if relayed else DOCUMENT)
        return await self.renewed(
            path,
            lambda: self._repeated(
                method, path, params, data, content_type, accept, timeout, most, relayed=relayed
            ),
        )

    async def _repeated(
        self,
        method: str,
        path: str,
        params: Mapping[str, str] | None,
        data: bytes | None,
        content_type: str,
        accept: str,
        timeout: float | None,
        most: int,
        *,
        relayed: bool,
    ) -> bytes:
        """Send one request, again where that is safe; see `send`."""
        attempt = 1
        while True:
            try:
                status, pause, answer = await self._once(
                    method, path, params, data, content_type, accept, timeout, most
                )
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                if method != "GET" or attempt == ATTEMPTS or not _lost(error):
                    asked = f"{method} {path}"
                    if relayed and stood(error):
                        raise no_answer(asked, error) from error
                    raise unreachable(self.access.server, error, request=asked) from error
                status, pause, answer = TOO_MANY, STEP * attempt, b""
            if method == "GET" and status in FAILED and not relayed:
                pause = STEP * attempt
            elif status != TOO_MANY:
                break
            if attempt == ATTEMPTS:
                break
            attempt += 1
            await asyncio.sleep(pause)
        if status >= 400:  # noqa: PLR2004 - HTTP
            raise failure(method, path, status, answer)
        return answer

    async def lines(self, path: str, query: Mapping[str, str], accept: str) -> AsyncIterator[bytes]:
        """Yield the lines of an answer that goes on until the server ends it.

        Raises:
            ApiError: no answer, an answer that is an error, or one that breaks off.
        """

        async def begin() -> aiohttp.ClientResponse:
            self.requests += 1
            answer = await self.opened().get(
                self._url(path),
                params=query,
                headers={"Accept": accept},
                server_hostname=self.access.server_hostname,
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=10, sock_read=300),
            )
            if answer.status < 400:  # noqa: PLR2004 - HTTP
                return answer
            async with answer:
                body, _ = await read_body(answer, most=LINE, what=f"watch {path}")
                raise failure("watch", path, answer.status, body)

        try:
            async with await self.renewed(path, begin) as answer:
                async for line in _lines(answer, self._heard, what=f"watch {path}"):
                    yield line
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise unreachable(self.access.server, error, request=f"watch {path}") from error

    def _heard(self, received: int) -> None:
        self.received += received

    async def _once(
        self,
        method: str,
        path: str,
        params: Mapping[str, str] | None,
        data: bytes | None,
        content_type: str,
        accept: str,
        timeout: float | None,
        most: int,
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
            **extra,
        ) as answer:
            body, received = await read_body(answer, most=most, what=f"{method} {path}")
            self.received += received
            retry_after = answer.headers.get("Retry-After", "")
            pause = min(float(whole(retry_after, most=86400) or 1), 10.0)
            return answer.status, pause, body


async def _lines(
    answer: aiohttp.ClientResponse, heard: Callable[[int], None], *, what: str
) -> AsyncIterator[bytes]:
    """Yield the lines of a body as they come, but empty ones.

    Raises:
        TooLargeError: one is longer than `LINE` bytes.
    """
    unpacker = Unpacker(answer.headers.get("Content-Encoding", ""), what=what)
    begun = bytearray()
    async for chunk in answer.content.iter_any():
        heard(len(chunk))
        for piece in unpacker.pieces(chunk):
            first, *others = piece.split(b"\n")
            begun += first
            for other in others:
                if begun.strip():
                    yield bytes(begun)
                begun[:] = other
            if len(begun) > LINE:
                raise TooLargeError(what, LINE)


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
        content = read_json(body)
    except DocumentError as error:
        raise ApiError(
            f"{verb} {path}: the answer is not JSON ({_start(body)})", hint=NO_API
        ) from error
    if not isinstance(content, dict):
        raise ApiError(f"{verb} {path}: the answer is not an object ({_start(body)})", hint=NO_API)
    return content


def _start(body: bytes) -> str:
    return repr(body[:60].decode(errors="replace")) if body else "it is empty"
