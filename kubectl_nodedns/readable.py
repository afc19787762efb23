"""Objects of others, read one by one: one that cannot be read is left out, and the rest is judged.

An API server checks the types of its own kinds, and nobody those of others: custom resources and
aggregated APIs hold what they like. Imports the standard library only, so that every room may use
it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

S = TypeVar("S")
T = TypeVar("T")

UNREADABLE = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)
"""What reading something raises that has another shape than it should."""


def readable(read: Callable[[S], T], items: Iterable[S]) -> list[T]:
    """Return what `read` makes of each of `items`, without those that it cannot read."""
    found = []
    for item in items:
        try:
            found.append(read(item))
        except UNREADABLE:
            continue
    return found
