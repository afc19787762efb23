"""`check` on a real Kubernetes, continued: what caches are given, and what happens to them."""

from __future__ import annotations

import contextlib
import json
import shlex
import time
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from tests.cluster.images import COREDNS_IMAGE, TOOL_BOX_IMAGE
from tests.cluster.layout import DNS_SERVICE_IP, PAUSE_IMAGE
from tests.e2e.cache_pods import cache_pods
from tests.e2e.conftest import hands_out, take_out
from tests.e2e.nodes import OwnNodes
from tests.e2e.official_addon import LOCAL_IP, wait_for
from tests.e2e.plugin import Ended, Plugin
from tests.e2e.test_check import DAEMONSET, PODS, SYSTEM, applied, checked, pod
from tests.patience import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.e2e.clusters import RealCluster
    from tests.e2e.conftest import KubectlCall

OLD_IMAGE = "registry.k8s.io/dns/k8s-dns-node-cache:1.21.1"
OPEN = ".:53 {\n    bind 0.0.0.0\n    forward . /etc/resolv.conf\n}\n"
REFUSES = "nobody.test:53 {\n    whoami\n}\n"
"""Corefile of a CoreDNS that answers every name but this with REFUSED."""


@pytest.fixture(scope="module")
def resolvers(real_cluster: RealCluster) -> Iterator[dict[str, str]]:
    """The address of a DNS server for each rcode that it answers with."""
    if not isinstance(real_cluster.nodes, OwnNodes):
        pytest.skip("the bad DNS server is in the test cluster's own tool box only")

    def kubectl(*words: str, stdin: str | None = None) -> Any:
        return real_cluster.kubectl.run(*words, stdin=stdin)

    bad = {"name": "bad", "image": TOOL_BOX_IMAGE, "command": ["/usr/bin/badserver"]}
    strict = {
        "name": "strict",
        "image": COREDNS_IMAGE,
        "args": ["-conf", "/etc/coredns/Corefile"],
        "volumeMounts": [{"name": "config", "mountPath": "/etc/coredns"}],
    }
    config, volume = mounted_config("strict", REFUSES)
    strict_pod = pod("strict", containers=[strict], volumes=[volume])
    with applied(kubectl, pod("bad", containers=[bad]), config, strict_pod):
        kubectl("wait", "--for=condition=Ready", "pod/bad", "pod/strict", "--timeout=300s")
        listing = json.loads(kubectl("get", "pods", "bad", "strict", "-o", "json"))["items"]
        found = {item["metadata"]["name"]: item["status"]["podIP"] for item in listing}
        yield {"SERVFAIL": found["bad"], "REFUSED": found["strict"]}


@pytest.fixture(scope="module")
def cache(real_cluster: RealCluster, resolvers: dict[str, str]) -> Iterator[Plugin]:
    """The plugin, and a cache of ours on every node that asks those servers for *.test."""
    plugin = Plugin(real_cluster.kubeconfig)
    take_out(real_cluster, plugin)
    stubs = [f"--stub-domain={rcode.lower()}.test={ip}" for rcode, ip in resolvers.items()]
    at_once = ("--batch-size", str(len(real_cluster.node_names)))
    enabled = plugin.run("enable", "--yes", *at_once, *stubs)
    assert enabled.code == 0, str(enabled)
    yield plugin
    take_out(real_cluster, plugin)


def checked_until(
    plugin: Plugin, code: str, subjects: int = 1, seconds: float = PATIENCE
) -> tuple[Ended, dict[str, dict[str, Any]]]:
    """Run `check` again and again until a code is found for so many subjects."""
    deadline = time.monotonic() + seconds
    while True:
        ended, found = checked(plugin)
        if len(found.get(code, ())) >= subjects:
            return ended, found
        assert time.monotonic() < deadline, f"{code} is not found within {seconds} s: {ended}"


