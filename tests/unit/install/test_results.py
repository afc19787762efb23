"""How a change ended, in words, and whether it is a whole success."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kubectl_nodedns.errors import RefusedError
from kubectl_nodedns.facts.clients import Clients
from kubectl_nodedns.install import disabling, enabling
from kubectl_nodedns.install.kubelet_rollout import elsewhere, kubelets_text
from kubectl_nodedns.install.leftover import Leftover
from kubectl_nodedns.install.needs import User
from kubectl_nodedns.install.objects import build
from kubectl_nodedns.install.orphans import cleaned
from kubectl_nodedns.install.plan import Plan, make_plan
from kubectl_nodedns.install.result import with_reasons
from kubectl_nodedns.install.sweep import Look
from kubectl_nodedns.install.uninstall_plan import refuse_clients, selected
from tests.unit.install.samples import NOTHING, OPTIONS, SETTINGS, installed, node, pod
from tests.unit.install.world import Verdict

NAMES = ("node1", "node2")
LINK = Leftover(rules=(), link=True, addresses=())


def plan(*, same: bool = False) -> Plan:
    return make_plan(
        settings=SETTINGS,
        options=OPTIONS,
        wanted=build(SETTINGS, options=OPTIONS),
        live=installed(SETTINGS, *map(pod, NAMES)) if same else NOTHING,
        nodes=[node(name) for name in NAMES],
    )


def test_an_install_counts_what_was_proved() -> None:
    result = enabling.ended(plan(), list(map(Verdict, NAMES)))
    assert (result.word, result.whole) == ("enabled", True)
    assert result.text == "enabled: 2 of 2 nodes proved, at 169.254.20.10 and 10.96.0.10"


def test_nothing_changed_and_nothing_asked() -> None:
    result = enabling.ended(plan(same=True), [])
    assert (result.word, result.whole) == ("unchanged", True)
    assert result.text == "nothing changed: the cache is enabled on 2 of 2 nodes"


def test_a_new_policy_alone_is_a_change() -> None:
    assert enabling.ended(plan(same=True), [], unchanged=False).word == "enabled"


def test_a_repaired_node_is_named() -> None:
    result = enabling.ended(plan(same=True), list(map(Verdict, NAMES)), ["node2"])
    assert result.word == "repaired"
    assert result.text.startswith("repaired node2: 2 of 2 nodes proved")


def test_a_node_left_out_makes_it_partial() -> None:
    without = replace(plan(), left_out={"node3": "not ready"})
    result = enabling.ended(without, list(map(Verdict, NAMES)))
    assert not result.whole
    assert result.text.endswith(
        "2 of 3 nodes proved, at 169.254.20.10 and 10.96.0.10; unproved: node3 (not ready)"
    )


def test_kubelets_that_are_switched_are_counted() -> None:
    verdicts = [Verdict("node1"), Verdict("node2", ok=False)]
    assert kubelets_text(verdicts) == "1 of 2 kubelets switched"
    assert "1 of 2 kubelets switched" in enabling.ended(plan(), verdicts, handed=verdicts).text


def test_a_kubelet_that_hands_out_another_address_is_not_switched() -> None:
    handed = {"a": ("169.254.20.10",), "b": ("10.96.0.10", "8.8.8.8"), "c": ()}
    found = elsewhere(handed, "169.254.20.10")
    assert {node: one.text for node, one in found.items()} == {
        "b": "its kubelet hands out 10.96.0.10, 8.8.8.8",
        "c": "its kubelet hands out nothing",
    }
    assert not any(one.ok for one in found.values())


USED = {"ConfigMap x": User(kind="pod", where="kube-system/p on node node9")}


@pytest.mark.parametrize(
    ("ok", "left_out", "left", "whole"),
    [
        (True, {}, {}, True),
        (False, {}, {}, False),
        (True, {"node3": "not ready"}, {}, False),
        (True, {}, USED, False),
    ],
)
def test_an_uninstall_is_whole_where_every_node_is_clean_and_nothing_stays(
    ok: bool, left_out: dict[str, str], left: dict[str, User], whole: bool
) -> None:
    verdicts = [Verdict("node1"), Verdict("node2", ok=ok)]
    result = disabling.ended(
        verdicts,
        left_out,
        nodes=2 + len(left_out),
        kube_dns_ip="10.96.0.10",
        inferred={},
        left=left,
    )
    assert result.whole is whole
    assert ("run disable again when it does not" in result.text) is bool(left)
    assert f"{1 + ok} of {2 + len(left_out)} nodes proved clean" in result.text


@pytest.mark.parametrize(
    ("inferred", "count"), [(None, 2), ({"node1": "why"}, 1), ({"node9": "why"}, 0)]
)
def test_what_was_not_looked_at_is_said_to_be_inferred(
    inferred: dict[str, str] | None, count: int
) -> None:
    verdicts = list(map(Verdict, NAMES))
    result = disabling.ended(
        verdicts, {}, nodes=2, kube_dns_ip="10.96.0.10", inferred=inferred, left={}
    )
    assert (f"inferred on {count} of them" in result.text) is bool(count)


def test_clients_that_would_lose_dns_are_named_up_to_five() -> None:
    refuse_clients(Clients(kubelets=(), pods=(), unknown=()), "169.254.20.10")
    pods = tuple(f"shop/p{number}" for number in range(6))
    found = Clients(kubelets=("node1",), pods=pods, unknown=())
    with pytest.raises(RefusedError) as caught:
        refuse_clients(found, "169.254.20.10", injected=True)
    assert "the kubelet of node node1, pod shop/p0" in str(caught.value)
    assert str(caught.value).endswith("pod shop/p3 and 2 more")
    assert caught.value.hint.startswith("new pods are handed it by our policy")


def test_only_linux_nodes_that_the_daemonset_selects_are_given_back() -> None:
    daemonset = {"spec": {"template": {"spec": {"nodeSelector": {"pool": "a"}}}}}
    nodes = [node("a", pool="a"), node("b", pool="b"), node("w", system="windows", pool="a")]
    assert [one.name for one in selected(nodes, daemonset)] == ["a"]
    assert [one.name for one in selected(nodes, None)] == ["a", "b"]


def test_many_nodes_are_named_up_to_ten() -> None:
    nodes = {f"n{number:02}": "why" for number in range(12)}
    assert with_reasons(nodes).endswith("n09 (why), and 2 more")
    assert with_reasons({"b": "y", "a": "x"}) == "a (x), b (y)"


def test_nodes_that_are_not_clean_or_were_not_seen_make_the_cleaning_partial() -> None:
    nothing = Leftover(rules=(), link=False, addresses=())
    looks = {"a": Look(leftover=nothing), "b": Look(leftover=None, why="no pod")}
    result = cleaned(looks, 2)
    assert (result.text, result.whole) == (
        "1 of 2 nodes are clean; not looked at: b (no pod)",
        False,
    )
    assert cleaned({"a": Look(leftover=nothing)}, 1).whole
    assert not cleaned({"a": Look(leftover=LINK)}, 1).whole
