"""Metrics pages out of a Prometheus that scrapes the caches already.

What it stored of each scrape is put together to a page again, with the time of the scrape, so the
figures are made in the same way as from the caches themselves. Asked is for raw samples (a range
selector): an instant query would not tell when they were scraped.

A Prometheus scrapes for many, and a tenant may have it scrape a page of his own: what it says of a
pod counts where it names the pod's own namespace, or none. Whatever else its answer holds that no
Prometheus says is left out, or makes it no answer.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any, Protocol

from kubectl_nodedns.cluster.paths import service_proxy
from kubectl_nodedns.errors import ApiError, NotFoundError, UsageError
from kubectl_nodedns.metrics.exposition import Sample
from kubectl_nodedns.metrics.page import LATEST, Page, page_of_samples
from kubectl_nodedns.metrics.series import BY_NAME
from kubectl_nodedns.printable import printable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kubectl_nodedns.facts.cache_pods import CachePod

QUERY = "/api/v1/query"
TIMEOUT_SECONDS = 10.0
FIRST_WINDOW = 300
"""Seconds of samples that are asked for while the scrape interval is not known."""
WINDOW_INTERVALS = 3
"""Scrape intervals that are asked for once it is: two pages, though one scrape may have failed."""
LONGEST = 200
"""Characters of its own words that are told."""
KEPT = 3
"""Newest scrapes that are read."""
TARGET = ("job", "instance", "endpoint", "service", "prometheus_replica")
"""Labels that tell apart two jobs that scrape the same cache."""
MOVED = "exported_"
NAMESPACE = ("namespace", "kubernetes_namespace")
"""Labels by which usual configurations name a pod's namespace."""
_NO_ANSWER = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
"""What reading an answer raises that no Prometheus gives."""
_SERVICE = re.compile(r"(?P<namespace>[\w.-]+)/(?P<service>[\w.-]+)(:(?P<port>[\w-]+))?")
_NAMES = "|".join(BY_NAME)


class JsonReader(Protocol):
    """What is asked: `cluster.web.Web`, or the API server (`ThroughApiServer`)."""

    async def get(
        self, path: str, *, params: Mapping[str, str] | None = None, timeout: float | None = None
    ) -> Any:
        """Read one JSON document."""
        ...


class ThroughApiServer:
    """A Prometheus behind a service, reached through the API server.

    Args:
        client: the session to the API server.
        target: NAMESPACE/SERVICE or NAMESPACE/SERVICE:PORT.

    Raises:
        UsageError: `target` is not of that form.
    """

    def __init__(self, client: JsonReader, target: str) -> None:
        match = _SERVICE.fullmatch(target)
        if match is None:
            raise UsageError(
                f"--prometheus: {target!r} is neither a URL nor NAMESPACE/SERVICE[:PORT]",
                hint="such as http://localhost:9090, or monitoring/prometheus-operated:9090",
            )
        port = match["port"] or ""
        self._client = client
        self._root = service_proxy(match["namespace"], match["service"], port)

    async def get(
        self, path: str, *, params: Mapping[str, str] | None = None, timeout: float | None = None
    ) -> Any:
        """Read one JSON document."""
        return await self._client.get(self._root + path, params=params, timeout=timeout)


class Prometheus:
    """Pages out of a Prometheus.

    Args:
        reader: how it is reached.
        where: what to call it.
    """

    def __init__(self, reader: JsonReader, where: str) -> None:
        self.name = f"Prometheus {where}"
        self.interval = 0.0
        """Seconds between two scrapes, as the newest samples have it; 0 before the first."""
        self._reader = reader
        self._selector = 0

    async def check(self) -> None:
        """Ask it something simple.

        Raises:
            ApiError: it does not answer as a Prometheus does.
        """
        await self._query("vector(1)")

    async def pages(self, pod: CachePod) -> Sequence[Page]:
        """Return the newest scrapes of a pod.

        Raises:
            ApiError: it cannot be asked, or knows nothing of the pod.
        """
        choices = _selectors(pod)
        for shift in range(len(choices)):
            choice = (self._selector + shift) % len(choices)
            result = await self._query(self._samples_of(choices[choice]))
            try:
                pages = read_matrix(result)
            except _NO_ANSWER as error:
                raise ApiError(f"{self.name}: its answer is no result") from error
            if pages:
                self._selector = choice
                if len(pages) > 1:
                    self.interval = round(pages[-1].at - pages[-2].at, 3)
                return pages
        raise NotFoundError(f"{self.name} has no metrics of this pod: does it scrape the caches?")

    def _samples_of(self, selector: str) -> str:
        window = int(self.interval * WINDOW_INTERVALS) + 1 if self.interval else FIRST_WINDOW
        return f'{{__name__=~"{_NAMES}",{selector}}}[{window}s]'

    async def _query(self, query: str) -> list[Any]:
        answer = await self._reader.get(QUERY, params={"query": query}, timeout=TIMEOUT_SECONDS)
        said = answer if isinstance(answer, dict) else {}
        data = said.get("data")
        result = data.get("result") if isinstance(data, dict) else None
        if said.get("status") != "success" or not isinstance(result, list):
            error = printable(str(said.get("error") or "its answer is no result"))
            raise ApiError(f"{self.name}: {error[:LONGEST]}")
        return result


def read_matrix(result: Sequence[Mapping[str, Any]]) -> tuple[Page, ...]:
    """Put pages together from raw samples, the oldest first; of several targets the newest.

    Args:
        result: `data.result` of a query for a range of samples.

    Raises:
        ArithmeticError, AttributeError, LookupError, TypeError, ValueError: it is something else.
    """
    targets: dict[tuple[str, ...], dict[float, list[Sample]]] = {}
    for series in result:
        labels = {label: str(value) for label, value in series["metric"].items()}
        name = labels.pop("__name__", "")
        if name not in BY_NAME:
            continue
        target = tuple(labels.get(label, "") for label in TARGET)
        # A scraper moves a label of the page aside when it has one of that name itself.
        moved = {k.removeprefix(MOVED): v for k, v in labels.items() if k.startswith(MOVED)}
        own = {**labels, **moved}
        by_time = targets.setdefault(target, {})
        for at, value in series["values"][-KEPT:]:
            if not 0 <= float(at) < LATEST:
                raise ValueError(f"a time that cannot be: {at}")
            if math.isfinite(float(value)):
                by_time.setdefault(float(at), []).append(Sample(name, own, float(value)))
    targets = {target: by_time for target, by_time in targets.items() if by_time}
    if not targets:
        return ()
    newest = max(targets.values(), key=lambda by_time: (max(by_time), len(by_time)))
    return tuple(page_of_samples(newest[at], at=at) for at in sorted(newest)[-KEPT:])


def _selectors(pod: CachePod) -> tuple[str, ...]:
    """Return the ways in which a Prometheus may name a pod: by address, by pod, by node."""
    host = f"[{pod.ip}]" if ":" in pod.ip else pod.ip
    own = ",".join(f'{label}=~"|{pod.namespace}"' for label in NAMESPACE)
    ways = (
        f'instance="{host}:{pod.metrics_port}"',
        f'pod="{pod.name}"',
        f'instance="{host}:{pod.agent_port}"',
        f'kubernetes_pod_name="{pod.name}"',
        f'node="{pod.node}"',
        f'instance="{pod.node}"',
    )
    return tuple(f"{way},{own}" for way in ways)
