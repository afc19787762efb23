"""In which order `enable` and `disable` change things, and what a failure leaves."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import pytest

from kubectl_nodedns.errors import ForbiddenError, PartialError, RevertedError, TimedOutError
from kubectl_nodedns.install.leftover import Leftover
from kubectl_nodedns.install.objects import (
    DARK,
    DISABLING,
    ENABLED,
    ENABLING,
    FULL,
    PHASE,
    REVISION,
    STATE,
    build,
    daemonset_of,
)
from kubectl_nodedns.install.plan import make_plan
from kubectl_nodedns.install.rollout import ENDPOINTS, Rollout
from kubectl_nodedns.install.sweep import Look
from kubectl_nodedns.install.uninstall import Uninstall
from tests.unit.install.samples import (
    NOTHING,
    OLD_REVISION,
    OLDER,
    OPTIONS,
    SETTINGS,
    installed,
    node,
    pod,
)
from tests.unit.install.world import Proof, Report, Verdict, World

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kubectl_nodedns.cluster.client import Client
    from kubectl_nodedns.install.live import Live
    from kubectl_nodedns.install.sweep import Sweep

NAMES = ("node1", "node2", "node3")


class Written(World):
    """A cluster that remembers, in order, what was written and what was asked."""

    def __init__(self, *nodes: str) -> None:
        super().__init__(*nodes)
        self.events: list[str] = []
        self.endpoints = True
        self.unready: set[str] = set()

    async def list(self, path: str, *, labels: str = "", fields: str = "") -> list[dict[str, Any]]:
        if path.endswith("/endpointslices") and not self.endpoints:
            return []
        found = await super().list(path, labels=labels, fields=fields)
        if path.endswith("/nodes"):
            for one in found:
                if one["metadata"]["name"] in self.unready:
                    one["status"]["conditions"][0]["status"] = "False"
        return found

    async def apply(self, obj: dict[str, Any], *, force: bool = False) -> dict[str, Any]:
        event = f"apply {obj['kind']}"
        if obj["kind"] == "DaemonSet":
            phase = obj["spec"]["template"]["metadata"]["labels"][PHASE]
            event += f" {phase} {obj['metadata']['annotations'][STATE]}"
        self.events.append(event)
        return await super().apply(obj, force=force)

    async def delete(self, path: str, *, uid: str, grace: int | None = None) -> bool:
        kind, name = path.split("/")[-2:]
        on = [node for node, pod in self.pods.items() if pod["metadata"]["name"] == name]
        self.events.append(f"delete pod of {on[0]}" if on else f"delete {kind}")
        return await super().delete(path, uid=uid, grace=grace)


@dataclass
class Asking(Proof):
    """A proof that remembers, among what was written, what it was asked."""

    world: Written = field(default_factory=Written)

    async def _say(self, question: str, node: str) -> Verdict:
        self.world.events.append(f"{question} {node}")
        return await super()._say(question, node)


def enabling(world: Written, proof: Proof, live: Live = NOTHING, size: int = 1) -> Rollout:
    plan = make_plan(
        settings=SETTINGS,
        options=OPTIONS,
        wanted=build(SETTINGS, options=OPTIONS),
        live=live,
        nodes=[node(name) for name in NAMES],
        batch_size=size,
    )
    return Rollout(cast("Client", world), plan, live, proof, Report(), timeout=1.0)


def disabling(world: Written, proof: Proof, size: int = 1, **more: Any) -> Uninstall:
    world.start(daemonset_of(build(SETTINGS, options=OPTIONS)))
    given: dict[str, Any] = {"trusted": frozenset(NAMES), **more}
    live = installed(SETTINGS)
    return Uninstall(
        cast("Client", world), live, NAMES, proof, Report(), timeout=1.0, batch_size=size, **given
    )


def older(world: Written) -> Live:
    """An older revision that serves on every node."""
    before = installed(OLDER, *(pod(name, revision=OLD_REVISION) for name in NAMES))
    assert before.daemonset is not None
    world.start(cast("dict[str, Any]", before.daemonset))
    return before


def refuted(name: str) -> Verdict:
    return Verdict(name, ok=False, text="no answer")


def kinds(events: Iterable[str]) -> list[str]:
    return [
        event for event in events if event.startswith(("apply D", "delete", "dark", "switched"))
    ]


async def test_every_node_answers_in_the_dark_before_the_first_is_switched() -> None:
    world = Written(*NAMES)
    verdicts = await enabling(world, Asking(world=world)).run()
    assert [verdict.node for verdict in verdicts] == list(NAMES)
    assert kinds(world.events) == [
        f"apply DaemonSet {DARK} {ENABLING}",
        *(f"dark {name}" for name in NAMES),
        f"apply DaemonSet {FULL} {ENABLING}",
        *(f"{act}{name}" for name in NAMES for act in ("delete pod of ", "switched ")),
        f"apply DaemonSet {FULL} {ENABLED}",
    ]
    first = world.events.index(f"apply DaemonSet {DARK} {ENABLING}")
    assert {"apply Service", "apply ConfigMap", "apply ServiceAccount"} <= set(world.events[:first])


async def test_a_batch_is_proved_whole_before_the_next_one_is_touched() -> None:
    world = Written(*NAMES)
    await enabling(world, Asking(world=world), size=2).run()
    switched = [event for event in world.events if event.startswith(("delete", "switched"))]
    assert switched[:2] == ["delete pod of node1", "switched node1"]  # the first one alone
    assert set(switched[2:4]) == {"delete pod of node2", "delete pod of node3"}
    assert set(switched[4:]) == {"switched node2", "switched node3"}


async def test_a_cache_that_fails_in_the_dark_intercepts_nobody() -> None:
    world = Written(*NAMES)
    proof = Proof(instead={("dark", "node2"): lambda: refuted("node2")})
    with pytest.raises(RevertedError) as caught:
        await enabling(world, proof).run()
    assert "nobody's DNS was touched: node node2: no answer" in str(caught.value)
    assert world.phases() == [DARK] * 3
    assert not any(FULL in event for event in world.events)


async def test_without_an_endpoint_upstream_no_cache_is_started() -> None:
    world = Written(*NAMES)
    world.endpoints = False
    with pytest.raises(TimedOutError, match=f"no ready endpoint after {ENDPOINTS:.0f} s"):
        await enabling(world, Proof()).run()
    assert not any("DaemonSet" in event for event in world.events)


async def test_a_node_that_went_unready_keeps_its_pod_and_is_not_in_the_verdicts() -> None:
    world = Written(*NAMES)
    proof = Asking(world=world)

    def then_dies() -> Verdict:
        world.unready.add("node2")
        return Verdict("node1")

    proof.instead["switched", "node1"] = then_dies
    rollout = enabling(world, proof)
    assert [verdict.node for verdict in await rollout.run()] == ["node1", "node3"]
    assert rollout.lost == {"node2": "went unready"}
    assert "delete pod of node2" not in world.events
    assert world.phases() == [FULL, DARK, FULL]


async def test_a_failed_upgrade_gives_the_older_revision_back_that_served() -> None:
    world = Written(*NAMES)
    proof = Proof()
    rollout = enabling(world, proof, older(world))

    def works_again() -> Verdict:
        del proof.instead["switched", "node2"]
        return refuted("node2")

    proof.instead["switched", "node2"] = works_again
    with pytest.raises(RevertedError, match="DNS goes as it went before"):
        await rollout.run()
    labels = [world.pods[name]["metadata"]["labels"] for name in NAMES]
    assert {label[REVISION] for label in labels} == {OLD_REVISION}
    assert world.phases() == [FULL] * 3


async def test_an_upgrade_that_cannot_be_asked_in_the_dark_gives_back_what_served() -> None:
    """Its first node had a cache, and in the dark has none: whatever ends that puts it back."""
    world = Written(*NAMES)
    proof = Proof()
    rollout = enabling(world, proof, older(world))

    def breaks() -> Verdict:
        del proof.instead["dark", "node1"]
        raise ForbiddenError("pods/exec is forbidden")

    proof.instead["dark", "node1"] = breaks
    with pytest.raises(RevertedError, match="pods/exec is forbidden"):
        await rollout.run()
    labels = [world.pods[name]["metadata"]["labels"] for name in NAMES]
    assert {label[REVISION] for label in labels} == {OLD_REVISION}
    assert world.phases() == [FULL] * 3


async def test_what_is_switched_already_is_proved_and_only_the_broken_one_is_replaced() -> None:
    world = Written(*NAMES)
    live = installed(SETTINGS, *map(pod, NAMES))
    world.start(daemonset_of(build(SETTINGS, options=OPTIONS)))
    proof = Asking(world=world)

    def once() -> Verdict:
        del proof.instead["switched", "node2"]
        return refuted("node2")

    proof.instead["switched", "node2"] = once
    rollout = enabling(world, proof, live)
    assert [verdict.ok for verdict in await rollout.run()] == [True] * 3
    assert rollout.repaired == ("node2",)
    assert [event for event in world.events if event.startswith("delete pod")] == [
        "delete pod of node2"
    ]
    assert world.events[-1] == f"apply DaemonSet {FULL} {ENABLED}"


async def test_a_run_that_changes_nothing_and_finds_nothing_writes_nothing() -> None:
    world = Written(*NAMES)
    live = installed(SETTINGS, *map(pod, NAMES))
    world.start(daemonset_of(build(SETTINGS, options=OPTIONS)))
    rollout = enabling(world, Asking(world=world), live)
    assert len(await rollout.run()) == 3
    assert rollout.repaired == ()
    assert world.events == [f"switched {name}" for name in NAMES]


async def test_nodes_that_the_plan_did_not_know_are_named() -> None:
    world = Written(*NAMES, "node4")
    rollout = enabling(world, Proof())
    await rollout.run()
    assert await rollout.joined() == ["node4"]


# The way back.


async def test_each_node_is_proved_without_its_cache_before_the_next_and_objects_go_last() -> None:
    world = Written(*NAMES)
    verdicts = await disabling(world, Asking(world=world)).run()
    assert [verdict.node for verdict in verdicts] == list(NAMES)
    events = [event for event in world.events if not event.startswith("silent")]
    assert events[0] == f"apply DaemonSet {DARK} {DISABLING}"
    back = [f"{act}{name}" for name in NAMES for act in ("delete pod of ", "back ")]
    assert events[1:7] == back
    gone = [event for event in events if event.startswith("delete") and "pod of" not in event]
    assert gone == [
        "delete daemonsets",
        "delete services",
        "delete services",
        "delete serviceaccounts",
        "delete configmaps",
    ]
    # Every node is asked once more between the DaemonSet and what its pods need.
    asked = world.events[world.events.index(gone[0]) : world.events.index(gone[1])]
    assert {f"{question} {name}" for question in ("silent", "back") for name in NAMES} <= set(asked)


async def test_a_node_that_fails_without_its_cache_gets_it_back_and_nothing_is_deleted() -> None:
    world = Written(*NAMES)
    proof = Asking({("back", "node2"): lambda: refuted("node2")}, world)
    with pytest.raises(RevertedError, match="node node2 has no DNS without the cache: no answer"):
        await disabling(world, proof).run()
    assert world.deleted == []
    assert world.phases() == [FULL] * 3
    assert "delete pod of node3" not in world.events
    assert world.events[-2:] == ["switched node1", "switched node2"]


async def test_a_node_whose_dns_failed_before_is_no_reason_to_go_back() -> None:
    world = Written(*NAMES)
    proof = Proof(instead={("back", "node2"): lambda: refuted("node2")})
    verdicts = await disabling(world, proof, trusted=frozenset({"node1", "node3"})).run()
    assert [verdict.ok for verdict in verdicts] == [True, False, True]
    assert "node-local-dns" in world.deleted


async def test_a_cache_that_does_not_work_when_it_is_put_back_is_said() -> None:
    world = Written(*NAMES)
    bad = {("back", "node1"): lambda: refuted("node1")}
    proof = Proof(instead={**bad, ("switched", "node1"): lambda: refuted("node1")})
    with pytest.raises(PartialError, match="after putting the cache back, node node1: no answer"):
        await disabling(world, proof).run()
    assert world.deleted == []


async def test_an_address_that_still_answers_is_not_clean_and_is_not_asked_further() -> None:
    world = Written(*NAMES)
    proof = Asking({("silent", "node2"): lambda: refuted("node2")}, world)
    verdicts = await disabling(world, proof).run()
    assert [verdict.ok for verdict in verdicts] == [True, False, True]
    assert world.events.count("back node2") == 1
    assert world.events.count("back node1") == 2


@dataclass
class Looks:
    """Looks at nodes, and finds what it is told to."""

    found: dict[str, Look]

    async def sweep(self, nodes: Iterable[str]) -> dict[str, Look]:
        return {name: self.found[name] for name in nodes}


async def test_what_a_look_finds_is_told_from_what_it_could_not_see() -> None:
    world = Written(*NAMES)
    looks = Looks(
        {
            "node1": Look(leftover=Leftover()),
            "node2": Look(leftover=Leftover(rules=4)),
            "node3": Look(leftover=None, why="no Job may run there"),
        }
    )
    uninstall = disabling(world, Asking(world=world), sweep=cast("Sweep", looks))
    verdicts = await uninstall.run()
    assert [(verdict.ok, verdict.text) for verdict in verdicts] == [
        (True, "well"),
        (False, "a cache left 4 rules"),
        (True, "well"),
    ]
    assert uninstall.inferred == {"node3": "no Job may run there"}
    assert "silent node2" not in world.events


async def test_a_node_that_left_is_neither_waited_for_nor_in_the_verdicts() -> None:
    world = Written(*NAMES)
    world.unready.add("node2")
    uninstall = disabling(world, Asking(world=world), size=3)
    assert [verdict.node for verdict in await uninstall.run()] == ["node1", "node3"]
    assert "delete pod of node2" not in world.events


async def test_an_installation_that_is_dark_already_gives_nothing_back() -> None:
    world = Written(*NAMES)
    uninstall = disabling(world, Asking(world=world))
    dark = daemonset_of(build(SETTINGS, phase=DARK, options=OPTIONS))
    world.pods.clear()
    world.start(dark)
    await uninstall.run()
    assert not any(event.startswith("delete pod of") for event in world.events)
