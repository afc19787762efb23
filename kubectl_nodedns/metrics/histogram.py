"""Classic histograms and their quantiles, as Prometheus' histogram_quantile gives them.

With one difference: within the first bucket Prometheus draws a line from zero, which turns "below
0.25 ms" into a made-up number. Here such a quantile says that it is below the first bound.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class Latency(NamedTuple):
    """A duration as far as a histogram knows it."""

    seconds: float
    """The duration, or the bound that it lies beyond."""
    relation: str = "="
    """"=" for an estimate; "<" below the first bucket's bound; ">" above the last one's."""


class Histogram(NamedTuple):
    """Cumulative observations by upper bound. A tuple, because fleets add thousands."""

    bounds: tuple[float, ...]
    """Upper bounds in seconds, rising; the last is infinite."""
    counts: tuple[float, ...]
    """Observations (or observations per second) up to each bound."""


EMPTY = Histogram((), ())


def histogram(by_bound: Mapping[str, float]) -> Histogram:
    """Make a histogram of the values of `le` and the counts.

    Empty when the infinite bound is missing, or is the only one, and when a bound is no number.
    """
    try:
        pairs = sorted((float(bound), count) for bound, count in by_bound.items())
    except ValueError:
        return EMPTY
    if any(math.isnan(bound) for bound, _ in pairs):
        return EMPTY
    if len(pairs) < 2 or pairs[-1][0] != math.inf:  # noqa: PLR2004 - a finite and the infinite
        return EMPTY
    counts = []
    highest = 0.0
    for _, count in pairs:
        # Buckets of one page are not read in one instant: a lower one may be a moment ahead.
        highest = max(highest, count)
        counts.append(highest)
    return Histogram(tuple(bound for bound, _ in pairs), tuple(counts))


def merge(histograms: Iterable[Histogram]) -> Histogram:
    """Add histograms up, over the bounds that all of them have."""
    filled = [h for h in histograms if h.bounds]
    if not filled:
        return EMPTY
    bounds = filled[0].bounds
    if any(h.bounds != bounds for h in filled):
        common = set(bounds).intersection(*(h.bounds for h in filled))
        bounds = tuple(sorted(common))
        filled = [_keep(h, common) for h in filled]
    return Histogram(bounds, tuple(map(sum, zip(*(h.counts for h in filled), strict=True))))


def quantile(q: float, of: Histogram) -> Latency | None:
    """Estimate the q-quantile (0 < q < 1); None without observations."""
    if not of.bounds or of.counts[-1] <= 0:
        return None
    rank = q * of.counts[-1]
    at = bisect_left(of.counts, rank)
    if at == 0:
        return Latency(of.bounds[0], "<")
    if at >= len(of.bounds) - 1:
        return Latency(of.bounds[-2], ">")
    low, below = of.bounds[at - 1], of.counts[at - 1]
    share = (rank - below) / (of.counts[at] - below)
    return Latency(low + (of.bounds[at] - low) * share)


def _keep(of: Histogram, bounds: set[float]) -> Histogram:
    kept = [(b, c) for b, c in zip(of.bounds, of.counts, strict=True) if b in bounds]
    return Histogram(tuple(b for b, _ in kept), tuple(c for _, c in kept))
