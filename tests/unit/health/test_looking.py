"""`status --wait` looks briefly until nothing is wrong, and then at everything."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import pytest

from kubectl_nodedns.facts.caches import cache_of
from kubectl_nodedns.health.looking import until_well
from tests.unit.checks.evidence import cache_pod, evidence, node
from tests.unit.facts.daemonsets import DOCS_PAGE

if TYPE_CHECKING:
    from kubectl_nodedns.checks.evidence import Evidence

CACHE = cache_of(DOCS_PAGE)
assert CACHE is not None
WELL = evidence(node(), caches=(CACHE,))
WRONG = replace(WELL, nodes=(node(pods=(cache_pod(ready=False, trouble="it crashes"),)),))


@dataclass
class Looks:
    """What is to be seen, look by look, and which looks were brief; the last one stays."""

    seen: list[Evidence]
    seconds: float = 5.0
    brief: list[bool] = field(default_factory=list)

    async def __call__(self, *, brief: bool) -> Evidence:
        self.brief.append(brief)
        await asyncio.sleep(self.seconds)
        return self.seen.pop(0) if len(self.seen) > 1 else self.seen[0]


async def wait(looks: Looks, patience: float = 60.0) -> tuple[bool, list[str]]:
    said: list[str] = []
    _, status = await until_well(looks, patience=patience, waiting=said.append, pause=1.0)
    return status.ok, said


async def test_what_is_well_at_once_is_looked_at_whole_once_more() -> None:
    looks = Looks([WELL])
    assert await wait(looks) == (True, [])
    assert looks.brief == [True, False]


async def test_what_is_wrong_is_said_once_and_looked_at_again() -> None:
    looks = Looks([WRONG, WRONG, WELL])
    ok, said = await wait(looks)
    assert (ok, len(said)) == (True, 1)
    assert looks.brief == [True, True, True, False]


async def test_another_verdict_is_said_too() -> None:
    other = replace(WELL, nodes=(node(pods=(cache_pod(ready=False, trouble="it is slow"),)),))
    _, said = await wait(Looks([WRONG, other, WRONG, WELL]))
    assert len(said) == 3


async def test_what_only_the_whole_look_shows_is_waited_for() -> None:
    looks = Looks([WELL, WRONG, WELL])
    ok, said = await wait(looks)
    assert (ok, len(said)) == (True, 1)
    assert looks.brief == [True, False, True, False]


@pytest.mark.parametrize("patience", [0.0, 5.0, 20.0])
async def test_when_patience_ends_the_whole_look_is_the_last(patience: float) -> None:
    looks = Looks([WRONG])
    ok, _ = await wait(looks, patience)
    assert not ok
    assert looks.brief[-1] is False
    assert not any(brief is False for brief in looks.brief[:-1])
