"""A shell on a terminal, so that the TAB key is really pressed."""

from __future__ import annotations

import os
import pty
import re
import select
import time
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

LIMIT = 60.0
"""Seconds until something that was waited for counts as never coming."""
_CONTROL = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]|\x1b[=>]|\r|\x07|\x08")


class Shell:
    """An interactive shell; use it as a context manager.

    Args:
        words: the shell's command line.
        environment: its whole environment.
    """

    def __init__(self, words: Sequence[str], environment: Mapping[str, str]) -> None:
        self._words = words
        self._environment = environment
        self._pid = 0
        self._terminal = -1

    def __enter__(self) -> Self:
        self._pid, self._terminal = pty.fork()
        if self._pid == 0:
            os.execvpe(self._words[0], list(self._words), dict(self._environment))
        return self

    def __exit__(self, *exc: object) -> None:
        os.close(self._terminal)  # the shell gets SIGHUP
        os.waitpid(self._pid, 0)

    def type(self, text: str, *, until: str) -> str:
        """Type `text`; return what appeared up to and with what matches `until`."""
        os.write(self._terminal, text.encode())
        seen = ""
        deadline = time.monotonic() + LIMIT
        while not re.search(until, seen):
            ready, _, _ = select.select([self._terminal], [], [], 1.0)
            if ready:
                seen += _CONTROL.sub("", os.read(self._terminal, 65536).decode(errors="replace"))
            assert time.monotonic() < deadline, f"{until!r} never appeared in: {seen!r}"
        return seen

    def run(self, command: str) -> None:
        """Run a command to its end."""
        # The marker is put together by the shell, so that its echo does not look like its output.
        self.type(f"{command}; echo end''ed\n", until=r"\nended\n|^ended\n")
