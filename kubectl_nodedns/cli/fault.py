"""An error that nobody expected: one line for the person, the details in a file.

The traceback may hold whatever came from outside, so it goes to no terminal. The file is readable
for its owner alone, holds no local variables, and is written only where something went wrong.
"""

from __future__ import annotations

import os
import tempfile
import traceback
from pathlib import Path

from kubectl_nodedns import __version__
from kubectl_nodedns.errors import Exit, NodednsError

PACKAGE = Path(__file__).parents[1]


class UnexpectedError(NodednsError):
    """A fault of the plugin itself."""

    exit = Exit.UNEXPECTED


def unexpected(error: Exception) -> UnexpectedError:
    """Turn any exception into an error that says where it was, and keep its details in a file."""
    where = _where(error)
    try:
        details = f"its details are in {_kept(error)}"
    except OSError as full:
        details = f"its details could not be kept: {full.strerror}"
    return UnexpectedError(
        f"unexpected {type(error).__name__} {where} of kubectl nodedns {__version__}",
        hint=f"this is a fault of the plugin: please report it; {details}\n"
        "what was done in the cluster before is done; the same command again goes on from there",
    )


def _where(error: Exception) -> str:
    """Name the innermost place of ours that it went through."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if PACKAGE in Path(frame.filename).parents]
    if not ours:
        return "somewhere outside"
    return f"in {Path(ours[-1].filename).relative_to(PACKAGE).as_posix()}:{ours[-1].lineno}"


def _kept(error: Exception) -> str:
    descriptor, path = tempfile.mkstemp(prefix="kubectl-nodedns-", suffix=".txt")
    with os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace") as file:
        file.write(f"kubectl nodedns {__version__}\n")
        file.writelines(traceback.format_exception(error))
    return path
