"""Where a terminal is, a proof of the doubtful nodes is offered; elsewhere nobody is asked."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import pytest

from kubectl_nodedns.commands.demo import _finished
from kubectl_nodedns.demo.cluster import Cluster, Options
from kubectl_nodedns.errors import Exit
from tests.e2e.terminal import Terminal
from tests.patience import until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.contract.conftest import Ended


@pytest.fixture
def bypassed(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The one node whose rules are gone, in a cluster of the demo."""
    with Cluster(Options(nodes=3, faults=("bypass",)), _finished()) as cluster:
        file = home / "kubeconfig"
        file.write_text(cluster.kubeconfig())
        monkeypatch.setenv("KUBECONFIG", str(file))
        cluster.trouble()
        until(lambda: not cluster.faults_waiting, "the fault does not happen")
        [node] = cluster.faults.bypass
        yield node


@pytest.mark.parametrize("command", ["check", "status"])
@pytest.mark.parametrize(("answer", "code"), [("y", "ND020"), ("n", "ND022")])
def test_a_proof_is_offered_and_its_answer_heeded(
    command: str, answer: str, code: str, bypassed: str
) -> None:
    words = [sys.executable, "-m", "kubectl_nodedns", command]
    with Terminal(words, {**os.environ, "NO_COLOR": "1"}, columns=300, lines=60) as screen:
        screen.see(f"No lookup reaches the cache of node {bypassed}. Prove it now")
        screen.type(f"{answer}\r")
        text = screen.see(f"({code})")
        assert f"wrong: node {bypassed}" in text
        assert screen.end() == Exit.FINDING


def test_without_a_terminal_nobody_is_asked(bypassed: str, run: Callable[..., Ended]) -> None:
    ended = run("status")
    assert ended.code == Exit.FINDING
    assert "[y/N]" not in ended.err
    assert f"wrong: node {bypassed}: no lookup at " in ended.out