def mounted_config(
    name: str, corefile: str, namespace: str = "default"
) -> tuple[dict[str, Any], dict[str, Any]]:
    """A ConfigMap with a Corefile, and a pod's volume with it."""
    metadata = {"name": name, "namespace": namespace}
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}
    return {**config, "data": {"Corefile": corefile}}, {
        "name": "config",
        "configMap": {"name": name},
    }


@contextlib.contextmanager
def asking(kubectl: KubectlCall, node: str, script: str) -> Iterator[None]:
    """A pod on a node that runs a script meanwhile."""
    containers = [{"name": "asker", "image": TOOL_BOX_IMAGE, "command": ["sh", "-c", script]}]
    with applied(kubectl, pod("asker", containers=containers, nodeName=node)):
        kubectl("wait", "--for=condition=Ready", "pod/asker", "--timeout=300s")
        yield


def flood(*words: str, name: str = "x$n.default.svc.cluster.local") -> str:
    """Return a script that asks for names that nobody has asked for yet."""
    names = f"while [ $n -lt 20000 ]; do n=$((n+1)); echo {name} A; done"
    ask = f"dnsperf -s {DNS_SERVICE_IP} -d /tmp/names -l 60 {' '.join(words)}"
    return f"n=0; {names} > /tmp/names; while :; do {ask}; done"


@contextlib.contextmanager
def changed(kubectl: KubectlCall, *nodes: str, **container: Any) -> Iterator[None]:
    """Another DaemonSet of the cache for a while, whose pods run on these nodes only.

    Its update strategy is OnDelete: elsewhere the pods stay.
    """
    before = kubectl(*SYSTEM, "get", DAEMONSET, "-o", "json")
    was = before["spec"]["template"]["spec"]["containers"][0]

    def put(values: dict[str, Any]) -> None:
        spec = {"template": {"spec": {"containers": [{"name": was["name"], **values}]}}}
        kubectl(*SYSTEM, "patch", DAEMONSET, "-p", json.dumps({"spec": spec}))
        if nodes:
            replace(kubectl, *nodes)

    try:
        put(container)
        yield
    finally:
        put({name: was[name] for name in container})
        wait_for(partial(is_whole, kubectl), "the caches are back")


def replace(kubectl: KubectlCall, *nodes: str) -> None:
    """Have other cache pods on these nodes."""
    for node in nodes:
        kubectl(*SYSTEM, "delete", "pod", name_on(kubectl, node))


def is_whole(kubectl: KubectlCall) -> bool:
    """Whether each node has a cache pod that is ready."""
    wanted = kubectl(*SYSTEM, "get", DAEMONSET, "-o", "json")["status"]["desiredNumberScheduled"]
    pods = cache_pods(kubectl).values()
    conditions = [c for one in pods for c in one["status"].get("conditions", ())]
    ready = [c for c in conditions if (c["type"], c["status"]) == ("Ready", "True")]
    return len(ready) == int(wanted)


def name_on(kubectl: KubectlCall, node: str) -> str:
    """Return the name of a node's cache pod."""
    return str(cache_pods(kubectl)[node]["metadata"]["name"])


def metrics(kubectl: KubectlCall, node: str, name: str) -> float:
    """Return one sample of the metrics of a node's cache."""
    path = f"/api/v1/namespaces/kube-system/pods/{name_on(kubectl, node)}:9253/proxy/metrics"
    page = kubectl("get", "--raw", path)
    return float(next(line for line in page.splitlines() if line.startswith(name)).split()[-1])


def test_a_kubelet_that_hands_out_another_nameserver_is_found(
    cache: Plugin, real_cluster: RealCluster
) -> None:
    node = real_cluster.node_names[0]
    try:
        real_cluster.nodes.set_cluster_dns(node, "10.0.0.53")
        wait_for(partial(hands_out, real_cluster, node, "10.0.0.53"), "it hands it out")
        ended, found = checked(cache)
    finally:
        real_cluster.nodes.set_cluster_dns(node, DNS_SERVICE_IP)
        wait_for(partial(hands_out, real_cluster, node, DNS_SERVICE_IP), "set back")
    assert set(found) == {"ND014"}, str(ended)
    seen = found["ND014"][f"node {node}"]["seen"]
    assert seen.startswith("its kubelet hands out 10.0.0.53, and its cache listens on ")


