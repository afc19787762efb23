"""Calls kubectl with the cluster's own kubeconfig, whatever the user's environment says."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from tests.cluster import commands
from tests.cluster.errors import ClusterError


def kubectl_program() -> str | None:
    """Return the path of kubectl: beside the running Python, or on PATH."""
    beside = Path(sys.executable).parent / "kubectl"
    return str(beside) if beside.exists() else shutil.which("kubectl")


class Kubectl:
    """kubectl for one cluster."""

    def __init__(self, kubeconfig: Path) -> None:
        """Keep the kubeconfig."""
        self.kubeconfig = kubeconfig

    def run(self, *arguments: str, stdin: str | None = None) -> str:
        """Run kubectl and return what it printed; raise when it fails."""
        program = kubectl_program()
        if program is None:
            raise ClusterError("there is no kubectl beside this Python or on PATH")
        environment = {**os.environ, "KUBECONFIG": str(self.kubeconfig)}
        words = [program, *arguments]
        return commands.run(words, stdin=stdin, environment=environment).stdout

    def apply(self, text: str) -> None:
        """Apply manifests given as text."""
        self.run("apply", "-f", "-", stdin=text)

    def rollout(self, namespace: str, name: str, seconds: int = 300) -> None:
        """Wait until a workload, given as KIND/NAME, has been rolled out."""
        self.run("-n", namespace, "rollout", "status", name, f"--timeout={seconds}s")
