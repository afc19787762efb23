"""Runs the plugin in e2e tests as a user does: through the real kubectl."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

LIMIT = 300.0
"""Seconds after which a run of the plugin counts as hung."""


@dataclass(frozen=True)
class Ended:
    """How a run of the plugin ended."""

    code: int
    """Its exit code."""
    stdout: str
    """What it printed as data."""
    stderr: str
    """What it told the person."""

    def __str__(self) -> str:
        return f"exit {self.code}\n--- stdout\n{self.stdout}\n--- stderr\n{self.stderr}"


@dataclass(frozen=True)
class Plugin:
    """The plugin, with the kubeconfig of one cluster."""

    kubeconfig: Path
    """The kubeconfig that it is given."""

    @property
    def environment(self) -> Mapping[str, str]:
        """The environment of a run: the plugin is on the PATH, as krew puts it there."""
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        return {**os.environ, "PATH": path, "KUBECONFIG": str(self.kubeconfig), "NO_COLOR": "1"}

    def run(self, *arguments: str) -> Ended:
        """Run `kubectl nodedns ARGUMENTS` to its end; a traceback is a failure."""
        process = self.start(*arguments)
        return self.wait(process)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start `kubectl nodedns ARGUMENTS`; kubectl becomes the plugin, so the pid is its own."""
        return subprocess.Popen(
            ["kubectl", "nodedns", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=self.environment,
        )

    def wait(self, process: subprocess.Popen[str]) -> Ended:
        """Wait for a run that was started."""
        stdout, stderr = process.communicate(timeout=LIMIT)
        ended = Ended(process.returncode, stdout, stderr)
        assert "Traceback" not in stderr, str(ended)
        return ended