def test_a_second_address_of_the_dns_service_is_not_covered(
    cache: Plugin, second_address: str
) -> None:
    ended, found = checked(cache)
    assert set(found) == {"ND016"}, str(ended)
    seen = found["ND016"]["daemonset kube-system/node-local-dns"]["seen"]
    assert f"the IPv6 address {second_address}" in seen


def test_resolvers_that_fail_are_named_with_the_node_that_asked_them(
    cache: Plugin, resolvers: dict[str, str], real_cluster: RealCluster, kubectl: KubectlCall
) -> None:
    node = real_cluster.node_names[0]
    # Another name each time: the cache keeps a SERVFAIL for five seconds.
    names = "servfail.x$n.servfail.test x$n.refused.test"
    ask = f"dig +tries=1 +time=2 @{DNS_SERVICE_IP} {names}; sleep 0.1"
    with asking(kubectl, node, f"n=0; while :; do n=$((n+1)); {ask}; done"):
        ended, found = checked_until(cache, "ND030", len(resolvers))
    assert ended.code == 1
    assert set(found) == {"ND021", "ND030"}, str(ended)
    for rcode, ip in resolvers.items():
        one = found["ND030"][f"upstream {ip}:53"]
        assert one["severity"] == "error"
        assert f" {rcode} in " in one["seen"]
        assert one["seen"].endswith(f"; node {node} asked it")


def test_a_coredns_pod_that_gets_all_lookups_is_found(
    cache: Plugin, real_cluster: RealCluster, kubectl: KubectlCall
) -> None:
    # One lookup after the other takes the one connection that the cache keeps.
    with asking(kubectl, real_cluster.node_names[0], flood("-q1", "-Q200")):
        ended, found = checked_until(cache, "ND032")
    # Names that nobody has asked for yet are a storm besides.
    assert set(found) - {"ND023"} == {"ND032"}, str(ended)
    (subject,) = found["ND032"]
    assert subject.startswith("pod kube-system/coredns-")


def test_a_search_list_storm_is_found_on_its_node(
    cache: Plugin, real_cluster: RealCluster, kubectl: KubectlCall
) -> None:
    node = real_cluster.node_names[0]
    with asking(kubectl, node, flood("-Q400")):
        _, found = checked_until(cache, "ND023")
    assert set(found["ND023"]) == {f"node {node}"}
    assert "end in NXDOMAIN" in found["ND023"][f"node {node}"]["seen"]


def test_a_name_that_is_asked_over_and_over_is_found_on_its_node(
    cache: Plugin, real_cluster: RealCluster, kubectl: KubectlCall
) -> None:
    node = real_cluster.node_names[0]
    ask = f"dnsperf -s {DNS_SERVICE_IP} -d /tmp/names -l 60 -Q400"
    script = f"echo kubernetes.default.svc.cluster.local A > /tmp/names; while :; do {ask}; done"
    with asking(kubectl, node, script):
        _, found = checked_until(cache, "ND024")
    assert set(found["ND024"]) == {f"node {node}"}
    assert "ND023" not in found


def test_an_upstream_that_is_slow_for_one_node_is_found(
    cache: Plugin, real_cluster: RealCluster, kubectl: KubectlCall
) -> None:
    slow, *others = real_cluster.node_names[:3]

    def asker(node: str, label: str) -> dict[str, Any]:
        # Some at a time: a slow answer takes 1.5 s.
        script = flood("-Q20", "-q40", "-t3", name=f"{label}.x$n.servfail.test")
        container = {"name": "asker", "image": TOOL_BOX_IMAGE, "command": ["sh", "-c", script]}
        return pod(f"asker-{node}", containers=[container], nodeName=node)

    pods = [asker(slow, "slow"), *(asker(node, "quick") for node in others)]
    with applied(kubectl, *pods):
        _, found = checked_until(cache, "ND034")
    assert set(found["ND034"]) == {f"node {slow}"}


