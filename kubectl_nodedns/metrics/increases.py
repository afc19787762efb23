"""How much each counter grew between two pages of the same pod, restarts allowed for.

Pure. A restart sets every counter to zero; what they show after it is then the whole increase, as
in Prometheus. It is seen by the process start time, and where a build does not tell that, by a
counter that went down.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kubectl_nodedns.metrics.series import Series

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from kubectl_nodedns.metrics.page import Key, Page

CLOCK_STEP = 1.0
"""Seconds that a start time may move without a restart: the kernel derives it from a clock that
is corrected now and then."""


@dataclass(frozen=True, kw_only=True)
class Increases:
    """Growth of each counter over an interval."""

    seconds: float
    """Length of the interval."""
    by: Mapping[Series, Mapping[Key, float]]
    """Growth of each part of each counter; a counter that the later page has not is not here."""
    restarted: bool
    """Whether the process started anew within the interval."""

    def get(self, series: Series) -> Mapping[Key, float]:
        """Return the growth of each part of a series; none when the page does not have it."""
        return self.by.get(series, {})

    def rate(self, series: Series) -> float | None:
        """Return growth per second over all parts; None when the page does not have it."""
        parts = self.by.get(series)
        return None if parts is None else sum(parts.values()) / self.seconds


def increases(
    before: Page, after: Page, *, only: Collection[Series] = tuple(Series)
) -> Increases | None:
    """Compare two pages of one pod, as far as `only` goes; None when no time lies between them."""
    if after.at <= before.at:
        return None
    restarted = _restarted(before, after)
    by: dict[Series, Mapping[Key, float]] = {}
    for series, parts in after.totals.items():
        if series.value.gauge or series not in only:
            continue
        # A part that was not there before counted from zero: CoreDNS makes it with its first event.
        earlier = {} if restarted else before.get(series)
        by[series] = {key: _grown(earlier.get(key, 0.0), value) for key, value in parts.items()}
    return Increases(seconds=after.at - before.at, by=by, restarted=restarted)


def _grown(earlier: float, value: float) -> float:
    return value - earlier if value >= earlier else value


def _restarted(before: Page, after: Page) -> bool:
    if before.started is not None and after.started is not None:
        return after.started > before.started + CLOCK_STEP
    earlier = before.get(Series.LOOKUPS)
    return any(value < earlier.get(key, 0.0) for key, value in after.get(Series.LOOKUPS).items())
