from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

import pytest

from kubectl_nodedns.children import environment_of_child
from kubectl_nodedns.cli import complete as room
from kubectl_nodedns.cli.complete import FILES, NO_FILES, complete
from kubectl_nodedns.cli.main import main
from kubectl_nodedns.cli.parser import COMMANDS, build_parser
from kubectl_nodedns.commands import completion
from kubectl_nodedns.errors import Exit, RefusedError, UsageError

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Sequence
    from pathlib import Path


class Kubectl:
    """A kubectl that keeps what it was asked."""

    def __init__(self, *lines: str) -> None:
        self.lines = list(lines)
        self.asked: list[list[str]] = []

    def __call__(self, words: Sequence[str]) -> list[str]:
        self.asked.append(list(words))
        return self.lines


def nobody(words: Sequence[str]) -> list[str]:
    raise AssertionError(f"kubectl was asked: {words}")


def words(*line: str) -> list[str]:
    return [word for word, _ in complete(line, nobody).words]


def test_every_command_is_offered_with_its_summary() -> None:
    found = dict(complete([""], nobody).words)
    assert list(found)[-1] == "version"
    assert len(found) == len(COMMANDS) + 1
    assert all(found.values())
    assert complete([], nobody) == complete([""], nobody)


def test_only_what_begins_like_the_word_is_offered() -> None:
    assert words("be") == ["bench"]
    assert words("nonsense") == []
    assert words("enable", "--dry") == ["--dry-run"]


def test_options_of_the_command_and_kubectls_own_are_offered_behind_it() -> None:
    found = words("bench", "-")
    assert {"--rate", "--context", "--yes", "--help"} <= set(found)
    assert "--now" not in found
    assert "--context" in words("--")


def test_an_option_is_offered_once_unless_it_adds_up() -> None:
    assert "--rate" not in words("bench", "--rate", "5", "-")
    assert "--output" not in words("bench", "-ojson", "-")
    assert "--node" in words("bench", "--node", "a", "-")
    assert "--as-group" in words("bench", "--as-group=a", "-")


@pytest.mark.parametrize(
    "line",
    [
        ("enable", "--mode", ""),
        ("enable", "--mode="),
        ("--context", "top", "enable", "--mode", ""),
        ("--context=x", "enable", "-y", "--mode", ""),
        ("enable", "--image", "--yes", "--mode", ""),
    ],
)
def test_choices_of_an_option_are_offered_wherever_it_stands(line: tuple[str, ...]) -> None:
    assert words(*line) == ["iptables", "nftables", "ipvs", "cilium", "calico-ebpf"]


def test_choices_of_an_argument_are_offered_once() -> None:
    assert words("completion", "") == ["bash", "zsh", "fish"]
    assert words("completion", "bash", "") == []


def test_files_are_left_to_the_shell() -> None:
    for line in (("--kubeconfig", ""), ("bench", "--names="), ("bench", "--compare", "a", "")):
        assert complete(line, nobody).directive == FILES
    assert complete(("bench", "--rate", ""), nobody).directive == NO_FILES
    assert words("bench", "--compare", "a", "b", "--ra") == ["--rate"]


def test_nodes_and_namespaces_are_asked_of_the_cluster_that_the_line_names() -> None:
    kubectl = Kubectl("node/node1", "node/node2", "node/other")
    line = ("--context", "c", "bench", "--kubeconfig=k", "--insecure-skip-tls-verify", "--node")
    found = complete((*line, "nod"), kubectl)
    assert [word for word, _ in found.words] == ["node1", "node2"]
    access = ["--context", "c", "--kubeconfig=k", "--insecure-skip-tls-verify"]
    assert kubectl.asked == [["get", "nodes", "-o", "name", "--request-timeout=2s", *access]]
    spaces = Kubectl("namespace/default")
    assert complete(("bench", "--probe-namespace="), spaces).words == (("default", ""),)


HOSTILE = [
    "prod$(touch${IFS}X)",
    "prod`touch X`",
    "prod;touch X",
    "prod|touch X",
    "prod&touch",
    "prod>X",
    "prod'touch'",
    'prod"touch',
    "prod\\touch",
    "prod{a,b}",
    "prod*",
    "prod?",
    "prod[a]",
    "prod!!",
    "prod#",
    "~prod",
    "%prod",
    "@prod",
    "=prod",
    "--prod",
    "prod\x1b[31m",
    "prod\u202egpj",
    "prod x",
    "prod\tx",
    "prodé",
    ":4",
]
"""Names that a shell reads as more than a word, or a terminal as more than text."""


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize(
    "line",
    [
        ("--context", ""),
        ("--cluster", ""),
        ("--user", ""),
        ("bench", "--node", ""),
        ("lookup", "--namespace", ""),
        ("enable", "--probe-namespace", ""),
    ],
)
def test_a_name_that_a_shell_would_read_as_more_than_a_word_is_not_offered(
    name: str, line: tuple[str, ...]
) -> None:
    kind = {"--node": "node/", "--namespace": "namespace/", "--probe-namespace": "namespace/"}
    prefix = kind.get(line[-2], "")
    found = complete(line, Kubectl(prefix + name, f"{prefix}prod-1"))
    assert [word for word, _ in found.words] == ["prod-1"]


