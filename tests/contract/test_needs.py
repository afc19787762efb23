"""`disable` takes nothing away that a cache which runs cannot do without."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytest

from kubectl_nodedns.cluster.paths import PLURALS
from kubectl_nodedns.errors import Exit
from kubectl_nodedns.install.objects import build
from tests.contract import cluster
from tests.contract.api import answers
from tests.unit.install.samples import SETTINGS, stored

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.contract.api import Api, Seen
    from tests.contract.conftest import Ended

    Run = Callable[..., Ended]
    Change = Callable[[dict[tuple[str, str], dict[str, Any]]], None]

NEEDED = {"ServiceAccount node-local-dns", "Service kube-dns-upstream", "ConfigMap"}

pytestmark = pytest.mark.usefixtures("config")


def pod_of(daemonset: dict[str, Any], node: str, **metadata: Any) -> dict[str, Any]:
    """A pod of the DaemonSet that runs on a node."""
    template = copy.deepcopy(daemonset["spec"]["template"])
    owner = {"kind": "DaemonSet", "name": daemonset["metadata"]["name"]}
    owners = [owner | {"uid": daemonset["metadata"]["uid"]}]
    labels = {**template["metadata"]["labels"], "k8s-app": "node-local-dns"}
    own = cluster.named(f"node-local-dns-{node}", **labels) | {"ownerReferences": owners}
    return {
        "metadata": own | metadata,
        "spec": template["spec"] | {"nodeName": node},
        "status": {"phase": "Running", "containerStatuses": [{"state": {"running": {}}}]},
    }


def install(api: Api) -> dict[tuple[str, str], dict[str, Any]]:
    """A cluster with our installation, whose DaemonSet is handed back and not stored."""
    cluster.fill(api)
    objects = stored(build(SETTINGS))
    for (kind, _), obj in objects.items():
        if kind != "DaemonSet":
            api.add(PLURALS[kind], obj)
    return objects


def relabelled(objects: dict[tuple[str, str], dict[str, Any]]) -> dict[str, Any]:
    daemonset = copy.deepcopy(objects["DaemonSet", "node-local-dns"])
    daemonset["metadata"]["labels"]["app.kubernetes.io/managed-by"] = "Helm"
    return daemonset


def deleted(api: Api) -> set[str]:
    return {w.path.rpartition("/")[2] for w in changes(api) if w.method == "DELETE"}


def changes(api: Api) -> list[Seen]:
    """What was written but the Lease, which is given back."""
    return [w for w in api.state.writes if "/leases" not in w.path]


@pytest.mark.parametrize("running", [True, False])
def test_what_a_relabelled_daemonset_needs_stays(running: bool, api: Api, run: Run) -> None:
    """With its pods, and in the moment before they are made."""
    daemonset = relabelled(install(api))
    api.add("daemonsets", daemonset)
    if running:
        api.add("pods", pod_of(daemonset, "node1"), pod_of(daemonset, "node2"))
    ended = run("disable", "--now", "--yes")
    assert ended.code == Exit.PARTIAL, ended.err
    assert deleted(api) == {"node-local-dns"}, "the service for Prometheus, which no cache needs"
    assert [w.path.split("/")[-2] for w in changes(api)] == ["services"]
    user = "DaemonSet kube-system/node-local-dns uses it"
    for what in ("ServiceAccount node-local-dns", "Service kube-dns-upstream"):
        assert f"{what} stays: {user}" in ended.out
    assert "keep       ConfigMap kube-system/node-local-dns-" in ended.err
    assert "run disable again" in ended.out
    assert "delete serviceaccount" not in ended.err, "nor does it say to do so by hand"


@pytest.mark.parametrize("words", [[], ["--dry-run=client"], ["--dry-run=server"]])
def test_disable_is_refused_where_a_cache_of_another_manager_runs_on_ours(
    words: list[str], api: Api, run: Run
) -> None:
    daemonset = relabelled(install(api))
    api.add("daemonsets", daemonset)
    api.add("pods", pod_of(daemonset, "node1"))
    ended = run("disable", "--yes", *words)
    assert ended.code == Exit.REFUSED, ended.err
    assert "a cache runs on what it needed" in ended.err
    assert "--adopt takes that cache out too" in ended.err
    assert api.state.writes == []


def test_a_cache_of_another_manager_that_runs_on_ours_can_be_adopted(api: Api, run: Run) -> None:
    daemonset = relabelled(install(api))
    daemonset["metadata"]["labels"]["app.kubernetes.io/managed-by"] = "somebody"
    api.add("daemonsets", daemonset | {"kind": "DaemonSet"})
    ended = run("disable", "--adopt", "--dry-run=client")
    assert ended.code == Exit.OK, ended.err
    assert "adopt      DaemonSet node-local-dns" in ended.err
    assert "delete     DaemonSet kube-system/node-local-dns" in ended.err


@pytest.mark.parametrize(
    "metadata",
    [
        {"ownerReferences": []},
        {"labels": {"app": "something-else"}},
        {"deletionTimestamp": "2026-11-27T00:00:00Z", "ownerReferences": []},
    ],
)
def test_a_pod_alone_needs_it_whatever_its_labels_and_its_owner(
    metadata: dict[str, Any], api: Api, run: Run
) -> None:
    daemonset = install(api)["DaemonSet", "node-local-dns"]
    api.add("pods", pod_of(daemonset, "node2", **metadata))
    ended = run("disable", "--now", "--yes")
    assert ended.code == Exit.PARTIAL, ended.err
    assert deleted(api) == {"node-local-dns"}
    assert "pod kube-system/node-local-dns-node2 on node node2 uses it" in ended.out


def test_pods_that_outlive_our_daemonset_keep_what_they_need(api: Api, run: Run) -> None:
    """Nobody ends pods here, as where kubelets are dead."""
    daemonset = install(api)["DaemonSet", "node-local-dns"]
    api.add("daemonsets", daemonset)
    api.add("pods", pod_of(daemonset, "node1"))
    ended = run("disable", "--now", "--yes", "--timeout=1ms")
    assert ended.code == Exit.PARTIAL, ended.err
    assert [w.path.split("/")[-2] for w in changes(api)] == ["daemonsets", "services"]
    assert "pod kube-system/node-local-dns-node1 on node node1 uses it" in ended.out


@pytest.mark.parametrize(("node", "phase"), [("node9", "Running"), ("node1", "Succeeded")])
def test_a_pod_that_runs_nowhere_needs_nothing(node: str, phase: str, api: Api, run: Run) -> None:
    daemonset = install(api)["DaemonSet", "node-local-dns"]
    pod = pod_of(daemonset, node, ownerReferences=[])
    pod["status"]["phase"] = phase
    api.add("pods", pod)
    ended = run("disable", "--now", "--yes")
    assert ended.code == Exit.OK, ended.err
    assert "ServiceAccount" not in ended.out
    assert {"kube-dns-upstream", "node-local-dns"} < deleted(api)


def test_where_users_cannot_be_read_nothing_is_deleted(api: Api, run: Run) -> None:
    install(api)
    path = "/api/v1/namespaces/kube-system/pods"
    api.script("GET", path, answers(403, "Forbidden", "jane cannot list pods"))
    ended = run("disable", "--now", "--yes")
    assert ended.code == Exit.API, ended.err
    assert api.state.writes == []


def test_a_pod_of_a_dead_kubelet_keeps_nobody_from_running_disable_again(
    api: Api, run: Run
) -> None:
    """What that pod needs is shown to stay, and the rest goes on as before."""
    daemonset = install(api)["DaemonSet", "node-local-dns"]
    pod = pod_of(daemonset, "node2", deletionTimestamp="2026-11-27T00:00:00Z")
    api.add("pods", pod)
    ended = run("disable", "--dry-run=client")
    assert ended.code == Exit.OK, ended.err
    user = "pod kube-system/node-local-dns-node2 on node node2 uses it"
    assert f"keep       Service kube-system/kube-dns-upstream: {user}" in ended.err


def test_a_dry_run_asks_for_no_deletion_of_what_stays(api: Api, run: Run) -> None:
    api.add("daemonsets", relabelled(install(api)))
    ended = run("disable", "--now", "--dry-run=server", "-o", "json")
    assert ended.code == Exit.OK, ended.err
    asked = [s.path for s in changes(api) if s.method == "DELETE"]
    assert asked == ["/api/v1/namespaces/kube-system/services/node-local-dns"]
    assert "would delete 1 objects" in ended.out