def test_resolvers_of_a_node_that_lead_back_to_the_cache_are_a_loop(
    cache: Plugin,
    real_cluster: RealCluster,
    kubectl: KubectlCall,
    node_exec: Callable[..., str],
) -> None:
    addresses = dict(zip(real_cluster.node_names[:2], (DNS_SERVICE_IP, LOCAL_IP), strict=True))
    before: dict[str, tuple[str, str]] = {}
    try:
        for node, ip in addresses.items():
            raw = json.loads(kubectl("get", "--raw", f"/api/v1/nodes/{node}/proxy/configz"))
            file = raw["kubeletconfig"]["resolvConf"]
            before[node] = (file, node_exec(node, "cat", file))
            node_exec(node, "sh", "-c", f"echo nameserver {ip} > {file}")
        replace(kubectl, *addresses)
        ended, found = checked_until(cache, "ND033", len(addresses))
    finally:
        for node, (file, text) in before.items():
            node_exec(node, "sh", "-c", f"printf %s {shlex.quote(text)} > {file}")
        replace(kubectl, *before)
        wait_for(partial(is_whole, kubectl), "the caches are back")
    assert set(found["ND033"]) == {f"node {node}" for node in addresses}, str(ended)
    said = "ended with: Loop ("
    assert said in found["ND033"][f"node {real_cluster.node_names[1]}"]["seen"], str(ended)


def test_a_cache_that_the_kernel_killed_for_its_memory_is_found(
    cache: Plugin, real_cluster: RealCluster, kubectl: KubectlCall
) -> None:
    node = real_cluster.node_names[1]

    def killed() -> bool:
        cache_pod = cache_pods(kubectl).get(node, {"status": {}})
        statuses = cache_pod["status"].get("containerStatuses") or ()
        ends = [(one.get("lastState") or {}).get("terminated") or {} for one in statuses]
        return any(end.get("reason") == "OOMKilled" for end in ends)

    tight = {"limits": {"memory": "12Mi"}, "requests": {"memory": "12Mi"}}
    with changed(kubectl, node, resources=tight):
        # Each name takes room in the cache.
        with asking(kubectl, node, flood("-q200")):
            wait_for(killed, "the kernel has killed it")
        ended, found = checked(cache)
    assert ended.code == 1
    seen = found["ND040"][f"node {node}"]["seen"]
    assert "OOMKilled, exit code 137, limit 12 MiB" in seen, str(ended)


def test_a_cache_near_its_limit_is_found(
    cache: Plugin, real_cluster: RealCluster, kubectl: KubectlCall
) -> None:
    node = real_cluster.node_names[2]
    name = name_on(kubectl, node)
    was = kubectl(*SYSTEM, "get", "pod", name, "-o", "json")["spec"]["containers"][0]["resources"]

    def resize(resources: dict[str, Any]) -> None:
        change = {"spec": {"containers": [{"name": "node-cache", "resources": resources}]}}
        words = ("patch", "pod", name, "--subresource", "resize", "-p", json.dumps(change))
        kubectl(*SYSTEM, *words)

    limit = int(metrics(kubectl, node, "process_resident_memory_bytes") * 1.1)
    try:
        resize({"limits": {"memory": str(limit)}, "requests": {"memory": "16Mi"}})
        ended, found = checked(cache)
    finally:
        resize(was)
    assert set(found) == {"ND042"}, str(ended)
    assert set(found["ND042"]) == {f"node {node}"}


