"""The official add-on manifest, applied by hand, is recognised, left alone, adopted, taken out."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

from tests.cluster.layout import DNS_SERVICE_IP
from tests.e2e.official_addon import LOCAL_IP, RULES_PER_ADDRESS
from tests.e2e.test_main_job import SETTLE, assert_none_lost

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.e2e.clusters import RealCluster
    from tests.e2e.conftest import KubectlCall, ProberCall
    from tests.e2e.plugin import Plugin

SYSTEM = ("-n", "kube-system")


def test_the_official_manifest_is_left_alone_then_adopted_without_a_lost_lookup(
    no_cache: None,
    agents: RealCluster,
    nodedns: Plugin,
    prober: ProberCall,
    kubectl: KubectlCall,
    rules: Callable[[str], list[str]],
    link: Callable[[str], list[str] | None],
) -> None:
    before = kubectl(*SYSTEM, "get", "daemonset", "node-local-dns", "-ojson")
    refused = nodedns.run("enable", "--yes")
    assert (refused.code, "--adopt" in refused.stderr) == (5, True), str(refused)
    differs = nodedns.run("enable", "--adopt", "--diff", "-o", "json")
    assert differs.code == 1, str(differs)
    kinds = {(o["action"], o["kind"]) for o in json.loads(differs.stdout)["objects"]}
    assert {("configure", "DaemonSet"), ("delete", "ConfigMap")} <= kinds
    after = kubectl(*SYSTEM, "get", "daemonset", "node-local-dns", "-ojson")
    assert after["metadata"]["resourceVersion"] == before["metadata"]["resourceVersion"]

    with prober() as probing:
        time.sleep(SETTLE)
        adopted = nodedns.run("enable", "--adopt", "--yes")
        time.sleep(SETTLE)
    assert adopted.code == 0, str(adopted)
    assert_none_lost(probing)
    found = kubectl(*SYSTEM, "get", "daemonset", "node-local-dns", "-ojson")
    assert found["metadata"]["uid"] == before["metadata"]["uid"]
    assert found["spec"]["updateStrategy"] == {"type": "OnDelete"}
    assert "addonmanager.kubernetes.io/mode" not in found["metadata"]["labels"]
    assert "last-applied" not in json.dumps(found["metadata"].get("annotations"))
    names = kubectl(*SYSTEM, "get", "configmaps", "-o", "name").split()
    assert "configmap/node-local-dns" not in names
    for node in agents.node_names:
        assert len(rules(node)) == 2 * RULES_PER_ADDRESS
        assert link(node) == [LOCAL_IP, DNS_SERVICE_IP]
    assert nodedns.run("enable", "--diff").code == 0
    gone = nodedns.run("disable", "--yes")
    assert gone.code == 0, str(gone)


def test_a_cache_that_somebody_else_installed_is_taken_out_when_asked(
    no_cache: None,
    agents: RealCluster,
    nodedns: Plugin,
    prober: ProberCall,
    kubectl: KubectlCall,
    rules: Callable[[str], list[str]],
    link: Callable[[str], list[str] | None],
) -> None:
    with prober() as probing:
        time.sleep(SETTLE)
        gone = nodedns.run("disable", "--adopt", "--yes")
        time.sleep(SETTLE)
    assert gone.code == 0, str(gone)
    assert "3 of 3 nodes proved clean" in gone.stdout
    assert_none_lost(probing)
    for node in agents.node_names:
        assert (rules(node), link(node)) == ([], None)
    left = kubectl(*SYSTEM, "get", "all,configmaps,serviceaccounts", "-o", "name")
    assert "node-local-dns" not in left
    assert "kube-dns-upstream" not in left


def test_an_installation_that_cannot_become_ours_is_explained(
    real_cluster: RealCluster, no_cache: None, nodedns: Plugin, kubectl: KubectlCall
) -> None:
    container = {
        "name": "node-cache",
        "image": "registry.k8s.io/dns/k8s-dns-node-cache:1.25.0",
        "args": ["-localip", "169.254.25.10", "-conf", "/etc/coredns/Corefile"],
    }
    labels = {"k8s-app": "node-local-dns"}
    daemonset = {
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": {"name": "nodelocaldns", "namespace": "kube-system"},
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"nodeSelector": {"no": "where"}, "containers": [container]},
            },
        },
    }
    kubectl("apply", "-f", "-", stdin=json.dumps(daemonset))
    try:
        refused = nodedns.run("enable", "--adopt", "--yes")
        helm = "meta.helm.sh/release-name=dns"
        kubectl(*SYSTEM, "annotate", "daemonset", "nodelocaldns", helm)
        chart = nodedns.run("disable", "--adopt", "--yes")
    finally:
        kubectl(*SYSTEM, "delete", "daemonset", "nodelocaldns")
    assert refused.code == 5, str(refused)
    assert "no address of its own on the node" in refused.stderr
    assert "after clusterDNS of the kubelets was set back" in refused.stderr
    assert chart.code == 5, str(chart)
    assert "helm uninstall" in chart.stderr
