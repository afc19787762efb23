"""A cache on the local IP alone, as kubespray lays it out, becomes ours, with its gap measured."""

from __future__ import annotations

import json
import re
import signal
import time
from functools import partial
from typing import TYPE_CHECKING

import pytest

from tests.cluster.images import NODE_CACHE_IMAGE_BEFORE, TOOL_BOX_IMAGE
from tests.cluster.layout import CLUSTER_DOMAIN, DNS_SERVICE_IP
from tests.e2e import clusters
from tests.e2e.api_tap import Tap
from tests.e2e.cache_pods import cache_pods
from tests.e2e.conftest import hands_out
from tests.e2e.local_only_install import (
    HEALTH_PORT,
    LOCAL_IP,
    NAME,
    STUB_DOMAIN,
    STUB_SERVER,
    manifest,
)
from tests.e2e.official_addon import wait_for
from tests.e2e.plugin import Plugin
from tests.e2e.test_main_job import SETTLE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.e2e.clusters import RealCluster
    from tests.e2e.conftest import KubectlCall, ProberCall

SYSTEM = ("-n", "kube-system")
SHARES = 2
MARKER = f"id.nodedns.{CLUSTER_DOMAIN}"
GAP = re.compile(rf"(\S+): {LOCAL_IP} gave no answer for (\d+) ms, (\d+) of (\d+) lookups lost")


@pytest.fixture
def theirs(
    real_cluster: RealCluster,
    no_cache: None,
    kubelets: Callable[[str, str], None],
    nodedns: Plugin,
    kubectl: KubectlCall,
    link: Callable[[str], list[str] | None],
) -> Iterator[RealCluster]:
    """A local-IP-only cache of another installer; every kubelet hands its address out."""
    kubectl("apply", "-f", "-", stdin=manifest())
    try:
        kubectl(*SYSTEM, "rollout", "status", f"daemonset/{NAME}", "--timeout=300s")
        for node in real_cluster.node_names:
            kubelets(node, LOCAL_IP)
        for node in real_cluster.node_names:
            wait_for(partial(hands_out, real_cluster, node, LOCAL_IP), "it hands it out")
        yield real_cluster
    finally:
        kubectl("delete", "--ignore-not-found", "-f", "-", stdin=manifest())
        nodedns.run("disable", "--now", "--yes")
        nodedns.run("disable", "--orphans", "--yes")
        for node in real_cluster.node_names:
            wait_for(partial(_has_none, link, node), "its link is gone")


def _has_none(link: Callable[[str], list[str] | None], node: str) -> bool:
    return link(node) is None


@pytest.fixture
def client_pod(theirs: RealCluster, kubectl: KubectlCall) -> Iterator[str]:
    """A pod that its kubelet told to ask the local IP."""
    name = "nodedns-client"
    kubectl(
        *("run", name, f"--image={TOOL_BOX_IMAGE}", "--restart=Never", "--command", "--"),
        *("sleep", "3600"),
    )
    try:
        kubectl("wait", "--for=condition=Ready", f"pod/{name}", "--timeout=300s")
        yield name
    finally:
        kubectl("delete", "pod", name, "--grace-period=0", "--force", "--ignore-not-found")


def resolves(kubectl: KubectlCall, pod: str) -> bool:
    conf = kubectl("exec", pod, "--", "cat", "/etc/resolv.conf")
    assert f"nameserver {LOCAL_IP}" in conf, conf
    answer = kubectl("exec", pod, "--", "dig", "+search", "+short", "kubernetes.default")
    return bool(answer.strip())


def gaps_of(stderr: str) -> dict[str, tuple[float, int]]:
    """Seconds of the longest gap, and lost lookups, by node."""
    return {m[1]: (int(m[2]) / 1000, int(m[3])) for m in GAP.finditer(stderr)}


