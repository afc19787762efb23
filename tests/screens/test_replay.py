"""A recording on the screen: its keys, and what says where in it we are."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import pytest

from tests.screens.person import open_top
from tests.unit.metrics.fleets import NOW


@dataclass(frozen=True)
class Frame:
    at: float
    trouble: tuple[float, ...]


@dataclass
class Played:
    """A recording that only says what it is told to do."""

    playing: bool = True
    speed: float = 1.0
    index: int = 1
    moments: tuple[Frame, ...] = (Frame(NOW, (0,)), Frame(NOW + 60, (3,)), Frame(NOW + 90, (1,)))
    told: list[tuple[object, ...]] = field(default_factory=list)

    @property
    def at(self) -> float:
        return self.moments[self.index].at

    def toggle(self) -> None:
        self.playing = not self.playing

    def step(self, frames: int) -> None:
        self.told.append(("step", frames))

    def skip(self, seconds: float) -> None:
        self.told.append(("skip", seconds))

    def faster(self) -> None:
        self.told.append(("faster",))

    def slower(self) -> None:
        self.told.append(("slower",))

    def worst(self) -> None:
        self.told.append(("worst",))


@pytest.mark.parametrize(
    ("key", "told"),
    [
        ("comma", ("step", -1)),
        ("full_stop", ("step", 1)),
        ("less_than_sign", ("slower",)),
        ("greater_than_sign", ("faster",)),
        ("left_square_bracket", ("skip", -60)),
        ("right_square_bracket", ("skip", 60)),
        ("exclamation_mark", ("worst",)),
    ],
)
async def test_each_key_of_a_recording(key: str, told: tuple[object, ...]) -> None:
    playback = Played()
    async with open_top(playback=playback) as person:
        await person.press(key)
        assert playback.told == [told]


async def test_the_heading_says_where_we_are_and_space_stops_it(size: tuple[int, int]) -> None:
    async with open_top(size, playback=Played()) as person:
        assert "replay 2023-11-14 22:14:20 · ▶ ×1 · 2 of 3" in person.text()
        assert "┃" in person.text()
        await person.press("space")
        assert "PAUSED · 2 of 3" in person.text()
        await person.press("question_mark")
        assert "to the worst moment" in person.text()


async def test_without_a_recording_its_keys_do_nothing() -> None:
    async with open_top() as person:
        before = person.text()
        await person.press("comma", "full_stop", "exclamation_mark")
        # The trends go on by themselves when a second ends meanwhile.
        assert without_trends(person.text()) == without_trends(before)


def without_trends(text: str) -> str:
    return re.sub("[▁▂▃▄▅▆▇█]", " ", text)
