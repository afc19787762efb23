"""Stopped, killed, half there: DNS goes on, and the next run of `enable` finishes."""

from __future__ import annotations

import signal
import time
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

import pytest

from tests.e2e.api_tap import Tap
from tests.e2e.clusters import nodes
from tests.e2e.end_state import end_state
from tests.e2e.plugin import Plugin
from tests.e2e.test_main_job import assert_none_lost

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.e2e.clusters import RealCluster
    from tests.e2e.conftest import KubectlCall, ProberCall

KILLED = -signal.SIGKILL
MOST_WRITES = 60
SHARES = 4


@nodes(2)
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("share", range(SHARES), ids=lambda share: f"write {share + 1} of {SHARES}")
def test_killed_after_each_of_their_writes_both_leave_dns_working_and_the_next_run_finishes(
    real_cluster: RealCluster,
    no_cache: None,
    nodedns: Plugin,
    prober: ProberCall,
    kubectl: KubectlCall,
    rules: Callable[[str], list[str]],
    link: Callable[[str], list[str] | None],
    tmp_path: Path,
    share: int,
) -> None:
    """Two nodes are enough to have one switched and the other not, and one given back.

    A share kills after every fourth write, so that several clusters do it side by side.
    """
    names = real_cluster.node_names
    count = len(names)
    ours = ("-A", "-l", "app.kubernetes.io/name=node-local-dns", "-o", "name")
    state = partial(end_state, names, kubectl, rules, link)
    assert nodedns.run("enable", "--yes").code == 0
    enabled = state()
    assert nodedns.run("disable", "--yes").code == 0
    disabled = state()
    assert disabled["nodes"] == {node: ([], None) for node in names}
    writes: dict[str, list[str]] = {}
    with (
        Tap(real_cluster.kubeconfig, tmp_path / "kubeconfig") as tap,
        prober(udp_rate=20, tcp_rate=5) as probing,
        _without_probes_of_the_killed(kubectl),
    ):
        for number in range(share + 1, MOST_WRITES, SHARES):
            _remove_probes_of_the_killed(kubectl)
            if "enable" not in writes:
                _kill("enable", number, tap, writes)
            finished = nodedns.run("enable", "--yes", "--batch-size", str(count))
            assert finished.code == 0, (tap.writes, str(finished))
            assert f"{count} of {count} nodes proved" in finished.stdout, str(finished)
            assert state() == enabled, tap.writes
            assert nodedns.run("enable").stdout.startswith("nothing changed")

            if "disable" not in writes:
                _kill("disable", number, tap, writes)
            finished = nodedns.run("disable", "--yes", "--batch-size", str(count))
            assert finished.code == 0, (tap.writes, str(finished))
            assert kubectl("get", "all,configmaps,serviceaccounts", *ours).strip() == ""
            assert state() == disabled, tap.writes
            if len(writes) == len(("enable", "disable")):
                break
    # Probes, five objects, the switch of each node, the record, and the probes' end.
    assert len(writes["enable"]) >= count + 5 + 1 + count + 1 + count
    # Probes, the dark template, each node given back, five objects, and the probes' end.
    assert len(writes["disable"]) >= count + 1 + count + 5 + count
    assert_none_lost(probing)


@contextmanager
def _without_probes_of_the_killed(kubectl: KubectlCall) -> Iterator[None]:
    """A client that was killed leaves its probes until their deadline; no other test meets them."""
    try:
        yield
    finally:
        _remove_probes_of_the_killed(kubectl)


def _remove_probes_of_the_killed(kubectl: KubectlCall) -> None:
    for namespace, component in (("default", "probe"), ("kube-system", "host-look")):
        labels = f"app.kubernetes.io/component={component}"
        kubectl("delete", "jobs", "-n", namespace, "-l", labels, "--wait=false")


def _kill(command: str, number: int, tap: Tap, writes: dict[str, list[str]]) -> None:
    """Kill a run after that write; one that makes fewer comes to its end, and goes on record."""
    plugin = Plugin(tap.own_kubeconfig)
    process = plugin.start(command, "--yes")
    tap.arm(process, number)
    ended = plugin.wait(process)
    if ended.code == KILLED:
        print(f"{command} killed after write {number}: {tap.writes[-1]}")
        return
    assert ended.code == 0, str(ended)
    writes[command] = list(tap.writes)


def test_ctrl_c_in_the_switch_ends_in_order_and_the_next_run_finishes(
    real_cluster: RealCluster,
    no_cache: None,
    nodedns: Plugin,
    prober: ProberCall,
    kubectl: KubectlCall,
) -> None:
    with prober() as probing:
        process = nodedns.start("enable", "--yes")
        assert process.stderr is not None
        for line in process.stderr:
            if "switch node" in line:
                break
        process.send_signal(signal.SIGINT)
        ended = nodedns.wait(process)
        assert ended.code == 130, str(ended)
        assert "run enable again to go on" in ended.stderr
        time.sleep(1)
        assert kubectl("get", "jobs", "-A", "-o", "name").strip() == ""
        finished = nodedns.run("enable", "--yes")
        assert finished.code == 0, str(finished)
    assert_none_lost(probing)


def test_a_node_that_is_not_ready_is_left_unproved_and_finished_later(
    real_cluster: RealCluster, no_cache: None, nodedns: Plugin, kubectl: KubectlCall
) -> None:
    absent = real_cluster.node_names[-1]
    real_cluster.nodes.stop_kubelet(absent)
    try:
        kubectl("wait", "--for=condition=Ready=Unknown", f"node/{absent}", "--timeout=300s")
        partial = nodedns.run("enable", "--yes")
        assert partial.code == 6, str(partial)
        assert f"unproved   node {absent}: not ready" in partial.stderr
    finally:
        real_cluster.nodes.start_kubelet(absent)
    kubectl("wait", "--for=condition=Ready", f"node/{absent}", "--timeout=300s")
    finished = nodedns.run("enable", "--yes")
    assert finished.code == 0, str(finished)
    assert f"enabled: {len(real_cluster.node_names)} of" in finished.stdout