@pytest.mark.parametrize("mode", ["ipvs", ""], ids=["local IP alone", "transparent"])
def test_it_is_adopted_with_its_gap_announced_and_measured_and_taken_out_when_nobody_asks_it(
    mode: str,
    theirs: RealCluster,
    client_pod: str,
    nodedns: Plugin,
    prober: ProberCall,
    kubectl: KubectlCall,
    kubelets: Callable[[str, str], None],
    node_exec: Callable[..., str],
    rules: Callable[[str], list[str]],
    link: Callable[[str], list[str] | None],
) -> None:
    nodes = theirs.node_names
    words = ("--mode", mode) if mode else ()
    assert resolves(kubectl, client_pod)
    before = kubectl(*SYSTEM, "get", "daemonset", NAME, "-ojson")["metadata"]["resourceVersion"]
    alone = nodedns.run("enable", "--yes", *words)
    assert (alone.code, "--adopt" in alone.stderr) == (5, True), str(alone)
    moved = nodedns.run("enable", "--adopt", "--yes", "--local-ip", "169.254.20.10", *words)
    assert (moved.code, f"were given {LOCAL_IP}" in moved.stderr) == (5, True), str(moved)
    shown = nodedns.run("enable", "--adopt", "--dry-run=server", *words)
    assert shown.code == 0, str(shown)
    for said in (
        f"DaemonSet {NAME}, ServiceAccount {NAME}, ConfigMap {NAME}, managed by kubespray",
        "enable_nodelocaldns",
        f"--health-port {HEALTH_PORT}",
        f"--stub-domain {STUB_DOMAIN}={STUB_SERVER}",
        f"GAP: on {len(nodes)} nodes",
        "1 to 5 seconds a node",
        "no other nameserver",
    ):
        assert said in shown.stderr, (said, str(shown))
    differs = nodedns.run("enable", "--adopt", "--diff", "-o", "json", *words)
    assert differs.code == 1, str(differs)
    document = json.loads(differs.stdout)
    assert document["replacedPods"] == document["gaps"] == nodes
    now = kubectl(*SYSTEM, "get", "daemonset", NAME, "-ojson")["metadata"]["resourceVersion"]
    assert now == before

    with prober(LOCAL_IP) as probing:
        time.sleep(SETTLE)
        adopted = nodedns.run("enable", "--adopt", "--yes", *words)
        time.sleep(SETTLE)
    assert adopted.code == 0, str(adopted)
    print(f"\n{adopted.stderr}{adopted.stdout}")
    ours = gaps_of(adopted.stderr)
    assert set(ours) == set(nodes), str(adopted)
    for node, (seconds, lost) in ours.items():
        seen = probing.counts[node].udp_new
        print(f"{node}: {seconds} s, {lost} lost; the prober {seen.longest_gap:.2f} s, {seen.lost}")
        assert seen.longest_gap is not None
        assert seen.longest_gap / 2 <= seconds <= 2 * seen.longest_gap + 1, (node, seconds, seen)
        assert (lost > 0) == (seen.lost > 0), (node, lost, seen)
    longest = max(seconds for seconds, _ in ours.values())
    assert f"longest gap {longest * 1000:.0f} ms (node" in adopted.stdout
    assert f"{len(nodes)} of {len(nodes)} nodes proved" in adopted.stdout

    assert resolves(kubectl, client_pod)
    names = kubectl(*SYSTEM, "get", "daemonsets,configmaps,serviceaccounts", "-o", "name").split()
    assert [name for name in names if name.endswith((f"/{NAME}", "-adopted"))] == []
    pods = cache_pods(kubectl)
    for node in nodes:
        assert link(node) == ([LOCAL_IP] if mode else [LOCAL_IP, DNS_SERVICE_IP])
        answer = node_exec(node, "dig", "+short", f"@{LOCAL_IP}", "TXT", MARKER)
        assert answer.strip() == f'"{node} {pods[node]["metadata"]["uid"]}"'
    assert nodedns.run("enable", "--diff", *words).code == 0

    older = ("enable", "--dry-run=client", "--image", NODE_CACHE_IMAGE_BEFORE, *words)
    assert f"GAP: on {len(nodes)} nodes" in nodedns.run(*older).stderr
    refused = nodedns.run("disable", "--yes")
    assert refused.code == 5, str(refused)
    assert f"the kubelet of node {nodes[0]}" in refused.stderr
    for node in nodes:
        kubelets(node, DNS_SERVICE_IP)
    for node in nodes:
        wait_for(partial(hands_out, theirs, node, DNS_SERVICE_IP), "set back")
    if not mode:
        assert "GAP" not in nodedns.run(*older).stderr
    gone = nodedns.run("disable", "--yes")
    assert gone.code == 0, str(gone)
    for node in nodes:
        assert (rules(node), link(node)) == ([], None)


def test_a_takeover_that_fails_on_a_node_gives_every_node_its_old_cache_back(
    theirs: RealCluster,
    client_pod: str,
    nodedns: Plugin,
    kubectl: KubectlCall,
    node_exec: Callable[..., str],
) -> None:
    nodes = theirs.node_names
    missing = nodedns.run(
        *("enable", "--adopt", "--yes", "--mode", "ipvs", "--image"),
        "registry.k8s.io/dns/k8s-dns-node-cache:1.99.0-missing",
    )
    assert missing.code == 5, str(missing)
    assert "cannot fetch" in missing.stderr
    assert kubectl(*SYSTEM, "get", "daemonset", NAME, "-o", "name").strip()

    # Ours asks CoreDNS over TCP when it is told so, theirs over UDP.
    over_tcp = ("--cluster-forward", "force_tcp")
    block = ("OUTPUT", "-p", "tcp", "--dport", "53", "-j", "DROP")
    node_exec(nodes[1], "iptables", "-I", *block)
    try:
        failed = nodedns.run("enable", "--adopt", "--yes", "--mode", "ipvs", *over_tcp)
    finally:
        node_exec(nodes[1], "iptables", "-D", *block)
    assert failed.code == 7, str(failed)
    print(f"\n{failed.stderr}")
    assert f"put back {nodes[0]}, {nodes[1]}" in failed.stderr
    assert set(gaps_of(failed.stderr)) == set(nodes[:2]), str(failed)
    assert resolves(kubectl, client_pod)
    for node in nodes:
        assert node_exec(node, "dig", "+short", f"@{LOCAL_IP}", "TXT", MARKER).strip() == ""
        answer = node_exec(
            node, "dig", "+short", f"@{LOCAL_IP}", f"kubernetes.default.svc.{CLUSTER_DOMAIN}"
        )
        assert answer.strip()

    finished = nodedns.run("enable", "--yes", "--mode", "ipvs")
    assert finished.code == 0, str(finished)
    assert f"{len(nodes)} of {len(nodes)} nodes proved, at {LOCAL_IP};" in finished.stdout


