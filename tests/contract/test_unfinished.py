"""A change that was interrupted is told by every command, and nobody is sent the wrong way."""

from __future__ import annotations

import json
import re
import signal
from typing import TYPE_CHECKING

import pytest

from kubectl_nodedns.demo.cluster import Cluster, Options
from kubectl_nodedns.errors import Exit
from tests.patience import PATIENCE

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.contract.conftest import Ended

    Run = Callable[..., Ended]
    Start = Callable[..., subprocess.Popen[str]]

SAID = re.compile(r"enable is unfinished: ([123]) of 4 switched, ([123]) in the dark")
FAST = ("--window", "1s")


@pytest.fixture
def unfinished(home: Path, monkeypatch: pytest.MonkeyPatch, start: Start) -> Iterator[Cluster]:
    """A cluster of the demo on which `enable` was interrupted after its first node."""
    with Cluster(Options(nodes=4, speed=4, faults=())) as cluster:
        file = home / "kubeconfig"
        file.write_text(cluster.kubeconfig())
        monkeypatch.setenv("KUBECONFIG", str(file))
        words = ("--kubeconfig", str(file), "--yes", "--batch-size", "1")
        process = start("enable", *words)
        assert process.stderr is not None
        for line in process.stderr:
            if "intercepted: its own cache answers" in line:
                process.send_signal(signal.SIGINT)
                break
        process.communicate(timeout=PATIENCE)
        assert process.returncode == Exit.INTERRUPTED
        yield cluster


def test_every_command_says_how_far_an_enable_came(unfinished: Cluster, run: Run) -> None:
    status = run("status", *FAST)
    match = SAID.search(status.out)
    assert match is not None, status.out
    said, switched, dark = match[0], int(match[1]), int(match[2])
    assert (status.code, switched + dark) == (Exit.FINDING, 4)
    assert f"{switched} by counters, {dark} in the dark" in status.out
    checked = run("check", *FAST, "-o", "json")
    found = {one["code"]: one for one in json.loads(checked.out)["findings"]}
    assert set(found) == {"ND002"}, "nothing about kubelets, nothing about a bypass"
    assert said in found["ND002"]["seen"]
    assert "enable goes on" in found["ND002"]["wayOut"]
    assert checked.code == Exit.FINDING
    probed = run("check", *FAST, "--probe", "-o", "json")
    assert [one["code"] for one in json.loads(probed.out)["findings"]] == ["ND002"]
    printed = run("top", "--once")
    assert said in printed.err
    assert sum(" dark " in line for line in printed.out.splitlines()) == dark
    for command in (
        ("lookup", "kubernetes.default"),
        ("monitoring",),
        ("enable", "--dry-run=client"),
        ("disable", "--dry-run=client"),
        ("bench", "--yes", "--rate", "1", "--duration", "1s"),
    ):
        assert said in run(*command).err, command


def test_the_way_out_that_is_named_finishes_it(unfinished: Cluster, run: Run) -> None:
    assert run("enable", "--yes", "--batch-size", "4").code == Exit.OK
    status = run("status", *FAST)
    assert (status.code, "unfinished" in status.out) == (Exit.OK, False), status.out
