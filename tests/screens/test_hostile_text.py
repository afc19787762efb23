"""Text of others on the screen: it moves nothing, writes no clipboard, and markup in it is text."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from enum import Enum
from typing import Any

import pytest

from tests.screens.person import PLACE, open_top
from tests.screens.stand_ins import (
    EVENTS,
    FixedAsker,
    FixedExaminer,
    FixedReader,
    Found,
    counted,
)
from tests.unit.metrics.fleets import mixed

ESCAPES = "\x1b]52;c;ZXZpbA==\x07\x9b31m\u202e\x08\r\x7f"
EVIL = f"[@click=app.quit]go[/][bold]{ESCAPES}"


def spoilt(value: Any) -> Any:  # noqa: PLR0911 - a line for each type
    """Return a copy in which every text does its worst."""
    if isinstance(value, Enum | bytes):
        return value
    if isinstance(value, str):
        return value + EVIL
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*map(spoilt, value))
    if isinstance(value, tuple | list | set | frozenset):
        return type(value)(map(spoilt, value))
    if isinstance(value, dict):
        return {name: spoilt(part) for name, part in value.items()}
    if is_dataclass(value) and not isinstance(value, type):
        changed = {one.name: spoilt(getattr(value, one.name)) for one in fields(value) if one.init}
        return replace(value, **changed)
    return value


def acting(text: str) -> list[str]:
    """Return what may act on a terminal, with the text before it."""
    return [
        text[max(0, at - 40) : at + 1]
        for at, character in enumerate(text)
        if not character.isprintable() and character != "\n"
    ]


class HostileReader(FixedReader):
    """Events, logs and files as a tenant would write them."""

    def __init__(self) -> None:
        super().__init__()
        self.log = [EVIL, *map(spoilt, self.log)]
        self.happened = list(map(spoilt, EVENTS))

    async def configuration(self, pod: Any) -> Any:
        return spoilt(await super().configuration(pod))


KEYS = [
    (),
    ("z",),
    ("h",),
    ("w", "right", "right"),
    ("enter",),
    *(("enter", digit) for digit in "2345"),
    ("enter", "c"),
    ("enter", "t", "enter"),
    ("f",),
    ("t", "enter"),
    ("colon",),
    ("question_mark",),
]


@pytest.mark.parametrize("keys", KEYS, ids="+".join)
async def test_no_text_acts_on_the_terminal(keys: tuple[str, ...], size: tuple[int, int]) -> None:
    seen = mixed()
    seen = replace(
        seen,
        caches=(*seen.caches, *spoilt(seen.caches)),
        nodes=tuple(spoilt(row) for row in (*seen.nodes, counted("a"))),
        problems=(EVIL,),
        source=EVIL,
    )
    found = [spoilt(Found()), spoilt(Found(code="ND010"))]
    async with open_top(
        size,
        seen=seen,
        asker=FixedAsker(),
        reader=HostileReader(),
        examiner=FixedExaminer(*found),
        place=spoilt(PLACE),
    ) as person:
        await person.press(*keys)
        for _ in range(3):
            await person.tick()
        assert acting(person.text()) == []
        await person.press("y")
        assert acting(person.app.clipboard) == []


async def test_markup_in_what_others_write_is_text() -> None:
    async with open_top((160, 50), examiner=FixedExaminer(spoilt(Found()))) as person:
        await person.press("f")
        await person.until("[@click=app.quit]go[/][bold]")


async def test_an_error_in_somebody_elses_words_is_text() -> None:
    async with open_top((160, 50), examiner=FixedExaminer(error=EVIL)) as person:
        await person.press("f")
        await person.until("[@click=app.quit]go[/][bold]")
        assert acting(person.text()) == []
