"""A cache's pods are those that its DaemonSet keeps; what only carries the labels is nobody's."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from kubectl_nodedns.bench.meter import Meter
from kubectl_nodedns.facts.cache_pods import read_cache_pods
from kubectl_nodedns.facts.caches import cache_of
from kubectl_nodedns.facts.cluster_domain import ClusterDomain
from kubectl_nodedns.facts.dataplane import Dataplane
from kubectl_nodedns.facts.inspection import Inspection
from kubectl_nodedns.install.live import read_pods
from tests.contract.cluster import daemonset, owned_by
from tests.unit.facts.test_upstream_service import DNS

if TYPE_CHECKING:
    from kubectl_nodedns.cluster.client import Client
    from kubectl_nodedns.facts.caches import Cache
    from tests.contract.api import Api

NAME = "node-local-dns"
UID = f"uid-of-{NAME}"
OURS = {"kubectl-nodedns/phase": "full", "app.kubernetes.io/managed-by": "kubectl-nodedns"}


@pytest.fixture
def cache(api: Api) -> Cache:
    """A cache in kube-system, on the host network."""
    made = daemonset(NAME, "k8s-dns-node-cache:1.26.8", "-localip", "169.254.20.10")
    made["spec"]["template"]["spec"]["hostNetwork"] = True
    found = cache_of(made)
    assert found is not None
    api.add("daemonsets", made)
    return found


def pod(api: Api, name: str, *, host: bool = True, **owner: Any) -> None:
    """A running pod on node1 with every label of a cache pod of ours."""
    status = {"phase": "Running", "containerStatuses": [{"state": {"running": {"startedAt": "x"}}}]}
    metadata = {
        "name": name,
        "namespace": "kube-system",
        "uid": f"uid-of-{name}",
        "labels": {"k8s-app": NAME, **OURS},
        **owner,
    }
    spec = {"nodeName": "node1", "hostNetwork": host, "containers": [{"name": "node-cache"}]}
    api.add("pods", {"metadata": metadata, "spec": spec, "status": status})


def decoys(api: Api) -> None:
    """Pods that `check`, `status`, `bench` and `lookup` must not take for the cache's."""
    pod(api, "a-bare")
    pod(api, "a-deployments", **owned_by("uid-of-other", "ReplicaSet", NAME))
    pod(api, "a-former", **owned_by("uid-of-a-former-daemonset", "DaemonSet", NAME))
    pod(api, "a-adopted", host=False, **owned_by(UID, "DaemonSet", NAME))


async def test_pods_with_a_caches_labels_alone_are_none_of_it(
    api: Api, client: Client, cache: Cache
) -> None:
    decoys(api)
    assert await read_cache_pods(client, cache) == ()
    pod(api, "real", **owned_by(UID, "DaemonSet", NAME))
    assert [one.name for one in await read_cache_pods(client, cache)] == ["real"]


async def test_a_cache_in_the_pods_network_has_its_pods_there(
    api: Api, client: Client, cache: Cache
) -> None:
    decoys(api)
    found = await read_cache_pods(client, replace(cache, host_network=False))
    assert [one.name for one in found] == ["a-adopted"]


async def test_bench_reads_the_counters_of_a_caches_own_pods(
    api: Api, client: Client, cache: Cache
) -> None:
    decoys(api)
    pod(api, "real", **owned_by(UID, "DaemonSet", NAME))
    seen = Inspection(
        dns=DNS,
        domain=ClusterDomain(name="cluster.local", evidence=""),
        dataplane=Dataplane(mode="iptables", evidence=""),
        nodes=(),
        caches=(cache,),
    )
    await (await Meter.of(client, seen, ["node1"], None)).read()
    asked = {one.path.split("/")[6] for one in api.state.seen if "/proxy/" in one.path}
    assert asked == {"real:9253"}


async def test_a_rollout_waits_for_no_pod_of_another_controller(
    api: Api, client: Client, cache: Cache
) -> None:
    pod(api, "a-deployments", **owned_by("uid-of-other", "ReplicaSet", NAME))
    pod(api, "a-jobs", **owned_by("uid-of-other", "Job", NAME))
    assert await read_pods(client, "kube-system") == {}
    pod(api, "real", **owned_by(UID, "DaemonSet", NAME))
    assert {node: one.name for node, one in (await read_pods(client, "kube-system")).items()} == {
        "node1": "real"
    }
