"""A cache that was killed leaves rules and a link; `disable` finds them and has them taken away."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING

from tests.cluster.layout import CLUSTER_DOMAIN, DNS_SERVICE_IP
from tests.e2e.cache_pods import cache_pods
from tests.e2e.official_addon import LOCAL_IP, RULES_PER_ADDRESS, wait_for

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.e2e.clusters import RealCluster
    from tests.e2e.conftest import KubectlCall
    from tests.e2e.plugin import Plugin

SYSTEM = ("-n", "kube-system")


def kill_for_good(real_cluster: RealCluster, kubectl: KubectlCall, node: str) -> None:
    """Kill the cache of a node with SIGKILL while its pod is deleted, and let none follow."""
    name = cache_pods(kubectl)[node]["metadata"]["name"]
    kubectl(*SYSTEM, "delete", "daemonset", "node-local-dns", "--cascade=orphan")
    real_cluster.nodes.stop_kubelet(node)
    try:
        real_cluster.nodes.kill_container(node, name, "node-cache")
        kubectl(*SYSTEM, "delete", "pod", name, "--force", "--grace-period=0")
    finally:
        real_cluster.nodes.start_kubelet(node)
    kubectl("wait", "--for=condition=Ready", f"node/{node}", "--timeout=300s")
    for other in cache_pods(kubectl).values():
        kubectl(*SYSTEM, "delete", "pod", other["metadata"]["name"])


def answer(node_exec: Callable[..., str], node: str) -> str:
    name = f"kubernetes.default.svc.{CLUSTER_DOMAIN}"
    words = ("+short", "+tries=1", "+time=2", f"@{DNS_SERVICE_IP}", name)
    return node_exec(node, "dig", *words, check=False).strip()


def answers(node_exec: Callable[..., str], node: str) -> bool:
    return answer(node_exec, node)[:1].isdigit()


def test_what_a_killed_cache_left_is_found_and_taken_away_before_the_upstream_service(
    real_cluster: RealCluster,
    no_cache: None,
    nodedns: Plugin,
    kubectl: KubectlCall,
    node_exec: Callable[..., str],
    rules: Callable[[str], list[str]],
    link: Callable[[str], list[str] | None],
) -> None:
    nodes = real_cluster.node_names
    victim = nodes[1]
    assert nodedns.run("enable", "--yes").code == 0
    kill_for_good(real_cluster, kubectl, victim)
    assert len(rules(victim)) == 2 * RULES_PER_ADDRESS
    assert link(victim) == [LOCAL_IP, DNS_SERVICE_IP]
    assert not answer(node_exec, victim)[:1].isdigit()

    ended = nodedns.run("disable", "--yes")
    assert ended.code == 0, str(ended)
    assert f"node {victim}: a cache that was killed left {2 * RULES_PER_ADDRESS} rules" in (
        ended.stderr
    )
    assert f"{len(nodes)} of {len(nodes)} nodes proved clean" in ended.stdout
    assert "inferred" not in ended.stdout
    looked = ended.stderr.index("look at 3 nodes")
    assert looked < ended.stderr.index("delete Service kube-dns-upstream")
    for node in nodes:
        assert (rules(node), link(node)) == ([], None)
        assert answer(node_exec, node)[:1].isdigit()
    assert kubectl("get", "jobs", "-A", "-o", "name").strip() == ""


def test_orphans_are_found_where_nothing_is_installed_any_more(
    real_cluster: RealCluster,
    no_cache: None,
    nodedns: Plugin,
    kubectl: KubectlCall,
    node_exec: Callable[..., str],
    rules: Callable[[str], list[str]],
    link: Callable[[str], list[str] | None],
) -> None:
    victim = real_cluster.node_names[0]
    assert nodedns.run("enable", "--yes", "--local-ip", "169.254.20.77").code == 0
    kill_for_good(real_cluster, kubectl, victim)
    assert nodedns.run("disable", "--now", "--yes").code == 0
    assert rules(victim)
    cleaned = nodedns.run("disable", "--orphans", "--yes")
    assert cleaned.code == 0, str(cleaned)
    assert "169.254.20.77" in cleaned.stderr
    assert "3 of 3 nodes are clean" in cleaned.stdout
    assert (rules(victim), link(victim)) == ([], None)
    time.sleep(1)
    wait_for(partial(answers, node_exec, victim), "kube-dns answers")


def test_without_the_right_to_look_it_is_said_to_be_inferred(
    real_cluster: RealCluster, no_cache: None, nodedns: Plugin, kubectl: KubectlCall
) -> None:
    assert nodedns.run("enable", "--yes").code == 0
    role = (*SYSTEM, "create", "role", "no-look")
    verbs = ("get", "list", "create", "update", "patch", "delete")
    resources = (
        "services,configmaps,serviceaccounts,pods,daemonsets.apps,leases.coordination.k8s.io,"
        "endpointslices.discovery.k8s.io"
    )
    kubectl(*role, *(f"--verb={verb}" for verb in verbs), f"--resource={resources}")
    kubectl(*SYSTEM, "create", "rolebinding", "no-look", "--role=no-look", "--user=jane")
    kubectl("create", "clusterrolebinding", "no-look-view", "--clusterrole=view", "--user=jane")
    kubectl("create", "clusterrole", "no-look-nodes", "--verb=get,list,watch", "--resource=nodes")
    kubectl(
        "create", "clusterrolebinding", "no-look-n", "--clusterrole=no-look-nodes", "--user=jane"
    )
    kubectl(
        "create", "rolebinding", "no-look", "-n", "default", "--clusterrole=admin", "--user=jane"
    )
    try:
        ended = nodedns.run("disable", "--yes", "--as", "jane")
    finally:
        kubectl(*SYSTEM, "delete", "role,rolebinding", "no-look")
        kubectl("delete", "clusterrolebinding", "no-look-view", "no-look-n")
        kubectl("delete", "clusterrole", "no-look-nodes")
        kubectl("delete", "rolebinding", "-n", "default", "no-look")
    assert ended.code == 0, str(ended)
    assert "rights are missing: create jobs.batch in kube-system" in ended.stderr
    assert "rules and links are inferred on 3 of them" in ended.stdout
