"""Nodes join, leave and go unready while `enable` runs."""

from __future__ import annotations

import json
import time
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import pytest

from tests.cluster.layout import DNS_SERVICE_IP
from tests.e2e.api_tap import Tap
from tests.e2e.cache_pods import cache_pods
from tests.e2e.official_addon import LOCAL_IP, wait_for
from tests.e2e.plugin import Plugin
from tests.e2e.test_main_job import SETTLE, assert_none_lost

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.e2e.clusters import RealCluster
    from tests.e2e.conftest import KubectlCall, ProberCall

    Link = Callable[[str], list[str] | None]

WRITE = 300.0
"""Seconds that `enable` may take to come to any of its writes."""


@dataclass(frozen=True)
class Moment:
    """When in the run a node's kubelet dies, after a write and what came of it."""

    write: str
    """How the write ends; {0} is the first node's cache pod in the dark, {victim} the victim's."""
    runs: str = ""
    """Phase of the cache pod that runs on the victim by then; empty where none is waited for."""
    ends_with: tuple[str, ...] | None = None
    """Addresses of the victim's link when the run has ended."""


MOMENTS = {
    "before its dark pod starts": Moment("/services/kube-dns-upstream"),
    "before its dark pod is proved": Moment("/daemonsets/node-local-dns", "dark", (LOCAL_IP,)),
    "before it is switched": Moment("/pods/{first}", "dark", (LOCAL_IP,)),
    "before its switch is proved": Moment("/pods/{victim}", "full", (LOCAL_IP, DNS_SERVICE_IP)),
}


@pytest.mark.parametrize("moment", MOMENTS.values(), ids=MOMENTS.keys())
def test_a_node_that_goes_unready_is_left_unproved_and_the_next_run_finishes_it(
    moment: Moment,
    real_cluster: RealCluster,
    no_cache: None,
    nodedns: Plugin,
    prober: ProberCall,
    kubectl: KubectlCall,
    link: Link,
    tmp_path: Path,
) -> None:
    nodes = real_cluster.node_names
    victim = nodes[-1]
    with prober() as probing:
        time.sleep(SETTLE)
        with _back_afterwards(real_cluster, kubectl, victim):
            with Tap(real_cluster.kubeconfig, tmp_path / "kubeconfig") as tap:
                process = Plugin(tap.own_kubeconfig).start("enable", "--yes")
                write = moment.write
                if "{" in write:
                    with tap.freeze(process, "/daemonsets/node-local-dns", WRITE):
                        for node in nodes:
                            wait_for(partial(_runs, kubectl, node, "dark"), "dark pods run")
                        pods = _pods(kubectl)
                    write = write.format(first=pods[nodes[0]][0], victim=pods[victim][0])
                with tap.freeze(process, write, WRITE):
                    if moment.runs:
                        wait_for(partial(_runs, kubectl, victim, moment.runs), "its pod runs")
                    real_cluster.nodes.stop_kubelet(victim)
                partial_end = nodedns.wait(process)
            assert partial_end.code == 6, str(partial_end)
            assert f"node {victim} went unready: going on without it" in partial_end.stderr
            said = f"enabled: {len(nodes) - 1} of {len(nodes)} nodes proved"
            assert said in partial_end.stdout, str(partial_end)
            assert f"unproved: {victim} (went unready)" in partial_end.stdout
            assert tuple(link(victim) or ()) == (moment.ends_with or ())
            for node in nodes[:-1]:
                assert link(node) == [LOCAL_IP, DNS_SERVICE_IP]
        finished = nodedns.run("enable", "--yes")
        assert finished.code == 0, str(finished)
        assert f"{len(nodes)} of {len(nodes)} nodes proved" in finished.stdout
        assert link(victim) == [LOCAL_IP, DNS_SERVICE_IP]
    assert_none_lost(probing)


def test_disable_leaves_what_the_cache_of_a_dead_node_needs_until_the_node_is_back(
    real_cluster: RealCluster,
    no_cache: None,
    nodedns: Plugin,
    prober: ProberCall,
    kubectl: KubectlCall,
    link: Link,
) -> None:
    nodes = real_cluster.node_names
    victim = nodes[-1]
    ours = ("-A", "-l", "app.kubernetes.io/name=node-local-dns", "-o", "name")
    assert nodedns.run("enable", "--yes", "--batch-size", str(len(nodes))).code == 0
    with prober() as probing:
        with _back_afterwards(real_cluster, kubectl, victim):
            real_cluster.nodes.stop_kubelet(victim)
            kubectl("wait", "--for=condition=Ready=Unknown", f"node/{victim}", "--timeout=300s")
            partial_end = nodedns.run("disable", "--yes")
            assert partial_end.code == 6, str(partial_end)
            said = f"disabled: {len(nodes) - 1} of {len(nodes)} nodes proved clean"
            assert said in partial_end.stdout, str(partial_end)
            assert f"1 node ({victim}) still has a cache pod" in partial_end.stderr
            assert "service/kube-dns-upstream" in kubectl("get", "services", *ours)
            assert link(victim) == [LOCAL_IP, DNS_SERVICE_IP]  # and it is asked all the while
            time.sleep(SETTLE)
        finished = nodedns.run("disable", "--yes")
        assert finished.code == 0, str(finished)
        assert f"{len(nodes)} of {len(nodes)} nodes proved clean" in finished.stdout
        assert kubectl("get", "all,configmaps,serviceaccounts", *ours).strip() == ""
        assert link(victim) is None
    assert_none_lost(probing)


