"""The screen of `top` in a real terminal, on a real Kubernetes, on good days and on bad ones."""

from __future__ import annotations

import json
import stat
import sys
from typing import TYPE_CHECKING

import pytest

from tests.e2e.terminal import Terminal

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.clusters import RealCluster
    from tests.e2e.conftest import KubectlCall, ProberCall
    from tests.e2e.plugin import Plugin

PROVED = "✓ intercepted: the node's own cache"
ENTER, ESCAPE = "\r", "\x1b"


@pytest.mark.parametrize(("columns", "lines"), [(80, 24), (160, 50)])
def test_the_screen_shows_the_fleet_proves_a_node_and_leaves_nothing(
    columns: int,
    lines: int,
    real_cluster: RealCluster,
    cache: Plugin,
    prober: ProberCall,
    kubectl: KubectlCall,
) -> None:
    nodes = real_cluster.node_names
    jobs = ("get", "jobs", "-A", "-o", "name")
    command = ["kubectl", "nodedns", "top"]
    with (
        prober(),
        Terminal(command, cache.environment, columns=columns, lines=lines) as screen,
    ):
        text = screen.see(f"intercepting {len(nodes)} by counters")
        assert all(node in text for node in nodes)
        assert kubectl(*jobs).strip() == ""

        screen.type("t")
        screen.see("enter asks")
        screen.type(ENTER)
        text = screen.see(PROVED)
        assert "CoreDNS" in text
        assert "upstream" in text
        assert kubectl(*jobs).strip() != ""
        screen.type(ESCAPE)
        screen.miss("enter asks")

        screen.type("f")
        screen.see("findings")
        screen.miss("looking …")
        screen.type(ESCAPE)
        screen.miss("looks again")  # escape and enter in one go would be alt+enter
        screen.type(ENTER)
        screen.see("1 overview")
        screen.see("ZONE")
        for key, words in (("4", "CoreDNS-"), ("5", "ConfigMap kube-system/"), ("6", "NOTRACK")):
            screen.type(key)
            screen.see(words)
        screen.type("3")
        screen.miss("reading …")
        screen.type("q")
        assert screen.end() == 0
    assert kubectl(*jobs).strip() == ""


def test_a_closed_terminal_leaves_no_probe_behind(
    real_cluster: RealCluster, cache: Plugin, kubectl: KubectlCall
) -> None:
    command = ["kubectl", "nodedns", "top"]
    with Terminal(command, cache.environment, columns=100, lines=30) as screen:
        screen.see(f"nodes {len(real_cluster.node_names)}")
        screen.type("t")
        screen.type(ENTER)
        screen.see(PROVED)
        screen.process.terminate()
        assert screen.end() == 130
    assert kubectl("get", "jobs", "-A", "-o", "name").strip() == ""


TOP = ["kubectl", "nodedns", "top"]


def test_an_api_server_that_stops_answering_is_said_and_the_screen_goes_on_after_it(
    real_cluster: RealCluster, cache: Plugin
) -> None:
    names = real_cluster.node_names
    with Terminal(TOP, cache.environment, columns=100, lines=30) as screen:
        screen.see("live · ")
        real_cluster.nodes.pause_api_server()
        try:
            text = screen.see("newest ")
            assert " old" in text
            assert all(name in text for name in names), text
            screen.type("j")  # the screen still answers
            screen.type("?")
            screen.see("findings: what is wrong")
            screen.type(ESCAPE)
        finally:
            real_cluster.nodes.resume_api_server()
        screen.see("live · ")
        screen.type("q")
        assert screen.end() == 0


