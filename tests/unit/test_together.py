"""Things side by side: the first failure ends the others; what comes is handed on as it comes."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import TYPE_CHECKING

import pytest

from kubectl_nodedns.errors import UsageError
from kubectl_nodedns.together import arriving, side_by_side, together

if TYPE_CHECKING:
    from collections.abc import Callable


class Slow:
    """Work that takes a while, and remembers how it ended."""

    def __init__(self) -> None:
        self.ended = ""

    async def __call__(self, seconds: float = 60.0) -> None:
        try:
            await asyncio.sleep(seconds)
            self.ended = "done"
        except asyncio.CancelledError:
            await asyncio.sleep(1)  # whatever it must still do
            self.ended = "cancelled"
            raise


async def fails() -> None:
    await asyncio.sleep(0.1)
    raise UsageError("no")


async def test_a_failure_ends_its_siblings_before_it_is_raised_as_it_is() -> None:
    slow = Slow()
    with pytest.raises(UsageError, match="no"):
        await together([slow(), fails()])
    assert slow.ended == "cancelled"


async def test_a_failure_between_tasks_ends_them_too() -> None:
    slow = Slow()

    async def work() -> None:
        async with side_by_side() as group:
            group.create_task(slow())
            await fails()

    with pytest.raises(UsageError, match="no"):
        await work()
    assert slow.ended == "cancelled"


async def test_what_is_handed_on_arrives_while_the_work_goes_on() -> None:
    slow = Slow()

    async def work(put: Callable[[int], None]) -> None:
        put(0)
        await slow(5)
        put(1)

    async with aclosing(arriving(work)) as things:
        seen = [(thing, slow.ended) async for thing in things]
    assert seen == [(0, ""), (1, "done")]


async def test_all_that_came_before_a_failure_arrives_before_it() -> None:
    async def work(put: Callable[[int], None]) -> None:
        put(0)
        put(1)
        raise UsageError("no")

    seen: list[int] = []

    async def consume() -> None:
        async for thing in arriving(work):
            seen.append(thing)  # noqa: PERF401 - a comprehension would lose what came

    with pytest.raises(UsageError, match="no"):
        await consume()
    assert seen == [0, 1]


@pytest.mark.parametrize("cancelled", [True, False])
async def test_work_that_nobody_waits_for_any_more_is_ended_and_awaited(cancelled: bool) -> None:
    slow = Slow()

    async def work(put: Callable[[int], None]) -> None:
        put(0)
        await slow()

    async def consume() -> None:
        async with aclosing(arriving(work)) as things:
            async for _ in things:
                if not cancelled:
                    break

    task = asyncio.create_task(consume())
    await asyncio.sleep(0.5)
    if cancelled:
        task.cancel()
    await asyncio.wait({task})
    assert task.cancelled() == cancelled
    assert slow.ended == "cancelled"


async def test_results_are_there_when_all_is_well() -> None:
    async with side_by_side() as group:
        one = group.create_task(asyncio.sleep(2, "late"))
        other = group.create_task(asyncio.sleep(1, 7))
    assert (one.result(), other.result()) == ("late", 7)
