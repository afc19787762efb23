"""A node that cannot be asked has not failed: it is asked again until it is lost."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

import pytest

from kubectl_nodedns.install.pods import LOOK, CachePods
from kubectl_nodedns.install.verdicts import UNREADY, Verdicts
from tests.clock import run
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


def ask(verdicts: list[Said], *, ready: bool) -> tuple[Said, Asking, CachePods]:
    """Have a run ask for a verdict on node1."""
    client = cast("Client", Lists({"node1": ready}))
    pods = CachePods(client, "kube-system", timeout=1.0, note=lambda _: None)
    asking = Asking(verdicts)
    said = run(Verdicts(pods).ask(asking))
    return cast("Said", said), asking, pods


def test_it_is_asked_again_until_a_question_leaves_it() -> None:
    mute, good = Said(ok=False, asked=False), Said(ok=True, asked=True)
    said, asking, pods = ask([mute, mute, good], ready=True)
    assert (said, asking.times, pods.lost) == (good, 3, {})


def test_a_bad_answer_is_an_answer() -> None:
    bad = Said(ok=False, asked=True)
    said, asking, _ = ask([bad], ready=True)
    assert (said, asking.times) == (bad, 1)


def test_when_the_api_server_calls_it_unready_it_is_lost() -> None:
    mute = Said(ok=False, asked=False)
    said, asking, pods = ask([mute], ready=False)
    assert (said, asking.times) == (mute, 1)
    assert pods.lost == {"node1": "went unready"}


def test_one_that_stays_ready_and_mute_fails_in_the_end() -> None:
    mute = Said(ok=False, asked=False)
    said, asking, pods = ask([mute], ready=True)
    assert (said, pods.lost) == (mute, {})
    assert asking.times == 1 + UNREADY / LOOK


@pytest.mark.parametrize(("ready", "counts"), [(True, True), (False, False)])
def test_a_failure_of_a_node_that_is_lost_is_none(ready: bool, counts: bool) -> None:
    bad = Said(ok=False, asked=True)
    client = cast("Client", Lists({"node1": ready}))
    pods = CachePods(client, "kube-system", timeout=1.0, note=lambda _: None)
    found = run(Verdicts(pods).bad([bad]))
    assert found == ([bad] if counts else [])
