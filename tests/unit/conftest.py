"""Unit tests wait for nothing: their event loop has a clock of its own, see `tests/clock.py`.

Nor does an example of hypothesis fail because a machine is slow.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, settings

from tests.clock import Loop

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import pytest

settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")


def pytest_asyncio_loop_factories(
    item: pytest.Item,
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    if item.get_closest_marker("sockets"):
        return {"real": asyncio.new_event_loop}
    return {"jumping": Loop}
