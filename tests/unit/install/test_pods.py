"""Cache pods are read node by node where that is enough, and lost nodes are told once."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from kubectl_nodedns.install.pods import FEW, CachePods

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
    asyncio.run(pods(lists, []).read("node7"))
    assert lists.asked == ["pods spec.nodeName=node7"]


def test_lost_nodes_are_told_once_with_what_became_of_them() -> None:
    notes: list[str] = []
    lists = Lists({"node1": True, "node2": False})
    cache = pods(lists, notes)
    for _ in range(2):
        asyncio.run(cache.look(["node1", "node2", "node3"]))
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
    asyncio.run(pods(lists, []).look(many))
    assert lists.asked == ["nodes"]
