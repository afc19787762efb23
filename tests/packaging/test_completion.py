"""The TAB key in real shells, with the real kubectl and the installed wheel."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.packaging.conftest import CONSOLE_SCRIPT, Installed, run
from tests.packaging.terminal import Shell

if TYPE_CHECKING:
    from collections.abc import Mapping

HOOK = "kubectl_complete-nodedns"
BASH_COMPLETION = Path("/usr/share/bash-completion/bash_completion")
ALL = ("enable", "disable", "top", "completion", "version")


def demand(shell: str) -> None:
    """Skip where there is no such shell."""
    if shutil.which(shell) is None:
        pytest.skip(f"there is no {shell} on this machine")


@pytest.fixture
def programs(installed: Installed, tmp_path: Path) -> Path:
    """A folder with kubectl and the two programs of the wheel, as links."""
    kubectl = Path(sys.executable).parent / "kubectl"
    for program in (kubectl, installed.bin / CONSOLE_SCRIPT, installed.bin / HOOK):
        assert program.exists(), program
        (tmp_path / program.name).symlink_to(program)
    return tmp_path


@pytest.fixture
def environment(programs: Path) -> Mapping[str, str]:
    return {
        "PATH": f"{programs}:/usr/bin:/bin",
        "HOME": str(programs),
        "TERM": "dumb",
        "LANG": "C.UTF-8",
        "PS1": "$ ",
        "COLUMNS": "200",
    }


def test_the_hook_answers_kubectl(environment: Mapping[str, str]) -> None:
    done = subprocess.run(
        ["kubectl", "__complete", "nodedns", "enable", "--mode", ""],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "iptables\nnftables\nipvs\ncilium\ncalico-ebpf\n:4\n", done.stderr


def test_tab_completes_in_bash_through_kubectl(environment: Mapping[str, str]) -> None:
    demand("bash")
    if not BASH_COMPLETION.exists():
        pytest.skip("kubectl's script for bash needs bash-completion, which is not installed")
    with Shell(["bash", "--norc", "--noprofile", "-i"], environment) as bash:
        bash.run(f"source {BASH_COMPLETION}")
        bash.run("source <(kubectl completion bash)")
        shown = bash.type("kubectl nodedns \t\t", until=r"version")
        assert all(command in shown for command in ALL), shown
        bash.type("disa\t", until="disable ")
        bash.type("--dry-run \t\t", until=r"client[^\n]*\n?.*server")


def test_tab_completes_in_zsh_through_kubectl(environment: Mapping[str, str]) -> None:
    demand("zsh")
    with Shell(["zsh", "-f", "-i"], environment) as zsh:
        zsh.run("autoload -U compinit; compinit -u -D")
        zsh.run("source <(kubectl completion zsh)")
        shown = zsh.type("kubectl nodedns \t", until=r"version")
        assert all(command in shown for command in ALL), shown
        zsh.type("disa\t", until="disable ")


def test_completion_works_in_fish_through_kubectl(environment: Mapping[str, str]) -> None:
    demand("fish")
    script = 'kubectl completion fish | source; complete -C "kubectl nodedns disa"'
    done = subprocess.run(
        ["fish", "--no-config", "-c", script],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith("disable\t"), done.stdout + done.stderr


def test_tab_completes_in_bash_without_kubectl(environment: Mapping[str, str]) -> None:
    demand("bash")
    with Shell(["bash", "--norc", "--noprofile", "-i"], environment) as bash:
        bash.run("source <(kubectl-nodedns completion bash)")
        bash.type("kubectl-nodedns disa\t", until="disable ")
        bash.type("--dry-run=cl\t", until="--dry-run=client ")


def test_tab_completes_in_zsh_without_kubectl(environment: Mapping[str, str]) -> None:
    demand("zsh")
    with Shell(["zsh", "-f", "-i"], environment) as zsh:
        zsh.run("autoload -U compinit; compinit -u -D")
        zsh.run("source <(kubectl-nodedns completion zsh)")
        zsh.type("kubectl-nodedns disa\t", until="disable ")
        zsh.type("--dry-run=cl\t", until="--dry-run=client ")


def test_completion_works_in_fish_without_kubectl(environment: Mapping[str, str]) -> None:
    demand("fish")
    for line, wanted in (("disa", "disable\t"), ("enable --mode=ip", "--mode=iptables")):
        script = f'kubectl-nodedns completion fish | source; complete -C "kubectl-nodedns {line}"'
        done = subprocess.run(
            ["fish", "--no-config", "-c", script],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        assert wanted in done.stdout, done.stdout + done.stderr


def test_the_hook_that_krews_users_write_does_the_same(
    installed: Installed, programs: Path, environment: Mapping[str, str]
) -> None:
    (programs / HOOK).unlink()
    where = f"{programs}:/usr/bin:/bin"
    done = run(CONSOLE_SCRIPT, "completion", "--install-hook", cwd=programs, path=where)
    assert done.stdout == f"wrote {programs / HOOK}\n", done.stderr
    done = subprocess.run(
        ["kubectl", "__complete", "nodedns", "disa"],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith("disable\t"), done.stderr
