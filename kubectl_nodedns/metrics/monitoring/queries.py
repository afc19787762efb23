"""PromQL with the metric names of one CoreDNS version."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kubectl_nodedns.errors import UsageError
from kubectl_nodedns.metrics.series import Series
from kubectl_nodedns.metrics.traffic import FAILURES

if TYPE_CHECKING:
    from collections.abc import Sequence

CACHE_REQUESTS_SINCE = (1, 10)
"""From this CoreDNS on `coredns_cache_requests_total` is there for certain."""
OLDEST = (1, 6)
_VERSION = re.compile(r"v?(\d+)\.(\d+)(\..*)?")


@dataclass(frozen=True, kw_only=True)
class Queries:
    """Writes expressions.

    Each takes `per`, the labels to keep, and where it is a rate the range to take it over.
    """

    version: tuple[int, int]
    """CoreDNS's version, without the patch."""
    job: str
    """Value of the label `job` of the caches' targets."""
    more: str = ""
    """Further matchers, such as `node=~"$node"`."""

    def metric(self, series: Series, *matchers: str) -> str:
        """Write a selector of a series."""
        labels = ",".join(filter(None, (f'job="{self.job}"', *matchers, self.more)))
        return f"{series.value.name_at(self.version)}{{{labels}}}"

    def rate(self, series: Series, per: Sequence[str], over: str, *matchers: str) -> str:
        """Write a summed rate."""
        return f"sum by ({', '.join(per)}) (rate({self.metric(series, *matchers)}[{over}]))"

    def failure_ratio(self, per: Sequence[str], over: str) -> str:
        """Write the share of responses that are SERVFAIL or REFUSED."""
        rcodes = f'rcode=~"{"|".join(FAILURES)}"'
        failing = self.rate(Series.RESPONSES, per, over, rcodes)
        return f"{failing} / {self.rate(Series.RESPONSES, per, over)}"

    def cache_requests(self, per: Sequence[str], over: str) -> str:
        """Write the lookups that reached a cache; older releases have hits and misses alone."""
        if self.version >= CACHE_REQUESTS_SINCE:
            return self.rate(Series.CACHE_REQUESTS, per, over)
        hits = self.rate(Series.CACHE_HITS, per, over)
        return f"({hits} + {self.rate(Series.CACHE_MISSES, per, over)})"

    def hit_ratio(self, per: Sequence[str], over: str, *matchers: str) -> str:
        """Write the share of the cache's lookups that it answered itself."""
        hits = self.rate(Series.CACHE_HITS, per, over, *matchers)
        return f"{hits} / {self.cache_requests(per, over)}"

    def quantile(self, q: float, series: Series, per: Sequence[str], over: str) -> str:
        """Write a quantile of a histogram."""
        return f"histogram_quantile({q}, {self.rate(series, (*per, 'le'), over)})"

    def entries(self, per: Sequence[str]) -> str:
        """Write the cache's entries, each counted once: every listen address reports them."""
        caches = ", ".join(dict.fromkeys((*per, "instance", "type", "zones")))
        once = f"max by ({caches}) ({self.metric(Series.CACHE_ENTRIES)})"
        return f"sum by ({', '.join(per)}) ({once})"


def read_version(text: str) -> tuple[int, int]:
    """Read a CoreDNS version such as "1.13.2".

    Raises:
        UsageError: it is none, or older than what is known.
    """
    match = _VERSION.fullmatch(text)
    if match is None:
        raise UsageError(f"{text!r} is no version of CoreDNS", hint="such as 1.13.2 or 1.10")
    version = int(match[1]), int(match[2])
    if version < OLDEST:
        raise UsageError(
            f"the metric names of CoreDNS {text} are not known",
            hint="the oldest that is known is 1.6, of node-cache 1.15.10",
        )
    return version
