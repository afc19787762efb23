"""What a run would do, as a pure function of settings, of what is there, and of the nodes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from kubectl_nodedns.install.changes import CONFIGURE, CREATE, DELETE, UNCHANGED, Difference
from kubectl_nodedns.install.live import Live
from kubectl_nodedns.install.objects import DARK, DISABLING, ENABLED, ENABLING, FULL, build
from kubectl_nodedns.install.plan import Plan, batches, describe, make_plan
from tests.unit.install.samples import (
    NOTHING,
    OLD_REVISION,
    OLDER,
    OPTIONS,
    REVISION,
    SETTINGS,
    installed,
    node,
    pod,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kubectl_nodedns.facts.nodes import Node
    from kubectl_nodedns.install.settings import Settings

THREE = (node("node1"), node("node2"), node("node3"))
NAMES = ("node1", "node2", "node3")


def plan(
    live: Live,
    nodes: Sequence[Node] = THREE,
    settings: Settings = SETTINGS,
    batch_size: int | None = None,
) -> Plan:
    return make_plan(
        settings=settings,
        options=OPTIONS,
        wanted=build(settings, options=OPTIONS),
        live=live,
        nodes=nodes,
        batch_size=batch_size,
    )


def actions(made: Plan) -> dict[str, str]:
    return {f"{change.kind} {change.name}": change.action for change in made.changes}


def test_on_a_fresh_cluster_everything_is_created_and_every_node_goes_through_the_dark() -> None:
    made = plan(NOTHING)
    assert set(actions(made).values()) == {CREATE}
    assert made.switch == NAMES
    assert made.dark == NAMES
    assert made.kept == ()
    assert not made.unchanged
    assert not made.finished
    assert made.revision == REVISION


def test_when_all_is_as_it_should_be_nothing_changes() -> None:
    made = plan(installed(SETTINGS, *map(pod, NAMES)))
    assert set(actions(made).values()) == {UNCHANGED}
    assert made.switch == ()
    assert made.dark == ()
    assert made.kept == NAMES
    assert made.unchanged


def test_a_run_that_never_recorded_its_end_is_not_unchanged() -> None:
    made = plan(installed(SETTINGS, *map(pod, NAMES), state=ENABLING))
    assert made.switch == ()
    assert not made.finished
    assert not made.unchanged


def test_an_installation_left_in_the_dark_is_taken_up_there() -> None:
    pods = [pod(name, phase=DARK) for name in NAMES]
    made = plan(installed(SETTINGS, *pods, phase=DARK, state=ENABLING))
    assert made.switch == NAMES
    assert made.dark == NAMES
    assert actions(made)["DaemonSet node-local-dns"] == CONFIGURE
    assert actions(made)["Service kube-dns-upstream"] == UNCHANGED


def test_a_run_killed_half_way_keeps_what_is_switched_and_proves_the_rest_in_the_dark() -> None:
    pods = [pod("node1"), pod("node2", phase=DARK), pod("node3", phase=DARK)]
    made = plan(installed(SETTINGS, *pods, state=ENABLING))
    assert made.kept == ("node1",)
    assert made.switch == ("node2", "node3")
    assert made.dark == ("node2", "node3")


def test_a_disable_killed_half_way_is_turned_back() -> None:
    pods = [pod("node1", phase=DARK), pod("node2"), pod("node3")]
    made = plan(installed(SETTINGS, *pods, phase=DARK, state=DISABLING))
    assert made.switch == ("node1",)
    assert made.kept == ("node2", "node3")
    assert not made.unchanged


def test_an_upgrade_sends_one_batch_through_the_dark_and_the_rest_straight() -> None:
    live = installed(OLDER, *(pod(name, revision=OLD_REVISION) for name in NAMES))
    made = plan(live)
    assert made.switch == NAMES
    assert made.dark == ("node1",)
    assert made.kept == ()
    assert actions(made)["DaemonSet node-local-dns"] == CONFIGURE


def test_an_upgrade_with_large_batches_proves_one_whole_batch_in_the_dark() -> None:
    live = installed(OLDER, *(pod(name, revision=OLD_REVISION) for name in NAMES))
    assert plan(live, batch_size=2).dark == ("node1", "node2")


def test_an_upgrade_taken_up_again_needs_no_dark_proof_of_what_already_runs() -> None:
    pods = [pod("node1"), *(pod(name, revision=OLD_REVISION) for name in NAMES[1:])]
    made = plan(installed(SETTINGS, *pods, state=ENABLING))
    assert made.kept == ("node1",)
    assert made.switch == ("node2", "node3")
    assert made.dark == ()


def test_a_new_node_goes_before_nodes_that_an_older_revision_serves() -> None:
    live = installed(OLDER, *(pod(name, revision=OLD_REVISION) for name in ("node1", "node2")))
    made = plan(live)
    assert made.switch == ("node3", "node1", "node2")
    assert made.dark == ("node3", "node1")


def test_a_pod_that_is_not_ready_is_replaced() -> None:
    made = plan(installed(SETTINGS, pod("node1", ready=False), pod("node2"), pod("node3")))
    assert made.switch == ("node1",)
    assert made.kept == ("node2", "node3")


@pytest.mark.parametrize(
    ("extra", "why"),
    [
        (node("node4", system="windows"), "runs windows"),
        (node("node4", ready=False, system="windows"), "runs windows"),
    ],
)
def test_a_node_without_linux_is_skipped_with_the_reason(extra: Node, why: str) -> None:
    made = plan(NOTHING, (*THREE, extra))
    assert made.not_selected == {"node4": why}
    assert made.left_out == {}
    assert "node4" not in made.switch


def test_a_node_that_is_not_ready_is_left_out_and_counts_as_unproved() -> None:
    made = plan(NOTHING, (*THREE, node("node4", ready=False)))
    assert made.left_out == {"node4": "not ready"}
    assert made.proved == NAMES


def test_a_node_that_the_selector_does_not_name_is_skipped() -> None:
    settings = replace(SETTINGS, node_selector={"pool": "a"})
    nodes = (node("node1", pool="a"), node("node2", pool="b"), node("node3", ready=False))
    made = plan(NOTHING, nodes, settings)
    assert made.switch == ("node1",)
    assert made.not_selected == {"node2": "not selected", "node3": "not selected"}
    assert made.left_out == {}


def test_a_cluster_without_any_suitable_node_has_nothing_to_switch() -> None:
    made = plan(NOTHING, [node("win1", system="windows")])
    assert made.switch == ()
    assert made.batch_size == 1


def test_an_old_configuration_is_deleted() -> None:
    live = installed(SETTINGS, *map(pod, NAMES))
    old = {"kind": "ConfigMap", "metadata": {"name": "node-local-dns-0000000000"}}
    objects = {**live.objects, ("ConfigMap", "node-local-dns-0000000000"): old}
    made = plan(Live(objects=objects, pods=live.pods))
    assert actions(made)["ConfigMap node-local-dns-0000000000"] == DELETE
    assert not made.unchanged


def test_a_field_that_somebody_changed_is_drift_and_named_by_its_path() -> None:
    live = installed(SETTINGS, *map(pod, NAMES))
    template = live.objects["DaemonSet", "node-local-dns"]["spec"]["template"]
    template["spec"]["containers"][0]["image"] = "mirror/other:2"
    made = plan(live)
    [change] = [c for c in made.changes if c.action == CONFIGURE]
    [field] = change.fields
    assert field.path == "spec.template.spec.containers[0].image"
    assert (field.found, field.wanted) == ("mirror/other:2", SETTINGS.image)
    assert not made.unchanged


def test_what_the_api_server_filled_in_is_no_drift() -> None:
    live = installed(SETTINGS, *map(pod, NAMES))
    assert live.objects["Service", "kube-dns-upstream"]["spec"]["clusterIP"]
    assert plan(live).unchanged


def test_a_list_with_more_entries_is_drift() -> None:
    live = installed(SETTINGS, *map(pod, NAMES))
    spec = live.objects["DaemonSet", "node-local-dns"]["spec"]["template"]["spec"]
    spec["containers"] = [*spec["containers"], {"name": "sidecar"}]
    [change] = [c for c in plan(live).changes if c.action == CONFIGURE]
    assert [field.path for field in change.fields] == ["spec.template.spec.containers"]


@pytest.mark.parametrize(
    ("count", "given", "size"), [(1, None, 1), (19, None, 1), (20, None, 2), (500, None, 10)]
)
def test_a_tenth_of_the_nodes_is_switched_at_once_and_never_more_than_ten(
    count: int, given: int | None, size: int
) -> None:
    nodes = [node(f"node{i}") for i in range(count)]
    assert plan(NOTHING, nodes, batch_size=given).batch_size == size


def test_the_size_of_a_batch_can_be_given() -> None:
    assert plan(NOTHING, batch_size=50).batch_size == 50


def test_the_first_batch_is_one_node_whatever_the_size() -> None:
    assert batches(["a", "b", "c", "d"], 2) == [("a",), ("b", "c"), ("d",)]
    assert batches(["a", "b"], 10) == [("a",), ("b",)]
    assert batches(["a"], 10) == [("a",)]
    assert batches([], 10) == []


def test_batches_hold_each_node_once_and_in_order() -> None:
    nodes = [f"node{i}" for i in range(23)]
    cut = batches(nodes, 5)
    assert [name for batch in cut for name in batch] == nodes
    assert max(map(len, cut)) == 5


def test_a_fresh_plan_in_words() -> None:
    lines = describe(plan(NOTHING))
    assert "create     DaemonSet kube-system/node-local-dns" in lines
    assert any(line.startswith("switch     3 nodes (node1, node2, node3)") for line in lines)
    assert any("proved in the dark on 3 nodes" in line for line in lines)
    assert not any(line.startswith("keep") for line in lines)


def test_a_plan_in_words_names_drift_and_nodes_with_their_reasons() -> None:
    live = installed(SETTINGS, pod("node1"))
    template = live.objects["DaemonSet", "node-local-dns"]["spec"]["template"]
    template["spec"]["containers"][0]["image"] = "mirror/other:2"
    nodes = (node("node1"), node("node2", ready=False), node("win1", system="windows"))
    text = "\n".join(describe(plan(live, nodes)))
    assert "configure  DaemonSet kube-system/node-local-dns" in text
    assert "containers[0].image" in text
    assert "mirror/other:2" in text
    assert "keep       1 node (node1)" in text
    assert "unproved   node node2: not ready" in text
    assert "skip       node win1: runs windows" in text


def test_a_long_list_of_nodes_is_cut_and_counted() -> None:
    nodes = [node(f"node{i}") for i in range(40)]
    [line] = [line for line in describe(plan(NOTHING, nodes)) if line.startswith("switch")]
    assert "40 nodes (node0, node1, node2, node3, node4, …)" in line


def test_phase_and_state_count_as_differences_of_the_daemonset() -> None:
    dark = installed(SETTINGS, *map(pod, NAMES), phase=DARK, state=ENABLED)
    [change] = [c for c in plan(dark).changes if c.action == CONFIGURE]
    assert change.kind == "DaemonSet"
    paths = [field.path for field in change.fields]
    assert "spec.template.spec.containers[0].args[1]" in paths
    assert FULL in [field.wanted for field in change.fields]


@pytest.mark.parametrize(
    ("found", "wanted", "said"),
    [
        (False, True, "spec.x: false → true"),
        ({"kubernetes.io/os": "linux"}, None, 'spec.x: {"kubernetes.io/os": "linux"} → nothing'),
        (["ä"], "text", 'spec.x: ["ä"] → text'),
        (1, {}, "spec.x: 1 → {}"),
    ],
)
def test_a_value_in_the_plan_is_written_as_the_api_has_it(
    found: Any, wanted: Any, said: str
) -> None:
    assert str(Difference(("spec", "x"), found, wanted)) == said
