"""Scrape caches and CoreDNS twice, and hand the checks what came of it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from kubectl_nodedns.checks.evidence import CoreDnsLoad, Counters, UpstreamCounters
from kubectl_nodedns.cluster.paths import collection
from kubectl_nodedns.errors import NodednsError
from kubectl_nodedns.facts.cache_pods import CachePod
from kubectl_nodedns.facts.coredns import metrics_port_of
from kubectl_nodedns.metrics.figures import by_address
from kubectl_nodedns.metrics.forwarded import through_api_server
from kubectl_nodedns.metrics.histogram import quantile
from kubectl_nodedns.metrics.increases import Increases, increases
from kubectl_nodedns.metrics.sampler import Sampler
from kubectl_nodedns.metrics.series import Series
from kubectl_nodedns.readable import understood

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from kubectl_nodedns.checks.evidence import NodeEvidence
    from kubectl_nodedns.cluster.client import Client
    from kubectl_nodedns.facts.dns_service import DnsService
    from kubectl_nodedns.metrics.page import Page
    from kubectl_nodedns.metrics.traffic import Figures, Upstream


async def count(
    client: Client,
    nodes: Sequence[NodeEvidence],
    *,
    window: float,
    meanwhile: Callable[[], Awaitable[None]],
) -> tuple[Mapping[str, Counters], Mapping[str, str]]:
    """Scrape the first cache pod of each node twice.

    Args:
        client: an open client.
        nodes: the nodes, with their cache pods.
        window: least seconds between the two scrapes.
        meanwhile: awaited between them, so that what it asks is counted.

    Returns:
        Counters by node, and why there are none by node.
    """
    pods = {one.node.name: one.pods[0] for one in nodes if one.pods and one.pods[0].running}
    scrapes = _Scrapes(client, list(pods.values()))
    await scrapes.twice(window=window, meanwhile=meanwhile)
    found, missing = {}, {}
    for node, pod in pods.items():
        if figures := scrapes.figures(pod):
            found[node] = counters(figures, scrapes.grown(pod))
        else:
            missing[node] = scrapes.error(pod) or "no page came"
    return found, missing


@understood("CoreDNS's pods")
async def count_coredns(
    client: Client,
    dns: DnsService,
    *,
    window: float,
    meanwhile: Callable[[], Awaitable[None]],
) -> tuple[CoreDnsLoad, ...]:
    """Count the lookups of each pod behind the DNS service.

    Raises:
        ApiError: the pods cannot be listed.
        NodednsError: their metrics cannot be read.
    """
    labels = ",".join(f"{key}={value}" for key, value in sorted(dns.selector.items()))
    items = await client.list(collection("v1", "pods", dns.namespace), labels=labels)
    pods = [
        CachePod(  # CoreDNS too: all that counts here is where its page is
            namespace=dns.namespace,
            name=item["metadata"]["name"],
            node=(item.get("spec") or {}).get("nodeName") or "",
            ready=True,
            status="Running",
            metrics_port=metrics_port_of(item),
        )
        for item in items
        if (item.get("status") or {}).get("phase") == "Running"
    ]
    scrapes = _Scrapes(client, pods)
    await scrapes.twice(window=window, meanwhile=meanwhile)
    found = []
    for pod in pods:
        grown = scrapes.grown(pod)
        if grown is None:  # with one page a busy pod would pass for one that nobody asks
            raise NodednsError(f"no two pages of metrics of {pod.name}: {scrapes.error(pod)}")
        lookups = sum(grown.get(Series.LOOKUPS).values())
        where = f"{pod.namespace}/{pod.name}"
        found.append(CoreDnsLoad(pod=where, node=pod.node, lookups=lookups))
    return tuple(found)


def counters(figures: Figures, grown: Increases | None) -> Counters:
    """Return what findings are made of: counts, which a page can be checked against.

    Args:
        figures: of the newer page.
        grown: how much its counters grew over the window; None with one page.
    """

    def over(series: Series, label: int = 0, *values: str) -> float | None:
        """Add up the parts that have one of the values; None where the page has no part."""
        parts = grown.get(series) if grown else {}
        chosen = (part for key, part in parts.items() if not values or key[label] in values)
        return sum(chosen) if parts else None

    hits = over(Series.CACHE_HITS)
    misses = over(Series.CACHE_MISSES)
    # Releases without a counter of requests have one of misses.
    requests = over(Series.CACHE_REQUESTS)
    missed = misses if requests is None else requests - (hits or 0.0)
    if missed is None and hits is not None:
        missed = 0.0
    setup = grown.get(Series.SETUP_ERRORS) if grown else {}
    return Counters(
        seconds=grown.seconds if grown else None,
        started=figures.started,
        version=figures.version,
        lookups_by_address=figures.by_address,
        lately_by_address=by_address(grown.get(Series.LOOKUPS)) if grown else {},
        responses=over(Series.RESPONSES),
        servfail=over(Series.RESPONSES, 1, "SERVFAIL") or 0.0,
        refused=over(Series.RESPONSES, 1, "REFUSED") or 0.0,
        nxdomain=over(Series.RESPONSES, 1, "NXDOMAIN") or 0.0,
        missed=missed,
        upstreams=tuple(_upstream(one, grown) for one in figures.upstreams),
        memory_bytes=figures.memory_bytes,
        setup_errors={key[0]: value for key, value in setup.items() if value},
        setup_errors_ever=figures.setup_errors_total_by_type,
        reload_failures=figures.reload_failures_total,
    )


def _upstream(one: Upstream, grown: Increases | None) -> UpstreamCounters:
    responses = grown.get(Series.UPSTREAM_RESPONSES) if grown else {}
    by_rcode = {key[1]: value for key, value in responses.items() if key[0] == one.to}
    middle = quantile(0.5, one.latency)
    failures = grown.get(Series.HEALTHCHECK_FAILURES) if grown else {}
    return UpstreamCounters(
        to=one.to,
        responses=sum(by_rcode.values()),
        by_rcode=by_rcode,
        median=None if middle is None else middle.seconds,
        unanswered=failures.get((one.to,), 0.0),
    )


class _Scrapes:
    """Pages of some pods, and how much their counters grew from one page to the next.

    Args:
        client: an open client.
        pods: the pods.
    """

    def __init__(self, client: Client, pods: Sequence[CachePod]) -> None:
        self._pages: dict[str, tuple[Page | None, Page]] = {}
        self._sampler = Sampler(through_api_server(client), heard=self._heard)
        self._sampler.follow(pods)
        self._any = bool(pods)

    async def twice(self, *, window: float, meanwhile: Callable[[], Awaitable[None]]) -> None:
        """Scrape twice, at least `window` seconds apart, and await `meanwhile` between the two."""
        loop = asyncio.get_running_loop()
        started = loop.time()
        await self._sampler.scrape_all()
        await meanwhile()
        if self._any:
            await asyncio.sleep(max(window - (loop.time() - started), 0.0))
            await self._sampler.scrape_all()

    def figures(self, pod: CachePod) -> Figures | None:
        """Return the figures of a pod's newest good page; None without one."""
        sampled = self._sampler.sampled(pod.where)
        return sampled.figures if sampled else None

    def error(self, pod: CachePod) -> str:
        """Say why a pod's last scrape failed; empty when it did not."""
        sampled = self._sampler.sampled(pod.where)
        return sampled.error if sampled else ""

    def grown(self, pod: CachePod) -> Increases | None:
        """Return how much a pod's counters grew; None with fewer than two pages."""
        before, after = self._pages.get(pod.where, (None, None))
        return increases(before, after) if before and after else None

    def _heard(self, pod: str, before: Page | None, page: Page) -> None:
        self._pages[pod] = (before, page)
