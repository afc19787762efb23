"""Which caches nobody asks although somebody should: the one rule, for the checks and the screen.

Pure. That a cache counts no lookup proves nothing: pods may be quiet, or gone. Two things tell that
it should count some: its own past, and a fleet that is busy while the node's pods could ask, too.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

ENOUGH = 10.0
"""Lookups that should have come for their absence to be remarkable: chance alone, at a steady rate,
leaves none of ten in one look of 20,000."""
YOUNG = 300.0
"""Seconds below which a cache without a past of its own is not compared with others."""
LITTLE = 0.01
"""Share of the fleet's median below which a cache's own past says nothing for it."""


class Because(StrEnum):
    """Why a cache should be asked."""

    PAST = "its own past"
    """It was asked often enough since it started."""
    FLEET = "the fleet"
    """It never was, to speak of, and the caches of other nodes are."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """How often a cache was asked at the addresses that its node's pods ask."""

    lately: float
    """Lookups within the window."""
    seconds: float
    """Length of the window."""
    ever: float
    """Lookups since the process started."""
    age: float
    """Seconds since it started."""

    @property
    def rate(self) -> float:
        """Lookups per second within the window."""
        return self.lately / self.seconds if self.seconds else 0.0

    @property
    def past(self) -> float:
        """Lookups per second since the process started, on average."""
        return self.ever / self.age if self.age else 0.0


def median_of_others(rates: Iterable[float]) -> float | None:
    """Return the median rate of all caches but one that is silent, in lookups per second.

    None where there is no other.
    """
    others = sorted(rates)[1:]
    return median(others) if others else None


def silent(asked: Asked, others: float | None) -> Because | None:
    """Say why a cache that counts nothing should be asked; None where nothing says so.

    Whether pods are there that could ask is a question of its own, for those few that this names.

    Args:
        asked: how often it was asked.
        others: median rate of the other nodes' caches, in lookups per second; None without others.
    """
    # Where most caches fall silent at once, it is the pods that do: at night, after a load test.
    if asked.lately or not asked.seconds or others == 0:
        return None
    if asked.past * asked.seconds >= ENOUGH:
        return Because.PAST
    if others is None:
        return None
    busy = others * asked.seconds >= ENOUGH
    if busy and asked.age >= YOUNG and asked.past < LITTLE * others:
        return Because.FLEET
    return None


def words(asked: Asked, others: float | None) -> str:
    """Say what a silence is held against: the cache's own past, and the other nodes."""
    ever = f"{asked.ever:.0f} lookup{'s' if round(asked.ever) != 1 else ''}"
    past = f"{ever} since it started {_span(asked.age)} ago ({_rate(asked.past)})"
    return past if others is None else f"{past}, the other nodes' median is {_rate(others)}"


def pods_that_ask(askers: int | None) -> str:
    """Say how many pods of a node ask the cluster's DNS; None for not known."""
    if askers is None:
        return "whether pods ask on it could not be read"
    return f"{askers} pod{'s' if askers != 1 else ''} on it ask{'s' if askers == 1 else ''} there"


def _rate(per_second: float) -> str:
    return f"{per_second:.0f}/s" if per_second >= ENOUGH else f"{per_second:.2g}/s"


def _span(seconds: float) -> str:
    for unit, length in (("d", 86400.0), ("h", 3600.0), ("min", 60.0)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} s"
