"""What `enable` and `disable` refuse on a real cluster, and how they say so."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.e2e.clusters import RealCluster
    from tests.e2e.conftest import KubectlCall
    from tests.e2e.plugin import Plugin


def test_disable_names_the_pods_that_still_point_at_the_local_ip(
    real_cluster: RealCluster, no_cache: None, nodedns: Plugin, kubectl: KubectlCall
) -> None:
    assert nodedns.run("enable", "--yes").code == 0
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "names-the-cache", "namespace": "default"},
        "spec": {
            "dnsPolicy": "None",
            "dnsConfig": {"nameservers": ["169.254.20.10"]},
            "terminationGracePeriodSeconds": 0,
            "containers": [{"name": "pause", "image": "registry.k8s.io/pause:3.10"}],
        },
    }
    kubectl("apply", "-f", "-", stdin=json.dumps(pod))
    try:
        refused = nodedns.run("disable", "--yes")
    finally:
        kubectl("delete", "pod", "names-the-cache", "--now")
    assert refused.code == 5, str(refused)
    assert "pod default/names-the-cache" in refused.stderr
    assert nodedns.run("disable", "--yes").code == 0


def test_a_cache_that_is_not_ours_is_left_alone(
    no_cache: None, agents: RealCluster, nodedns: Plugin
) -> None:
    for command in ("enable", "disable"):
        refused = nodedns.run(command, "--yes")
        assert refused.code == 5, str(refused)
        assert "kube-system/node-local-dns" in refused.stderr
        assert "the Kubernetes add-on manifest" in refused.stderr


def test_an_address_that_a_node_has_is_refused(
    real_cluster: RealCluster, no_cache: None, nodedns: Plugin, kubectl: KubectlCall
) -> None:
    node = kubectl("get", "node", real_cluster.node_names[0], "-ojson")
    address = node["status"]["addresses"][0]["address"]
    refused = nodedns.run("enable", "--yes", "--local-ip", address)
    assert refused.code == 5, str(refused)
    assert f"node {real_cluster.node_names[0]}" in refused.stderr


def test_missing_rights_are_named(real_cluster: RealCluster, nodedns: Plugin) -> None:
    refused = nodedns.run("enable", "--yes", "--as", "nobody-in-particular")
    assert refused.code == 3, str(refused)
    assert "nobody-in-particular" in refused.stderr
    assert "cannot list resource" in refused.stderr


def test_a_wrong_domain_is_found_before_anything_is_written(
    real_cluster: RealCluster, no_cache: None, nodedns: Plugin, kubectl: KubectlCall
) -> None:
    refused = nodedns.run("enable", "--yes", "--cluster-domain", "wrong.example")
    assert refused.code == 5, str(refused)
    assert "--cluster-domain" in refused.stderr
    found = kubectl("-n", "kube-system", "get", "daemonsets", "-o", "name")
    assert "node-local-dns" not in found


def test_probes_need_an_existing_namespace_outside_kube_system(
    real_cluster: RealCluster, no_cache: None, nodedns: Plugin
) -> None:
    missing = nodedns.run("enable", "--yes", "--probe-namespace", "not-there")
    assert (missing.code, "not-there" in missing.stderr) == (2, True), str(missing)
    before = nodedns.run("check", "--pre", "--probe-namespace", "not-there")
    assert (before.code, before.stderr) == (2, missing.stderr[missing.stderr.index("error:") :])
    system = nodedns.run("enable", "--yes", "--probe-namespace", "kube-system")
    assert (system.code, "kube-system" in system.stderr) == (2, True), str(system)


def test_a_server_dry_run_writes_nothing(
    real_cluster: RealCluster, no_cache: None, nodedns: Plugin, kubectl: KubectlCall
) -> None:
    ended = nodedns.run("enable", "--dry-run=server", "-o", "json")
    assert ended.code == 0, str(ended)
    kinds = [item["kind"] for item in json.loads(ended.stdout)["items"]]
    assert kinds == ["ServiceAccount", "Service", "Service", "ConfigMap", "DaemonSet"]
    labels = ("-l", "app.kubernetes.io/managed-by=kubectl-nodedns")
    assert kubectl("get", "all,configmaps,jobs", "-A", *labels, "-o", "name").strip() == ""
