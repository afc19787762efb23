"""Metrics pages by port-forward, and the choice between that and the pod proxy.

The API server of some managed clusters cannot reach node ports: there each page is fetched through
the kubelet. That costs a connection through three programs a page, so it is the second choice.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Protocol

from kubectl_nodedns.errors import ApiError, ForbiddenError, TimedOutError
from kubectl_nodedns.metrics.source import (
    TIMEOUT_SECONDS,
    NoAnswerError,
    NotReachedError,
    PodProxy,
    Ports,
    Scraped,
    TextReader,
)

if TYPE_CHECKING:
    from kubectl_nodedns.facts.cache_pods import CachePod

AT_ONCE = 8
"""Port-forwards at the same time."""
CONVINCED = 3
"""After so many pods that only a port-forward reaches, and none by the proxy, it goes first."""
AGAIN_READS = 15
"""Reads of a pod by port-forward after which the proxy is tried again, where it reaches others."""


class Forwarder(Protocol):
    """The part of `cluster.client.Client` that is needed here."""

    async def get_forwarded(
        self, namespace: str, pod: str, port: int, path: str, *, timeout: float
    ) -> str:
        """Read one text document from a port of a pod."""
        ...


class Both(TextReader, Forwarder, Protocol):
    """What the pod proxy and port-forward need of a client."""


class PortForward(Ports):
    """Pages through each pod's kubelet.

    Args:
        client: the session to the API server.
    """

    name = "port-forward"

    def __init__(self, client: Forwarder) -> None:
        super().__init__()
        self._client = client
        self._slots = asyncio.Semaphore(AT_ONCE)

    async def _page(self, pod: CachePod, port: int) -> str:
        async with self._slots:
            try:
                return await self._client.get_forwarded(
                    pod.namespace, pod.name, port, "/metrics", timeout=TIMEOUT_SECONDS
                )
            except TimedOutError as error:
                raise NoAnswerError(str(error)) from error


def through_api_server(client: Both) -> Scraped:
    """Return pages of the pod proxy, or of port-forwards where that does not reach."""
    return Scraped(Automatic(PodProxy(client), PortForward(client)))


class Automatic:
    """The pod proxy, and port-forward for the pods that it does not reach.

    Args:
        proxy: the first choice.
        forward: the second one.
    """

    def __init__(self, proxy: PodProxy, forward: PortForward) -> None:
        self._proxy = proxy
        self._forward = forward
        self._proxied: set[str] = set()
        self._forwarded: dict[str, int] = {}  # how often each was read so
        self._allowed = True

    @property
    def name(self) -> str:
        """What is used, in words."""
        if not self._forwarded:
            return self._proxy.name
        if not self._proxied:
            return self._forward.name
        return f"{self._proxy.name}, {self._forward.name} for {len(self._forwarded)}"

    async def read(self, pod: CachePod) -> str:
        """Return the page of a pod.

        Raises:
            ApiError: neither way has it; the proxy's own error.
        """
        if pod.where in self._forwarded:
            return await self._read_again(pod)
        if not self._proxied and len(self._forwarded) >= CONVINCED:
            try:
                return await self._read_forwarded(pod)
            except ApiError:
                return await self._read_proxied(pod)
        try:
            return await self._read_proxied(pod)
        except NotReachedError as error:
            if not self._allowed:
                raise
            try:
                return await self._read_forwarded(pod)
            except ApiError as other:
                # Without the right each pod that is down would cost two requests for nothing.
                self._allowed = not isinstance(other, ForbiddenError)
                raise error from None

    async def _read_again(self, pod: CachePod) -> str:
        self._forwarded[pod.where] += 1
        if self._proxied and self._forwarded[pod.where] % AGAIN_READS == 0:
            try:
                page = await self._read_proxied(pod)
            except NotReachedError:
                pass
            else:
                del self._forwarded[pod.where]
                return page
        try:
            return await self._forward.read(pod)
        except ApiError:
            self._forwarded.pop(pod.where, None)
            raise

    async def _read_proxied(self, pod: CachePod) -> str:
        try:
            page = await self._proxy.read(pod)
        except ApiError:
            self._proxied.discard(pod.where)
            raise
        self._proxied.add(pod.where)
        return page

    async def _read_forwarded(self, pod: CachePod) -> str:
        page = await self._forward.read(pod)
        self._forwarded[pod.where] = 0
        return page
