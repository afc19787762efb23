"""Names that completion asks of kubectl, on a real Kubernetes."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.e2e.clusters import RealCluster
    from tests.e2e.plugin import Plugin


def choices(nodedns: Plugin, *words: str) -> list[str]:
    """What kubectl's own completion offers; the last line is the directive for the shell."""
    done = subprocess.run(
        ["kubectl", "__complete", "nodedns", *words],
        env=dict(nodedns.environment),
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.splitlines()


def test_contexts_nodes_and_namespaces_are_asked_of_kubectl(
    real_cluster: RealCluster, nodedns: Plugin
) -> None:
    assert choices(nodedns, "bench", "--node", "") == [*real_cluster.node_names, ":4"]
    assert "kube-system" in choices(nodedns, "enable", "--probe-namespace", "kube")
    [context] = real_cluster.kubectl.run("config", "get-contexts", "-o", "name").split()
    assert choices(nodedns, "--context", "") == [context, ":4"]


def test_a_cluster_that_cannot_be_reached_gives_no_choices(nodedns: Plugin) -> None:
    unreachable = ("--server", "https://127.0.0.1:1", "bench", "--node", "")
    assert choices(nodedns, *unreachable) == [":4"]
