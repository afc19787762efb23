"""`status` on a real Kubernetes: no cache, somebody else's; for ours see `test_check`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.e2e.official_addon import wait_for

if TYPE_CHECKING:
    from tests.e2e.clusters import RealCluster
    from tests.e2e.plugin import Plugin


def test_status_without_a_cache(no_cache: None, nodedns: Plugin) -> None:
    ended = nodedns.run("status", "--window", "1s")
    assert ended.code == 1, str(ended)
    assert "not installed" in ended.stdout


def test_status_of_a_cache_that_others_installed_is_by_counters(
    no_cache: None, agents: RealCluster, nodedns: Plugin
) -> None:
    def is_well() -> bool:
        ended = nodedns.run("status", "--probe", "-o", "json", "--window", "1s")
        said = json.loads(ended.stdout)
        assert said["caches"][0]["installedBy"] == "the Kubernetes add-on manifest"
        assert said["drift"] is None
        assert said["nodes"]["ready"] == len(agents.node_names)
        # On a busy machine a health check of the cache may fail in the window.
        assert said["ok"] or {one["code"] for one in said["wrong"]} == {"ND031"}, str(ended)
        return ended.code == 0

    wait_for(is_well, "`status` says that the cache is well")
