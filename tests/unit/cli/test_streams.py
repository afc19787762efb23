"""Standard streams that are full, closed, broken, or cannot take every sign: in real processes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from kubectl_nodedns.cli.talk import Talk

FULL = Path("/dev/full")
MODULE = (sys.executable, "-m", "kubectl_nodedns")
SPEAKING = """
import json, sys
from types import SimpleNamespace
from kubectl_nodedns.cli import main

def run(arguments):
    print("212 µs ✓ … ‼ Zürich 日本 \U0001f600")
    print(json.dumps("Zürich", ensure_ascii=False))
    return 6

main.import_module = lambda name: SimpleNamespace(run=run)
raise SystemExit(main.main(["version"]))
"""
INTERRUPTED = """
import os, signal, sys

class Impatient:
    def find_spec(self, name, path, target=None):
        if name == {name!r}:
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Impatient())
sys.argv = ["kubectl-nodedns", "completion", "bash"]
from kubectl_nodedns.cli.main import main
raise SystemExit(main())
"""


def environment(**more: str) -> dict[str, str]:
    """The environment with standard output buffered as it is for people."""
    return {k: v for k, v in os.environ.items() if k != "PYTHONUNBUFFERED"} | more


def shell(line: str, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
    """Run a command with its streams as the shell's `line` leads them."""
    return subprocess.run(
        ["sh", "-c", f'exec "$@" {line}', "sh", *words],
        env=environment(**more),
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.skipif(not FULL.exists(), reason="this system has no /dev/full")
def test_output_that_cannot_be_written_is_an_error_in_words() -> None:
    done = shell(f">{FULL}", *MODULE, "version")
    assert done.stderr == (
        "error: standard output cannot be written: No space left on device\n"
        "  make room there, or send it elsewhere; what was done in the cluster is done\n"
    )
    assert done.returncode == 2


@pytest.mark.skipif(not FULL.exists(), reason="this system has no /dev/full")
def test_talk_that_cannot_be_written_changes_neither_data_nor_exit_code() -> None:
    done = shell(f"2>{FULL}", *MODULE, "status", "--kubeconfig", "/nothing")
    assert (done.returncode, done.stdout) == (2, "")


@pytest.mark.parametrize("line", [">&-", "2>&-", "<&-", "<&- >&- 2>&-"])
def test_a_stream_that_is_closed_leads_nowhere(line: str) -> None:
    done = shell(line, *MODULE, "version")
    assert done.returncode == 0
    assert done.stderr == ""
    assert done.stdout.startswith("kubectl-nodedns" if line in ("2>&-", "<&-") else "")


def test_a_stream_that_was_closed_keeps_its_number() -> None:
    """Else the first connection would be standard output, and data would go to the API server."""
    program = (
        "import os, sys\n"
        "from kubectl_nodedns.cli.streams import prepare\n"
        "prepare()\n"
        "assert sys.stdout.fileno() == 1, sys.stdout.fileno()\n"
        "assert os.open('/dev/null', os.O_RDONLY) > 2\n"
    )
    done = shell(">&-", sys.executable, "-c", program)
    assert (done.returncode, done.stderr) == (0, "")


def test_signs_that_an_encoding_lacks_are_written_plainly() -> None:
    done = shell("", sys.executable, "-c", SPEAKING, PYTHONIOENCODING="ascii")
    assert done.stdout == ('212 us ok ... !! Z\\u00fcrich \\u65e5\\u672c ?\n"Z\\u00fcrich"\n')
    assert (done.returncode, done.stderr) == (6, "")


def test_signs_are_written_as_they_are_where_that_is_possible() -> None:
    done = shell("", sys.executable, "-c", SPEAKING, PYTHONIOENCODING="utf-8")
    assert done.stdout == '212 µs ✓ … ‼ Zürich 日本 \U0001f600\n"Zürich"\n'


@pytest.mark.parametrize(
    "name", ["argparse", "kubectl_nodedns.cli.parser", "kubectl_nodedns.commands.completion"]
)
def test_ctrl_c_ends_in_words_while_something_is_imported(name: str) -> None:
    done = shell("", sys.executable, "-c", INTERRUPTED.format(name=name))
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "interrupted\n")


def test_a_change_goes_on_when_nobody_listens_any_more() -> None:
    """`enable 2>&1 | head` must not stop between two nodes, nor while it puts one back."""
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as stream:
        talk = Talk(stream)
        talk.step("switch node1")
        talk.note("told to nobody")
