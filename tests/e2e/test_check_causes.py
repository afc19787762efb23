"""`check` on a real Kubernetes, continued: what a cache is given, and what happens to it."""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.cluster.images import TOOL_BOX_IMAGE
from tests.cluster.layout import DNS_SERVICE_IP, PAUSE_IMAGE
from tests.e2e.nodes import OwnNodes
from tests.e2e.official_addon import wait_for
from tests.e2e.plugin import Plugin
from tests.e2e.test_check import DAEMONSET, PODS, SYSTEM, _pod_on, applied, checked, pod

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.e2e.conftest import KubectlCall, RealCluster

OLD_IMAGE = "registry.k8s.io/dns/k8s-dns-node-cache:1.21.1"
STATE = "kubectl-nodedns/state"
COREFILE = ".:53 {\n    bind 0.0.0.0\n    forward . /etc/resolv.conf\n}\n"


@pytest.fixture(scope="module")
def bad(real_cluster: RealCluster) -> Iterator[str]:
    """The address of a DNS server that answers SERVFAIL for servfail.bad.test."""
    if not isinstance(real_cluster.nodes, OwnNodes):
        pytest.skip("the bad DNS server is in the test cluster's own tool box only")

    def kubectl(*words: str, stdin: str | None = None) -> Any:
        return real_cluster.kubectl.run(*words, stdin=stdin)

    container = {"name": "bad", "image": TOOL_BOX_IMAGE, "command": ["/usr/bin/badserver"]}
    with applied(kubectl, pod("bad", containers=[container])):
        kubectl("wait", "--for=condition=Ready", "pod/bad", "--timeout=60s")
        yield json.loads(kubectl("get", "pod", "bad", "-o", "json"))["status"]["podIP"]


@pytest.fixture(scope="module")
def cache(real_cluster: RealCluster, bad: str) -> Iterator[Plugin]:
    """The plugin, and a cache of ours on every node that asks the bad server for bad.test."""
    plugin = Plugin(real_cluster.kubeconfig)
    assert plugin.run("disable", "--now", "--yes").code == 0
    enabled = plugin.run("enable", "--yes", "--stub-domain", f"bad.test={bad}")
    assert enabled.code == 0, str(enabled)
    yield plugin
    assert plugin.run("disable", "--now", "--yes").code == 0


@contextlib.contextmanager
def changed(kubectl: KubectlCall, annotations: dict[str, str], **container: Any) -> Iterator[None]:
    """Another DaemonSet of the cache for a while. Its pods stay: they are replaced on delete."""
    before = kubectl(*SYSTEM, "get", DAEMONSET, "-o", "json")
    was = before["spec"]["template"]["spec"]["containers"][0]

    def put(metadata: dict[str, str], values: dict[str, Any]) -> None:
        spec = {"template": {"spec": {"containers": [{"name": was["name"], **values}]}}}
        change = {"metadata": {"annotations": metadata}, "spec": spec}
        kubectl(*SYSTEM, "patch", DAEMONSET, "-p", json.dumps(change))

    put(annotations, container)
    try:
        yield
    finally:
        put(
            {name: before["metadata"]["annotations"][name] for name in annotations},
            {name: was[name] for name in container},
        )


def test_a_limit_an_image_and_a_state_are_judged_before_a_pod_has_them(
    cache: Plugin, kubectl: KubectlCall
) -> None:
    low = {"limits": {"memory": "64Mi"}, "requests": {"memory": "64Mi"}}
    with changed(kubectl, {STATE: "enabling"}, image=OLD_IMAGE, resources=low):
        ended, found = checked(cache)
    assert set(found) == {"ND002", "ND005", "ND043", "ND070"}, str(ended)
    subject = "daemonset kube-system/node-local-dns"
    assert "limit 64 MiB; full caches would take" in found["ND043"][subject]["seen"]
    assert "those before 1.22.20" in found["ND070"][subject]["seen"]
    assert found["ND070"][subject]["severity"] == "warning"


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


def test_a_resolver_that_fails_is_named_with_the_nodes_that_asked_it(
    cache: Plugin, bad: str, real_cluster: RealCluster, kubectl: KubectlCall
) -> None:
    node = real_cluster.node_names[0]
    # Another name each time: the cache keeps a SERVFAIL for five seconds.
    script = (
        "n=0; while :; do n=$((n+1)); "
        f"dig +tries=1 +time=2 servfail.x$n.bad.test @{DNS_SERVICE_IP}; sleep 0.1; done"
    )
    containers = [{"name": "asker", "image": TOOL_BOX_IMAGE, "command": ["sh", "-c", script]}]
    with applied(kubectl, pod("asker", containers=containers, nodeName=node)):
        kubectl("wait", "--for=condition=Ready", "pod/asker", "--timeout=60s")
        wait_for(lambda: "ND030" in checked(cache)[1], "SERVFAIL is counted", 60)
        ended, found = checked(cache)
    assert ended.code == 1, str(ended)
    assert set(found) == {"ND021", "ND030"}, str(ended)
    one = found["ND030"][f"upstream {bad}:53"]
    assert (one["severity"], "SERVFAIL" in one["seen"]) == ("error", True)
    assert one["seen"].endswith(f"asked from node {node}")


def test_a_cache_that_the_kernel_killed_for_its_memory_is_found(
    cache: Plugin, real_cluster: RealCluster, kubectl: KubectlCall
) -> None:
    node = real_cluster.node_names[1]

    def killed() -> bool:
        items = kubectl(*PODS, "--field-selector", f"spec.nodeName={node}", "-ojson")["items"]
        statuses = [one for item in items for one in item["status"].get("containerStatuses") or ()]
        ends = [(one.get("lastState") or {}).get("terminated") or {} for one in statuses]
        return any(end.get("reason") == "OOMKilled" for end in ends)

    tight = {"limits": {"memory": "24Mi"}, "requests": {"memory": "24Mi"}}
    # Names that nobody has asked for yet, as fast as the node can: each takes room in the cache.
    script = (
        "n=0; while [ $n -lt 60000 ]; do n=$((n+1)); echo x$n.default.svc.cluster.local A; done"
        f" > /tmp/names; while :; do dnsperf -s {DNS_SERVICE_IP} -d /tmp/names -q 1000 -l 60; done"
    )
    flood = [{"name": "flood", "image": TOOL_BOX_IMAGE, "command": ["sh", "-c", script]}]
    try:
        with changed(kubectl, {}, resources=tight):
            kubectl(*SYSTEM, "delete", "pod", *_pod_on(kubectl, node))
            kubectl(*SYSTEM, "wait", "--for=condition=Ready", "pod", *PODS[4:], "--timeout=60s")
            with applied(kubectl, pod("flood", containers=flood, nodeName=node)):
                wait_for(killed, "the kernel has killed it", 120)
            ended, found = checked(cache)
    finally:
        kubectl(*SYSTEM, "delete", "pod", *_pod_on(kubectl, node))
        kubectl(*SYSTEM, "wait", "--for=condition=Ready", "pod", *PODS[4:], "--timeout=60s")
    assert ended.code == 1
    assert "OOMKilled" in found["ND040"][f"node {node}"]["seen"], str(ended)
