"""The one error of the test cluster: what went wrong, and which log tells more."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

TAIL_LINES = 15


class ClusterError(Exception):
    """Something about the cluster failed; `log` names the file to look into."""

    def __init__(self, message: str, log: Path | None = None) -> None:
        """Keep the message and, where there is one, the log that belongs to it."""
        super().__init__(message)
        self.message = message
        self.log = log

    def __str__(self) -> str:
        """Return the message with the last lines of the log."""
        if self.log is None:
            return self.message
        return f"{self.message}\nlook into {self.log}\n{tail(self.log)}"


def tail(log: Path, lines: int = TAIL_LINES) -> str:
    """Return the last lines of a log, indented; a missing or empty log is said to be so."""
    try:
        text = log.read_text(errors="replace")
    except FileNotFoundError:
        return "  (there is no such log)"
    last = text.splitlines()[-lines:]
    return "\n".join(f"  | {line[:300]}" for line in last) or "  (the log is empty)"
