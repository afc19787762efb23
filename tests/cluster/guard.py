"""Ends a cluster when the process that it was started for has ended, however that came about.

A cluster outlives `up` on purpose. One that a test run started has to end with the run, also when
that was killed and could not do anything more. So `watch` starts this module as a process of its
own, out of reach of the terminal's signals: it waits until the other process is no more, and does
what `down` does, which is nothing where the run has done it already.

Run as `python -m tests.cluster.guard ROOT PID`.
"""

from __future__ import annotations

import os
import select
import subprocess
import sys
from pathlib import Path

from tests.cluster.errors import ClusterError
from tests.cluster.layout import REPOSITORY, Layout
from tests.cluster.progress import Progress
from tests.cluster.tear_down import down


def watch(layout: Layout) -> None:
    """Have the cluster of this layout end when this process does."""
    subprocess.Popen(
        [sys.executable, "-m", "tests.cluster.guard", str(layout.root), str(os.getpid())],
        cwd=REPOSITORY,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def main(root: str, pid: int) -> None:
    """Wait until the parent with this pid is no more, and end the cluster."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        descriptor = None
    # A parent that ended before the look has handed this process on, and its pid may be another's.
    if descriptor is not None and os.getppid() == pid:
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        poll.poll()
    layout = Layout.at(Path(root))
    try:
        down(layout, Progress(quiet=True))
    except ClusterError as error:
        (layout.log / "guard.log").write_text(f"{error}\n")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
