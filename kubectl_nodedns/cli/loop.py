"""The event loop of a command: Ctrl-C, SIGTERM and a closed terminal cancel it, so it cleans up."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Coroutine


def run_on_loop(work: Coroutine[object, object, int]) -> int:
    """Run a command to its end on an event loop of its own.

    Raises:
        KeyboardInterrupt: Ctrl-C or SIGTERM stopped it, and it has cleaned up.
    """

    async def supervised() -> int:
        task = asyncio.current_task()
        # Windows has neither SIGHUP nor handlers on the loop; there Ctrl-C is all there is.
        with contextlib.suppress(NotImplementedError, AttributeError):
            if task is not None:
                for number in (signal.SIGTERM, signal.SIGHUP):
                    asyncio.get_running_loop().add_signal_handler(number, task.cancel)
        try:
            return await work
        except asyncio.CancelledError as error:
            raise KeyboardInterrupt from error

    whole = supervised()
    try:
        return asyncio.run(whole)
    finally:  # of one that was interrupted before it began Python would say that nobody awaited it
        whole.close()
        work.close()
