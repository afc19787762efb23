"""Requests that are awaited to their end, even while we are being cancelled.

A write that is abandoned half-way may happen after everything was cleaned up.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Coroutine

T = TypeVar("T")


async def whole(work: Coroutine[Any, Any, T]) -> T:
    """Await `work` to its end; a cancellation comes after it.

    Raises:
        asyncio.CancelledError: we were cancelled meanwhile, whatever the work came to.
    """
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait({task})
        if not task.cancelled():
            task.exception()  # whatever it was, the cancellation goes first
        raise
