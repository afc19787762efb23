"""What runs side by side has all ended when one failed, and that failure is what is raised."""

from __future__ import annotations

import asyncio

import pytest

from kubectl_nodedns.together import side_by_side, together


async def fails() -> None:
    await asyncio.sleep(1)
    raise ValueError("the first")


async def cleans_up(done: list[str]) -> None:
    try:
        await asyncio.sleep(100)
    finally:
        await asyncio.sleep(5)
        done.append("cleaned up")


async def test_a_failure_ends_tasks_of_any_kind_and_awaits_their_ends() -> None:
    done: list[str] = []

    async def both() -> None:
        async with side_by_side() as group:
            group.create_task(cleans_up(done))
            group.create_task(fails())

    with pytest.raises(ValueError, match="the first"):
        await both()
    assert done == ["cleaned up"]


async def test_a_failure_inside_ends_the_tasks_too() -> None:
    done: list[str] = []

    async def fails_inside() -> None:
        async with side_by_side() as group:
            group.create_task(cleans_up(done))
            await fails()

    with pytest.raises(ValueError, match="the first"):
        await fails_inside()
    assert done == ["cleaned up"]


async def test_results_are_there_when_all_is_well() -> None:
    async with side_by_side() as group:
        one = group.create_task(asyncio.sleep(2, "late"))
        other = group.create_task(asyncio.sleep(1, 7))
    assert (one.result(), other.result()) == ("late", 7)


async def test_a_failure_of_many_alike_ends_the_others() -> None:
    done: list[str] = []
    with pytest.raises(ValueError, match="the first"):
        await together([cleans_up(done), fails()])
    assert done == ["cleaned up"]
