"""Nodes that are lost while `disable` runs are named at the end, and the others go on."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from kubectl_nodedns.commands.demo import _finished
from kubectl_nodedns.demo.cluster import Cluster, Options
from kubectl_nodedns.demo.kinds import BY_PATH
from kubectl_nodedns.demo.kubelets import Kubelets
from kubectl_nodedns.demo.refusals import Refusal
from kubectl_nodedns.demo.subresources import Subresources
from kubectl_nodedns.errors import Exit
from kubectl_nodedns.install.objects import DISABLING, STATE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from aiohttp import web

    from kubectl_nodedns.demo.kinds import Address
    from kubectl_nodedns.demo.store import Change, Object, Store
    from tests.contract.conftest import Ended

    Run = Callable[..., Ended]

NODES, PODS = BY_PATH["v1", "nodes"], BY_PATH["v1", "pods"]
VICTIM = "node3"
UNREADY, LEFT = "went unready", "left the cluster"


@dataclass
class Loss:
    """When a node's kubelet dies for good, and what the API server makes of it."""

    cluster: Cluster
    """Where it happens."""
    moment: Callable[[Change], bool] = field(default=lambda _: False)
    """At which write; at none before it is set."""
    becomes: str = UNREADY
    """Whether the node stays, or leaves."""
    happened: bool = False
    """Whether the kubelet is dead."""

    def see(self, change: Change) -> None:
        """Look at a write."""
        if self.happened or not self.moment(change):
            return
        self.happened = True
        store = self.cluster.store
        if self.becomes == LEFT:
            store.remove(NODES, "", VICTIM)
            for key, pod in list(store.all(PODS).items()):  # as the garbage collector of pods does
                if pod["spec"].get("nodeName") == VICTIM:
                    store.remove(PODS, *key)
            return
        _say_ready(store, "Unknown")

    def is_over(self, store: Store) -> None:
        """Have the node back, whose kubelet has ended what was deleted."""
        for key, pod in list(store.all(PODS).items()):
            if pod["spec"].get("nodeName") == VICTIM:
                store.remove(PODS, *key)
        self.happened = False
        _say_ready(store, "True")


def _say_ready(store: Store, status: str) -> None:
    node = store.all(NODES)["", VICTIM]
    ready = {"type": "Ready", "status": status}
    store.put(NODES, {**node, "status": {**node["status"], "conditions": [ready]}})


@pytest.fixture
def loss(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Loss]:
    """A cluster of three nodes that has the cache, in $KUBECONFIG; VICTIM can be lost."""
    finish, start, execute = Kubelets._finish, Kubelets._start, Subresources.execute

    def here(pod: Object) -> bool:
        return not (made.happened and pod["spec"].get("nodeName") == VICTIM)

    async def executed(self: Subresources, request: web.Request, at: Address) -> Any:
        if here(self._pod(at, at.name)):
            return await execute(self, request, at)
        raise Refusal(500, "InternalError", "error dialing backend: dial tcp: no route to host")

    def when_here(act: Callable[[Kubelets, Object], None]) -> Callable[[Kubelets, Object], None]:
        return lambda self, pod: act(self, pod) if here(pod) else None

    monkeypatch.setattr(Subresources, "execute", executed)
    monkeypatch.setattr(Kubelets, "_finish", when_here(finish))
    monkeypatch.setattr(Kubelets, "_start", when_here(start))
    with Cluster(Options(nodes=3, speed=4, faults=()), _finished()) as cluster:
        file = home / "kubeconfig"
        file.write_text(cluster.kubeconfig())
        monkeypatch.setenv("KUBECONFIG", str(file))
        made = Loss(cluster)
        cluster.store.listen(made.see)
        yield made


def template_is_dark(change: Change) -> bool:
    annotations = change.object["metadata"].get("annotations") or {}
    return annotations.get(STATE) == DISABLING


def its_pod_ends(change: Change) -> bool:
    metadata, spec = change.object["metadata"], change.object.get("spec") or {}
    cache = metadata["name"].startswith("node-local-dns-") and spec.get("nodeName") == VICTIM
    return cache and "deletionTimestamp" in metadata


def daemonset_goes(change: Change) -> bool:
    ends = change.after is None or "deletionTimestamp" in change.after["metadata"]
    return change.resource.plural == "daemonsets" and ends


@pytest.mark.parametrize(
    ("moment", "becomes"),
    [
        (template_is_dark, UNREADY),
        (template_is_dark, LEFT),
        (its_pod_ends, UNREADY),
        (daemonset_goes, UNREADY),
    ],
)
def test_a_node_that_is_lost_is_named_and_the_others_are_proved(
    moment: Callable[[Change], bool], becomes: str, loss: Loss, run: Run
) -> None:
    loss.moment, loss.becomes = moment, becomes
    ended = run("disable", "--yes")
    assert loss.happened
    assert ended.code == Exit.PARTIAL, ended.err
    assert ended.out.startswith("disabled: 2 of 3 nodes proved clean, kube-dns answers at ")
    assert ended.out.endswith(f"; unproved: {VICTIM} ({becomes})\n")
    assert f"node {VICTIM} {becomes}: going on without it" in ended.err
    # Where the kubelet is dead, the cache runs on, and CoreDNS is what it needs.
    kept = becomes == UNREADY
    said = f"1 node ({VICTIM}) still has a cache pod, which reaches CoreDNS by Service "
    assert (said in ended.err) == kept, ended.err
    assert bool(_left(loss.cluster)) == kept


def test_what_the_cache_of_a_dead_node_needs_goes_when_the_node_is_back(
    loss: Loss, run: Run
) -> None:
    loss.moment = template_is_dark
    assert run("disable", "--yes").code == Exit.PARTIAL
    assert "kube-dns-upstream" in _left(loss.cluster)
    again = run("disable", "--yes")
    assert again.code == Exit.PARTIAL, again.err
    assert "kube-dns-upstream" in _left(loss.cluster)
    loss.cluster.change(loss.is_over)
    finished = run("disable", "--yes")
    assert finished.code == Exit.OK, finished.err
    assert "3 of 3 nodes proved clean" in finished.out
    assert _left(loss.cluster) == []


def _left(cluster: Cluster) -> list[str]:
    kinds = ("services", "configmaps", "serviceaccounts", "daemonsets")
    names = [obj["metadata"]["name"] for kind, obj in cluster.store.kinds() if kind in kinds]
    ours = ("node-local-dns", "kube-dns-upstream")
    return sorted(name for name in names if name.startswith(ours))


def test_with_o_json_it_is_one_of_the_nodes(loss: Loss, run: Run) -> None:
    loss.moment = template_is_dark
    ended = run("disable", "--yes", "-o", "json")
    assert ended.code == Exit.PARTIAL, ended.err
    nodes = {each["node"]: each for each in json.loads(ended.out)["nodes"]}
    assert nodes.pop(VICTIM) == {"node": VICTIM, "proved": False, "detail": UNREADY}
    assert [each["proved"] for each in nodes.values()] == [True, True]
