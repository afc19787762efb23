"""Tells on stderr what the cluster is doing and how long each step took."""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass
class Progress:
    """A running account of steps."""

    quiet: bool = False
    """Say nothing; the times are still kept."""
    started: float = field(default_factory=time.monotonic)
    """When the account began, on the monotonic clock."""
    steps: list[tuple[str, float]] = field(default_factory=list)
    """Each finished step and its seconds."""

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        """Announce a step, run it, and say how long it took; a failed one stays unfinished."""
        begin = time.monotonic()
        self.say(f"{title} ...")
        yield
        seconds = time.monotonic() - begin
        self.steps.append((title, seconds))
        self.say(f"{title}: done in {seconds:.1f} s")

    def say(self, text: str) -> None:
        """Print one line with the seconds since the start."""
        if not self.quiet:
            elapsed = time.monotonic() - self.started
            print(f"{elapsed:6.1f} s  {text}", file=sys.stderr, flush=True)
