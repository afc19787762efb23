"""Things done side by side: the first failure ends the others, and is what is raised.

Nothing of them runs on afterwards: whatever is cancelled is awaited too. Imports the standard
library only, so that every room may use it.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Coroutine, Iterable, Iterator

T = TypeVar("T")
A = TypeVar("A")
B = TypeVar("B")


async def together(work: Iterable[Awaitable[T]]) -> list[T]:
    """Await all of `work` side by side; return what each came to, in order.

    Returns only when none runs any more: after a failure nobody changes anything behind our back.

    Raises:
        Exception: the first failure, as it is.
    """
    with _first_failure():
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(_await(each)) for each in work]
    return [task.result() for task in tasks]


async def both(one: Awaitable[A], other: Awaitable[B]) -> tuple[A, B]:
    """Await two things of different kinds side by side, as `together` does.

    Raises:
        Exception: the first failure, as it is.
    """
    with _first_failure():
        async with asyncio.TaskGroup() as group:
            first, second = group.create_task(_await(one)), group.create_task(_await(other))
    return first.result(), second.result()


@asynccontextmanager
async def beside(*work: Coroutine[object, object, None]) -> AsyncIterator[None]:
    """Let `work` go on for as long as this stands, and end it then.

    Raises:
        Exception: the first failure, as it is; one of `work` ends what is inside.
    """
    with _first_failure():
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(each) for each in work]
            yield
            for task in tasks:
                task.cancel()


async def _await(awaitable: Awaitable[T]) -> T:
    return await awaitable


@contextmanager
def _first_failure() -> Iterator[None]:
    """Raise what failed first, instead of a group of one."""
    failure: BaseException | None = None
    try:
        yield
    except BaseExceptionGroup as failures:
        failure = failures.exceptions[0]
    if failure is not None:
        raise failure
