"""`check` on a real Kubernetes, continued: what is around the caches."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.cluster.layout import PAUSE_IMAGE
from tests.e2e.plugin import Plugin
from tests.e2e.test_check import applied, checked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.e2e.conftest import KubectlCall, RealCluster

COREFILE = ".:53 {\n    bind 0.0.0.0\n    forward . /etc/resolv.conf\n}\n"


@pytest.fixture(scope="module")
def cache(real_cluster: RealCluster) -> Iterator[Plugin]:
    """The plugin, and a cache of ours on every node; none afterwards."""
    plugin = Plugin(real_cluster.kubeconfig)
    assert plugin.run("disable", "--now", "--yes").code == 0
    enabled = plugin.run("enable", "--yes")
    assert enabled.code == 0, str(enabled)
    yield plugin
    assert plugin.run("disable", "--now", "--yes").code == 0


def test_a_cache_that_would_answer_the_whole_network_is_found(
    cache: Plugin, kubectl: KubectlCall
) -> None:
    labels = {"app": "open-cache"}
    metadata = {"name": "open-cache", "namespace": "default"}
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}
    mount = {"name": "config", "mountPath": "/etc/coredns"}
    volume = {"name": "config", "configMap": {"name": "open-cache"}}
    words = ["-localip", "169.254.20.77", "-conf", "/etc/coredns/Corefile"]
    spec = {
        "hostNetwork": True,
        "nodeSelector": {"nodedns-test": "nowhere"},  # it is judged by its configuration
        "containers": [
            {"name": "other", "image": PAUSE_IMAGE, "args": words, "volumeMounts": [mount]}
        ],
        "volumes": [volume],
    }
    other = {
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": metadata,
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": spec},
        },
    }
    with applied(kubectl, {**config, "data": {"Corefile": COREFILE}}, other):
        ended, found = checked(cache)
    assert list(found.get("ND050", {})) == ["daemonset default/open-cache"], str(ended)


def test_metrics_that_the_api_server_does_not_reach_are_said_to_be_missing(
    cache: Plugin, real_cluster: RealCluster, node_exec: Callable[..., str]
) -> None:
    node = real_cluster.node_names[0]
    closed = ("INPUT", "-p", "tcp", "-m", "multiport", "--dports", "9253,9353", "-j", "REJECT")
    node_exec(node, "iptables", "-I", *closed)
    try:
        ended, found = checked(cache)
        status = cache.run("status", "--window", "1s")
    finally:
        node_exec(node, "iptables", "-D", *closed)
    assert set(found) == {"ND061"}, str(ended)
    assert set(found["ND061"]) == {f"node {node}"}
    assert "not known: " in status.stdout
