"""Reads that may fail: each leaves a gap in what is known, and the reason for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from kubectl_nodedns.errors import NodednsError, UnreachableError
from kubectl_nodedns.facts.corefile import CorefileError
from kubectl_nodedns.readable import Read, said

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterable

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Unread:
    """Something that could not be read, or not all of it."""

    what: str
    """What it is, such as "NetworkPolicies"."""
    why: str
    """Why, in the API server's words."""

    def __str__(self) -> str:
        return f"{self.what}: {self.why}"


class Readings:
    """Awaits readings, in turn or side by side, and keeps those that failed.

    A right that is missing or an object that nobody understands ends nothing. An API server that
    does not answer does.

    Args:
        ending: other errors that are raised on, because they are about more than one reading.
    """

    def __init__(self, *ending: type[NodednsError]) -> None:
        self._ending: tuple[type[NodednsError], ...] = (UnreachableError, *ending)
        self._gaps: list[list[Unread]] = []

    @property
    def unread(self) -> tuple[Unread, ...]:
        """What could not be read, in the order in which the readings began."""
        return tuple(gap for gaps in self._gaps for gap in gaps)

    async def maybe(self, what: str, reading: Awaitable[T]) -> T | None:
        """Return what is read; None when that is not possible.

        Args:
            what: what is read, in words.
            reading: reads it.

        Raises:
            UnreachableError: the API server does not answer.
        """
        gaps: list[Unread] = []
        self._gaps.append(gaps)
        try:
            found = await reading
        except self._ending:
            raise
        except (NodednsError, CorefileError) as error:
            gaps.append(Unread(what=what, why=str(error)))
            return None
        if isinstance(found, Read):
            gaps += _left_out(what, found.left_out)
        return found

    def add(self, gap: Unread) -> None:
        """Keep a gap that showed otherwise than by a failure."""
        self._gaps.append([gap])

    def note(self, what: str, left_out: Iterable[str]) -> None:
        """Keep the names of what had to be left out of a reading."""
        self._gaps.append(_left_out(what, left_out))


def _left_out(what: str, names: Iterable[str]) -> list[Unread]:
    words = said(names)
    return [Unread(what=what, why=words)] if words else []
