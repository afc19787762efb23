from __future__ import annotations

from typing import Any

import pytest

from kubectl_nodedns.facts.cache_pods import trouble
from kubectl_nodedns.install.live import Live, newest, pod_of
from kubectl_nodedns.install.objects import DARK, ENABLING, FULL, build
from tests.unit.install.samples import NOTHING, SETTINGS, installed, stored


def pod(
    name: str = "node-local-dns-abcde",
    *,
    on: str | None = "node1",
    created: str = "2026-11-22T18:00:00Z",
    leaving: bool = False,
    ready: bool = True,
    state: dict[str, Any] | None = None,
) -> dict[str, Any]:
    metadata: dict[str, Any] = {
        "name": name,
        "uid": f"uid-of-{name}",
        "creationTimestamp": created,
        "labels": {"kubectl-nodedns/revision": "abc", "kubectl-nodedns/phase": "full"},
    }
    if leaving:
        metadata["deletionTimestamp"] = "2026-11-22T18:10:00Z"
    return {
        "metadata": metadata,
        "spec": {"nodeName": on} if on else {},
        "status": {
            "conditions": [{"type": "Ready", "status": str(ready)}],
            "containerStatuses": [{"state": state or {"running": {"startedAt": created}}}],
        },
    }


def test_a_ready_pod_is_read_with_its_revision_and_phase() -> None:
    found = pod_of(pod())
    assert (found.node, found.name, found.uid) == (
        "node1",
        "node-local-dns-abcde",
        "uid-of-node-local-dns-abcde",
    )
    assert (found.revision, found.phase) == ("abc", "full")
    assert found.running
    assert found.ready
    assert found.trouble == ""


def test_a_pod_that_is_being_deleted_neither_runs_nor_is_ready() -> None:
    found = pod_of(pod(leaving=True))
    assert not found.running
    assert not found.ready
    assert found.trouble == "it is being deleted"


def test_a_container_that_runs_and_is_not_ready_yet_runs() -> None:
    found = pod_of(pod(ready=False))
    assert found.running
    assert not found.ready


def test_a_pod_without_a_node_is_on_none() -> None:
    assert pod_of(pod(on=None)).node == ""
    assert newest([pod(on=None)]) == {}


def test_a_pod_that_has_no_status_yet_can_be_read() -> None:
    found = pod_of({"metadata": {"name": "a", "uid": "b"}, "spec": {"nodeName": "node1"}})
    assert (found.running, found.ready, found.trouble) == (False, False, "")


def test_each_node_counts_with_its_newest_pod() -> None:
    old = pod("old", created="2026-11-22T17:00:00Z")
    new = pod("new", created="2026-11-22T18:00:00Z")
    other = pod("other", on="node2")
    for items in ([old, new, other], [new, other, old]):
        found = newest(items)
        assert {node: p.name for node, p in found.items()} == {"node1": "new", "node2": "other"}


def test_a_pod_that_leaves_counts_only_where_it_is_the_last() -> None:
    leaving = pod("leaving", created="2026-11-22T19:00:00Z", leaving=True)
    staying = pod("staying", created="2026-11-22T18:00:00Z")
    assert newest([staying, leaving])["node1"].name == "staying"
    assert newest([leaving])["node1"].name == "leaving"


@pytest.mark.parametrize(
    ("state", "text"),
    [
        ({"waiting": {"reason": "ContainerCreating"}}, "ContainerCreating"),
        (
            {"waiting": {"reason": "ErrImagePull", "message": "no such tag"}},
            "ErrImagePull: no such tag",
        ),
        ({"terminated": {"reason": "OOMKilled", "exitCode": 137}}, "OOMKilled with exit code 137"),
        ({"terminated": {"exitCode": 1}}, "ended with exit code 1"),
    ],
)
def test_trouble_is_what_the_container_says(state: dict[str, Any], text: str) -> None:
    assert trouble({"containerStatuses": [{"state": state}]}) == text


def test_without_a_container_trouble_is_what_the_scheduler_says() -> None:
    condition = {"type": "PodScheduled", "status": "False", "message": "0/3 nodes: port in use"}
    assert trouble({"conditions": [condition]}) == "0/3 nodes: port in use"


def test_a_pod_that_was_evicted_says_so() -> None:
    status = {"phase": "Failed", "message": "The node was low on memory"}
    assert trouble(status) == "The node was low on memory"


def test_a_long_trouble_is_cut() -> None:
    state = {"waiting": {"reason": "ErrImagePull", "message": "x" * 5000}}
    text = trouble({"containerStatuses": [{"state": state}]})
    assert text.startswith("ErrImagePull: xxx")
    assert len(text) < 300


def test_nothing_installed_has_no_state() -> None:
    assert NOTHING.daemonset is None
    assert NOTHING.state == ""
    assert NOTHING.foreign() == []


@pytest.mark.parametrize("state", ["enabling", "enabled", "disabling"])
def test_the_state_is_what_the_daemonset_says(state: str) -> None:
    assert installed(SETTINGS, state=state, phase=FULL).state == state


def test_an_object_without_our_label_is_foreign_and_named() -> None:
    objects = stored(build(SETTINGS, phase=DARK, state=ENABLING))
    labels = objects["DaemonSet", "node-local-dns"]["metadata"]["labels"]
    labels["app.kubernetes.io/managed-by"] = "Helm"
    live = Live(objects=objects, pods={})
    assert live.foreign() == ["DaemonSet node-local-dns"]
    assert live.daemonset is None
    assert live.state == ""


def test_an_object_without_any_label_is_foreign() -> None:
    objects = stored(build(SETTINGS))
    del objects["ServiceAccount", "node-local-dns"]["metadata"]["labels"]
    assert Live(objects=objects, pods={}).foreign() == ["ServiceAccount node-local-dns"]
