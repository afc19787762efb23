"""However a switch ends, nodes are put back, or what is said of them is so."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, cast

import pytest

from kubectl_nodedns.errors import (
    ApiError,
    ForbiddenError,
    NodednsError,
    PartialError,
    RevertedError,
    TimedOutError,
    UnreachableError,
)
from kubectl_nodedns.install.objects import DARK, FULL, build, daemonset_of
from kubectl_nodedns.install.plan import make_plan
from kubectl_nodedns.install.rollout import Rollout
from kubectl_nodedns.install.standing import Stand, Standing, going_on
from kubectl_nodedns.install.uninstall import Uninstall, why_back
from tests.unit.install.samples import NOTHING, OPTIONS, SETTINGS, installed, node
from tests.unit.install.world import Proof, Report, Verdict, World

if TYPE_CHECKING:
    from collections.abc import Callable

    from kubectl_nodedns.cluster.client import Client

NAMES = ("node1", "node2", "node3")
VERBS = {"delete": ("delete", "node2"), "read": ("list", "pods")}
UNFORESEEN = [
    ForbiddenError("exec is forbidden", status=403),
    UnreachableError("the answer was lost"),
    TimedOutError("it took too long"),
    KeyError("a bug"),
    RuntimeError("another bug"),
]


def raising(error: BaseException) -> Callable[[], Verdict]:
    def act() -> Verdict:
        raise error

    return act


def failing(name: str, *, asked: bool = True) -> Callable[[], Verdict]:
    return lambda: Verdict(name, ok=False, asked=asked, text="no answer")


def enable(world: World, proof: Proof, report: Report) -> Rollout:
    """A first installation on three nodes, one after the other."""
    plan = make_plan(
        settings=SETTINGS,
        options=OPTIONS,
        wanted=build(SETTINGS, options=OPTIONS),
        live=NOTHING,
        nodes=[node(name) for name in NAMES],
        batch_size=1,
    )
    return Rollout(cast("Client", world), plan, NOTHING, proof, report, timeout=1.0)


def disable(world: World, proof: Proof, report: Report) -> Uninstall:
    """A removal from three nodes, one after the other."""
    live = installed(SETTINGS)
    world.start(daemonset_of(build(SETTINGS, options=OPTIONS)))
    return Uninstall(
        cast("Client", world),
        live,
        NAMES,
        proof,
        report,
        timeout=1.0,
        batch_size=1,
        trusted=frozenset(NAMES),
    )


@pytest.mark.parametrize("error", UNFORESEEN, ids=lambda e: type(e).__name__)
@pytest.mark.parametrize("where", ["proof", *VERBS])
async def test_whatever_ends_a_switch_is_put_back(error: Exception, where: str) -> None:
    world, proof, report = World(*NAMES), Proof(), Report()
    rollout = enable(world, proof, report)

    def then_fails() -> Verdict:
        world.faults[VERBS[where]].append(error)
        return Verdict("node1")

    if where == "proof":
        proof.instead["switched", "node2"] = raising(error)
    else:
        proof.instead["switched", "node1"] = then_fails
    with pytest.raises(NodednsError) as caught:
        await rollout.run()
    assert isinstance(caught.value, RevertedError), caught.value
    # An object of another shape is told in other words.
    strange = where == "read" and isinstance(error, KeyError)
    assert ("the cache pods cannot be read" if strange else str(error)) in str(caught.value)
    assert "DNS goes as it went before" in str(caught.value)
    assert world.phases() == [DARK] * 3


async def test_where_nothing_can_be_asked_any_more_what_stands_is_said() -> None:
    """As when the right to exec is withdrawn: even the putting back cannot be proved."""
    world, proof, report = World(*NAMES), Proof(), Report()
    denied = ForbiddenError("exec is forbidden", status=403)
    proof.instead["switched", "node2"] = raising(denied)
    rollout = enable(world, proof, report)
    proof.instead |= {("back", name): raising(denied) for name in NAMES}
    with pytest.raises(PartialError) as caught:
        await rollout.run()
    assert "putting it back did not come to its end: exec is forbidden" in str(caught.value)
    assert report.told[-1] == "as it stands: node1, node2: being put back, not proved"
    assert world.phases() == [DARK] * 3


async def test_a_template_that_cannot_be_put_back_is_said() -> None:
    world, proof, report = World(*NAMES), Proof(), Report()
    rollout = enable(world, proof, report)

    def fails() -> Verdict:
        world.faults["apply", "DaemonSet"].append(UnreachableError("no answer"))
        return Verdict("node2", ok=False, text="no answer")

    proof.instead["switched", "node2"] = fails
    with pytest.raises(PartialError) as caught:
        await rollout.run()
    assert "putting it back did not come to its end: no answer" in str(caught.value)
    assert report.told[-1] == (
        "as it stands: node2: being switched, not proved; node1: switched and proved"
    )
    assert world.phases() == [FULL, FULL, DARK]


async def interrupted_at(run: Rollout | Uninstall, proof: Proof, question: str, name: str) -> None:
    """Have Ctrl-C come while a question is asked."""
    task = asyncio.create_task(run.run())

    def ctrl_c() -> Verdict:
        task.cancel()
        return Verdict(name)

    proof.instead[question, name] = ctrl_c
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_ctrl_c_in_a_switch_tells_the_proved_from_the_unproved() -> None:
    world, proof, report = World(*NAMES), Proof(), Report()
    await interrupted_at(enable(world, proof, report), proof, "switched", "node2")
    assert report.told[-1] == (
        "as it stands: node2: being switched, not proved; node1: switched and proved"
    )


async def test_ctrl_c_while_nodes_are_put_back_says_that_they_are() -> None:
    world, proof, report = World(*NAMES), Proof(), Report()
    proof.instead["switched", "node2"] = failing("node2")
    await interrupted_at(enable(world, proof, report), proof, "back", "node1")
    assert report.told[-1] == "as it stands: node1, node2: being put back, not proved"
    assert not any("DNS works on all" in line for line in report.told)


async def test_an_error_before_a_node_was_touched_says_so() -> None:
    world, report = World(*NAMES), Report()
    world.faults["apply", "ConfigMap"].append(ApiError("etcd is away", status=500))
    with pytest.raises(ApiError):
        await enable(world, Proof(), report).run()
    assert report.told[-1] == "as it stands: no node was touched"


async def test_an_error_after_all_nodes_says_that_they_are_proved() -> None:
    world, proof, report = World(*NAMES), Proof(), Report()

    def then_fails() -> Verdict:
        world.faults["apply", "DaemonSet"].append(ApiError("etcd is away", status=500))
        return Verdict("node3")

    proof.instead["switched", "node3"] = then_fails
    with pytest.raises(ApiError):
        await enable(world, proof, report).run()
    assert report.told[-1] == "as it stands: node1, node2, node3: switched and proved"
    assert world.phases() == [FULL] * 3


# The way out.


@pytest.mark.parametrize("error", UNFORESEEN, ids=lambda e: type(e).__name__)
async def test_whatever_ends_a_giving_back_gives_the_cache_back(error: Exception) -> None:
    world, proof, report = World(*NAMES), Proof(), Report()
    proof.instead["back", "node2"] = raising(error)
    with pytest.raises(RevertedError) as caught:
        await disable(world, proof, report).run()
    assert str(error) in str(caught.value)
    assert "the cache is back on 2 nodes" in str(caught.value)
    assert "run disable again" in caught.value.hint
    assert world.phases() == [FULL] * 3


async def test_ctrl_c_while_a_node_is_given_back_says_so() -> None:
    world, proof, report = World(*NAMES), Proof(), Report()
    await interrupted_at(disable(world, proof, report), proof, "back", "node2")
    assert report.told[-1] == (
        "as it stands: node2: being given back to kube-dns, not proved; "
        "node1: given back to kube-dns and proved"
    )


async def test_ctrl_c_while_the_cache_is_given_back_says_so() -> None:
    world, proof, report = World(*NAMES), Proof(), Report()
    proof.instead["back", "node2"] = failing("node2")
    await interrupted_at(disable(world, proof, report), proof, "switched", "node1")
    assert report.told[-1] == "as it stands: node1, node2: being put back, not proved"


async def test_a_failed_deletion_says_what_is_deleted_and_where_nodes_stand() -> None:
    world, report = World(*NAMES), Report()
    world.faults["delete", "kube-dns-upstream"].append(ApiError("etcd is away", status=500))
    with pytest.raises(ApiError):
        await disable(world, Proof(), report).run()
    assert report.told[-1] == (
        "as it stands: node1, node2, node3: given back to kube-dns and proved; "
        "deleted: DaemonSet node-local-dns"
    )


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (True, "node node2 has no DNS without the cache: no answer"),
        (False, "whether node node2 has DNS without the cache is not known: no answer"),
    ],
)
def test_a_node_that_cannot_be_asked_is_not_said_to_have_no_dns(asked: bool, words: str) -> None:
    assert why_back(failing("node2", asked=asked)())[0] == words


# The words.


def test_nodes_that_stand_alike_are_counted_where_they_are_many() -> None:
    standing = Standing()
    standing.put([f"n{i}" for i in range(1000)], Stand.SWITCHED)
    assert str(standing).endswith("n9 and 990 more: switched and proved")


@pytest.mark.parametrize("error", [ApiError("no"), TimedOutError("late", hint="look at it")])
def test_an_error_in_the_middle_says_how_to_go_on(error: NodednsError) -> None:
    with pytest.raises(type(error)) as caught, going_on("disable", "enable", print):
        raise error
    assert caught.value.hint.endswith("run disable again to go on, or enable")


def test_one_that_says_it_already_says_it_once() -> None:
    with pytest.raises(ApiError) as caught, going_on("disable", "enable", print):
        raise ApiError("no", hint="run disable again later")
    assert caught.value.hint == "run disable again later"


@pytest.mark.parametrize("end", [asyncio.CancelledError(), KeyError("x")])
def test_an_end_without_a_hint_is_told(end: BaseException) -> None:
    told: list[str] = []
    with pytest.raises(type(end)), going_on("enable", "disable", told.append):
        raise end
    assert told == ["run enable again to go on, or disable"]
