"""A node that cannot be asked has not failed: it is asked again until it is lost."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import pytest

from kubectl_nodedns.install import rollout
from kubectl_nodedns.install.live import Live
from kubectl_nodedns.install.objects import build
from kubectl_nodedns.install.plan import make_plan
from kubectl_nodedns.install.rollout import Rollout
from tests.unit.install.samples import SETTINGS
from tests.unit.install.test_pods import Lists

if TYPE_CHECKING:
    from kubectl_nodedns.cluster.client import Client


@dataclass(frozen=True)
class Said:
    """A verdict on node1."""

    ok: bool
    asked: bool
    node: str = "node1"
    text: str = ""


@dataclass
class Asking:
    """Gives one verdict after the other, the last one for ever."""

    verdicts: list[Said]
    times: int = field(default=0)

    async def __call__(self) -> Said:
        self.times += 1
        return self.verdicts[min(self.times, len(self.verdicts)) - 1]


class Silent:
    """Takes reports and keeps none."""

    def step(self, text: str) -> None: ...

    def node(self, verdict: object) -> None: ...

    def note(self, text: str) -> None: ...


def ask(verdicts: list[Said], *, ready: bool) -> tuple[Said, Asking, Rollout]:
    """Have a run ask for a verdict on node1."""
    live = Live(objects={}, pods={})
    wanted = build(SETTINGS)
    plan = make_plan(settings=SETTINGS, options="", wanted=wanted, live=live, nodes=[])
    client = cast("Client", Lists({"node1": ready}))
    run = Rollout(client, plan, live, cast("Any", None), Silent(), timeout=1.0)
    asking = Asking(verdicts)
    said = asyncio.run(run._asked(asking))
    return cast("Said", said), asking, run


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rollout, "LOOK", 0.0)


def test_it_is_asked_again_until_a_question_leaves_it() -> None:
    mute, good = Said(ok=False, asked=False), Said(ok=True, asked=True)
    said, asking, run = ask([mute, mute, good], ready=True)
    assert (said, asking.times, dict(run.lost)) == (good, 3, {})


def test_a_bad_answer_is_an_answer() -> None:
    bad = Said(ok=False, asked=True)
    said, asking, _ = ask([bad], ready=True)
    assert (said, asking.times) == (bad, 1)


def test_when_the_api_server_calls_it_unready_it_is_lost() -> None:
    mute = Said(ok=False, asked=False)
    said, asking, run = ask([mute], ready=False)
    assert (said, asking.times) == (mute, 1)
    assert dict(run.lost) == {"node1": "went unready"}


def test_one_that_stays_ready_and_mute_fails_in_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rollout, "UNREADY", 0.05)
    mute = Said(ok=False, asked=False)
    said, asking, run = ask([mute], ready=True)
    assert (said, dict(run.lost)) == (mute, {})
    assert asking.times > 1