@pytest.mark.parametrize(
    "name", ["arn:aws:eks:eu-west-1:1:cluster/a", "gke_p_z_a", "admin@kind", "a.b-c_d", "k8s+x%2F"]
)
def test_names_as_installers_make_them_are_offered(name: str) -> None:
    assert complete(("--context", ""), Kubectl(name)).words == ((name, ""),)


def test_contexts_are_read_from_the_kubeconfig_that_the_line_names() -> None:
    kubectl = Kubectl("one", "two")
    found = complete(("--kubeconfig", "k", "--context", "t"), kubectl)
    assert [word for word, _ in found.words] == ["two"]
    assert kubectl.asked == [["config", "get-contexts", "-o", "name", "--kubeconfig", "k"]]
    users = Kubectl("NAME", "admin")
    assert complete(("--user", ""), users).words == (("admin", ""),)


def test_what_kubectl_reads_are_choices_and_then_a_directive(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["__complete", "bench", "-o", ""]) == 0
    assert capsys.readouterr().out == "table\nwide\njson\n:4\n"


def test_an_error_at_the_prompt_is_no_choices(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(room, "complete", broken)
    assert room.main(["x"]) == 0
    assert capsys.readouterr() == (":4\n", "")


@pytest.fixture
def fake_kubectl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    return tmp_path / "kubectl"


@pytest.mark.parametrize("script", ["echo a; exit 1", "echo a; kill -9 $$", "sleep 60"])
def test_a_kubectl_that_fails_or_hangs_is_no_choices(fake_kubectl: Path, script: str) -> None:
    fake_kubectl.write_text(f"#!/bin/sh\n{script}\n")
    fake_kubectl.chmod(0o755)
    assert room.ask_kubectl(["get", "nodes"], patience=0.3) == []


def test_without_kubectl_there_are_no_choices(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert room.ask_kubectl(["get", "nodes"]) == []


def test_kubectl_gets_the_environment_from_before_a_frozen_build(
    fake_kubectl: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_kubectl.write_text('#!/bin/sh\necho "$LD_LIBRARY_PATH|$LD_LIBRARY_PATH_ORIG"\n')
    fake_kubectl.chmod(0o755)
    monkeypatch.setenv("LD_LIBRARY_PATH", "/bundle")
    monkeypatch.setenv("LD_LIBRARY_PATH_ORIG", "/before")
    assert room.ask_kubectl([]) == ["/before|"]
    monkeypatch.delenv("LD_LIBRARY_PATH_ORIG")
    assert room.ask_kubectl([]) == ["/bundle|"]
    monkeypatch.setattr("sys.frozen", True, raising=False)
    assert room.ask_kubectl([]) == ["|"]
    assert "LD_LIBRARY_PATH" not in environment_of_child()


def arguments(*line: str) -> Namespace:
    return build_parser().parse_args(["completion", *line])


def test_the_hook_is_written_once_and_again_and_runs_the_program(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(2):
        assert completion.run(arguments("--install-hook", str(tmp_path))) == Exit.OK
    hook = tmp_path / completion.HOOK
    assert capsys.readouterr().out == f"wrote {hook}\n" * 2
    assert hook.stat().st_mode & stat.S_IXUSR
    assert 'exec kubectl-nodedns __complete "$@"' in hook.read_text()


def test_the_hook_goes_beside_the_program_on_the_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = tmp_path / "store" / "kubectl-nodedns"
    store.parent.mkdir()
    store.write_text("#!/bin/sh\n")
    store.chmod(0o755)
    (tmp_path / "kubectl-nodedns").symlink_to(store)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert completion.install("") == tmp_path / completion.HOOK
    monkeypatch.setenv("PATH", str(tmp_path / "nowhere"))
    with pytest.raises(UsageError, match="not on the PATH"):
        completion.install("")


def test_another_program_of_that_name_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / completion.HOOK).write_text("#!/usr/bin/python\n")
    with pytest.raises(RefusedError, match="there already"):
        completion.install(str(tmp_path))
    with pytest.raises(UsageError, match="cannot be written"):
        completion.install(str(tmp_path / "missing"))


def test_completion_wants_a_shell_or_the_hook() -> None:
    with pytest.raises(UsageError, match="name a shell"):
        completion.run(arguments())
    with pytest.raises(UsageError, match="leave the shell out"):
        completion.run(arguments("bash", "--install-hook"))
