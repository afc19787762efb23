"""JSON from a web address outside of Kubernetes' own API, such as a Prometheus."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Self

import aiohttp

from kubectl_nodedns import __version__
from kubectl_nodedns.cluster.bounded import RELAYED, read_body
from kubectl_nodedns.cluster.failures import failure, reason
from kubectl_nodedns.cluster.proxies import PROXIES, check_url, route, shown, usual_proxy
from kubectl_nodedns.cluster.redirects import refused
from kubectl_nodedns.cluster.transport import parse
from kubectl_nodedns.errors import UnreachableError

if TYPE_CHECKING:
    from collections.abc import Mapping


class Web:
    """A session with one web server; use it as an async context manager.

    Args:
        url: its address, with user and password where it wants them.

    Raises:
        UsageError: that is no address, or a proxy's in the environment is none.
    """

    def __init__(self, url: str) -> None:
        check_url(
            url, "the web server", schemes=("http", "https"), hint="such as https://host:9090"
        )
        self._url = url.rstrip("/")
        self.name = shown(self._url)
        """Its address, to be shown: without a password."""
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        proxy = usual_proxy(self._url, os.environ)
        if proxy:
            check_url(proxy, "the proxy", schemes=PROXIES, hint="check HTTP_PROXY and HTTPS_PROXY")
        self._session = aiohttp.ClientSession(
            **route(proxy, tls=True),
            headers={"User-Agent": f"kubectl-nodedns/{__version__}", "Accept-Encoding": "gzip"},
            trace_configs=[refused()],
            auto_decompress=False,  # by `bounded`, which stops in time
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
            TooLargeError: the answer is larger than any of a Prometheus.
            ApiError: no answer, or an answer that is an error.
        """
        if self._session is None:
            raise RuntimeError("the session is used outside its 'async with'")
        try:
            async with self._session.get(
                self._url + path, params=params, timeout=aiohttp.ClientTimeout(total=timeout)
            ) as answer:
                body, _ = await read_body(answer, most=RELAYED, what=f"GET {self.name}{path}")
                status = answer.status
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            said, hint = reason(error)
            raise UnreachableError(f"cannot reach {self.name}: {said}", hint=hint) from error
        if status >= 400:  # noqa: PLR2004 - HTTP
            raise failure("GET", self.name + path, status, body)
        return parse("GET", self.name + path, body)
