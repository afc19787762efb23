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
    return datetime.fromisoformat(text).timestamp()


def age(text: str | None) -> str:
    """Return how long ago a time was, as kubectl prints ages ("12s", "5m30s", "3d2h").

    Source: kubernetes/apimachinery, pkg/util/duration, HumanDuration, below two years.
    """
    if not text:
        return "<unknown>"
    seconds = max(int(time.time() - unix(text)), 0)
    for below, unit, finer in _AGES:
        if seconds < below:
            count, rest = divmod(seconds, _UNITS[unit])
            small = rest // _UNITS[finer] if finer else 0
            return f"{count}{unit}" + (f"{small}{finer}" if small else "")
    return f"{seconds // _UNITS['d']}d"


_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_AGES = (
    (120, "s", ""),
    (600, "m", "s"),
    (3 * 3600, "m", ""),
    (8 * 3600, "h", "m"),
    (48 * 3600, "h", ""),
    (8 * 86400, "d", "h"),
)
"""Ages below so many seconds are told in a unit, and in a finer one."""
