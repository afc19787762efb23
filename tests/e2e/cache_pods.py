"""The cache pods of a cluster, as tests ask for them: which one is on a node."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.e2e.conftest import KubectlCall


def cache_pods(kubectl: KubectlCall) -> dict[str, dict[str, Any]]:
    """Return the cache pods that have a node and are not being deleted, by that node."""
    pods = kubectl("-n", "kube-system", "get", "pods", "-l", "k8s-app=node-local-dns", "-ojson")
    return {
        pod["spec"]["nodeName"]: pod
        for pod in pods["items"]
        if "nodeName" in pod["spec"] and "deletionTimestamp" not in pod["metadata"]
    }
