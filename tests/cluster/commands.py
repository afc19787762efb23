"""Runs the programs that the cluster is made with; a failure carries what the program said.

None of them outlives its caller: each is killed by the kernel when the thread that started it
ends, also when that thread was killed.
"""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from tests.cluster.errors import ClusterError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from tests.cluster.processes import Process

BOUND = ("setpriv", "--pdeathsig", "KILL")


def run(
    argv: Sequence[str | Path],
    *,
    stdin: str | None = None,
    directory: Path | None = None,
    environment: Mapping[str, str] | None = None,
    check: bool = True,
    timeout: float | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run a program, return its output as text; raise when it fails, unless told otherwise."""
    words = [str(word) for word in argv]
    try:
        result = subprocess.run(
            [*BOUND, *words],
            input=stdin if stdin is not None else "",
            cwd=directory,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=timeout,
        )
    except subprocess.TimeoutExpired as error:
        raise ClusterError(f"{' '.join(words)} took longer than {timeout} s") from error
    if check and result.returncode != 0:
        said = (result.stderr or result.stdout).strip()
        raise ClusterError(f"{' '.join(words)} ended with status {result.returncode}: {said}")
    return result


def inside(process: Process, *, everything: bool) -> list[str]:
    """Return the words that put a command into the namespaces of a process.

    Without `everything` it is only the network: the command then still sees the files and the
    pids of the host, as `ip link ... netns PID` needs it.
    """
    spaces = ["--net"]
    if everything:
        spaces += ["--mount", "--uts", "--ipc", "--pid"]
    return ["nsenter", "--target", str(process.pid), *spaces, "--"]
