"""Files that options name: devices and pipes without an end, and what is no text."""

from __future__ import annotations

import io
import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from kubectl_nodedns.cli.main import main
from kubectl_nodedns.errors import Exit, UsageError
from kubectl_nodedns.files import read_file, read_text
from tests.patience import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Iterator

ENDLESS = ("/dev/full", "/dev/zero")
READERS = {
    "--config": ("enable", "--dry-run=client", "--config"),
    "--extra-blocks": ("enable", "--dry-run=client", "--extra-blocks"),
    "--names": ("bench", "--names"),
    "--against": ("bench", "--against"),
    "--replay": ("top", "--replay"),
}


@pytest.mark.parametrize("device", [d for d in ENDLESS if Path(d).exists()])
@pytest.mark.parametrize("option", READERS)
def test_an_option_that_names_a_device_ends_with_words(
    option: str, device: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*READERS[option], device]) == Exit.USAGE
    said = capsys.readouterr().err
    assert said.startswith(f"error: {option}: {device} is ")
    assert "is larger than" in said or "is no recording" in said


def test_both_files_of_compare_have_the_limit(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "--compare", "/dev/full", "/dev/full"]) == Exit.USAGE
    assert "--compare: /dev/full is larger than 256 MiB" in capsys.readouterr().err


@pytest.fixture
def endless(tmp_path: Path) -> Iterator[Path]:
    """A pipe into which somebody writes for as long as anybody reads."""
    path = tmp_path / "pipe"
    os.mkfifo(path)

    def write() -> None:
        with path.open("wb", buffering=0) as pipe:
            try:
                while True:
                    pipe.write(b"x" * 65536)
            except BrokenPipeError:
                return

    writer = threading.Thread(target=write, daemon=True)
    writer.start()
    yield path
    writer.join(PATIENCE)
    assert not writer.is_alive(), "the pipe is still being read"


def test_a_pipe_without_an_end_is_read_to_the_limit(endless: Path) -> None:
    with pytest.raises(UsageError, match=r"--config: .* is larger than 256 KiB"):
        read_file(endless, option="--config", most=256 * 1024)


def test_what_begins_otherwise_is_read_no_further(endless: Path) -> None:
    assert read_file(endless, option="--replay", most=2**40, begins=b"\x1f\x8b") == b"xx"


def test_standard_input_has_the_limit_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"x" * 11)))
    with pytest.raises(UsageError, match="--names: - is larger"):
        read_text("-", option="--names", most=10)


def test_exactly_the_limit_is_read(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"0123456789")
    assert read_text(str(tmp_path / "file"), option="--names", most=10) == "0123456789"


def test_line_ends_of_windows_are_line_ends(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"a\r\nb\rc\n")
    assert read_text(str(tmp_path / "file"), option="--names", most=10) == "a\nb\nc\n"


@pytest.mark.parametrize(
    ("content", "words"), [(None, "cannot be read: No such file"), (b"\xff\xfe", "not UTF-8")]
)
def test_what_cannot_be_read_is_named(content: bytes | None, words: str, tmp_path: Path) -> None:
    path = tmp_path / "file"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UsageError, match=words):
        read_text(str(path), option="--names", most=10)
