"""Cache pods are read node by node where that is enough, and lost nodes are told once."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import pytest

from kubectl_nodedns.install.live import pod_of
from kubectl_nodedns.install.objects import MANAGED_BY
from kubectl_nodedns.install.pods import FEW, POLL, PREPARED, CachePods
from tests.clock import run

if TYPE_CHECKING:
    from kubectl_nodedns.cluster.client import Client


@dataclass
class Lists:
    """A client that serves nodes and pods, and keeps what it was asked for."""

    ready: dict[str, bool]
    asked: list[str] = field(default_factory=list)

    async def list(self, path: str, *, labels: str = "", fields: str = "") -> list[dict[str, Any]]:
        self.asked.append(f"{path.rpartition('/')[2]} {fields}".strip())
        if path.endswith("/pods"):
            return []
        name = fields.rpartition("=")[2]
        return [
            {
                "metadata": {"name": node},
                "status": {"conditions": [{"type": "Ready", "status": str(ready)}]},
            }
            for node, ready in self.ready.items()
            if not name or node == name
        ]


def pods(lists: Lists, notes: list[str]) -> CachePods:
    return CachePods(cast("Client", lists), "kube-system", timeout=1.0, note=notes.append)


def test_the_pod_of_one_node_is_asked_for_alone() -> None:
    lists = Lists({})
    run(pods(lists, []).read("node7"))
    assert lists.asked == ["pods spec.nodeName=node7"]


def test_lost_nodes_are_told_once_with_what_became_of_them() -> None:
    notes: list[str] = []
    lists = Lists({"node1": True, "node2": False})
    cache = pods(lists, notes)
    for _ in range(2):
        run(cache.look(["node1", "node2", "node3"]))
    assert cache.lost == {"node2": "went unready", "node3": "left the cluster"}
    assert notes == [
        "node node2 went unready: going on without it",
        "node node3 left the cluster: going on without it",
    ]
    # The second time only the one that is not lost is asked for.
    assert sorted(lists.asked) == [
        *["nodes metadata.name=node1"] * 2,
        *("nodes metadata.name=node2", "nodes metadata.name=node3"),
    ]


def test_many_nodes_are_read_as_one_list() -> None:
    many = {f"node{number}": True for number in range(FEW + 1)}
    lists = Lists(many)
    run(pods(lists, []).look(many))
    assert lists.asked == ["nodes"]


@dataclass
class Starting:
    """A client whose pod has a look between its init containers and its agent, then runs."""

    looks: int
    """Looks that find it so."""
    state: dict[str, Any]
    """What its container does until then."""
    deleted_after: int | None = None
    seen: int = 0

    def pod(self) -> dict[str, Any]:
        runs = self.seen > self.looks
        state = {"state": {"running": {}}} if runs else self.state
        return {
            "metadata": {"name": "cache-1", "uid": "uid-1", "labels": MANAGED_BY},
            "spec": {"nodeName": "node1", "initContainers": [{}], "containers": [{}]},
            "status": {"containerStatuses": [state]},
        }

    async def list(self, path: str, **_: str) -> list[dict[str, Any]]:
        self.seen += 1
        return [self.pod()]

    async def delete(self, path: str, **_: object) -> bool:
        self.deleted_after = self.seen
        return True


INITIALIZING = {"state": {"waiting": {"reason": "PodInitializing"}}}


@pytest.mark.parametrize(
    ("state", "looks", "deleted_after"),
    [
        (INITIALIZING, 3, 4),  # its agent runs then, and can take the rules away
        (INITIALIZING, 10**9, 1 + int(PREPARED / POLL)),  # no longer
        ({"state": {"running": {}}}, 10**9, 0),
        ({"state": {"waiting": {"reason": "CrashLoopBackOff"}}, "restartCount": 1}, 10**9, 0),
        ({"state": {"waiting": {"reason": "ImagePullBackOff"}}}, 10**9, 0),
    ],
)
def test_a_pod_that_only_has_its_init_containers_rules_in_is_not_deleted_yet(
    state: dict[str, Any], looks: int, deleted_after: int
) -> None:
    client = Starting(looks, state)
    cache = CachePods(cast("Client", client), "kube-system", timeout=1.0, note=print)
    run(cache.delete(pod_of(client.pod())))
    assert client.deleted_after == deleted_after
