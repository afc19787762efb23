"""The cgroups of a cluster: one folder of its own in every controller, one below it per node.

A kubelet is told to stay below its node's folder (`cgroupRoot`), which must exist beforehand in
every controller. Works with the separate hierarchies of cgroup v1 and with the single one of v2.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

from tests.cluster.errors import ClusterError

if TYPE_CHECKING:
    from tests.cluster.layout import Layout, Node

HIERARCHIES = Path("/sys/fs/cgroup")
REMOVAL_SECONDS = 60.0


def is_unified() -> bool:
    """Say whether this machine has cgroup v2 alone."""
    return (HIERARCHIES / "cgroup.controllers").exists()


def roots() -> list[Path]:
    """Return the root folder of each hierarchy that containers are limited by."""
    if is_unified():
        return [HIERARCHIES]
    found = (path for path in HIERARCHIES.iterdir() if path.is_dir() and not path.is_symlink())
    return sorted(path for path in found if (path / "tasks").exists())


def hierarchies() -> list[Path]:
    """Return the root folder of each hierarchy in which a runtime may have made folders.

    Beside those of cgroup v1 there may be a unified one (systemd's hybrid layout), which limits
    nothing, and which runc enters all the same.
    """
    if is_unified():
        return [HIERARCHIES]
    found = (path for path in HIERARCHIES.iterdir() if path.is_dir() and not path.is_symlink())
    return sorted(path for path in found if (path / "cgroup.procs").exists())


def make(layout: Layout, node: Node) -> None:
    """Make a node's folder in every hierarchy; harmless when it is there."""
    for root in roots():
        above = root
        for name in (layout.cgroup, node.name):
            folder = above / name
            if is_unified():
                _pass_controllers_on(above)
            folder.mkdir(exist_ok=True)
            _inherit_cpuset(above, folder)
            above = folder


def _pass_controllers_on(folder: Path) -> None:
    available = (folder / "cgroup.controllers").read_text().split()
    enabled = " ".join(f"+{name}" for name in available)
    (folder / "cgroup.subtree_control").write_text(enabled)


def _inherit_cpuset(above: Path, folder: Path) -> None:
    # A new v1 cpuset is empty, and no process may enter it until it is filled.
    for name in ("cpuset.cpus", "cpuset.mems"):
        if not is_unified() and (folder / name).exists():
            (folder / name).write_text((above / name).read_text())


def clear(layout: Layout, node: Node) -> None:
    """Remove what an earlier life of a node left below its folders, as a reboot would.

    A starting kubelet asks the runtime about each of these, and waits seconds for every answer.
    """
    for root in hierarchies():
        _remove_below(root / layout.cgroup / node.name)


def leftovers(layout: Layout) -> list[Path]:
    """Return the cluster's folders that exist, one for each hierarchy."""
    return [root / layout.cgroup for root in hierarchies() if (root / layout.cgroup).exists()]


def remove(layout: Layout) -> None:
    """Remove the cluster's folders; the kernel needs a moment after the last process ended."""
    deadline = time.monotonic() + REMOVAL_SECONDS
    while True:
        left = leftovers(layout)
        for folder in left:
            _remove_tree(folder)
        if not left:
            return
        if time.monotonic() > deadline:
            raise ClusterError(f"cgroups are still in use: {', '.join(map(str, left))}")
        time.sleep(0.05)


def _remove_tree(folder: Path) -> None:
    _remove_below(folder)
    _try_rmdir(folder)


def _remove_below(folder: Path) -> None:
    # Only folders can be removed, from the innermost out; their files go with them.
    for inner in sorted((p for p in folder.rglob("*") if p.is_dir()), reverse=True):
        _try_rmdir(inner)


def _try_rmdir(folder: Path) -> None:
    try:
        folder.rmdir()
    except OSError:
        return  # Gone already, or a process is still ending in it.