def test_a_state_a_limit_and_an_image_are_judged_before_a_pod_has_them(
    cache: Plugin, kubectl: KubectlCall
) -> None:
    low = {"limits": {"memory": "64Mi"}, "requests": {"memory": "64Mi"}}
    annotate = (*SYSTEM, "annotate", "--overwrite", DAEMONSET)
    try:
        kubectl(*annotate, "kubectl-nodedns/state=enabling")
        with changed(kubectl, image=OLD_IMAGE, resources=low):
            ended, found = checked(cache)
    finally:
        kubectl(*annotate, "kubectl-nodedns/state=enabled")
    assert set(found) == {"ND002", "ND005", "ND043", "ND070"}, str(ended)
    subject = "daemonset kube-system/node-local-dns"
    assert found["ND002"][subject]["seen"].startswith("enable is unfinished: ")
    assert "limit 64 MiB; full caches would take" in found["ND043"][subject]["seen"]
    assert "those before 1.22.20" in found["ND070"][subject]["seen"]
    assert found["ND070"][subject]["severity"] == "warning"


def test_an_agent_that_may_not_set_up_rules_is_found(
    cache: Plugin,
    real_cluster: RealCluster,
    kubectl: KubectlCall,
    node_exec: Callable[..., str],
) -> None:
    node = real_cluster.node_names[0]
    # The addresses of the link that the agent cannot make: without them its DNS server ends.
    node_exec(node, "ip", "link", "add", "nodedns-test", "type", "bridge")
    try:
        for ip in (LOCAL_IP, DNS_SERVICE_IP):
            node_exec(node, "ip", "address", "add", f"{ip}/32", "dev", "nodedns-test")
        with changed(kubectl, node, securityContext={"capabilities": None}):
            wait_for(partial(is_whole, kubectl), "it runs")
            ended, found = checked_until(cache, "ND044")
    finally:
        node_exec(node, "ip", "link", "delete", "nodedns-test")
    assert set(found["ND044"]) == {f"node {node}"}, str(ended)
    assert "1 interface_add" in found["ND044"][f"node {node}"]["seen"]
    assert " iptables" in found["ND044"][f"node {node}"]["seen"]


def test_a_cache_that_would_answer_the_whole_network_is_found(
    cache: Plugin, kubectl: KubectlCall
) -> None:
    labels = {"app": "open-cache"}
    metadata = {"name": "open-cache", "namespace": "kube-system"}
    config, volume = mounted_config("open-cache", OPEN, namespace="kube-system")
    mount = {"name": "config", "mountPath": "/etc/coredns"}
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
    with applied(kubectl, config, other):
        ended, found = checked(cache)
    assert "ND050" in found, str(ended)
    assert list(found["ND050"]) == ["daemonset kube-system/open-cache"]


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


def test_a_corefile_that_cannot_be_loaded_is_found(cache: Plugin, kubectl: KubectlCall) -> None:
    volumes = kubectl(*SYSTEM, "get", DAEMONSET, "-o", "json")["spec"]["template"]["spec"][
        "volumes"
    ]
    (name,) = (one["configMap"]["name"] for one in volumes if one["name"] == "config-volume")
    ((key, text),) = kubectl(*SYSTEM, "get", "configmap", name, "-o", "json")["data"].items()

    def configure(corefile: str) -> None:
        change = json.dumps({"data": {key: corefile}})
        kubectl(*SYSTEM, "patch", "configmap", name, "--type=merge", "-p", change)

    try:
        configure(text.replace("    loop\n", "    loop\n    autopath\n", 1))
        # The kubelet hands it on, the agent looks every 10 s, CoreDNS every 30 s or so.
        ended, found = checked_until(cache, "ND045", subjects=2)
    finally:
        configure(text)
        kubectl(*SYSTEM, "delete", *PODS[3:])  # they count it until they end
        wait_for(partial(is_whole, kubectl), "the caches are back")
    assert set(found) <= {"ND005", "ND045", "ND061"}, str(ended)
    seen = [one["seen"] for one in found["ND045"].values()]
    assert any(one.startswith("1 Corefile could not be loaded since the cache") for one in seen)
    assert any("autopath" in one for one in seen), "it is found before a cache ends at it"
