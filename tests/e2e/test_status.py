"""`status` on a real Kubernetes, of a cache of ours and of somebody else's."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import yaml

if TYPE_CHECKING:
    from tests.e2e.conftest import RealCluster
    from tests.e2e.plugin import Plugin


def test_status_before_and_after_an_installation(
    no_cache: None, nodedns: Plugin, real_cluster: RealCluster, proxy_mode: str
) -> None:
    before = nodedns.run("status", "--window", "1s")
    assert before.code == 1, str(before)
    assert "not installed" in before.stdout
    enabled = nodedns.run("enable", "--yes")
    assert enabled.code == 0, str(enabled)
    count = len(real_cluster.node_names)
    after = nodedns.run("status", "--probe", "-o", "yaml", "--window", "1s")
    assert after.code == 0, str(after)
    said = yaml.safe_load(after.stdout)
    assert said["caches"][0]["installedBy"] == "kubectl nodedns"
    assert (said["mode"], said["state"], said["drift"]) == (proxy_mode, "enabled", [])
    assert said["localIPs"] == ["169.254.20.10"]
    nodes = said["nodes"]
    assert (nodes["expected"], nodes["covered"], nodes["ready"]) == (count, count, count)
    assert nodes["interception"]["proved"] == count
    assert said["corednsVersions"]


def test_status_of_a_cache_that_others_installed_is_by_counters(
    no_cache: None, agents: RealCluster, nodedns: Plugin
) -> None:
    ended = nodedns.run("status", "--probe", "-o", "json", "--window", "1s")
    assert ended.code == 0, str(ended)
    said = json.loads(ended.stdout)
    assert said["caches"][0]["installedBy"] == "the Kubernetes add-on manifest"
    assert said["drift"] is None
    assert said["nodes"]["ready"] == len(agents.node_names)
