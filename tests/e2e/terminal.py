"""A terminal of a given size with a program in it, read as a person reads it.

The program runs on a pseudo-terminal, and what it draws goes through a terminal emulator; so a test
sees the characters that stand on the screen, however they got there.
"""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import subprocess
import termios
import time
from typing import TYPE_CHECKING, Self

import pyte

from tests.patience import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class Terminal:
    """A program on a terminal; leaving it kills the program if it still runs.

    Args:
        command: the program and its arguments.
        environment: its environment.
        columns: width of the terminal.
        lines: height of the terminal.
    """

    def __init__(
        self, command: Sequence[str], environment: Mapping[str, str], *, columns: int, lines: int
    ) -> None:
        self._screen = pyte.Screen(columns, lines)
        self._stream = pyte.ByteStream(self._screen)
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        # The terminal controls the program, as a person's does: when it is closed, all that runs on
        # it is told, and nothing stays behind.
        self.process = subprocess.Popen(
            ["setsid", "--ctty", *command],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env={**environment, "TERM": "xterm-256color"},
        )
        os.close(slave)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        if self._master >= 0:
            self.hang_up()

    @property
    def text(self) -> str:
        """What stands on the screen."""
        return "\n".join(line.rstrip() for line in self._screen.display)

    def type(self, keys: str) -> None:
        """Type `keys`."""
        os.write(self._master, keys.encode())

    def see(self, words: str, *, patience: float = PATIENCE) -> str:
        """Wait until `words` stand on the screen; return all that stands there then."""
        deadline = time.monotonic() + patience
        while words not in self.text:
            assert time.monotonic() < deadline, f"no {words!r} on the screen:\n{self.text}"
            assert self._read() or self.process.poll() is None, f"it ended:\n{self.text}"
        return self.text

    def miss(self, words: str) -> None:
        """Wait until `words` no longer stand on the screen."""
        deadline = time.monotonic() + PATIENCE
        while words in self.text:
            assert time.monotonic() < deadline, f"{words!r} stays on the screen:\n{self.text}"
            self._read()

    def hang_up(self) -> None:
        """Take the terminal away."""
        os.close(self._master)
        self._master = -1

    def end(self) -> int:
        """Wait until the program has ended, and return its exit code."""
        deadline = time.monotonic() + PATIENCE
        while self.process.poll() is None:
            assert time.monotonic() < deadline, f"it does not end:\n{self.text}"
            self._read()
        return self.process.returncode

    def _read(self) -> bool:
        """Take in what the program has drawn; whether there was anything."""
        ready, _, _ = select.select([self._master], [], [], 0.2)
        if not ready:
            return False
        try:
            drawn = os.read(self._master, 65536)
        except OSError:  # the program has closed its side
            return False
        self._stream.feed(drawn)
        return bool(drawn)
