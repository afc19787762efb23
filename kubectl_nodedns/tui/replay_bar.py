"""Where in a recording we are: in words, and as a line with the troubles on it. Pure."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from kubectl_nodedns.tui.sparks import spark

if TYPE_CHECKING:
    from kubectl_nodedns.tui.heading import Piece
    from kubectl_nodedns.tui.ports import Playback


def replay_words(playback: Playback) -> str:
    """Say which moment it is, in UTC, and how time passes."""
    at = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(playback.at))
    runs = f"▶ ×{playback.speed:g}" if playback.playing else "PAUSED"
    return f"replay {at} · {runs} · {playback.index + 1} of {len(playback.moments)}"


def time_line(playback: Playback, width: int) -> list[Piece]:
    """Draw the recording from begin to end: nodes in trouble, and where we are."""
    cells = max(width - 2, 1)
    first, last = playback.moments[0].at, playback.moments[-1].at
    length = max(last - first, 1e-9)
    worst: list[float | None] = [None] * cells
    for moment in playback.moments:
        cell = min(int((moment.at - first) / length * cells), cells - 1)
        worst[cell] = max(worst[cell] or 0.0, moment.trouble[0] if moment.trouble else 0.0)
    line = spark(worst, cells)
    here = min(int((playback.at - first) / length * cells), cells - 1)
    return [(" ", ""), (line[:here], "quiet"), ("┃", "strong"), (line[here + 1 :], "quiet")]
