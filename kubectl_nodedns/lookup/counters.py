"""Who answered where there is no marker: the counters of the node's cache, before and after.

A cache of ours proves itself by the marker, and nothing is read for it here. Another cache only
counts: when its counter for an address grows by as many lookups as were asked there, it may have
been the one that answered. On a busy node it grows anyway, so this is evidence and no proof.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from kubectl_nodedns.cluster.paths import pod_proxy
from kubectl_nodedns.errors import ApiError
from kubectl_nodedns.lookup.vantage import Lookup, Where
from kubectl_nodedns.metrics.exposition import ExpositionError, parse

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kubectl_nodedns.cluster.client import Client
    from kubectl_nodedns.facts.way import Way

COUNTERS = frozenset({"coredns_dns_requests_total", "coredns_dns_request_count_total"})
"""Lookups received, by the address of the listener; the second name is CoreDNS's before 1.7."""
COUNTED = (Where.LOCAL, Where.KUBE_DNS)
TIMEOUT = 5.0
"""Seconds that a page of metrics may take."""


class CacheCounters:
    """The counters of the cache on one node, around one round of questions.

    Args:
        client: an open client.
        way: the way of lookups through this cluster.
        node: the node.
    """

    def __init__(self, client: Client, way: Way, node: str) -> None:
        self._client = client
        self._pod = None if way.cache is None or way.cache.ours else way.pod_on(node)
        self._before: Mapping[str, float] | None = None

    async def begin(self) -> None:
        """Read the counters before the questions."""
        self._before = await self._read()

    async def end(self, lookups: Sequence[Lookup]) -> tuple[tuple[Lookup, ...], list[str]]:
        """Read the counters after the questions; return the lookups with what they say."""
        after = await self._read()
        if self._before is None or after is None:
            return tuple(lookups), []
        return with_evidence(lookups, self._before, after)

    async def _read(self) -> Mapping[str, float] | None:
        """Return lookups received by address; None where there is nothing to read."""
        if self._pod is None:
            return None
        path = pod_proxy(self._pod.namespace, self._pod.name, self._pod.metrics_port, "metrics")
        try:
            return received(await self._client.get_text(path, timeout=TIMEOUT))
        except (ApiError, ExpositionError):
            return None


def received(page: str) -> Mapping[str, float]:
    """Return how many lookups a cache has received at each of its addresses, by its metrics.

    Raises:
        ExpositionError: it is no page of metrics.
    """
    counts: Counter[str] = Counter()
    for sample in parse(page, COUNTERS):
        listener = sample.labels.get("server", "").removeprefix("dns://")
        counts[listener.rpartition(":")[0].strip("[]")] += int(sample.value)
    return counts


def with_evidence(
    lookups: Sequence[Lookup], before: Mapping[str, float], after: Mapping[str, float]
) -> tuple[tuple[Lookup, ...], list[str]]:
    """Say of each address that a cache may listen on whether its counter grew by what was asked.

    Args:
        lookups: of one node.
        before: what its cache had received at each address before them.
        after: and after them.

    Returns:
        The lookups, with what the counters say; and that in words, once for each address.
    """
    asked = Counter(one.point.address for one in lookups if one.point.where in COUNTED)
    said: dict[str, str] = {}
    for address, number in asked.items():
        grown = int(after.get(address, 0) - before.get(address, 0))
        means = "it may have answered" if grown >= number else "it did not answer them all"
        said[address] = (
            f"the counter of {lookups[0].node}'s cache for {address} grew by {grown} while "
            f"{number} lookups were asked there: {means} (evidence, no proof)"
        )
    marked = (replace(one, evidence=said.get(one.point.address, "")) for one in lookups)
    return tuple(marked), list(said.values())
