"""krew's archive, installed the way krew does it, on a real Kubernetes through the real kubectl."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.e2e.plugin import Plugin
from tests.e2e.terminal import Terminal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.e2e.clusters import RealCluster
    from tests.e2e.conftest import KubectlCall


@dataclass(frozen=True)
class KrewPlugin(Plugin):
    """The plugin from krew's folders, with nothing of this checkout on the PATH."""

    folder: Path = Path()
    """A folder with kubectl and with krew's link."""

    @property
    def environment(self) -> Mapping[str, str]:
        """The environment of a user who has kubectl and krew, and no Python."""
        path = f"{self.folder}{os.pathsep}/usr/bin{os.pathsep}/bin"
        kept = {name: os.environ[name] for name in ("HOME", "LANG") if name in os.environ}
        return {**kept, "PATH": path, "KUBECONFIG": str(self.kubeconfig), "NO_COLOR": "1"}


@pytest.fixture
def from_krew(real_cluster: RealCluster, krew_root: Path, tmp_path: Path) -> KrewPlugin:
    kubectl = Path(sys.executable).parent / "kubectl"
    (tmp_path / "kubectl").symlink_to(kubectl)
    (tmp_path / "kubectl-nodedns").symlink_to(krew_root / "bin" / "kubectl-nodedns")
    return KrewPlugin(real_cluster.kubeconfig, folder=tmp_path)


def test_the_archive_does_the_whole_job(
    real_cluster: RealCluster,
    no_cache: None,
    from_krew: KrewPlugin,
    kubectl: KubectlCall,
) -> None:
    nodes = real_cluster.node_names
    enabled = from_krew.run("enable", "--yes")
    assert enabled.code == 0, str(enabled)
    assert f"enabled: {len(nodes)} of {len(nodes)} nodes proved" in enabled.stdout

    seen = from_krew.run("top", "-o", "json")
    assert [row["node"] for row in json.loads(seen.stdout)["nodes"]] == nodes, str(seen)
    command = ["kubectl", "nodedns", "top"]
    with Terminal(command, from_krew.environment, columns=120, lines=40) as screen:
        screen.see(nodes[-1])
        screen.type("?")
        screen.see("probe pods are removed")
        screen.type("\x1b")
        screen.miss("probe pods are removed")
        screen.type("q")
        assert screen.end() == 0

    measured = from_krew.run("bench", "--count", "8", "-o", "json")
    assert measured.code == 0, str(measured)
    assert len(json.loads(measured.stdout)["series"]) == 6

    disabled = from_krew.run("disable", "--yes")
    assert disabled.code == 0, str(disabled)
    assert kubectl("get", "jobs", "-A", "-o", "name").strip() == ""
