"""Opt-in per namespace: new pods get the cache as their first nameserver."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.cluster.layout import CLUSTER_DOMAIN, DNS_SERVICE_IP

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.clusters import RealCluster
    from tests.e2e.conftest import KubectlCall
    from tests.e2e.plugin import Plugin

NAMESPACE = "nodedns-injected"
LABEL = "kubectl-nodedns/inject"
IMAGE = "registry.k8s.io/e2e-test-images/agnhost:2.39"


@pytest.fixture
def labelled(kubectl: KubectlCall) -> Iterator[str]:
    """A namespace that opts in."""
    manifest = {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": NAMESPACE, "labels": {LABEL: "enabled"}},
    }
    kubectl("apply", "-f", "-", stdin=json.dumps(manifest))
    yield NAMESPACE
    kubectl("delete", "namespace", NAMESPACE, "--ignore-not-found")


def resolv_conf(kubectl: KubectlCall, name: str, **labels: str) -> list[str]:
    """Run a pod, and return the lines of its resolv.conf."""
    pod: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": NAMESPACE, "labels": labels},
        "spec": {
            "terminationGracePeriodSeconds": 0,
            "containers": [{"name": "main", "image": IMAGE, "command": ["sleep", "600"]}],
        },
    }
    kubectl("create", "-f", "-", stdin=json.dumps(pod))
    kubectl("-n", NAMESPACE, "wait", "--for=condition=Ready", f"pod/{name}", "--timeout=300s")
    text: str = kubectl("-n", NAMESPACE, "exec", name, "--", "cat", "/etc/resolv.conf")
    return text.splitlines()


def test_pods_of_labelled_namespaces_are_handed_the_cache_and_disable_waits_for_them(
    real_cluster: RealCluster,
    no_cache: None,
    nodedns: Plugin,
    kubectl: KubectlCall,
    labelled: str,
) -> None:
    ended = nodedns.run("enable", "--yes", "--inject=install")
    assert ended.code == 0, str(ended)
    assert f"a new pod of namespace {labelled} gets 169.254.20.10" in ended.stderr

    injected = resolv_conf(kubectl, "injected")
    assert injected[:3] == [
        f"search {labelled}.svc.{CLUSTER_DOMAIN} svc.{CLUSTER_DOMAIN} {CLUSTER_DOMAIN}",
        "nameserver 169.254.20.10",
        f"nameserver {DNS_SERVICE_IP}",
    ]
    name = f"kubernetes.default.svc.{CLUSTER_DOMAIN}"
    asked = ("dig", "+search", "+short", "kubernetes.default")
    answer = kubectl("-n", labelled, "exec", "injected", "--", *asked)
    assert answer.strip(), f"{name} does not resolve in the pod"
    apart = resolv_conf(kubectl, "apart", **{LABEL: "disabled"})
    assert f"nameserver {DNS_SERVICE_IP}" in apart
    assert "nameserver 169.254.20.10" not in apart

    assert nodedns.run("enable").stdout.startswith("nothing changed")
    moved = nodedns.run("enable", "--dry-run=client", "--local-ip=169.254.20.11")
    assert "configure  MutatingAdmissionPolicy node-local-dns" in moved.stderr, str(moved)

    refused = nodedns.run("disable", "--yes")
    assert refused.code == 5, str(refused)
    assert f"pod {labelled}/injected" in refused.stderr
    assert f"{labelled}/apart" not in refused.stderr
    kubectl("delete", "namespace", labelled)
    removed = nodedns.run("disable", "--yes")
    assert removed.code == 0, str(removed)
    kinds = "mutatingadmissionpolicies,mutatingadmissionpolicybindings"
    assert kubectl("get", kinds, "-o", "name").strip() == ""
