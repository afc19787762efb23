"""Start-up: what may not be imported before a command needs it, shown by real processes."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

SLOW = {"kubernetes", "textual", "dns", "aiohttp", "yaml", "asyncio"}
"""Packages that cost more than the whole answer to `--help`."""
REPORT = """
import json, sys
from kubectl_nodedns.cli.main import main
try:
    code = main(sys.argv[1:])
except SystemExit as end:
    code = end.code
print()
print(json.dumps([code, sorted({name.partition(".")[0] for name in sys.modules})]))
"""


def imported(*words: str) -> tuple[int, set[str], str]:
    """Run a command line; return its exit code, the packages it imported, and what it printed."""
    done = subprocess.run(
        [sys.executable, "-c", REPORT, *words], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    out, _, report = done.stdout.rstrip("\n").rpartition("\n")
    code, modules = json.loads(report)
    return code, set(modules), out


@pytest.mark.parametrize(
    "words",
    [
        ["--help"],
        ["--version"],
        ["version"],
        [],
        ["enable", "--help"],
        ["disable", "--help"],
        ["top", "--help"],
        ["demo", "--help"],
        ["lookup", "--help"],
        ["bench", "--help"],
        ["status", "--help"],
        ["check", "--help"],
        ["monitoring", "--help"],
        ["completion", "--help"],
        ["completion", "zsh"],
        ["completion", "bash"],
        ["__complete", ""],
        ["__complete", "bench", "--mode", ""],
        ["enable", "--nonsense"],
    ],
    ids=" ".join,
)
def test_nothing_slow_is_imported_before_a_command_runs(words: list[str]) -> None:
    code, modules, _ = imported(*words)
    assert code == (2 if "--nonsense" in words else 0)
    assert "kubectl_nodedns" in modules
    assert modules & SLOW == set()


def test_version_prints_the_version() -> None:
    from kubectl_nodedns import __version__

    code, _, out = imported("version")
    assert code == 0
    assert out.strip() == f"kubectl-nodedns {__version__}"


def test_without_a_command_help_is_printed() -> None:
    _, _, out = imported()
    assert out.startswith("usage: kubectl nodedns COMMAND")


def test_a_client_dry_run_without_a_cluster_needs_no_kubernetes_library_at_all() -> None:
    code, modules, out = imported(
        "enable",
        "--dry-run=client",
        "--mode=iptables",
        "--local-ip=169.254.20.10",
        "--kube-dns-ip=10.96.0.10",
        "--cluster-domain=cluster.local",
    )
    assert code == 0
    assert "kind: DaemonSet" in out
    assert modules & {"kubernetes", "textual"} == set()