def test_nodes_that_go_and_come_during_enable_do_not_stop_it(
    real_cluster: RealCluster,
    no_cache: None,
    nodedns: Plugin,
    kubectl: KubectlCall,
    link: Link,
) -> None:
    nodes = real_cluster.node_names
    leaving = nodes[-1]
    with _away(real_cluster, kubectl, leaving) as leave:
        process = nodedns.start("enable", "--yes")
        assert process.stderr is not None
        for line in process.stderr:
            if f"switch {nodes[0]}" in line:
                break
        leave()
        ended = nodedns.wait(process)
        assert ended.code == 6, str(ended)
        assert f"node {leaving} left the cluster" in ended.stderr, str(ended)
        assert f"enabled: {len(nodes) - 1} of" in ended.stdout
        assert f"unproved: {leaving} (left the cluster)" in ended.stdout
    joined = nodedns.run("enable", "--yes")
    assert joined.code == 0, str(joined)
    assert f"{len(nodes)} of {len(nodes)} nodes proved" in joined.stdout
    assert link(leaving) == [LOCAL_IP, DNS_SERVICE_IP]


def test_a_node_that_joins_during_enable_gets_the_cache_and_is_named(
    real_cluster: RealCluster,
    no_cache: None,
    nodedns: Plugin,
    kubectl: KubectlCall,
    link: Link,
    tmp_path: Path,
) -> None:
    nodes = real_cluster.node_names
    joining = nodes[-1]
    with (
        Tap(real_cluster.kubeconfig, tmp_path / "kubeconfig") as tap,
        _away(real_cluster, kubectl, joining) as leave,
    ):
        leave()
        process = Plugin(tap.own_kubeconfig).start("enable", "--yes")
        with tap.freeze(process, "/daemonsets/node-local-dns", WRITE):
            real_cluster.nodes.start_kubelet(joining)
            wait_for(partial(_runs, kubectl, joining, "dark"), "the joining node has a cache pod")
        ended = nodedns.wait(process)
    assert ended.code == 0, str(ended)
    assert f"enabled: {len(nodes) - 1} of {len(nodes) - 1} nodes proved" in ended.stdout
    assert f"node {joining} joined meanwhile, has the cache, and is unproved" in ended.stderr
    again = nodedns.run("enable", "--yes")
    assert again.code == 0, str(again)
    assert f"{len(nodes)} of {len(nodes)} nodes proved" in again.stdout
    assert link(joining) == [LOCAL_IP, DNS_SERVICE_IP]


@contextmanager
def _back_afterwards(real_cluster: RealCluster, kubectl: KubectlCall, node: str) -> Iterator[None]:
    """Start the kubelet of a node at the end, whatever came before, and wait until it is ready."""
    try:
        yield
    finally:
        real_cluster.nodes.start_kubelet(node)
        kubectl("wait", "--for=condition=Ready", f"node/{node}", "--timeout=300s")


@contextmanager
def _away(
    real_cluster: RealCluster, kubectl: KubectlCall, node: str
) -> Iterator[Callable[[], None]]:
    """Give a function that takes a node out of the cluster; it is back as it was at the end."""
    before = kubectl("get", "node", node, "-ojson")

    def leave() -> None:
        real_cluster.nodes.stop_kubelet(node)
        kubectl("delete", "node", node)

    try:
        yield leave
    finally:
        real_cluster.nodes.start_kubelet(node)
        there = partial(_is_there, kubectl, node)
        wait_for(there, f"node {node} is back")
        if "podCIDR" in before["spec"]:
            cidrs = {key: before["spec"][key] for key in ("podCIDR", "podCIDRs")}
            kubectl("patch", "node", node, "-p", json.dumps({"spec": cidrs}))
        words = (f"{key}={value}" for key, value in before["metadata"]["labels"].items())
        kubectl("label", "node", node, "--overwrite", *words)
        kubectl("wait", "--for=condition=Ready", f"node/{node}", "--timeout=300s")


def _is_there(kubectl: KubectlCall, node: str) -> bool:
    return f"node/{node}" in kubectl("get", "nodes", "-o", "name").split()


def _pods(kubectl: KubectlCall) -> dict[str, tuple[str, str]]:
    """Return name and phase of the cache pod that runs on each node."""
    return {
        node: (pod["metadata"]["name"], pod["metadata"]["labels"]["kubectl-nodedns/phase"])
        for node, pod in cache_pods(kubectl).items()
        if all(
            "running" in one["state"]
            for one in pod["status"].get("containerStatuses", [{"state": {}}])
        )
    }


def _runs(kubectl: KubectlCall, node: str, phase: str) -> bool:
    return _pods(kubectl).get(node, ("", ""))[1] == phase
