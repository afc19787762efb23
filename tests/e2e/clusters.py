"""Which real cluster a test is given: one of its worker's own, or one that a developer names.

A test asks for `real_cluster` and gets three nodes; one that needs another number says so with
`nodes(2)`. A worker starts a cluster of a kind when a test asks for one the first time, keeps it
for all tests that want the same, and ends it with the run; `tests.cluster.guard` does it for a
worker that was killed. A run without workers uses `.cluster`, and leaves it up where it was up.
"""

from __future__ import annotations

import re
import shutil
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from tests.cluster import guard
from tests.cluster.bring_up import DEFAULT_NODES, up
from tests.cluster.layout import REPOSITORY, Layout
from tests.cluster.processes import of_cluster
from tests.cluster.tear_down import down
from tests.e2e.nodes import OwnNodes, proxy_mode_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.cluster.kubectl import Kubectl
    from tests.e2e.nodes import Nodes

WORKERS = REPOSITORY / ".clusters"
"""The folder of the clusters that workers start, and of the logs of tests that failed."""
FAILED = WORKERS / "failed"
"""Where the logs of a cluster are kept as they were when a test failed."""


def nodes(count: int) -> pytest.MarkDecorator:
    """Have a test run on a cluster of so many nodes."""
    words = f"{count} nodes" if count > 1 else "1 node"
    return pytest.mark.parametrize("real_cluster", [count], indirect=True, ids=[words])


@dataclass(frozen=True)
class RealCluster:
    """A Kubernetes to test against."""

    kubeconfig: Path
    """The administrator's kubeconfig."""
    kubectl: Kubectl
    """kubectl for it."""
    nodes: Nodes
    """Access to its nodes, as far as there is any."""

    @property
    def node_names(self) -> list[str]:
        """The names of its nodes, sorted."""
        listing = self.kubectl.run("get", "nodes", "-o", "jsonpath={.items[*].metadata.name}")
        return sorted(listing.split())

    def __str__(self) -> str:
        mode = proxy_mode_of(self.kubectl)
        what = f"{len(self.node_names)} nodes, kube-proxy in {mode} mode"
        if isinstance(self.nodes, OwnNodes):
            layout = self.nodes.cluster.layout
            return f"{layout.root} ({what}); its logs: {layout.log}"
        return f"the cluster of {self.kubeconfig} ({what})"


@contextmanager
def own_cluster(root: Path, count: int, *, keep: bool) -> Iterator[RealCluster]:
    """Have a cluster of this machine, with so many nodes, for as long as this process wants it.

    One that was up before stays up afterwards, as does any with `keep`.
    """
    layout = Layout.at(root)
    stays = keep or bool(of_cluster(layout.root))
    if not stays:
        guard.watch(layout)
    cluster = up(layout, count)
    yield RealCluster(layout.kubeconfig, cluster.kubectl, OwnNodes(cluster))
    if not stays:
        down(layout)


def directory(count: int, worker: str | None, given: str | None) -> Path:
    """Return where a cluster lives; two kinds, or two workers, never share one.

    Args:
        count: how many nodes it has.
        worker: the name of the pytest-xdist worker; None where there is only one process.
        given: the directory that somebody asked for.
    """
    usual = REPOSITORY / ".cluster" if worker is None else WORKERS / worker
    root = Layout.at(given or usual).root
    return root if count == DEFAULT_NODES else root.with_name(f"{root.name}-{count}")


def keep_logs(cluster: RealCluster, test: str) -> str:
    """Copy a cluster's logs as they are now, and say where they are and what cluster it was."""
    if not isinstance(cluster.nodes, OwnNodes):
        return str(cluster)
    kept = FAILED / re.sub(r"[^A-Za-z0-9]+", "-", test.partition("::")[2]).strip("-")[:100]
    shutil.rmtree(kept, ignore_errors=True)
    shutil.copytree(cluster.nodes.cluster.layout.log, kept)
    return f"{cluster}\nas they were when the test failed: {kept}"