def test_a_node_that_dies_is_said_and_comes_back(
    real_cluster: RealCluster, cache: Plugin, kubectl: KubectlCall
) -> None:
    node = real_cluster.node_names[-1]
    pods = kubectl("-n", "kube-system", "get", "pods", "-l", "k8s-app=node-local-dns", "-o", "json")
    pod = next(
        item["metadata"]["name"] for item in pods["items"] if item["spec"]["nodeName"] == node
    )
    with Terminal(TOP, cache.environment, columns=160, lines=30) as screen:
        screen.see("live · ")
        real_cluster.nodes.stop_kubelet(node)
        try:
            real_cluster.nodes.kill_container(node, pod, "node-cache")
            screen.see("s old")  # in the row's state: its figures are stale
            screen.type("z")
            text = screen.see(f"{node}: ! no metrics:")
            assert f"! {node}" in text
            screen.see("NotReady")
        finally:
            real_cluster.nodes.start_kubelet(node)
        # The screen may still show what was ready before. A cache that is deleted before its
        # container runs again cannot tear down what the killed one left.
        restarted = "--for=jsonpath={.status.containerStatuses[0].restartCount}=1"
        for condition in (restarted, "--for=condition=Ready"):
            kubectl("-n", "kube-system", "wait", condition, f"pod/{pod}", "--timeout=300s")
        screen.type("z")
        screen.see(f"ready {len(real_cluster.node_names)}")
        screen.type("q")
        assert screen.end() == 0


PLUGIN = """#!{python}
import json, pathlib, sys
folder = pathlib.Path(__file__).parent
if (folder / "expired").exists():
    print("PLEASE LOG IN AT THE DOOR", file=sys.stderr)
    try:
        with open("/dev/tty", "w") as terminal:
            terminal.write("PLEASE LOG IN AT THE DOOR" * 9)
    except OSError:
        pass
    sys.exit(1)
status = {{"token": (folder / "token").read_text().strip()}}
kind = {{"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential"}}
print(json.dumps({{**kind, "status": status}}))
"""
ACCOUNT = ("-n", "default", "serviceaccount", "nodedns-screen-test")
BINDING = ("clusterrolebinding", "nodedns-screen-test")


def test_credentials_that_expire_are_said_and_no_plugin_draws_on_the_screen(
    real_cluster: RealCluster,
    cache: Plugin,
    kubectl: KubectlCall,
    tmp_path: Path,
) -> None:
    plugin = tmp_path / "login"
    plugin.write_text(PLUGIN.format(python=sys.executable))
    plugin.chmod(plugin.stat().st_mode | stat.S_IXUSR)

    def log_in() -> None:
        kubectl("create", *ACCOUNT[2:3], "-n", "default", ACCOUNT[3])
        token = kubectl("-n", "default", "create", "token", ACCOUNT[3])
        (tmp_path / "token").write_text(token)

    config = kubectl("config", "view", "--minify", "--raw", "-o", "json")
    user = {
        "exec": {
            "apiVersion": "client.authentication.k8s.io/v1",
            "command": str(plugin),
            "interactiveMode": "IfAvailable",
        }
    }
    config["users"] = [{"name": config["users"][0]["name"], "user": user}]
    (tmp_path / "kubeconfig").write_text(json.dumps(config))
    environment = {**cache.environment, "KUBECONFIG": str(tmp_path / "kubeconfig")}
    kubectl(
        "create",
        *BINDING,
        "--clusterrole=cluster-admin",
        f"--serviceaccount=default:{ACCOUNT[3]}",
    )
    try:
        log_in()
        with Terminal(TOP, environment, columns=160, lines=30) as screen:
            screen.see("live · ")
            (tmp_path / "expired").touch()
            kubectl("delete", *ACCOUNT)  # its token is worth nothing from now on
            screen.see("ended with 1 and said")
            text = screen.see(" old ")
            assert "Unauthorized" in text
            screen.type("j")
            # What a plugin says may stand where we say that it said it, and nowhere else.
            drawn = [line for line in screen.text.splitlines() if "PLEASE" in line]
            assert all("ended with 1 and said" in line for line in drawn), drawn
            log_in()
            (tmp_path / "expired").unlink()
            screen.see("live · ")
            screen.type("q")
            assert screen.end() == 0
    finally:
        kubectl("delete", *BINDING, "--ignore-not-found")
        kubectl("delete", *ACCOUNT, "--ignore-not-found")
