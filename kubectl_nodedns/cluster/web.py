"""JSON from a web address outside of Kubernetes' own API, such as a Prometheus."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit, urlunsplit

import aiohttp

from kubectl_nodedns import __version__
from kubectl_nodedns.cluster.failures import failure, reason
from kubectl_nodedns.cluster.transport import parse
from kubectl_nodedns.errors import UnreachableError

if TYPE_CHECKING:
    from collections.abc import Mapping


class Web:
    """A session with one web server; use it as an async context manager.

    Args:
        url: its address, with user and password where it wants them.
    """

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")
        parts = urlsplit(self._url)
        host = parts.netloc.rpartition("@")[2]
        self.name = urlunsplit((parts.scheme, host, parts.path, "", ""))
        """Its address, to be shown: without a password."""
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            headers={"User-Agent": f"kubectl-nodedns/{__version__}", "Accept-Encoding": "gzip"},
            trust_env=True,
        )
        return self

    async def __aexit__(self, *exc: object) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def get(
        self, path: str, *, params: Mapping[str, str] | None = None, timeout: float | None = None
    ) -> Any:
        """Read one JSON document.

        Raises:
            ApiError: no answer, or an answer that is an error.
        """
        if self._session is None:
            raise RuntimeError("the session is used outside its 'async with'")
        try:
            async with self._session.get(
                self._url + path, params=params, timeout=aiohttp.ClientTimeout(total=timeout)
            ) as answer:
                body = await answer.read()
                status = answer.status
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            said, hint = reason(error)
            raise UnreachableError(f"cannot reach {self.name}: {said}", hint=hint) from error
        if status >= 400:  # noqa: PLR2004 - HTTP
            raise failure("GET", self.name + path, status, body)
        return parse("GET", self.name + path, body)
