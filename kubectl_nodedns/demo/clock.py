"""Time in the demo's cluster.

What happens there (traffic, lifetimes of answers, faults) goes by a clock that can run faster than
the one on the wall. What is written into objects is wall time, because that is what an age is
counted from.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime


class Clock:
    """A clock that started when it was made.

    Args:
        speed: its seconds in one second on the wall.
    """

    def __init__(self, speed: float = 1.0) -> None:
        self.speed = speed
        self._start = time.monotonic()

    def now(self) -> float:
        """Return the seconds since the clock was made, by the clock."""
        return (time.monotonic() - self._start) * self.speed

    def wall(self, seconds: float) -> float:
        """Return how long `seconds` of this clock take on the wall."""
        return seconds / self.speed


def stamp(at: float | None = None) -> str:
    """Return a time (Unix seconds; now by default) as objects hold it: RFC 3339, in UTC."""
    moment = datetime.fromtimestamp(time.time() if at is None else at, UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def unix(text: str) -> float:
    """Read a time that `stamp` wrote."""
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC).timestamp()


def age(text: str | None) -> str:
    """Return how long ago a time was, as kubectl prints ages ("12s", "5m30s", "3d2h")."""
    if not text:
        return "<unknown>"
    seconds = max(int(time.time() - unix(text)), 0)
    if seconds < 120:
        return f"{seconds}s"
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86400
    if minutes < 10:
        rest = seconds % 60
        return f"{minutes}m{rest}s" if rest else f"{minutes}m"
    if minutes < 180:
        return f"{minutes}m"
    if hours < 8:
        rest = minutes % 60
        return f"{hours}h{rest}m" if rest else f"{hours}h"
    if hours < 48:
        return f"{hours}h"
    if days < 8:
        rest = hours % 24
        return f"{days}d{rest}h" if rest else f"{days}d"
    return f"{days}d"
