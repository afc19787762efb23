from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from kubectl_nodedns.errors import ForbiddenError
from kubectl_nodedns.metrics import pod_details as module
from kubectl_nodedns.metrics.detail_reader import DetailReader
from kubectl_nodedns.metrics.node_row import NodeRow
from kubectl_nodedns.metrics.pod_details import absence, of_pod, unscheduled
from tests.unit.metrics.fleets import node, pod, row
from tests.unit.metrics.test_discovery import CACHE

if TYPE_CHECKING:
    from collections.abc import Mapping

SELECTIVE = replace(CACHE, node_selector={"kubernetes.io/os": "linux"})
TAINTED = {"taints": [{"key": "dedicated", "value": "gpu", "effect": "NoSchedule"}]}


def node_object(name: str = "n1", *, labels: Any = None, spec: Any = None) -> dict[str, Any]:
    return {"metadata": {"name": name, "labels": labels or {}}, "spec": spec or {}, "status": {}}


def pod_object(*containers: Mapping[str, Any], **status: Any) -> dict[str, Any]:
    return {"status": {"containerStatuses": list(containers), **status}}


def killed(reason: str, code: int, at: str = "2026-11-22T10:00:00Z") -> dict[str, Any]:
    return {"terminated": {"reason": reason, "exitCode": code, "finishedAt": at}}


@pytest.mark.parametrize(
    ("spec", "cache", "words"),
    [
        (TAINTED, CACHE, "do not tolerate the taint dedicated=gpu:NoSchedule"),
        ({}, SELECTIVE, "its nodeSelector asks for kubernetes.io/os=linux"),
        ({}, replace(CACHE, affinity=True), "perhaps its affinity"),
        ({}, CACHE, "it should have one, see its events"),
    ],
)
def test_why_a_node_has_no_pod(spec: dict[str, Any], cache: Any, words: str) -> None:
    said = absence(node_object(spec=spec), [cache], {})
    assert said.startswith("no cache pod on this node: DaemonSet node-local-dns: ")
    assert words in said


def test_a_taint_that_is_tolerated_is_no_reason() -> None:
    cache = replace(CACHE, tolerations=({"operator": "Exists"},))
    assert "taint" not in absence(node_object(spec=TAINTED), [cache], {})


def test_a_pod_that_waits_for_the_node_says_why() -> None:
    said = absence(node_object(), [CACHE], {"n1": "0/3 nodes are available"})
    assert said == "no cache pod on this node: 0/3 nodes are available"


def test_a_pod_that_is_not_scheduled_says_why() -> None:
    condition = {"type": "PodScheduled", "status": "False", "message": "Insufficient memory"}
    assert unscheduled({"status": {"conditions": [condition]}}).endswith("Insufficient memory")
    assert unscheduled({}) == "its pod is not scheduled yet"


def test_an_image_that_cannot_be_pulled_is_told_with_its_message() -> None:
    waiting = {"reason": "ImagePullBackOff", "message": "Back-off pulling image x"}
    detail = of_pod(pod_object({"state": {"waiting": waiting}}))
    assert detail.reason == "ImagePullBackOff: Back-off pulling image x"
    assert detail.ended == ""


def test_a_long_message_is_cut() -> None:
    waiting = {"reason": "ErrImagePull", "message": "x" * 500}
    assert len(of_pod(pod_object({"state": {"waiting": waiting}})).reason) == module.LONGEST


def test_how_a_container_last_ended() -> None:
    last = of_pod(pod_object({"lastState": killed("OOMKilled", 137), "state": {"running": {}}}))
    assert (last.ended, last.reason) == ("OOMKilled", "")
    assert last.ended_at == 1_795_341_600
    now = of_pod(pod_object({"lastState": {}, "state": killed("Error", 2)}))
    assert now.ended == "Error (exit code 2)"
    both = pod_object(
        {"lastState": killed("OOMKilled", 137), "state": killed("Error", 1, "2026-11-22T11:00:00Z")}
    )
    assert of_pod(both).ended == "Error (exit code 1)"
    assert of_pod({}) == module.Detail()


