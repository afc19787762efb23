"""Places in a recording, as a person names them: start, worst, +90s, a time."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from kubectl_nodedns.errors import UsageError

if TYPE_CHECKING:
    from kubectl_nodedns.metrics.replay import Player

_OFFSET = re.compile(r"([+-])(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d+)?)s)?")


def go_to(player: Player, place: str) -> None:
    """Go to a place: "start", "end", "worst", "+1m30s", "-30s" from the end, or an ISO 8601 time.

    A time without a zone is UTC.

    Raises:
        UsageError: it names no place.
    """
    first, last = player.moments[0].at, player.moments[-1].at
    offset = _OFFSET.fullmatch(place)
    if place == "start":
        player.seek(first)
    elif place == "end":
        player.seek(last)
    elif place == "worst":
        player.worst()
    elif offset and place[1:]:
        hours, minutes, seconds = (float(part or 0) for part in offset.groups()[1:])
        away = 3600 * hours + 60 * minutes + seconds
        player.seek(first + away if offset[1] == "+" else last - away)
    else:
        player.seek(_time(place))


def _time(text: str) -> float:
    try:
        read = datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(
            f"--at: {text!r} is no place in a recording",
            hint="start, end, worst, +90s, -30s, or a time such as 2026-11-22T10:00:00Z",
        ) from error
    return (read if read.tzinfo else read.replace(tzinfo=UTC)).timestamp()
