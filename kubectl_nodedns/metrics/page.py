"""One metrics page of one cache pod, summed to what is kept of each series.

Pure: text in, frozen value out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kubectl_nodedns.metrics.exposition import ExpositionError, Reader
from kubectl_nodedns.metrics.series import BY_NAME, Series

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from kubectl_nodedns.metrics.exposition import Sample

Key = tuple[str, ...]
"""Values of the labels that `Names.by` names; "" where a release does not have the label."""
LARGEST = 1e18
"""What a value stays below, or nobody counted it: a busy cache has 1e13 lookups in a year, and no
memory has so many bytes. What is left out is not known."""
LATEST = 253402300800.0
"""The year 10000, in Unix seconds: no calendar goes further."""


@dataclass(frozen=True, kw_only=True)
class Page:
    """What one scrape said."""

    at: float
    """When the page arrived, in Unix seconds."""
    totals: Mapping[Series, Mapping[Key, float]]
    """Counters since process start, and gauges; a series that the page has not is not here."""

    def get(self, series: Series) -> Mapping[Key, float]:
        """Return the parts of a series; none when the page does not have it."""
        return self.totals.get(series, {})

    def single(self, series: Series) -> float | None:
        """Return the value of a series that has no labels; None when the page has it not."""
        return self.get(series).get(())

    def total(self, series: Series) -> float | None:
        """Return the sum over all parts of a series; None when the page has it not."""
        parts = self.totals.get(series)
        return None if parts is None else sum(parts.values())

    @property
    def started(self) -> float | None:
        """When the process started, in Unix seconds."""
        return self.single(Series.STARTED)

    @property
    def version(self) -> str:
        """CoreDNS's version, such as "1.13.2"; empty when the page does not say."""
        return next((key[0] for key in self.get(Series.BUILD)), "")


def read_page(text: str, *, at: float) -> Page:
    """Read a page that arrived at `at` (Unix seconds).

    Raises:
        ExpositionError: it cannot be read, or is not CoreDNS's.
    """
    page = _summed(_READER.read(text), at=at)
    if not page.totals.keys() & {Series.LOOKUPS, Series.BUILD, Series.CACHE_ENTRIES}:
        raise ExpositionError("the page has no metrics of CoreDNS")
    return page


def page_of_samples(samples: Iterable[Sample], *, at: float) -> Page:
    """Sum up samples of the names that are read; they were made at `at` (Unix seconds)."""
    return _summed([(_part(name, labels), value) for name, labels, value in samples], at=at)


def _part(name: str, labels: Mapping[str, str]) -> tuple[str, Key]:
    """Say which part of which series a sample is, by its name and the labels that are kept."""
    series, _ = BY_NAME[name]
    return name, tuple([labels.get(label, "") for label in series.value.by])


_READER = Reader(BY_NAME, _part)


def _summed(samples: Iterable[tuple[tuple[str, Key], float]], *, at: float) -> Page:
    found: dict[str, dict[Key, float]] = {}
    before = ""
    parts: dict[Key, float] = {}
    for (name, key), value in samples:
        if name != before:  # a page has the samples of one name in a row
            before = name
            parts = found.setdefault(name, {})
        if -LARGEST < value < LARGEST:  # so it is not NaN either
            parts[key] = parts[key] + value if key in parts else value
    totals: dict[Series, Mapping[Key, float]] = {}
    ranks: dict[Series, int] = {}
    for name, parts in found.items():
        series, rank = BY_NAME[name]
        if rank <= ranks.get(series, rank):
            ranks[series] = rank
            totals[series] = parts
    return Page(at=at, totals=totals)
