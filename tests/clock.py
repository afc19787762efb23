"""A clock that no test waits for: an event loop on which waiting takes no time.

Sleeps, pauses and deadlines of asyncio go by the clock of their loop, and so does all waiting of
the product. Here that clock stands while anybody has work, and jumps to the next timer when nobody
has. An hour passes in an instant, and things happen in the same order on a slow machine as on a
fast one. It is for tests whose stand-ins are in the same loop: it cannot know of an answer that is
on its way from another thread's or process's socket. For threads of the loop itself it waits.
"""

from __future__ import annotations

import asyncio
import selectors
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from concurrent.futures import Executor
    from selectors import SelectorKey

T = TypeVar("T")
START = 1_760_000_000.0
"""When each loop is made, in Unix seconds."""


class _Jumping(selectors.DefaultSelector):
    """Moves a clock on instead of waiting."""

    now = 0.0
    """Seconds since the loop was made."""
    threads = 0
    """Threads at work for the loop: what they do takes real time."""

    def select(self, timeout: float | None = None) -> list[tuple[SelectorKey, int]]:
        if timeout is None or self.threads:
            return super().select(None if timeout else timeout)
        found = super().select(0)
        if not found:
            self.now += max(timeout, 0.0)
        return found


class Loop(asyncio.SelectorEventLoop):
    """The event loop."""

    def __init__(self) -> None:
        self._jumping = _Jumping()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.now

    def run_in_executor(  # type: ignore[override]
        self, executor: Executor | None, func: Callable[..., T], *args: Any
    ) -> asyncio.Future[T]:
        self._jumping.threads += 1
        future = super().run_in_executor(executor, func, *args)
        future.add_done_callback(self._came_back)
        return future

    def _came_back(self, _: asyncio.Future[Any]) -> None:
        self._jumping.threads -= 1


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run to the end, without waiting."""
    with asyncio.Runner(loop_factory=Loop) as runner:
        return runner.run(work)


def now() -> float:
    """Tell Unix seconds by the clock of the loop that runs."""
    return START + asyncio.get_running_loop().time()
