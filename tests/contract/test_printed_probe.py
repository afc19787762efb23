"""`top --probe` in print: proof from probe pods, its age, and the cap."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from kubectl_nodedns.commands.demo import _finished
from kubectl_nodedns.demo.cluster import Cluster, Options
from kubectl_nodedns.demo.kinds import BY_KIND
from kubectl_nodedns.errors import Exit
from tests.patience import PATIENCE, until

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.contract.conftest import Ended

    Run = Callable[..., Ended]
    Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def demo(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    """Three nodes with the cache, one of them bypassed, in $KUBECONFIG."""
    with Cluster(Options(nodes=3, speed=20, faults=("bypass",)), _finished()) as cluster:
        cluster.trouble()
        file = home / "kubeconfig"
        file.write_text(cluster.kubeconfig())
        monkeypatch.setenv("KUBECONFIG", str(file))
        until(lambda: not cluster.faults_waiting, "the fault does not happen")
        yield cluster


def test_each_row_says_what_was_proved_and_how_long_ago(demo: Cluster, run: Run) -> None:
    [bypassed] = demo.faults.bypass
    ended = run("top", "--once", "--probe", "-o", "json")
    assert ended.code == Exit.OK, ended.err
    printed = json.loads(ended.out)
    said = {row["node"]: row["interception"] for row in printed["nodes"]}
    assert said.pop(bypassed) == "not intercepted"
    assert set(said.values()) == {"proved"}
    assert all(0 < row["interception_age_seconds"] < 60 for row in printed["nodes"])
    assert printed["fleet"]["nodes_intercepting_proved"] == 2
    assert printed["fleet"]["nodes_not_intercepted"] == 1
    assert "2 proved intercepting, 1 proved NOT intercepted, 0 by counters" in ended.err


def test_the_table_has_a_column_for_it_and_no_probe_stays(demo: Cluster, run: Run) -> None:
    [bypassed] = demo.faults.bypass
    assert "INTERCEPTION" not in run("top", "--once").out
    ended = run("top", "--once", "--probe")
    header, *rows = ended.out.splitlines()
    assert header.endswith("INTERCEPTION")
    for line in rows:
        wanted = "not intercepted " if line.startswith(f"{bypassed} ") else "proved "
        assert wanted in line
    assert demo.store.all(BY_KIND["batch/v1", "Job"]) == {}


def test_more_nodes_than_the_cap_are_not_probed_and_that_is_said(demo: Cluster, run: Run) -> None:
    ended = run("top", "--once", "--probe", "-o", "json", "--sort-by", "node", cap=1)
    said = [row["interception"] for row in json.loads(ended.out)["nodes"]]
    assert "by counters" in said or "not known" in said
    assert sum(words in {"proved", "not intercepted"} for words in said) == 1
    assert "the first 1 of 3 nodes are probed" in ended.err


def test_a_node_that_cannot_be_asked_from_is_named(demo: Cluster, run: Run) -> None:
    ended = run("top", "--once", "--probe", "--probe-image", "registry.example/none:1")
    assert "not probed: " in ended.err
    assert ended.code == Exit.PARTIAL, ended.err


def test_lines_of_json_say_it_too(demo: Cluster, start: Start) -> None:
    process = start("top", "--watch", "--probe")
    assert process.stdout is not None
    said: set[str] = set()
    while not {"proved", "not intercepted"} <= said:
        line = process.stdout.readline()
        assert line, "it ended"
        said = {row["interception"] for row in json.loads(line)["nodes"]}
    process.terminate()
    _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == Exit.INTERRUPTED, err
    assert demo.store.all(BY_KIND["batch/v1", "Job"]) == {}


def test_a_recording_cannot_be_asked(home: Path, run: Run) -> None:
    ended = run("top", "--replay", "some.rec", "--once", "--probe")
    assert ended.code == Exit.USAGE
    assert "--probe: nobody in a recording can be asked" in ended.err
