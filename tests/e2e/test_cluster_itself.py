"""The test cluster and the agent's stand-in do what other tests rely on."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import pytest

from tests.cluster.errors import ClusterError
from tests.cluster.layout import CLUSTER_DOMAIN, DNS_SERVICE_IP
from tests.e2e.cache_pods import cache_pods
from tests.e2e.official_addon import LOCAL_IP, RULES_PER_ADDRESS, wait_for

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.e2e.clusters import RealCluster
    from tests.e2e.conftest import KubectlCall, ProberCall


def marker_answer(node_exec: Callable[..., str], node: str, server: str) -> str:
    name = f"id.nodedns.{CLUSTER_DOMAIN}"
    return node_exec(node, "dig", "+short", f"@{server}", "TXT", name).strip().strip('"')


def agent_pod(kubectl: KubectlCall, node: str) -> str:
    return str(cache_pods(kubectl)[node]["metadata"]["name"])


def test_queries_to_the_dns_service_reach_the_agent_of_the_node(
    proxy_mode: str, agents: RealCluster, node_exec: Callable[..., str]
) -> None:
    for node in agents.node_names:
        assert marker_answer(node_exec, node, LOCAL_IP) == node
        assert marker_answer(node_exec, node, DNS_SERVICE_IP) == node


def test_without_agents_the_marker_does_not_exist(
    real_cluster: RealCluster, node_exec: Callable[..., str]
) -> None:
    for node in real_cluster.node_names:
        assert marker_answer(node_exec, node, DNS_SERVICE_IP) == ""


def test_agents_are_served_through_the_pod_proxy(agents: RealCluster, kubectl: KubectlCall) -> None:
    pod = agent_pod(kubectl, "node1")
    for port in (9253, 9353):
        page = kubectl(
            "get", "--raw", f"/api/v1/namespaces/kube-system/pods/{pod}:{port}/proxy/metrics"
        )
        assert 'coredns_nodecache_setup_errors_total{errortype="iptables"} 0' in page
        assert "coredns_cache_entries" in page


def test_a_killed_agent_leaves_rules_and_link(
    agents: RealCluster,
    kubectl: KubectlCall,
    rules: Callable[[str], list[str]],
    link: Callable[[str], list[str] | None],
) -> None:
    pod = agent_pod(kubectl, "node1")
    agents.nodes.kill_container("node1", pod, "node-cache")
    assert len(rules("node1")) == 2 * RULES_PER_ADDRESS
    assert link("node1") == [LOCAL_IP, DNS_SERVICE_IP]
    name = ("-n", "kube-system", "get", "pod", pod, "-ojson")

    def restarted() -> bool:
        status = kubectl(*name)["status"]["containerStatuses"][0]
        return bool(status["restartCount"] == 1 and status["ready"])

    wait_for(restarted, "the agent runs again")


def test_an_agent_that_ends_in_good_order_leaves_nothing_and_loses_no_lookup(
    agents: RealCluster, kubectl: KubectlCall, prober: ProberCall
) -> None:
    with prober() as probing:
        time.sleep(2)
        kubectl("-n", "kube-system", "delete", "pod", agent_pod(kubectl, "node2"))
        time.sleep(3)
    assert set(probing.counts) == set(agents.node_names)
    assert probing.sent("udp") > 200
    assert probing.lost("udp") == 0
    assert probing.lost("udp_new") == 0
    assert probing.lost("tcp_new") == 0
    assert probing.counts["node1"].tcp_held.lost == 0


def test_a_stopped_kubelet_starts_nothing_until_it_is_back(
    real_cluster: RealCluster, kubectl: KubectlCall
) -> None:
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "waits-for-kubelet", "namespace": "default"},
        "spec": {
            "nodeName": "node3",
            "terminationGracePeriodSeconds": 0,
            "containers": [{"name": "pause", "image": "registry.k8s.io/pause:3.10"}],
        },
    }
    phase = ("get", "pod", "waits-for-kubelet", "-o", "jsonpath={.status.phase}")
    real_cluster.nodes.stop_kubelet("node3")
    try:
        kubectl("apply", "-f", "-", stdin=json.dumps(pod))
        time.sleep(3)
        assert kubectl(*phase) == "Pending"
    finally:
        real_cluster.nodes.start_kubelet("node3")
    wait_for(lambda: kubectl(*phase) == "Running", "the pod runs")
    kubectl("delete", "pod", "waits-for-kubelet")


def test_a_paused_api_server_answers_nothing_and_dns_goes_on(
    real_cluster: RealCluster, kubectl: KubectlCall, prober: ProberCall
) -> None:
    with prober() as probing:
        real_cluster.nodes.pause_api_server()
        try:
            with pytest.raises(ClusterError):
                kubectl("get", "nodes", "--request-timeout=2s")
        finally:
            real_cluster.nodes.resume_api_server()
    assert kubectl("get", "nodes", "-o", "name")
    for kind in ("udp", "udp_new", "tcp_new", "tcp_held"):
        assert probing.sent(kind) > 0
        assert probing.lost(kind) == 0
