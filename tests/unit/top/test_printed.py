"""A line for each refresh: until the reader goes, or the watching fails."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from kubectl_nodedns.errors import UnreachableError
from kubectl_nodedns.top.printed import watch
from tests.unit.metrics.fleets import mixed
from tests.unit.top.requests import make_request

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from kubectl_nodedns.metrics.fleet import FleetSnapshot


class Monitor:
    """Watches until it is cancelled, or for some seconds, and then fails."""

    def __init__(self, lasts: float = 3600.0) -> None:
        self.ended = False
        self._lasts = lasts

    async def load(self) -> None:
        pass

    async def run(self) -> None:
        try:
            await asyncio.sleep(self._lasts)
            raise UnreachableError("nobody answers any more")
        finally:
            await asyncio.sleep(0.1)  # its requests end
            self.ended = True

    def snapshot(self) -> FleetSnapshot:
        return mixed()


class Asker:
    busy = False
    left = ()
    closed = False

    async def close(self) -> None:
        self.closed = True


@dataclass
class Watched:
    monitor: Monitor
    request: Any = field(default_factory=lambda: make_request(refresh=2.0))
    client: Any = None
    recorder: Any = None

    @contextlib.asynccontextmanager
    async def recorded(self) -> AsyncIterator[None]:
        yield


async def lines(monitor: Monitor, most: int = 1000) -> tuple[int, Asker]:
    """Print until the reader has read `most` lines; return how many there were."""
    asker, printed = Asker(), []

    def shown(snapshot: FleetSnapshot) -> None:
        printed.append(snapshot)
        if len(printed) == most:
            raise BrokenPipeError

    with contextlib.suppress(BrokenPipeError):
        await watch(Watched(monitor), asker, shown=shown, told=pytest.fail)  # type: ignore[arg-type]
    return len(printed), asker


async def test_when_the_reader_goes_the_watching_has_ended_before_its_session_does() -> None:
    monitor = Monitor()
    printed, asker = await lines(monitor, most=3)
    assert (printed, monitor.ended, asker.closed) == (3, True, True)


async def test_when_the_watching_fails_that_is_the_error() -> None:
    monitor = Monitor(lasts=7.0)
    with pytest.raises(UnreachableError, match="nobody answers any more"):
        await lines(monitor)
    assert monitor.ended
