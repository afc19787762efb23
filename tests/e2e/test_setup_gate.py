"""In nftables mode a node whose agent cannot put its rules in is found before it is switched."""

from __future__ import annotations

import time
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from tests.cluster.layout import DNS_SERVICE_IP
from tests.e2e.official_addon import LOCAL_IP, wait_for
from tests.e2e.test_main_job import SETTLE, assert_none_lost

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.e2e.clusters import RealCluster
    from tests.e2e.conftest import ProberCall
    from tests.e2e.plugin import Plugin

HELD = "/run/nodedns-test-raw.pid"


@contextmanager
def raw_table_of_somebody_else(node_exec: Callable[..., str], node: str) -> Iterator[None]:
    """Take the packet filter's raw table of a node: nobody else may change it meanwhile."""
    node_exec(node, "nft", "add", "table", "ip", "raw")
    node_exec(node, "nft", "delete", "table", "ip", "raw")
    owner = "(echo 'add table ip raw { flags owner; }'; sleep 300) | nft -i"
    node_exec(
        node, "sh", "-c", f'setsid sh -c "{owner}" </dev/null >/dev/null 2>&1 & echo $! > {HELD}'
    )
    try:
        tables = partial(node_exec, node, "nft", "list", "tables")
        wait_for(lambda: "table ip raw" in tables(), "the table is taken")
        yield
    finally:
        node_exec(node, "sh", "-c", f"kill -- -$(cat {HELD}); rm {HELD}")


def test_a_node_that_cannot_be_set_up_is_found_in_the_dark(
    real_cluster: RealCluster,
    no_cache: None,
    nodedns: Plugin,
    prober: ProberCall,
    node_exec: Callable[..., str],
    link: Callable[[str], list[str] | None],
) -> None:
    nodes = real_cluster.node_names
    victim = nodes[1]
    run = partial(nodedns.run, "enable", "--yes", "--mode", "nftables")
    with prober() as probing:
        time.sleep(SETTLE)
        with raw_table_of_somebody_else(node_exec, victim):
            refused = run()
        assert refused.code == 7, str(refused)
        assert f"node {victim}: its agent counted errors while it set the node up" in refused.stderr
        assert "nobody's DNS was touched" in refused.stderr
        for node in nodes:
            assert link(node) == [LOCAL_IP]
        finished = run()
        assert finished.code == 0, str(finished)
        assert f"node {victim}: its cache pod counted setup errors" in finished.stderr
        assert link(victim) == [LOCAL_IP, DNS_SERVICE_IP]
        time.sleep(SETTLE)
    assert_none_lost(probing)
