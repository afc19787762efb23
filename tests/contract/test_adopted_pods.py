"""A DaemonSet elsewhere is a cache when it keeps pods on a node's network, by the pods' own word.

Its status counts what it adopted as well: a pod that somebody wrote with its labels.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from kubectl_nodedns.facts.caches import find_caches
from tests.contract.api import answers
from tests.contract.cluster import daemonset, owned_by

if TYPE_CHECKING:
    from kubectl_nodedns.cluster.client import Client
    from tests.contract.api import Api

PODS = "/api/v1/namespaces/tenant/pods"


@pytest.fixture
def decoy(api: Api) -> dict[str, Any]:
    """A cache to the letter, in a tenant's namespace."""
    found = daemonset("node-local-dns", "k8s-dns-node-cache:1.26.8", "-localip", "169.254.20.10")
    found["metadata"] |= {"namespace": "tenant", "uid": "decoy"}
    found["spec"]["template"]["spec"]["hostNetwork"] = True
    found["status"] = {"currentNumberScheduled": 3, "numberMisscheduled": 3}
    api.add("daemonsets", found)
    return found


def pod(name: str, **spec: Any) -> dict[str, Any]:
    metadata = {"name": name, "namespace": "tenant", "uid": name, **owned_by("decoy", "DaemonSet")}
    return {"metadata": metadata, "spec": spec}


async def test_a_pod_that_was_adopted_makes_no_cache_of_its_daemonset(
    api: Api, client: Client, decoy: dict[str, Any]
) -> None:
    api.add("pods", pod("adopted"))
    found = await find_caches(client, "kube-system")
    assert found.caches == ()
    assert [one.namespace for one in found.imitations] == ["tenant"]


async def test_a_pod_on_its_nodes_network_does(
    api: Api, client: Client, decoy: dict[str, Any]
) -> None:
    api.add("pods", pod("adopted"), pod("real", hostNetwork=True))
    assert [one.uid for one in (await find_caches(client, "kube-system")).caches] == ["decoy"]


async def test_pods_that_may_not_be_read_make_none(
    api: Api, client: Client, decoy: dict[str, Any]
) -> None:
    api.script("GET", PODS, answers(403, "Forbidden", "pods is forbidden"))
    assert (await find_caches(client, "kube-system")).caches == ()
