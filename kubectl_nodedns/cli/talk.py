"""Talk: progress, plans and questions, on standard error. Standard output is for data."""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING, TextIO

from kubectl_nodedns.cli.streams import silence
from kubectl_nodedns.errors import UsageError
from kubectl_nodedns.interruptible import interruptible
from kubectl_nodedns.printable import printable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kubectl_nodedns.verdict import Verdict

GREEN, RED, DIM, BOLD = "32", "31", "2", "1"


class Talk:
    """Writes lines for a person to a stream; colour only on a terminal, and not with NO_COLOR.

    A line is printable text, whoever wrote what it says: the colours are ours.

    A stream that cannot be written to is no reason to stop half-way through a change: nothing is
    told from then on.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self._colour = self._stream.isatty() and not os.environ.get("NO_COLOR")
        self._start = time.monotonic()

    def step(self, text: str) -> None:
        """A new step begins."""
        elapsed = time.monotonic() - self._start
        self._line(f"{self._paint(f'{elapsed:6.1f} s', DIM)}  {self._paint(printable(text), BOLD)}")

    def node(self, verdict: Verdict) -> None:
        """A verdict on one node."""
        mark = self._paint("✓", GREEN) if verdict.ok else self._paint("✗", RED)
        self._line(f"          {mark} {printable(f'{verdict.node}: {verdict.text}')}")

    def note(self, text: str) -> None:
        """Something worth knowing."""
        self._line(f"          {printable(text)}")

    def lines(self, lines: Iterable[str]) -> None:
        """Lines without anything before them."""
        for line in lines:
            self._line(printable(line, keep="\t"))

    def confirm(self, question: str, *, yes: bool) -> bool:
        """Ask a yes-or-no question on the terminal.

        Args:
            question: what is asked.
            yes: whether it was answered on the command line.

        Raises:
            UsageError: there is no terminal to ask on, and no --yes.
        """
        if yes:
            return True
        if not sys.stdin.isatty():
            raise UsageError(
                "this changes the cluster and there is no terminal to ask on",
                hint="say --yes, or look first with --dry-run=server",
            )
        with interruptible():
            self._write(f"{printable(question)} [y/N] ")
            return sys.stdin.readline().strip().lower() in ("y", "yes")

    def _paint(self, text: str, code: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self._colour else text

    def _line(self, text: str) -> None:
        self._write(f"{text}\n")

    def _write(self, text: str) -> None:
        try:
            self._stream.write(text)
            self._stream.flush()
        except OSError:
            silence(self._stream)
