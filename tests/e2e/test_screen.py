"""The screen of `top` in a real terminal, on a real Kubernetes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.e2e.terminal import Terminal

if TYPE_CHECKING:
    from tests.e2e.conftest import KubectlCall, ProberCall, RealCluster
    from tests.e2e.plugin import Plugin

ENTER, ESCAPE = "\r", "\x1b"


@pytest.mark.parametrize(("columns", "lines"), [(80, 24), (160, 50)])
def test_the_screen_shows_the_fleet_proves_a_node_and_leaves_nothing(
    columns: int,
    lines: int,
    real_cluster: RealCluster,
    no_cache: None,
    nodedns: Plugin,
    prober: ProberCall,
    kubectl: KubectlCall,
) -> None:
    nodes = real_cluster.node_names
    assert nodedns.run("enable", "--yes").code == 0
    jobs = ("get", "jobs", "-A", "-o", "name")
    command = ["kubectl", "nodedns", "top"]
    with (
        prober(),
        Terminal(command, nodedns.environment, columns=columns, lines=lines) as screen,
    ):
        text = screen.see(f"intercepting {len(nodes)} by counters")
        assert all(node in text for node in nodes)
        assert kubectl(*jobs).strip() == ""

        screen.type("t")
        screen.see("enter asks")
        screen.type(ENTER)
        screen.see(f"intercepted: the cache on {nodes[0]} itself answers")
        assert kubectl(*jobs).strip() != ""
        screen.type(ESCAPE)
        screen.miss("enter asks")

        screen.type(ENTER)
        text = screen.see("UPSTREAM")
        assert "cluster.local." in text
        screen.type("q")
        assert screen.end() == 0
    assert kubectl(*jobs).strip() == ""


def test_a_closed_terminal_leaves_no_probe_behind(
    real_cluster: RealCluster, no_cache: None, nodedns: Plugin, kubectl: KubectlCall
) -> None:
    assert nodedns.run("enable", "--yes").code == 0
    command = ["kubectl", "nodedns", "top"]
    with Terminal(command, nodedns.environment, columns=100, lines=30) as screen:
        screen.see(f"nodes {len(real_cluster.node_names)}")
        screen.type("t")
        screen.type(ENTER)
        screen.see("intercepted: the cache on")
        screen.process.terminate()
        assert screen.end() == 130
    assert kubectl("get", "jobs", "-A", "-o", "name").strip() == ""
