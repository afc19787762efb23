"""Files that a person names, read to a limit: a path may lead to a device or to an endless pipe.

Imports the standard library only, so that every room may use it.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from kubectl_nodedns.errors import UsageError

if TYPE_CHECKING:
    from typing import BinaryIO

STDIN = "-"


def read_file(path: str | Path, *, option: str, most: int, begins: bytes = b"") -> bytes:
    """Read a file that an option names; the text "-" is standard input, and no path.

    Args:
        path: the file.
        option: the option, for errors.
        most: bytes that it may have.
        begins: what it has to begin with; without that, no more of it is read.

    Raises:
        UsageError: it cannot be read, or is larger.
    """
    try:
        if path == STDIN:
            return _limited(sys.stdin.buffer, path, option, most, begins)
        with Path(path).open("rb") as file:
            return _limited(file, path, option, most, begins)
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no path"
        raise UsageError(f"{option}: {path} cannot be read: {why}", hint=f"ls -l {path}") from error


def read_text(path: str, *, option: str, most: int) -> str:
    """Read a file of text; see `read_file`.

    Raises:
        UsageError: it cannot be read, is larger, or is not UTF-8.
    """
    try:
        text = read_file(path, option=option, most=most).decode()
    except UnicodeDecodeError as error:
        raise UsageError(
            f"{option}: {path} cannot be read: it is not UTF-8 text", hint=f"file {path}"
        ) from error
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _limited(file: BinaryIO, path: str | Path, option: str, most: int, begins: bytes) -> bytes:
    content = file.read(len(begins))
    if content != begins:
        return content
    content += file.read(most + 1 - len(content))
    if len(content) > most:
        raise UsageError(
            f"{option}: {path} is larger than {_size(most)}, and nothing of this kind is",
            hint="is it the right file?",
        )
    return content


def _size(number: int) -> str:
    return f"{number // 2**20} MiB" if number >= 2**20 else f"{number // 1024} KiB"
