"""The main job on a real Kubernetes: enable, watch, disable, with lookups going on all along."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

from tests.cluster.layout import CLUSTER_DOMAIN, DNS_SERVICE_IP
from tests.e2e.cache_pods import cache_pods
from tests.e2e.official_addon import LOCAL_IP, RULES_PER_ADDRESS, wait_for

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.e2e.clusters import RealCluster
    from tests.e2e.conftest import KubectlCall, ProberCall
    from tests.e2e.plugin import Plugin
    from tests.e2e.prober import Probing

MARKER = f"id.nodedns.{CLUSTER_DOMAIN}"
SETTLE = 2.0
"""Seconds of lookups before the first and after the last change."""


def assert_none_lost(probing: Probing) -> None:
    for kind in ("udp", "udp_new", "tcp_new"):
        assert probing.sent(kind) > 0
        assert probing.lost(kind) == 0, (str(probing), probing.errors(kind))


def test_enable_top_disable_without_a_lost_lookup(
    proxy_mode: str,
    real_cluster: RealCluster,
    no_cache: None,
    nodedns: Plugin,
    prober: ProberCall,
    node_exec: Callable[..., str],
    rules: Callable[[str], list[str]],
    link: Callable[[str], list[str] | None],
    kubectl: KubectlCall,
) -> None:
    nodes = real_cluster.node_names
    with prober(udp_rate=200) as probing:
        time.sleep(SETTLE)
        ended = nodedns.run("enable", "--yes")
        assert ended.code == 0, str(ended)
        assert f"enabled: {len(nodes)} of {len(nodes)} nodes proved" in ended.stdout
        assert f"kube-proxy      {proxy_mode}" in ended.stderr

        pods = cache_pods(kubectl)
        for node in nodes:
            assert len(rules(node)) == 2 * RULES_PER_ADDRESS
            assert link(node) == [LOCAL_IP, DNS_SERVICE_IP]
            for server in (LOCAL_IP, DNS_SERVICE_IP):
                answer = node_exec(node, "dig", "+short", f"@{server}", "TXT", MARKER)
                assert answer.strip() == f'"{node} {pods[node]["metadata"]["uid"]}"'
            # An answer of the cache that was tracked could cost a later lookup.
            tracked = ("conntrack", "-L", "-p", "udp", "--orig-src", DNS_SERVICE_IP)
            assert node_exec(node, *tracked) == ""

        again = nodedns.run("enable", "--yes")
        assert again.code == 0, str(again)
        assert f"nothing changed: {len(nodes)} of {len(nodes)} nodes proved" in again.stdout

        assert_traffic_is_shown(nodedns, nodes)

        gone = nodedns.run("disable", "--yes")
        assert gone.code == 0, str(gone)
        assert f"disabled: {len(nodes)} of {len(nodes)} nodes proved clean" in gone.stdout
        time.sleep(SETTLE)

    for node in nodes:
        assert rules(node) == []
        assert link(node) is None
    assert_none_lost(probing)
    held = probing.sent("tcp_held")
    assert probing.lost("tcp_held") < held / 2, str(probing)
    nothing = nodedns.run("disable", "--yes")
    assert (nothing.code, "nothing to do" in nothing.stdout) == (0, True), str(nothing)
    assert kubectl("get", "jobs", "-A", "-o", "name").strip() == ""


def assert_traffic_is_shown(nodedns: Plugin, nodes: list[str]) -> None:
    """The prober asks each node's cache 200 times a second and more, when the machine lets it."""

    def is_shown() -> bool:
        seen = nodedns.run("top", "-o", "json")
        assert seen.code == 0, str(seen)
        snapshot = json.loads(seen.stdout)
        assert set(snapshot) >= {"fleet", "nodes"}
        rows = {row["node"]: row for row in snapshot["nodes"]}
        assert sorted(rows) == nodes
        return all(
            row["lookups_per_second"] > 100 and 0 < row["hit_ratio"] < 1 for row in rows.values()
        )

    wait_for(is_shown, "`top` shows the prober's lookups on every node")


