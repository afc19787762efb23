"""`down`: ends a cluster completely, whatever state an `up` left it in.

The processes are found by their command lines, not from files, so it does not matter how far `up`
came. Killing the first process of the control plane's pid namespace makes the kernel kill
everything below it; with the last process of a namespace its links, addresses, rules and mounts
are gone. What is left to remove are the cgroups and the files. Logs stay.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from tests.cluster import cgroups
from tests.cluster.errors import ClusterError
from tests.cluster.processes import end, of_cluster
from tests.cluster.programs import locked
from tests.cluster.progress import Progress

if TYPE_CHECKING:
    from tests.cluster.layout import Layout

KEPT = ("log", "lock")


def down(layout: Layout, progress: Progress | None = None) -> None:
    """End the cluster and remove everything of it but its logs; harmless without a cluster."""
    progress = progress or Progress()
    if not layout.root.exists() and not of_cluster(layout.root):
        cgroups.remove(layout)
        return
    layout.root.mkdir(parents=True, exist_ok=True)
    with locked(layout.lock), progress.step("down"):
        _end_processes(layout)
        cgroups.remove(layout)
        _remove_files(layout)


def _end_processes(layout: Layout) -> None:
    # Again until none is found: one may have started another between the look and the kill.
    while found := of_cluster(layout.root):
        stuck = end(found)
        if stuck:
            pids = ", ".join(str(process.pid) for process in stuck)
            raise ClusterError(f"processes do not end: {pids}")


def _remove_files(layout: Layout) -> None:
    mounted = mounts_below(layout.root, Path("/proc/self/mountinfo").read_text())
    if mounted:
        raise ClusterError(f"something is mounted below {layout.root}: {', '.join(mounted)}")
    for entry in layout.root.iterdir():
        if entry.name in KEPT:
            continue
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()


def mounts_below(root: Path, mountinfo: str) -> list[str]:
    """Return the mount points in or below a folder, from the text of /proc/PID/mountinfo."""
    points = [line.split()[4].replace("\\040", " ") for line in mountinfo.splitlines()]
    return [point for point in points if root == Path(point) or root in Path(point).parents]
