"""The TAB key in real shells, with the real kubectl and the installed wheel."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from kubectl_nodedns.cli.complete import ask_kubectl, complete
from tests.e2e.official_addon import wait_for
from tests.e2e.terminal import Terminal
from tests.packaging.conftest import CONSOLE_SCRIPT, Installed, run

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

HOOK = "kubectl_complete-nodedns"
BASH_COMPLETION = Path("/usr/share/bash-completion/bash_completion")


class Shell(Terminal):
    """An interactive shell on a terminal, so that the TAB key is really pressed.

    What is waited for stands on the screen as a whole: a list of choices is read when all of it is
    there, in whatever order and columns the shell lays it out.
    """

    def __init__(self, words: Sequence[str], environment: Mapping[str, str]) -> None:
        super().__init__(words, environment, columns=200, lines=50)
        self._commands = 0

    def run(self, command: str) -> None:
        """Run a command to its end."""
        self._commands += 1
        # The marker is put together by the shell, so that its echo does not look like its output.
        self.type(f"{command}; echo end''ed {self._commands}\n")
        self.see(f"\nended {self._commands}\n")


BASH = ("bash", "--norc", "--noprofile", "-i")
ZSH = ("zsh", "-f", "-i")


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
        "LANG": "C.UTF-8",
        "PS1": "$ ",
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


def press_tab_through_kubectl(shell: Shell, *, tabs: str) -> None:
    """List all commands, complete one that is begun, and list the values of one of its options."""
    shell.type(f"kubectl nodedns {tabs}")
    commands = complete([""], ask_kubectl).words
    assert {"enable", "disable", "top", "completion", "version"} <= {word for word, _ in commands}
    for _, summary in commands:
        shell.see(summary)
    # bash writes "word  (summary)" and zsh "word  -- summary", each in columns of its own choice.
    listed = re.findall(r"(?:^|  )(\w+) +(?:\(|-- )", shell.text, re.MULTILINE)
    assert sorted(listed) == sorted(word for word, _ in commands), shell.text
    shell.type("disa\t")
    shell.see("kubectl nodedns disable")
    # What follows is one word further on, so the shell has ended the word before.
    shell.type(f"--dry-run {tabs}")
    shell.see("kubectl nodedns disable --dry-run")
    for value in ("none", "client", "server"):
        shell.see(value)


def press_tab_without_kubectl(shell: Shell) -> None:
    shell.type("kubectl-nodedns disa\t")
    shell.see("kubectl-nodedns disable")
    shell.type("--dry-run=cl\t")
    shell.see("kubectl-nodedns disable --dry-run=client")
    shell.type("-o y\t")
    shell.see("kubectl-nodedns disable --dry-run=client -o yaml")


def test_tab_completes_in_bash_through_kubectl(environment: Mapping[str, str]) -> None:
    demand("bash")
    if not BASH_COMPLETION.exists():
        pytest.skip("kubectl's script for bash needs bash-completion, which is not installed")
    with Shell(BASH, environment) as bash:
        bash.run(f"source {BASH_COMPLETION}")
        bash.run("source <(kubectl completion bash)")
        press_tab_through_kubectl(bash, tabs="\t\t")


def test_tab_completes_in_zsh_through_kubectl(environment: Mapping[str, str]) -> None:
    demand("zsh")
    with Shell(ZSH, environment) as zsh:
        zsh.run("autoload -U compinit; compinit -u -D")
        zsh.run("source <(kubectl completion zsh)")
        press_tab_through_kubectl(zsh, tabs="\t")


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
    with Shell(BASH, environment) as bash:
        bash.run("source <(kubectl-nodedns completion bash)")
        press_tab_without_kubectl(bash)


def test_tab_completes_in_zsh_without_kubectl(environment: Mapping[str, str]) -> None:
    demand("zsh")
    with Shell(ZSH, environment) as zsh:
        zsh.run("autoload -U compinit; compinit -u -D")
        zsh.run("source <(kubectl-nodedns completion zsh)")
        press_tab_without_kubectl(zsh)


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


FISH = ("fish", "--no-config", "-i")
PREPARED = {
    "bash": (BASH, ()),
    "zsh": (ZSH, ("autoload -U compinit; compinit -u -D",)),
    "fish": (FISH, ()),
}
"""How each shell is started, and what it has to run before it completes anything."""


def hostile(folder: Path) -> list[str]:
    """Names that make a file when a shell evaluates them; no blank, which would end a choice."""
    file = folder / "evaluated"
    return [f"prod$(touch${{IFS}}{file})", f"prod`touch${{IFS}}{file}`", f"prod;touch>{file}"]


def load(shell: Shell, name: str, *, kubectl: bool) -> None:
    for line in PREPARED[name][1]:
        shell.run(line)
    if kubectl and name == "bash":
        shell.run(f"source {BASH_COMPLETION}")
    words = f"kubectl completion {name}" if kubectl else f"kubectl-nodedns completion {name}"
    shell.run(f"{words} | source" if name == "fish" else f"source <({words})")


@pytest.mark.parametrize("kubectl", [True, False], ids=["kubectl nodedns", "kubectl-nodedns"])
@pytest.mark.parametrize("name", PREPARED)
def test_tab_runs_no_name_of_a_kubeconfig(
    name: str, kubectl: bool, environment: Mapping[str, str], tmp_path: Path
) -> None:
    demand(name)
    if kubectl and name == "bash" and not BASH_COMPLETION.exists():
        pytest.skip("kubectl's script for bash needs bash-completion, which is not installed")
    contexts = [
        {"name": each, "context": {"cluster": "c", "user": "u"}}
        for each in (*hostile(tmp_path), "prod-sound")
    ]
    config = {"apiVersion": "v1", "kind": "Config", "contexts": contexts}
    (tmp_path / "config").write_text(json.dumps(config))
    program = "kubectl nodedns" if kubectl else "kubectl-nodedns"
    with Shell(PREPARED[name][0], {**environment, "KUBECONFIG": f"{tmp_path}/config"}) as shell:
        load(shell, name, kubectl=kubectl)
        shell.type(f"{program} status --context pro\t")
        shell.see("--context prod-sound")
    assert not (tmp_path / "evaluated").exists()


@pytest.mark.parametrize("name", PREPARED)
def test_a_choice_is_data_to_the_script_of_each_shell(
    name: str, environment: Mapping[str, str], programs: Path
) -> None:
    """A program that offers anything: what is taken is the word that was offered."""
    demand(name)
    script = run(CONSOLE_SCRIPT, "completion", name, cwd=programs, path=environment["PATH"])
    (programs / "script").write_text(script.stdout)
    (programs / CONSOLE_SCRIPT).unlink()
    (programs / CONSOLE_SCRIPT).write_text(
        "#!/bin/sh\n"
        f'case "$1" in __complete) exec cat {programs}/choices;; esac\n'
        f'printf %s "$3" > {programs}/draft; mv {programs}/draft {programs}/taken\n'
    )
    (programs / CONSOLE_SCRIPT).chmod(0o755)
    taken = programs / "taken"
    with Shell(PREPARED[name][0], environment) as shell:
        for line in PREPARED[name][1]:
            shell.run(line)
        shell.run(f"source {programs}/script")
        for word in hostile(programs):
            (programs / "choices").write_text(f"{word}\n:4\n")
            shell.type("kubectl-nodedns status --context pro\t")
            shell.see("IFS" if "IFS" in word else "touch")
            shell.type("\n")
            wait_for(taken.exists, "the line is run")
            assert taken.read_text() == word
            taken.unlink()
            shell.type("clear\n")
            shell.miss("touch")
    assert not (programs / "evaluated").exists()


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
