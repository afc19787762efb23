"""How a run ends: every error becomes words on stderr and an exit code."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import subprocess
import sys
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from kubectl_nodedns import errors
from kubectl_nodedns.cli import main as entry
from kubectl_nodedns.cli.loop import run_on_loop
from kubectl_nodedns.errors import Exit
from tests.patience import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def end(monkeypatch: pytest.MonkeyPatch) -> Callable[[BaseException | int], int]:
    """Run `version` with a command module that ends as told."""

    def run(how: BaseException | int) -> int:
        def command(_: object) -> int:
            if isinstance(how, BaseException):
                raise how
            return how

        monkeypatch.setattr(entry, "import_module", lambda _: SimpleNamespace(run=command))
        return entry.main(["version"])

    return run


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.NodednsError("went wrong"), Exit.FINDING),
        (errors.UsageError("went wrong"), Exit.USAGE),
        (errors.ApiError("went wrong"), Exit.API),
        (errors.UnreachableError("went wrong"), Exit.API),
        (errors.TimedOutError("went wrong"), Exit.TIMEOUT),
        (errors.RefusedError("went wrong"), Exit.REFUSED),
        (errors.PartialError("went wrong"), Exit.PARTIAL),
        (errors.RevertedError("went wrong"), Exit.REVERTED),
    ],
)
def test_each_kind_of_error_has_its_exit_code(
    error: errors.NodednsError,
    code: Exit,
    end: Callable[[BaseException], int],
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert end(error) == code
    out, err = capsys.readouterr()
    assert (out, err) == ("", "error: went wrong\n")


def test_every_line_of_a_hint_is_shown_indented(
    end: Callable[[BaseException], int], capsys: pytest.CaptureFixture[str]
) -> None:
    end(errors.NodednsError("went wrong", hint="try this\nor that"))
    assert capsys.readouterr().err == "error: went wrong\n  try this\n  or that\n"


def test_an_interruption_ends_with_130(
    end: Callable[[BaseException], int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert end(KeyboardInterrupt()) == 130
    assert capsys.readouterr().err == "interrupted\n"


def test_a_commands_own_exit_code_is_passed_on(end: Callable[[int], int]) -> None:
    assert end(Exit.PARTIAL) == 6


@pytest.mark.parametrize("words", [["--help"], ["version"]])
def test_a_reader_that_goes_away_is_no_error(words: list[str]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    # Standard output is buffered as it is for people, whatever this machine's setting.
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONUNBUFFERED"}
    done = subprocess.run(
        [sys.executable, "-m", "kubectl_nodedns", *words],
        env=environment,
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(writing)
    assert done.stderr == ""
    assert done.returncode == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_lets_a_command_clean_up_and_then_interrupts(number: signal.Signals) -> None:
    cleaned = []

    async def work() -> int:
        asyncio.get_running_loop().call_soon(os.kill, os.getpid(), number)
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0)  # cleaning up may take its time on the loop
            cleaned.append(number)
        return 0

    with pytest.raises(KeyboardInterrupt):
        run_on_loop(work())
    assert cleaned == [number]


def test_an_interruption_before_the_loop_runs_leaves_no_coroutine_behind(
    monkeypatch: pytest.MonkeyPatch, recwarn: pytest.WarningsRecorder
) -> None:
    async def work() -> int:
        return 0

    def interrupted(_: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(asyncio, "run", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run_on_loop(work())
    gc.collect()
    assert [str(one.message) for one in recwarn] == []


def test_a_command_that_ends_by_itself_gives_its_code() -> None:
    async def work() -> int:
        return Exit.PARTIAL

    assert run_on_loop(work()) == Exit.PARTIAL


CONFIRM = """
import asyncio
from kubectl_nodedns.cli import main
from kubectl_nodedns.cli.loop import run_on_loop
from kubectl_nodedns.cli.talk import Talk

async def work():
    try:
        Talk().confirm("Go ahead?", yes=False)
    finally:
        print("cleaned up", flush=True)

class Command:
    @staticmethod
    def run(arguments):
        return run_on_loop(work())

main.import_module = lambda name: Command
raise SystemExit(main.main(["version"]))
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_question_on_a_terminal_can_be_interrupted(number: signal.Signals) -> None:
    ours, theirs = os.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", CONFIRM],
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stderr is not None
    assert process.stderr.read(len("Go ahead? [y/N] ")) == b"Go ahead? [y/N] "
    process.send_signal(number)
    out, err = process.communicate(timeout=PATIENCE)
    os.close(ours)
    os.close(theirs)
    assert out == b"cleaned up\n"
    assert err == b"interrupted\n"
    assert process.returncode == Exit.INTERRUPTED


def test_what_nobody_expected_is_one_line_and_a_file(
    end: Callable[[BaseException], int],
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    for error in (KeyError("\x1b]52;c;secret\x07"), RecursionError(), MemoryError()):
        assert end(error) == Exit.UNEXPECTED
        told = capsys.readouterr()
        first, *rest = told.err.splitlines()
        assert first.startswith(f"error: unexpected {type(error).__name__} ")
        assert "please report it" in rest[0]
        assert "Traceback" not in told.err
        assert "secret" not in told.err
        (file,) = tmp_path.iterdir()
        assert str(file) in told.err
        assert file.stat().st_mode & 0o777 == 0o600
        assert "Traceback" in file.read_text()
        file.unlink()


def test_details_that_cannot_be_kept_are_done_without(
    end: Callable[[BaseException], int],
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "gone"))
    assert end(ValueError("x")) == Exit.UNEXPECTED
    assert "could not be kept: No such file or directory" in capsys.readouterr().err
