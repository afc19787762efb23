"""How long a test waits for what is bound to come: to the end of all patience, on any machine.

What does not come is a failure then. No test expects anything sooner.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

PATIENCE = 240.0
"""Seconds; machines with many other things to do have taken 60 for what takes one."""
LOOK = 0.02
"""Seconds between two looks."""


def until(holds: Callable[[], object], otherwise: str) -> None:
    """Wait until something holds; fail with words where it does not."""
    deadline = time.monotonic() + PATIENCE
    while not holds():
        if time.monotonic() > deadline:
            pytest.fail(otherwise)
        time.sleep(LOOK)


async def until_on_loop(holds: Callable[[], object], otherwise: str) -> None:
    """Wait the same way, and let the loop go on meanwhile."""
    deadline = asyncio.get_running_loop().time() + PATIENCE
    while not holds():
        if asyncio.get_running_loop().time() > deadline:
            pytest.fail(otherwise)
        await asyncio.sleep(LOOK)
