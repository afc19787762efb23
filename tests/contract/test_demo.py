"""`kubectl nodedns demo`, as somebody runs it who has no cluster at hand."""

from __future__ import annotations

import json
import os
import re
import signal
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from kubectl_nodedns.commands.demo import LARGE, _finished
from kubectl_nodedns.demo.cluster import Cluster, Options
from kubectl_nodedns.demo.faults import ALL
from kubectl_nodedns.demo.machines import PODS
from kubectl_nodedns.errors import Exit
from tests.e2e.terminal import Terminal
from tests.patience import PATIENCE, until

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterator

    from kubectl_nodedns.demo.store import Store
    from tests.contract.conftest import Ended

    Run = Callable[..., Ended]
    Start = Callable[..., subprocess.Popen[str]]

QUICK = ("--nodes", "4", "--speed", "4")


def kubeconfig_of(talk: str) -> Path:
    found = re.search(r"kubeconfig  (\S+)", talk)
    assert found is not None, talk
    return Path(found[1])


def test_piped_it_says_what_happened_prints_the_table_and_leaves_nothing(start: Start) -> None:
    process = start("demo")
    out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == Exit.OK, err
    assert "enabled: 12 of 12 nodes proved" in out
    assert "disabled: 12 of 12 nodes proved clean" in out
    rows = {line.split()[0]: line.split() for line in out.splitlines() if line.startswith("node")}
    assert len(rows) == 12
    wrong = {fault: nodes(err, fault) for fault in ALL}
    assert all(wrong.values()), err
    [bypassed] = wrong["bypass"]
    [killed] = wrong["oom"]
    [storm] = wrong["search-storm"]
    lookups = {name: row[5] for name, row in rows.items()}
    assert lookups[bypassed] == "0"
    assert rows[killed][3] != "0"
    assert lookups[storm].endswith("k")
    assert "12 of 12 nodes ready" in err
    assert not kubeconfig_of(err).exists()


def nodes(talk: str, fault: str) -> list[str]:
    """The nodes that have a fault, as the demo tells at its end."""
    found = re.search(rf"^ +{fault} +([\w, ]+):", talk, re.MULTILINE)
    return found[1].split(", ") if found else []


def test_on_a_terminal_the_tour_leads_to_the_screen_and_out_again(home: Path) -> None:
    command = [sys.executable, "-m", "kubectl_nodedns", "demo", *QUICK, "--fault", "none"]
    with Terminal(command, {**os.environ, "NO_COLOR": "1"}, columns=110, lines=40) as screen:
        folder = kubeconfig_of(see(screen, "kubeconfig  ")).parent
        see(screen, "press enter to open the screen")
        screen.type("\r")
        text = see(screen, "intercepting 4")
        assert "nodedns · demo" in text
        assert all(f"node{number} " in text for number in range(1, 5))
        screen.type("t")
        screen.see("enter asks")
        screen.type("\r")
        see(screen, "✓ intercepted: the node's own cache")
        screen.type("\x1b")
        screen.miss("enter asks")
        screen.type("q")
        see(screen, "disabled: 4 of 4 nodes proved clean")
        assert screen.end() == Exit.OK
        assert "Traceback" not in screen.text
    assert not folder.exists()


def test_a_terminal_that_goes_away_ends_the_screen(home: Path) -> None:
    """Also where no signal says so: a program that ignores it, or a terminal that controls none."""
    ignoring = "import signal, sys; signal.signal(signal.SIGHUP, signal.SIG_IGN); "
    running = f"from kubectl_nodedns.cli.main import main; sys.exit(main({['demo', *QUICK]!r}))"
    command = [sys.executable, "-c", ignoring + running]
    with Terminal(command, {**os.environ, "NO_COLOR": "1"}, columns=110, lines=40) as screen:
        see(screen, "press enter to open the screen")
        screen.type("\r")
        see(screen, "intercepting ")
        screen.hang_up()
        screen.process.wait(PATIENCE)


