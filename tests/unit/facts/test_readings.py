"""What cannot be read is a gap with its reason; who is not there at all ends it."""

from __future__ import annotations

import asyncio

import pytest

from kubectl_nodedns.errors import ApiError, ForbiddenError, UnreachableError, UsageError
from kubectl_nodedns.facts.corefile import CorefileError
from kubectl_nodedns.facts.readings import Readings, Unread
from kubectl_nodedns.readable import Read


async def gives(found: object, after: float = 0.0) -> object:
    await asyncio.sleep(after)
    if isinstance(found, Exception):
        raise found
    return found


async def test_a_failure_is_none_and_a_line() -> None:
    readings = Readings()
    assert await readings.maybe("pods", gives(ForbiddenError("no", status=403))) is None
    assert await readings.maybe("its Corefile", gives(CorefileError("line 3"))) is None
    assert await readings.maybe("odd", gives(ApiError("a table that cannot be read"))) is None
    assert await readings.maybe("nodes", gives(["node1"])) == ["node1"]
    said = ["pods: no", "its Corefile: line 3", "odd: a table that cannot be read"]
    assert [str(one) for one in readings.unread] == said


async def test_an_api_server_that_does_not_answer_ends_it() -> None:
    readings = Readings()
    with pytest.raises(UnreachableError):
        await readings.maybe("pods", gives(UnreachableError("cannot reach it")))
    assert readings.unread == ()


async def test_other_errors_end_it_where_that_was_said() -> None:
    error = UsageError("there is no such namespace")
    assert await Readings().maybe("pods", gives(error)) is None
    with pytest.raises(UsageError):
        await Readings(UsageError).maybe("pods", gives(error))


async def test_what_was_left_out_of_a_reading_is_said_beside_what_was_read() -> None:
    readings = Readings()
    assert await readings.maybe("pods", gives(Read.of(["a"], ["tenant/x"]))) == ("a",)
    readings.note("DaemonSets", ["tenant/y"])
    readings.note("nothing", [])
    assert [one.what for one in readings.unread] == ["pods", "DaemonSets"]
    assert "tenant/x" in readings.unread[0].why


async def test_gaps_stand_in_the_order_in_which_their_readings_began() -> None:
    readings = Readings()
    await asyncio.gather(
        readings.maybe("first", gives(ApiError("late"), after=2.0)),
        readings.maybe("second", gives(ApiError("soon"), after=1.0)),
    )
    readings.add(Unread(what="third", why="shown otherwise"))
    assert [one.what for one in readings.unread] == ["first", "second", "third"]
