"""The cache on the local IP alone, as for IPVS: kubelets are switched over, and back.

The kernel of the test machine has no IPVS; what is particular to it (kube-proxy's own link) is not
seen here. All the rest is: the cache, real kubelets and what they hand to pods.
"""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING

from tests.cluster.layout import DNS_SERVICE_IP
from tests.e2e.conftest import hands_out
from tests.e2e.official_addon import wait_for

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.e2e.clusters import RealCluster
    from tests.e2e.conftest import KubectlCall, ProberCall
    from tests.e2e.plugin import Plugin

LOCAL_IP = "169.254.20.10"


def test_kubelets_are_switched_over_one_by_one_and_disable_waits_until_they_are_back(
    real_cluster: RealCluster,
    no_cache: None,
    nodedns: Plugin,
    prober: ProberCall,
    kubectl: KubectlCall,
    kubelets: Callable[[str, str], None],
) -> None:
    nodes = real_cluster.node_names
    count = len(nodes)
    with prober() as probing:
        time.sleep(1)
        first = nodedns.run("enable", "--yes", "--mode", "ipvs")
        assert first.code == 0, str(first)
        assert f"{count} of {count} nodes proved, at {LOCAL_IP}; 0 of {count} kubelets" in (
            first.stdout
        )
        assert f"its kubelet hands out {DNS_SERVICE_IP}" in first.stderr
        assert "clusterDNS" in first.stderr
        assert nodedns.run("enable").stdout.startswith("nothing changed")
        services = kubectl("-n", "kube-system", "get", "services", "-o", "name")
        assert "kube-dns-upstream" not in services

        kubelets(nodes[0], LOCAL_IP)
        wait_for(partial(hands_out, real_cluster, nodes[0], LOCAL_IP), "the kubelet is back")
        waiting = nodedns.run("enable", "--yes", "--wait", "1s")
        assert waiting.code == 4, str(waiting)
        assert f"✓ {nodes[0]}: a fresh pod asks {LOCAL_IP}" in waiting.stderr
        assert f"do not hand out {LOCAL_IP} after 1s: {', '.join(nodes[1:])}" in waiting.stderr

        process = nodedns.start("enable", "--yes", "--wait")
        for node in nodes[1:]:
            kubelets(node, LOCAL_IP)
        ended = nodedns.wait(process)
        assert ended.code == 0, str(ended)
        assert f"{count} of {count} kubelets switched" in ended.stdout

        refused = nodedns.run("disable", "--yes")
        assert refused.code == 5, str(refused)
        assert f"the kubelet of node {nodes[0]}" in refused.stderr
        for node in nodes:
            kubelets(node, DNS_SERVICE_IP)
        for node in nodes:
            wait_for(partial(hands_out, real_cluster, node, DNS_SERVICE_IP), "set back")
        removed = nodedns.run("disable", "--yes")
        assert removed.code == 0, str(removed)
    # Nobody was intercepted, so nobody was touched.
    for kind in ("udp", "udp_new", "tcp_new"):
        assert probing.lost(kind) == 0, probing.errors(kind)
