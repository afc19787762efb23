"""Where metrics pages come from.

Owns the interface that the sampler reads through, and its implementation over the API server's pod
proxy. Others are in `prometheus` and `forwarded`; a recording stands in for all of them (`replay`).
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Protocol

from kubectl_nodedns.cluster.paths import pod_proxy
from kubectl_nodedns.errors import (
    ApiError,
    ForbiddenError,
    NotFoundError,
    SilentError,
    UnreachableError,
)
from kubectl_nodedns.metrics.page import Page, read_page

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kubectl_nodedns.facts.cache_pods import CachePod

SCRAPES_PER_SECOND = 100.0
"""Cap on requests for pages, over all pods."""
NOT_REACHED = "error trying to reach service: "
"""What the API server's proxy says before the reason."""
TIMEOUT_SECONDS = 5.0
"""Limit of one scrape; a page comes within milliseconds or not at all."""


class NotReachedError(ApiError):
    """The API server is well, and cannot reach the pod's port."""


class NoAnswerError(NotReachedError):
    """The pod did not answer in time; the API server may be well."""


class Source(Protocol):
    """Something that has the metrics pages of cache pods."""

    @property
    def name(self) -> str:
        """What to call it on screen."""
        ...

    @property
    def interval(self) -> float:
        """Seconds between two pages that it has; 0 where reading makes a new one."""
        ...

    async def pages(self, pod: CachePod) -> Sequence[Page]:
        """Return the newest page, with older ones before it where there are any.

        Raises:
            ApiError: none can be had.
            ExpositionError: it cannot be read.
        """
        ...


class TextSource(Protocol):
    """Something that has the metrics page of a cache pod as text, made at that moment."""

    @property
    def name(self) -> str:
        """What to call it on screen."""
        ...

    async def read(self, pod: CachePod) -> str:
        """Return the page.

        Raises:
            ApiError: it cannot be had.
        """
        ...


class Scraped:
    """Pages that are made when they are asked for.

    Args:
        texts: where their text comes from.
        clock: tells Unix seconds.
    """

    interval = 0.0

    def __init__(self, texts: TextSource, *, clock: Callable[[], float] = time.time) -> None:
        self._texts = texts
        self._clock = clock

    @property
    def name(self) -> str:
        """What to call it on screen."""
        return self._texts.name

    async def pages(self, pod: CachePod) -> Sequence[Page]:
        """Read one page."""
        text = await self._texts.read(pod)
        return (read_page(text, at=self._clock()),)


class Ports:
    """Pages from the declared metrics port, or the agent's where that does not answer.

    Owns which port answers; a subclass knows the way there.
    """

    def __init__(self) -> None:
        self._ports: dict[str, int] = {}

    async def read(self, pod: CachePod) -> str:
        """Return the page of a pod.

        Raises:
            ApiError: it cannot be had.
        """
        known = self._ports.get(pod.where)
        if known is not None:
            try:
                return await self._page(pod, known)
            except ApiError:
                del self._ports[pod.where]
                raise
        return await self._first(pod)

    async def _first(self, pod: CachePod) -> str:
        """Find the port that answers, and remember it."""
        failed: ApiError | None = None
        for port in dict.fromkeys((pod.metrics_port, pod.agent_port)):
            try:
                page = await self._page(pod, port)
            except ApiError as error:
                if _final(error):
                    raise
                failed = failed or error
            else:
                self._ports[pod.where] = port
                return page
        raise failed or ApiError(f"pod {pod.name} has no metrics port")

    async def _page(self, pod: CachePod, port: int) -> str:
        raise NotImplementedError


class TextReader(Protocol):
    """The part of `cluster.client.Client` that is needed here."""

    async def get_text(self, path: str, *, timeout: float | None = None) -> str:
        """Read one text document."""
        ...


class PodProxy(Ports):
    """Pages through the API server's pod proxy: nothing installed, no Prometheus needed.

    Args:
        client: the session to the API server.
    """

    name = "pod proxy"

    def __init__(self, client: TextReader) -> None:
        super().__init__()
        self._client = client

    async def _page(self, pod: CachePod, port: int) -> str:
        path = pod_proxy(pod.namespace, pod.name, port, "metrics")
        try:
            return await self._client.get_text(path, timeout=TIMEOUT_SECONDS)
        except SilentError as error:
            raise NoAnswerError(f"no answer within {TIMEOUT_SECONDS:.0f} s") from error
        except UnreachableError:
            raise
        except ApiError as error:
            raise _shorter(error) from error


def _shorter(error: ApiError) -> ApiError:
    """Leave out of the message what each row of a table would repeat: the path, and the proxy."""
    message = str(error)
    kind = NotReachedError if NOT_REACHED in message else type(error)
    for repeated in ("/proxy/metrics: ", NOT_REACHED):
        message = message.rpartition(repeated)[2]
    return kind(message, hint=error.hint, status=error.status, reason=error.reason)


def _final(error: ApiError) -> bool:
    """Whether another port would not help: no right, no such pod, no API server, a dead node."""
    gone = isinstance(error, NotFoundError) and error.reason == "NotFound"
    return gone or isinstance(error, (ForbiddenError, NoAnswerError, UnreachableError))