def test_another_ones_is_taken_out_only_when_nobody_asks_it(
    theirs: RealCluster,
    nodedns: Plugin,
    kubectl: KubectlCall,
    kubelets: Callable[[str, str], None],
    rules: Callable[[str], list[str]],
    link: Callable[[str], list[str] | None],
) -> None:
    nodes = theirs.node_names
    refused = nodedns.run("disable", "--adopt", "--yes")
    assert refused.code == 5, str(refused)
    assert f"the kubelet of node {nodes[0]}" in refused.stderr
    for kind in ("DaemonSet", "ServiceAccount", "ConfigMap"):
        assert f"delete     {kind} kube-system/{NAME}" in refused.stderr, str(refused)
    for node in nodes:
        kubelets(node, DNS_SERVICE_IP)
    for node in nodes:
        wait_for(partial(hands_out, theirs, node, DNS_SERVICE_IP), "set back")
    gone = nodedns.run("disable", "--adopt", "--yes")
    assert gone.code == 0, str(gone)
    assert f"{len(nodes)} of {len(nodes)} nodes proved clean" in gone.stdout
    for node in nodes:
        assert (rules(node), link(node)) == ([], None)
    left = kubectl(*SYSTEM, "get", "all,configmaps,serviceaccounts", "-o", "name")
    assert NAME not in left
    assert "node-local-dns" not in left


@clusters.nodes(2)
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("share", range(SHARES), ids=lambda share: f"turn {share + 1} of {SHARES}")
def test_a_takeover_killed_at_each_of_its_turns_is_finished_by_the_next_run(
    theirs: RealCluster,
    nodedns: Plugin,
    kubectl: KubectlCall,
    node_exec: Callable[..., str],
    tmp_path: Path,
    share: int,
) -> None:
    nodes = theirs.node_names
    name = f"kubernetes.default.svc.{CLUSTER_DOMAIN}"

    def answers(node: str) -> bool:
        query = ("dig", "+short", "+time=1", "+tries=1", f"@{LOCAL_IP}", name)
        return bool(node_exec(node, *query, check=False).strip())

    with Tap(theirs.kubeconfig, tmp_path / "kubeconfig") as tap:
        tapped = Plugin(tap.own_kubeconfig)
        process = tapped.start("enable", "--adopt", "--yes", "--mode", "ipvs")
        tap.arm(process, 0)
        whole = tapped.wait(process)
        assert whole.code == 0, str(whole)
        turns = [number for number, write in enumerate(tap.writes, 1) if _is_turn(write)]
        # The record, the old DaemonSet without its pods, ours with its template, ours, each node,
        # the record's end, and that all is done.
        assert len(turns) == 4 + len(nodes) + 2, tap.writes
        for number in turns[share::SHARES]:
            assert nodedns.run("disable", "--now", "--yes").code == 0
            kubectl("apply", "-f", "-", stdin=manifest())
            kubectl(*SYSTEM, "rollout", "status", f"daemonset/{NAME}", "--timeout=300s")
            process = tapped.start("enable", "--adopt", "--yes", "--mode", "ipvs")
            tap.arm(process, number)
            killed = tapped.wait(process)
            assert killed.code == -signal.SIGKILL, str(killed)
            print(f"killed after write {number}: {tap.writes[-1]}")
            for node in nodes:
                wait_for(partial(answers, node), f"the local IP answers on {node}")
            at_once = ("--batch-size", str(len(nodes)))
            finished = nodedns.run("enable", "--yes", "--mode", "ipvs", *at_once)
            assert finished.code == 0, (tap.writes, str(finished))
            assert f"{len(nodes)} of {len(nodes)} nodes proved, at {LOCAL_IP};" in finished.stdout
            config = kubectl(*SYSTEM, "get", "configmaps", "-o", "name")
            assert f"/{NAME}" not in config
            assert "-adopted" not in config
            assert nodedns.run("enable", "--diff", "--mode", "ipvs").code == 0
    kubectl("delete", "jobs", "-n", "default", "-l", "app.kubernetes.io/component=probe")
    kubectl("delete", "jobs", *SYSTEM, "-l", "app.kubernetes.io/component=host-look")


def _is_turn(write: str) -> bool:
    """Whether a run that dies after this write leaves something new behind."""
    words = ("-adopted", "/daemonsets/", "DELETE /api/v1/namespaces/kube-system/pods/")
    return any(word in write for word in words)
