"""Things done side by side: the first failure ends the others, and is what is raised.

Imports the standard library only, so that every room may use it.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Coroutine, Iterable

T = TypeVar("T")
A = TypeVar("A")
B = TypeVar("B")


@contextlib.asynccontextmanager
async def side_by_side() -> AsyncIterator[asyncio.TaskGroup]:
    """Have a TaskGroup whose first failure is raised as it is.

    Left only when none of its tasks runs any more: after a failure nobody changes anything behind
    our back.

    Raises:
        Exception: the first failure, of a task or of what is done within.
    """
    failure: BaseException | None = None
    try:
        async with asyncio.TaskGroup() as group:
            yield group
    except BaseExceptionGroup as failures:
        failure = failures.exceptions[0]
    if failure is not None:
        raise failure


async def together(work: Iterable[Coroutine[object, object, T]]) -> list[T]:
    """Await all of `work` side by side; return what each came to, in order.

    Raises:
        Exception: the first failure, as it is.
    """
    async with side_by_side() as group:
        tasks = [group.create_task(each) for each in work]
    return [task.result() for task in tasks]


async def both(one: Awaitable[A], other: Awaitable[B]) -> tuple[A, B]:
    """Await two things of different kinds side by side.

    Raises:
        Exception: the first failure, as it is.
    """
    async with side_by_side() as group:
        first, second = group.create_task(_await(one)), group.create_task(_await(other))
    return first.result(), second.result()


@contextlib.asynccontextmanager
async def beside(*work: Coroutine[object, object, None]) -> AsyncIterator[None]:
    """Let `work` go on for as long as this stands; it is cancelled then, and awaited.

    Raises:
        Exception: the first failure, as it is; one of `work` ends what is done within.
    """
    async with side_by_side() as group:
        tasks = [group.create_task(each) for each in work]
        yield
        for task in tasks:
            task.cancel()


async def _await(awaitable: Awaitable[T]) -> T:
    return await awaitable
