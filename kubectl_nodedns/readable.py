"""Objects of others: what has another shape than it should is left out and named, or an error.

An API server checks the types of its own kinds, and nobody those of others: custom resources and
aggregated APIs hold what they like. What is left out is not known, which is something else than not
there: whoever decides by one object alone has to have it, and asks for it by `required`.

Imports `errors` only, so that every room may use it.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from kubectl_nodedns.errors import ApiError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable

S = TypeVar("S")
T = TypeVar("T")
P = ParamSpec("P")

UNREADABLE = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)
"""What reading something raises that has another shape than it should."""
SHOWN = 3
"""Objects that are named; of the others there is a number."""
_OK = 200


class UnreadableError(ApiError):
    """The API server answered, and what it holds has another shape than it should.

    Args:
        what: what cannot be read.
        error: what reading it raised.
    """

    def __init__(self, what: str, error: BaseException) -> None:
        super().__init__(
            f"{what} cannot be read: there is another shape than there should be "
            f"({type(error).__name__})",
            hint="kubectl get with -o yaml shows it; is this the API server of a cluster?",
            status=_OK,
        )


class Read(tuple[T, ...]):  # noqa: SLOT001 - a tuple has no room for a slot
    """What was read of many objects."""

    left_out: tuple[str, ...] = ()
    """Names of the objects that could not be read."""

    @classmethod
    def of(cls, items: Iterable[T], left_out: Iterable[str]) -> Read[T]:
        """Put items together with what had to be left out for them."""
        made = cls(items)
        made.left_out = tuple(left_out)
        return made


def readable(read: Callable[[S], T | None], items: Iterable[S]) -> Read[T]:
    """Return what `read` makes of each of `items`, but None, and the names of the unreadable."""
    found = []
    left_out = []
    for item in items:
        try:
            made = read(item)
        except UNREADABLE:
            left_out.append(name_of(item))
        else:
            if made is not None:
                found.append(made)
    return Read.of(found, left_out)


def required(what: str, read: Callable[[S], T | None], items: Iterable[S]) -> list[T]:
    """Return what `read` makes of each of `items`, but None.

    Args:
        what: what one of the items is, for the error.
        read: reads one.
        items: the objects.

    Raises:
        UnreadableError: one of them cannot be read.
    """
    found = []
    for item in items:
        try:
            made = read(item)
        except UNREADABLE as error:
            raise UnreadableError(f"{what} {name_of(item)}", error) from error
        if made is not None:
            found.append(made)
    return found


def understood(
    what: str, *, but: type[Exception] = UnreadableError
) -> Callable[[Callable[P, Coroutine[Any, Any, T]]], Callable[P, Coroutine[Any, Any, T]]]:
    """Make a reader raise `UnreadableError` where what it asked for has another shape.

    Args:
        what: what it reads, for the error.
        but: what it raises in words of its own.
    """

    def around(read: Callable[P, Coroutine[Any, Any, T]]) -> Callable[P, Coroutine[Any, Any, T]]:
        @functools.wraps(read)
        async def reading(*args: P.args, **named: P.kwargs) -> T:
            try:
                return await read(*args, **named)
            except but:
                raise
            except UNREADABLE as error:
                raise UnreadableError(what, error) from error

        return reading

    return around


def name_of(item: Any) -> str:
    """Return NAMESPACE/NAME of an object, or as much of it as there is."""
    metadata = item.get("metadata") if isinstance(item, dict) else None
    parts = metadata if isinstance(metadata, dict) else {}
    words = [parts.get("namespace"), parts.get("name")]
    return "/".join(word for word in words if isinstance(word, str) and word) or "without a name"


def said(left_out: Iterable[str]) -> str:
    """Say in words what was left out; empty when nothing was."""
    names = sorted(left_out)
    if not names:
        return ""
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return f"left out, because they cannot be read: {', '.join(names[:SHOWN])}{more}"