def see(screen: Terminal, words: str) -> str:
    """Wait longer than a screen test: a rollout is in between."""
    for _ in range(4):
        try:
            return screen.see(words)
        except AssertionError:
            if screen.process.poll() is not None:
                raise
    return screen.see(words)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize(
    ("words", "moment"),
    [(("--serve",), "Ctrl-C ends it"), (QUICK, "dark start"), (QUICK, "pods look names up")],
)
def test_a_signal_ends_it_in_order(
    number: signal.Signals, words: tuple[str, ...], moment: str, start: Start
) -> None:
    process = start("demo", *words)
    assert process.stderr is not None
    talk = ""
    while moment not in talk:
        line = process.stderr.readline()
        assert line, talk
        talk += line
    process.send_signal(number)
    _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == Exit.INTERRUPTED, err
    assert err.endswith("interrupted\n")
    assert "Traceback" not in err
    assert not kubeconfig_of(talk).parent.exists()


@pytest.fixture
def thousands(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    """A cluster of 2,000 nodes that has the cache, in $KUBECONFIG."""
    from kubectl_nodedns.commands.demo import _finished

    with Cluster(Options(nodes=2000), _finished()) as cluster:
        file = home / "kubeconfig"
        file.write_text(cluster.kubeconfig())
        monkeypatch.setenv("KUBECONFIG", str(file))
        yield cluster


def test_thousands_of_nodes_are_there_at_once(thousands: Cluster, run: Run) -> None:
    ended = run("enable")
    assert ended.code == Exit.OK, ended.err
    assert "nothing changed: the cache is enabled on 2000 of 2000 nodes" in ended.out
    ended = run("top", "--once", "-o", "json", "-l", "kubernetes.io/hostname=node1999")
    assert ended.code == Exit.OK, ended.err
    [row] = json.loads(ended.out)["nodes"]
    assert (row["node"], row["lookups_per_second"] > 0) == ("node1999", True)


@pytest.fixture
def demo(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    """A small cluster of the demo, in $KUBECONFIG."""
    with Cluster(Options(nodes=3, speed=4, faults=("bypass",))) as cluster:
        file = home / "kubeconfig"
        file.write_text(cluster.kubeconfig())
        monkeypatch.setenv("KUBECONFIG", str(file))
        yield cluster


def test_a_bypassed_node_is_found_and_repaired_by_the_plugin_itself(
    demo: Cluster, run: Run
) -> None:
    assert run("enable", "--yes").code == Exit.OK
    until(lambda: not demo.faults_waiting, "the fault does not happen")
    [node] = demo.faults.bypass
    ended = run("enable", "--yes", "-o", "json")
    assert ended.code == Exit.OK, ended.err
    assert json.loads(ended.out)["result"] == "repaired"
    assert f"✗ {node}: the marker is not answered by a cache" in ended.err
    again = json.loads(run("enable", "--yes", "-o", "json").out)
    assert (again["result"], len(again["nodes"])) == ("unchanged", 3)


@pytest.mark.parametrize("nodes", [12, 120])
def test_each_fault_is_found_by_a_plain_check_and_by_status(
    nodes: int, home: Path, monkeypatch: pytest.MonkeyPatch, run: Run
) -> None:
    """Without a probe, on a cluster that was enabled a moment ago and on one that runs for days."""
    installed = _finished() if nodes > LARGE else []
    with Cluster(Options(nodes=nodes), installed) as cluster:
        file = home / "kubeconfig"
        file.write_text(cluster.kubeconfig())
        monkeypatch.setenv("KUBECONFIG", str(file))
        if installed:
            cluster.trouble()
        else:
            assert run("enable", "--yes", "--batch-size", "4").code == Exit.OK
        until(lambda: not cluster.faults_waiting, "the faults do not happen")
        ended = run("check", "-o", "json")
        status = run("status", "-o", "json")
    assert ended.code == Exit.FINDING
    subjects: dict[str, set[str]] = {}
    for one in json.loads(ended.out)["findings"]:
        subjects.setdefault(one["code"], set()).add(one["subject"].removeprefix("node "))
    chosen = cluster.faults
    assert subjects["ND022"] == chosen.bypass
    assert subjects["ND023"] == chosen.storm
    assert subjects["ND040"] == chosen.oom
    assert chosen.slow >= subjects["ND021"] > set()
    assert len(subjects["ND030"]) == 1
    wrong = {one["code"] for one in json.loads(status.out)["wrong"]}
    assert (status.code, {"ND022", "ND030", "ND040"} <= wrong) == (Exit.FINDING, True)


@pytest.mark.parametrize(("nodes", "idle"), [(60, 0), (60, 20), (200, 200)])
def test_a_cluster_without_faults_has_no_finding_however_many_nodes_are_idle(
    nodes: int, idle: int, home: Path, monkeypatch: pytest.MonkeyPatch, run: Run
) -> None:
    """Where some are, they have no pods that ask; where all are, they have."""
    cluster = Cluster(Options(nodes=nodes, faults=()), _finished())
    names = list(cluster.machines)[:idle]
    for name in names:
        machine = cluster.machines[name]
        machine.profile = replace(machine.profile, rate=0.0)

    def remove_pods(store: Store) -> None:
        for (namespace, name), pod in list(store.all(PODS).items()):
            if namespace == "shop" and pod["spec"].get("nodeName") in names:
                store.remove(PODS, namespace, name)

    with cluster:
        if idle < nodes:
            cluster.change(remove_pods)
        file = home / "kubeconfig"
        file.write_text(cluster.kubeconfig())
        monkeypatch.setenv("KUBECONFIG", str(file))
        ended = run("check", "-o", "json")
    codes = {one["code"] for one in json.loads(ended.out)["findings"]}
    assert (ended.code, codes - {"ND032"}) == (Exit.OK, set())


def test_an_image_that_no_registry_has_ends_as_it_does_on_a_cluster(
    demo: Cluster, run: Run
) -> None:
    image = "registry.example/none/node-cache:1"
    ended = run("enable", "--yes", "--image", image, "--timeout", "4s")
    assert ended.code == Exit.TIMEOUT, ended.err
    assert "Image" in ended.err
    assert "nobody's DNS was touched" in ended.err
    gone = run("disable", "--yes")  # its look at the nodes would run the same image
    assert gone.code == Exit.OK, gone.err
    assert "inferred, not seen: the pod has not looked: its image cannot be had" in gone.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--fault", "oom,flood"], "there is no fault 'flood'"),
        (["--coredns-version", "1.5.0"], "'1.5.0' is not a version"),
        (["--speed", "0"], "--speed"),
        (["--port", "70000"], "--port"),
        (["--nodes", "0"], "--nodes"),
    ],
)
def test_a_bad_value_is_a_usage_error(words: list[str], said: str, home: Path, run: Run) -> None:
    ended = run("demo", *words)
    assert ended.code == Exit.USAGE
    assert said in ended.err


def test_a_cluster_of_ones_own_has_no_place_here(home: Path, run: Run) -> None:
    ended = run("--context", "prod", "demo")
    assert ended.code == Exit.USAGE
    assert "--context has no place here: demo brings its own cluster" in ended.err


def test_a_port_that_is_taken_is_named(demo: Cluster, run: Run) -> None:
    port = demo.url.rpartition(":")[2]
    ended = run("demo", "--serve", "--port", port)
    assert ended.code == Exit.FINDING
    assert f"cannot listen on port {port}" in ended.err


def test_a_proxy_in_the_environment_does_not_stand_in_the_way(
    demo: Cluster, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """kubectl never asks a proxy for this very machine either."""
    monkeypatch.setenv("HTTPS_PROXY", "http://192.0.2.1:3128")
    monkeypatch.setenv("HTTP_PROXY", "http://192.0.2.1:3128")
    assert run("enable", "--dry-run=client").code == Exit.OK


def test_the_same_seed_is_the_same_cluster() -> None:
    def made(seed: int) -> list[Any]:
        cluster = Cluster(Options(nodes=9, seed=seed))
        return [cluster.faults, [machine.profile for machine in cluster.machines.values()]]

    assert made(7) == made(7)
    assert made(7) != made(8)