def test_an_evicted_pod_says_why() -> None:
    detail = of_pod(pod_object(reason="Evicted", message="The node was low on memory."))
    assert detail.reason == "Evicted: The node was low on memory."


class Objects:
    """A client that has objects, each alone."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []
        self.pods: dict[str, Any] = {}
        self.unplaced: list[Any] = []
        self.forbidden = False
        self.asking: list[Any] = []

    async def list(self, path: str, *, labels: str = "", fields: str = "") -> list[dict[str, Any]]:
        self.asked.append((path.rpartition("/")[2], fields))
        if self.forbidden:
            raise ForbiddenError("no")
        if fields == "spec.nodeName=":
            assert labels == CACHE.selector
            return self.unplaced
        if fields.startswith("spec.nodeName="):
            return self.asking
        name = fields.removeprefix("metadata.name=")
        return [self.pods[name]] if name in self.pods else [node_object(name, spec=TAINTED)]


@pytest.fixture
def objects() -> Objects:
    return Objects()


def bare(name: str = "n1") -> NodeRow:
    return NodeRow(node=node(name), pods=(), sampled=None)


async def test_only_rows_that_need_explaining_are_read_and_only_once(objects: Objects) -> None:
    details = DetailReader(objects, clock=lambda: 0.0)
    windows = NodeRow(node=node("w", windows=True), pods=(), sampled=None)
    rows = [row("fine"), windows, bare("n1")]
    await details.read(rows, [CACHE])
    await details.read(rows, [CACHE])
    assert objects.asked == [("pods", "spec.nodeName="), ("nodes", "metadata.name=n1")]
    found = details.get("n1")
    assert found is not None
    assert "dedicated=gpu" in found.reason
    assert details.get("fine") is None


async def test_a_pod_is_read_again_when_its_row_changes(objects: Objects) -> None:
    details = DetailReader(objects, clock=lambda: 0.0)
    objects.pods["p"] = pod_object({"lastState": killed("OOMKilled", 137)})
    for restarts in (1, 1, 2):
        await details.read([row("n1", of=pod("n1", name="p", restarts=restarts))], [CACHE])
    assert objects.asked == [("pods", "metadata.name=p")] * 2
    found = details.get("n1")
    assert found is not None
    assert found.ended == "OOMKilled"
    await details.read([row("n1", of=pod("n1", name="q"))], [CACHE])
    assert details.get("n1") is None


async def test_a_pod_without_a_node_explains_the_node_that_it_is_meant_for(
    objects: Objects,
) -> None:
    terms = [{"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["n1"]}]}]
    required = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}}
    objects.unplaced = [{"spec": {"affinity": {"nodeAffinity": required}}}]
    details = DetailReader(objects)
    await details.read([bare("n1"), bare("n2")], [CACHE])
    assert details.get("n1").reason.endswith("its pod is not scheduled yet")  # type: ignore[union-attr]
    assert "taint" in details.get("n2").reason  # type: ignore[union-attr]


async def test_no_more_than_so_many_are_read_at_once(objects: Objects) -> None:
    details = DetailReader(objects)
    rows = [bare(f"n{i}") for i in range(25)]
    for known in (10, 20, 25):
        await details.read(rows, [CACHE])
        assert sum(details.get(r.node.name) is not None for r in rows) == known


async def test_what_may_not_be_read_stays_unknown(objects: Objects) -> None:
    objects.forbidden = True
    details = DetailReader(objects)
    await details.read([bare("n1")], [CACHE])
    assert details.get("n1") == module.Detail()
    assert bare("n1").reason == "no cache pod on this node"


async def test_pods_that_ask_are_counted_where_the_cache_is_not_asked(objects: Objects) -> None:
    """An idle node stays known as such, though nobody doubts it any more."""
    asking = {"spec": {"nodeName": "node1"}, "status": {"phase": "Running"}}
    objects.asking = [asking]
    details = DetailReader(objects, clock=lambda: 0.0)
    await details.read([row("node1"), row("node2")], [CACHE], ["node1"])
    found = details.get("node1")
    assert found is not None
    assert found.askers == 1
    assert details.get("node2") is None
    await details.read([row("node1"), row("node2")], [CACHE])
    assert details.get("node1") == found