def test_a_cache_that_cannot_reach_coredns_over_tcp_never_gets_a_lookup(
    real_cluster: RealCluster,
    no_cache: None,
    nodedns: Plugin,
    prober: ProberCall,
    node_exec: Callable[..., str],
    link: Callable[[str], list[str] | None],
) -> None:
    victim = real_cluster.node_names[1]
    block = ("OUTPUT", "-p", "tcp", "--dport", "53", "-j", "DROP")
    node_exec(victim, "iptables", "-I", *block)
    try:
        with prober() as probing:
            ended = nodedns.run("enable", "--yes")
            time.sleep(SETTLE)
    finally:
        node_exec(victim, "iptables", "-D", *block)
    assert ended.code == 7, str(ended)
    assert f"node {victim}" in ended.stderr
    assert "nobody's DNS was touched" in ended.stderr
    assert_none_lost(probing)
    for node in real_cluster.node_names:
        assert link(node) == [LOCAL_IP]

    finished = nodedns.run("enable", "--yes")
    assert finished.code == 0, str(finished)


def test_a_switch_that_breaks_a_node_is_put_back_everywhere(
    real_cluster: RealCluster,
    no_cache: None,
    nodedns: Plugin,
    node_exec: Callable[..., str],
    link: Callable[[str], list[str] | None],
) -> None:
    nodes = real_cluster.node_names
    # Before the switch nothing on this address passes INPUT: it is translated and forwarded.
    block = ("INPUT", "-d", DNS_SERVICE_IP, "-p", "udp", "--dport", "53", "-j", "DROP")
    node_exec(nodes[1], "iptables", "-t", "mangle", "-I", *block)
    try:
        ended = nodedns.run("enable", "--yes")
    finally:
        node_exec(nodes[1], "iptables", "-t", "mangle", "-D", *block)
    assert ended.code == 7, str(ended)
    assert f"node {nodes[1]}" in ended.stderr
    assert f"put back {nodes[0]}, {nodes[1]}" in ended.stderr
    for node in nodes:
        assert link(node) == [LOCAL_IP]
        answer = node_exec(node, "dig", "+short", f"@{DNS_SERVICE_IP}", "TXT", MARKER)
        assert answer.strip() == ""


def test_an_image_that_cannot_be_pulled_times_out_in_the_dark(
    real_cluster: RealCluster, no_cache: None, nodedns: Plugin
) -> None:
    image = "registry.k8s.io/dns/k8s-dns-node-cache:1.99.0-missing"
    ended = nodedns.run("enable", "--yes", "--image", image, "--timeout", "15s")
    assert ended.code == 4, str(ended)
    assert "nobody's DNS was touched" in ended.stderr
    assert "Pull" in ended.stderr
    better = nodedns.run(
        "enable", "--yes", "--image", "registry.k8s.io/dns/k8s-dns-node-cache:1.26.8"
    )
    assert better.code == 0, str(better)


def test_options_given_once_stay_and_a_change_is_rolled_out_without_loss(
    real_cluster: RealCluster,
    no_cache: None,
    nodedns: Plugin,
    prober: ProberCall,
    kubectl: KubectlCall,
) -> None:
    older = "registry.k8s.io/dns/k8s-dns-node-cache:1.26.7"
    assert nodedns.run("enable", "--yes").code == 0
    with prober() as probing:
        time.sleep(SETTLE)
        changed = nodedns.run("enable", "--yes", "--image", older, "--local-ip", "169.254.20.11")
        time.sleep(SETTLE)
    assert changed.code == 0, str(changed)
    assert_none_lost(probing)
    again = nodedns.run("enable", "--yes")
    assert "nothing changed" in again.stdout, str(again)
    get = (
        "-n",
        "kube-system",
        "get",
        "-l",
        "app.kubernetes.io/managed-by=kubectl-nodedns",
        "-ojson",
    )
    for pod in kubectl(*get, "pods")["items"]:
        assert pod["spec"]["containers"][0]["image"] == older
        assert "169.254.20.11,10.96.0.10" in pod["spec"]["containers"][0]["args"]
    assert len(kubectl(*get, "configmaps")["items"]) == 1


def test_a_node_that_lost_its_rules_is_found_and_repaired(
    real_cluster: RealCluster,
    no_cache: None,
    nodedns: Plugin,
    node_exec: Callable[..., str],
    rules: Callable[[str], list[str]],
) -> None:
    nodes = real_cluster.node_names
    assert nodedns.run("enable", "--yes").code == 0
    node_exec(nodes[0], "iptables", "-t", "raw", "-F")
    repaired = nodedns.run("enable", "--yes")
    assert repaired.code == 0, str(repaired)
    assert f"repaired {nodes[0]}: {len(nodes)} of {len(nodes)} nodes proved" in repaired.stdout
    assert len(rules(nodes[0])) == 2 * RULES_PER_ADDRESS
