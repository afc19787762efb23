"""What would change, who owns it, and what drifted."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from kubectl_nodedns.errors import ConflictError, UsageError
from kubectl_nodedns.facts.nodes import Taint
from kubectl_nodedns.install.changes import CONFIGURE
from kubectl_nodedns.install.diff import diff_document, diff_lines
from kubectl_nodedns.install.objects import ENABLING, build
from kubectl_nodedns.install.ownership import other_owners
from kubectl_nodedns.install.plan import Plan, describe, make_plan
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

if TYPE_CHECKING:
    from kubectl_nodedns.install.live import Live

NAMES = ("node1", "node2", "node3")
OURS = {"manager": "kubectl-nodedns", "operation": "Apply", "time": "2026-11-22T20:00:00Z"}
EDITED = {
    "manager": "kubectl-edit",
    "operation": "Update",
    "time": "2026-11-22T21:00:00Z",
    "fieldsV1": {
        "f:spec": {
            "f:template": {
                "f:spec": {
                    "f:containers": {'k:{"name":"node-cache"}': {".": {}, "f:image": {}}},
                    "f:tolerations": {},
                }
            }
        }
    },
}
IMAGE = ("spec", "template", "spec", "containers", 0, "image")


def plan(live: Live, settings: Any = SETTINGS, **more: Any) -> Plan:
    wanted = build(settings, options=OPTIONS)
    nodes = more.pop("nodes", [node(name) for name in NAMES])
    return make_plan(
        settings=settings, options=OPTIONS, wanted=wanted, live=live, nodes=nodes, **more
    )


def edited() -> Live:
    """An installation whose image somebody changed."""
    live = installed(SETTINGS, *map(pod, NAMES))
    daemonset = live.objects["DaemonSet", "node-local-dns"]
    daemonset["spec"]["template"]["spec"]["containers"][0]["image"] = "mirror/other:2"
    daemonset["metadata"]["managedFields"] = [copy.deepcopy(OURS), EDITED]  # type: ignore[index]
    return live


def test_the_owner_of_a_field_is_found_through_lists_with_keys() -> None:
    daemonset = edited().objects["DaemonSet", "node-local-dns"]
    [owner] = other_owners(daemonset, IMAGE)
    assert str(owner) == "kubectl-edit, 2026-11-22T21:00:00Z"
    assert other_owners(daemonset, (*IMAGE[:-1], "args")) == ()
    assert other_owners(daemonset, ("spec", "template", "spec", "tolerations", 0, "key"))


def test_what_nobody_manages_and_what_is_status_has_no_other_owner() -> None:
    status = {**EDITED, "subresource": "status"}
    ours = {**EDITED, "manager": "kubectl-nodedns"}
    daemonset = copy.deepcopy(dict(edited().objects["DaemonSet", "node-local-dns"]))
    daemonset["metadata"]["managedFields"] = [status, ours]
    assert other_owners(daemonset, IMAGE) == ()
    del daemonset["metadata"]["managedFields"]
    assert other_owners(daemonset, IMAGE) == ()


def test_a_field_that_somebody_changed_is_drift_with_its_owner() -> None:
    made = plan(edited(), remembered=build(SETTINGS, options=OPTIONS))
    [change] = [c for c in made.changes if c.action == CONFIGURE]
    [field] = change.fields
    assert field.drift
    assert made.drifted == 1
    text = "\n".join(describe(made))
    assert "(drift; set by kubectl-edit, 2026-11-22T21:00:00Z)" in text
    assert "drift      1 fields" in text


def test_what_an_option_changes_is_no_drift() -> None:
    live = installed(OLDER, *(pod(name, revision=OLD_REVISION) for name in NAMES))
    made = plan(live, remembered=build(OLDER, options=OPTIONS))
    assert made.drifted == 0
    assert not made.unchanged


def test_an_unfinished_installation_has_not_drifted() -> None:
    live = installed(OLDER, *map(pod, NAMES), state=ENABLING)
    assert plan(live, remembered=build(SETTINGS, options=OPTIONS)).drifted == 0


def test_fields_of_others_are_refused_with_their_owner_and_the_way_out() -> None:
    with pytest.raises(
        ConflictError, match=r"containers\[0\].image \(set by kubectl-edit"
    ) as caught:
        plan(edited()).refuse_conflicts()
    assert "--force-conflicts" in caught.value.hint
    plan(NOTHING).refuse_conflicts()


def test_a_diff_shows_each_field_with_both_values() -> None:
    live, wanted = edited(), build(SETTINGS, options=OPTIONS)
    lines = diff_lines(plan(live), wanted, live)
    assert lines[0] == "configure DaemonSet kube-system/node-local-dns"
    assert "    - mirror/other:2" in lines
    assert f"    + {SETTINGS.image}" in lines
    assert diff_document(plan(live), wanted, live)["objects"][0]["fields"][0]["owners"] == [
        "kubectl-edit"
    ]


def test_a_new_corefile_is_compared_with_the_one_in_use_line_by_line() -> None:
    live = installed(SETTINGS, *map(pod, NAMES))
    other = replace(SETTINGS, extra_blocks="a.example:53 {\n    errors\n}\n")
    lines = diff_lines(plan(live, other), build(other, options=OPTIONS), live)
    assert "+a.example:53 {" in lines
    assert not any(line.startswith("-  ") for line in lines)
    assert [line for line in lines if line.startswith("replace")] == [
        f"replace the cache pod of node {name}" for name in NAMES
    ]


def test_nothing_to_change_is_an_empty_diff() -> None:
    live, wanted = installed(SETTINGS, *map(pod, NAMES)), build(SETTINGS, options=OPTIONS)
    assert diff_lines(plan(live), wanted, live) == []
    assert diff_document(plan(live), wanted, live)["same"] is True


def test_canaries_are_switched_before_all_others_and_prove_the_upgrade_in_the_dark() -> None:
    nodes = [node("node1"), node("node2", pool="test"), node("node3", pool="test")]
    live = installed(OLDER, *(pod(name, revision=OLD_REVISION) for name in NAMES))
    made = plan(live, nodes=nodes, canary={"pool": "test"}, batch_size=5)
    assert made.switch == ("node2", "node3", "node1")
    assert made.batches() == [("node2",), ("node3",), ("node1",)]
    assert made.dark == ("node2", "node3", "node1")
    fresh = plan(NOTHING, nodes=nodes, canary={"pool": "test"})
    assert fresh.batches(["node9"]) == [("node2",), ("node3",), ("node1",), ("node9",)]


def test_canaries_that_nobody_is_are_an_error() -> None:
    with pytest.raises(UsageError, match="no node that can be proved carries pool=x"):
        plan(NOTHING, canary={"pool": "x"})


def test_a_node_whose_taint_is_not_tolerated_gets_no_cache() -> None:
    taint = Taint(key="dedicated", value="db", effect="NoSchedule")
    nodes = [node("node1"), replace(node("node2"), taints=(taint,))]
    assert plan(NOTHING, nodes=nodes).switch == ("node1", "node2")
    made = plan(NOTHING, replace(SETTINGS, tolerations="none"), nodes=nodes)
    assert made.switch == ("node1",)
    assert made.not_selected == {"node2": "its taint dedicated=db:NoSchedule is not tolerated"}
