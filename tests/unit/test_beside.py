"""Work beside other work: it goes on meanwhile, and nothing of it goes on afterwards."""

from __future__ import annotations

import asyncio

import pytest

from kubectl_nodedns.errors import UsageError
from kubectl_nodedns.together import beside, both


class Work:
    """Goes on until it is cancelled, and takes a moment to end."""

    def __init__(self) -> None:
        self.rounds = 0
        self.ended = False

    async def __call__(self) -> None:
        try:
            while True:
                await asyncio.sleep(1.0)
                self.rounds += 1
        finally:
            await asyncio.sleep(0.1)
            self.ended = True


async def fails() -> None:
    await asyncio.sleep(1.5)
    raise UsageError("no")


async def test_it_goes_on_meanwhile_and_has_ended_afterwards() -> None:
    work = Work()
    async with beside(work()):
        await asyncio.sleep(3.5)
        assert not work.ended
    assert (work.rounds, work.ended) == (3, True)


async def test_when_work_fails_what_is_done_within_ends_and_so_do_the_others() -> None:
    work, reached = Work(), []

    async def whole() -> None:
        async with beside(work(), fails()):
            await asyncio.sleep(3600)
            reached.append(1)

    with pytest.raises(UsageError, match="no"):
        await whole()
    assert work.ended
    assert not reached


async def test_what_fails_within_is_raised_as_it_is() -> None:
    work = Work()

    async def whole() -> None:
        async with beside(work()):
            await asyncio.sleep(1)
            raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        await whole()
    assert work.ended


async def test_a_cancellation_from_outside_ends_both() -> None:
    work = Work()

    async def whole() -> None:
        async with beside(work()):
            await asyncio.sleep(3600)

    task = asyncio.create_task(whole())
    await asyncio.sleep(1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert work.ended


async def test_both_come_in_order_whoever_is_first() -> None:
    assert await both(asyncio.sleep(2, "slow"), asyncio.sleep(1, 7)) == ("slow", 7)


async def test_of_two_the_failure_of_one_ends_the_other() -> None:
    work = Work()
    with pytest.raises(UsageError):
        await both(work(), fails())
    assert work.ended
