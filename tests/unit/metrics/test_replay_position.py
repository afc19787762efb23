from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from kubectl_nodedns.errors import UsageError
from kubectl_nodedns.metrics.replay_position import go_to

FIRST, LAST = 1_795_341_600.0, 1_795_345_200.0  # 2026-11-22 10:00 and 11:00 UTC


class Player:
    moments = (SimpleNamespace(at=FIRST), SimpleNamespace(at=LAST))

    def __init__(self) -> None:
        self.gone: Any = None

    def seek(self, at: float) -> None:
        self.gone = at

    def worst(self) -> None:
        self.gone = "worst"


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        ("start", FIRST),
        ("end", LAST),
        ("worst", "worst"),
        ("+90s", FIRST + 90),
        ("+1h2m3.5s", FIRST + 3723.5),
        ("-30s", LAST - 30),
        ("2026-11-22T10:30:00Z", FIRST + 1800),
        ("2026-11-22T10:30:00", FIRST + 1800),
        ("2026-11-22T12:30:00+02:00", FIRST + 1800),
    ],
)
def test_places_in_a_recording(place: str, expected: object) -> None:
    player = Player()
    go_to(player, place)  # type: ignore[arg-type]
    assert player.gone == expected


@pytest.mark.parametrize("place", ["", "+", "soon", "90", "+90x"])
def test_what_is_no_place_is_told(place: str) -> None:
    with pytest.raises(UsageError, match="no place in a recording"):
        go_to(Player(), place)  # type: ignore[arg-type]
