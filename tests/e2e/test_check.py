"""`check` on a real Kubernetes: what ails it is found, by its code, and nothing else is."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from typing import TYPE_CHECKING, Any

import yaml

from tests.cluster.images import TOOL_BOX_IMAGE
from tests.cluster.layout import DNS_SERVICE_IP, PAUSE_IMAGE
from tests.cluster.proxy_mode import set_mode
from tests.e2e.nodes import proxy_mode_of
from tests.e2e.official_addon import wait_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.e2e.clusters import RealCluster
    from tests.e2e.conftest import KubectlCall, ProberCall
    from tests.e2e.plugin import Ended, Plugin

SYSTEM = ("-n", "kube-system")
DAEMONSET = "daemonset/node-local-dns"
PODS = (*SYSTEM, "get", "pods", "-l", "k8s-app=node-local-dns")


def checked(plugin: Plugin, *words: str) -> tuple[Ended, dict[str, dict[str, Any]]]:
    """Run one `check`; return how it ended, and the findings by code and subject."""
    ended = plugin.run("check", "-o", "json", "--window", "2s", *words)
    assert ended.code in (0, 1), str(ended)
    found: dict[str, dict[str, Any]] = {}
    for one in json.loads(ended.stdout)["findings"]:
        found.setdefault(one["code"], {})[one["subject"]] = one
    return ended, found


@contextlib.contextmanager
def applied(kubectl: KubectlCall, *objects: dict[str, Any]) -> Iterator[None]:
    """Objects that are there for a while."""
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)})
    try:
        kubectl("apply", "-f", "-", stdin=text)
        yield
    finally:
        kubectl("delete", "-f", "-", "--now", "--ignore-not-found", stdin=text)


def pod(name: str, **spec: Any) -> dict[str, Any]:
    containers = [{"name": "pause", "image": PAUSE_IMAGE}]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {"terminationGracePeriodSeconds": 0, "containers": containers, **spec},
    }


def test_a_sound_installation_has_no_finding(cache: Plugin, real_cluster: RealCluster) -> None:
    ended, found = checked(cache, "--probe", "--fail-on", "info")
    assert (ended.code, found) == (0, {}), str(ended)
    assert json.loads(ended.stdout)["skipped"] == []
    line = cache.run("check", "-o", "short", "--window", "1s").stdout
    assert line.startswith(
        f"nodedns: no finding; {len(real_cluster.node_names)} nodes, kube-system"
    )


def test_status_of_ours_is_proved_on_every_node(cache: Plugin, real_cluster: RealCluster) -> None:
    count = len(real_cluster.node_names)
    ended = cache.run("status", "--probe", "-o", "yaml", "--window", "1s")
    assert ended.code == 0, str(ended)
    said = yaml.safe_load(ended.stdout)
    assert said["caches"][0]["installedBy"] == "kubectl nodedns"
    assert (said["state"], said["drift"]) == ("enabled", [])
    assert said["mode"] == proxy_mode_of(real_cluster.kubectl)
    assert (said["localIPs"], said["kubeDnsIPs"]) == (["169.254.20.10"], [DNS_SERVICE_IP])
    nodes = said["nodes"]
    assert (nodes["expected"], nodes["covered"], nodes["ready"]) == (count, count, count)
    assert nodes["interception"]["proved"] == count
    assert said["corednsVersions"]


def test_a_pod_that_bypasses_the_cache_is_called_out_within_one_check(
    cache: Plugin, kubectl: KubectlCall
) -> None:
    elsewhere = {"nameservers": ["8.8.8.8"]}
    dead = {"nameservers": ["169.254.25.10"]}
    with applied(
        kubectl,
        pod("elsewhere", dnsPolicy="None", dnsConfig=elsewhere),
        pod("dead", dnsPolicy="None", dnsConfig=dead),
        pod("onhost", hostNetwork=True),
    ):
        ended, found = checked(cache)
    assert set(found) == {"ND012", "ND013", "ND015"}
    assert found["ND012"]["pod default/elsewhere"]["seen"] == "it asks 8.8.8.8, not the cache"
    assert "pod default/onhost" in found["ND013"]
    assert found["ND015"]["pod default/dead"]["severity"] == "warning"
    assert ended.code == 0, "what pods choose for themselves says nothing about the cache"


def test_policies_settings_of_coredns_and_rules_for_metrics_that_are_gone_are_found(
    cache: Plugin, kubectl: KubectlCall
) -> None:
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {
        "name": "v1",
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": schema},
    }
    names = {"plural": "prometheusrules", "singular": "prometheusrule", "kind": "PrometheusRule"}
    definition = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "prometheusrules.monitoring.coreos.com"},
        "spec": {
            "group": "monitoring.coreos.com",
            "scope": "Namespaced",
            "names": names,
            "versions": [version],
        },
    }
    expr = 'rate(coredns_forward_responses_total{rcode="SERVFAIL"}[5m]) > 0'
    rule = {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": {"name": "coredns", "namespace": "default"},
        "spec": {"groups": [{"name": "dns", "rules": [{"alert": "Forwarding", "expr": expr}]}]},
    }
    to = {"namespaceSelector": {}, "podSelector": {"matchLabels": {"k8s-app": "kube-dns"}}}
    policy = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "only-coredns", "namespace": "default"},
        "spec": {
            "podSelector": {},
            "policyTypes": ["Egress"],
            "egress": [{"to": [to], "ports": [{"port": 53, "protocol": "UDP"}]}],
        },
    }
    coredns = kubectl(*SYSTEM, "get", "configmap", "coredns", "-ojson")["data"]["Corefile"]
    stub = f"{coredns}\ncorp.example:53 {{\n    errors\n    forward . 10.1.1.1\n}}\n"
    try:
        with applied(kubectl, definition, policy):
            kubectl("wait", "--for=condition=Established", f"crd/{definition['metadata']['name']}")  # type: ignore[index]
            kubectl("apply", "-f", "-", stdin=json.dumps(rule))
            _configure(kubectl, stub)
            _, found = checked(cache)
    finally:
        _configure(kubectl, coredns)
    assert set(found) == {"ND051", "ND060", "ND071"}
    assert "networkpolicy default/only-coredns" in found["ND051"]
    seen = found["ND060"]["prometheusrule default/coredns"]["seen"]
    assert "now coredns_proxy_request_duration_seconds_count" in seen
    assert "forward . 10.1.1.1" in found["ND071"]["zone corp.example"]["seen"]


def _configure(kubectl: KubectlCall, corefile: str) -> None:
    patch = json.dumps({"data": {"Corefile": corefile}})
    kubectl(*SYSTEM, "patch", "configmap", "coredns", "--type=merge", "-p", patch)


@contextlib.contextmanager
def flushed(
    node: str,
    kubectl: KubectlCall,
    node_exec: Callable[..., str],
    rules: Callable[[str], list[str]],
) -> Iterator[None]:
    """A node's rules are gone meanwhile, and back afterwards."""
    done = threading.Event()

    def flush() -> None:
        # Again and again: the agent puts its rules back once a minute.
        while not done.wait(0.3):
            node_exec(node, "iptables-nft", "-t", "raw", "-F")

    flusher = threading.Thread(target=flush)
    flusher.start()
    try:
        yield
    finally:
        done.set()
        flusher.join()
        _replace_pod(kubectl, node, rules)


def _replace_pod(kubectl: KubectlCall, node: str, rules: Callable[[str], list[str]]) -> None:
    """Have another cache pod on a node, with its rules."""
    kubectl(*SYSTEM, "delete", "pod", *_pod_on(kubectl, node))
    kubectl(*SYSTEM, "wait", "--for=condition=Ready", "pod", *PODS[4:], "--timeout=300s")
    wait_for(lambda: any(rule.startswith("raw ") for rule in rules(node)), "rules are there")


def test_a_node_whose_rules_were_flushed_is_found_by_a_probe(
    cache: Plugin,
    real_cluster: RealCluster,
    kubectl: KubectlCall,
    node_exec: Callable[..., str],
    rules: Callable[[str], list[str]],
) -> None:
    node = real_cluster.node_names[0]
    with flushed(node, kubectl, node_exec, rules):
        ended, found = checked(cache, "--probe")
    assert set(found) == {"ND020"}, str(ended)
    assert set(found["ND020"]) == {f"node {node}"}
    assert "the marker is not answered by a cache" in found["ND020"][f"node {node}"]["seen"]


def test_a_cache_that_is_no_longer_asked_is_found_by_its_counters(
    cache: Plugin,
    real_cluster: RealCluster,
    kubectl: KubectlCall,
    node_exec: Callable[..., str],
    rules: Callable[[str], list[str]],
    prober: ProberCall,
) -> None:
    node = real_cluster.node_names[0]
    # A cache that has just started, so that some seconds of lookups are a past.
    _replace_pod(kubectl, node, rules)
    with prober():
        time.sleep(10)
        with flushed(node, kubectl, node_exec, rules):
            time.sleep(2)
            ended, found = checked(cache, "--window", "5s")
    assert "ND022" in found, str(ended)
    assert set(found["ND022"]) == {f"node {node}"}
    assert ended.code == 1


def _pod_on(kubectl: KubectlCall, node: str) -> list[str]:
    items = kubectl(*PODS, "--field-selector", f"spec.nodeName={node}", "-ojson")["items"]
    return [item["metadata"]["name"] for item in items]


def test_a_cache_that_was_killed_is_found_by_its_restart(
    cache: Plugin, real_cluster: RealCluster, kubectl: KubectlCall
) -> None:
    node = real_cluster.node_names[1]
    (name,) = _pod_on(kubectl, node)
    real_cluster.nodes.kill_container(node, name, "node-cache")
    again = "--for=jsonpath={.status.containerStatuses[0].restartCount}=1"
    kubectl(*SYSTEM, "wait", again, f"pod/{name}", "--timeout=300s")
    ready = "jsonpath={.status.conditions[?(@.type=='Ready')].status}"
    wait_for(lambda: kubectl(*SYSTEM, "get", "pod", name, "-o", ready) == "True", "it is ready")
    try:
        _, found = checked(cache)
    finally:
        kubectl(*SYSTEM, "delete", "pod", name)
        kubectl(*SYSTEM, "wait", "--for=condition=Ready", "pod", *PODS[4:], "--timeout=300s")
    assert set(found) == {"ND041"}
    assert f"pod kube-system/{name} restarted 1 time" in found["ND041"][f"node {node}"]["seen"]


def test_two_caches_on_a_node_are_found(cache: Plugin, kubectl: KubectlCall) -> None:
    # It has the arguments of an agent, by which caches are told, and does nothing.
    container = {"name": "other", "image": PAUSE_IMAGE, "args": ["-localip", "169.254.20.77"]}
    labels = {"app": "other-cache"}
    other = {
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": {"name": "other-cache", "namespace": "default"},
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {
                    "containers": [container],
                    "hostNetwork": True,  # else it would be nowhere near the cache
                    "terminationGracePeriodSeconds": 0,
                },
            },
        },
    }
    with applied(kubectl, other):
        wait_for(lambda: checked(cache)[1].get("ND003"), "two caches are found")
        _, found = checked(cache)
    assert all("default/other-cache" in one["seen"] for one in found["ND003"].values())


def test_a_daemonset_that_bears_our_label_is_an_imitation(
    cache: Plugin, kubectl: KubectlCall
) -> None:
    """Whoever may write in a namespace can give it that label, and options with it."""
    labels = {"app": "imitation"}
    container = {"name": "other", "image": PAUSE_IMAGE, "args": ["-localip", "169.254.20.77"]}
    template = {
        "metadata": {"labels": labels},
        "spec": {"containers": [container], "nodeSelector": {"nobody": "has-it"}},
    }
    imitation = {
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": {
            "name": "node-local-dns",
            "namespace": "default",
            "labels": {"app.kubernetes.io/managed-by": "kubectl-nodedns"},
            "annotations": {
                "kubectl-nodedns/options": json.dumps(
                    {"given": {"image": "evil.example/x:1"}, "defaults": {}}
                )
            },
        },
        "spec": {"selector": {"matchLabels": labels}, "template": template},
    }
    with applied(kubectl, imitation):
        _, found = checked(cache)
        before = cache.run("check", "--pre", "-o", "json")
        planned = cache.run("enable", "--dry-run=client", "-o", "yaml")
    assert set(found) == {"ND007"}
    assert set(found["ND007"]) == {"daemonset default/node-local-dns"}
    assert "ND111" in {one["code"] for one in json.loads(before.stdout)["findings"]}
    assert planned.code == 0, str(planned)
    assert "evil.example" not in planned.stdout + planned.stderr


def by_hand(*args: str, **spec: Any) -> dict[str, Any]:
    """A DaemonSet of somebody's in kube-system with these arguments, that no node gets a pod of."""
    labels = {"app": "by-hand"}
    container = {"name": "other", "image": PAUSE_IMAGE, "args": [*args]}
    template = {
        "metadata": {"labels": labels},
        "spec": {"containers": [container], "nodeSelector": {"nobody": "has-it"}, **spec},
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": {"name": "by-hand", "namespace": "kube-system"},
        "spec": {"selector": {"matchLabels": labels}, "template": template},
    }


def test_a_placeholder_in_a_manifest_is_found(cache: Plugin, kubectl: KubectlCall) -> None:
    with applied(kubectl, by_hand("-localip", "__PILLAR__LOCAL__DNS__,10.96.0.10")):
        _, found = checked(cache)
    assert "__PILLAR__LOCAL__DNS__" in found["ND008"]["daemonset kube-system/by-hand"]["seen"]


def test_a_mode_in_which_the_address_cannot_be_taken_over_is_found(
    cache: Plugin, kubectl: KubectlCall
) -> None:
    where = (*SYSTEM, "configmap", "kube-proxy")
    before = kubectl(where[0], where[1], "get", *where[2:], "-o", "json")["data"]["config.conf"]

    def write(text: str) -> None:
        """kube-proxy itself reads it when it starts, and goes on."""
        patch = json.dumps({"data": {"config.conf": text}})
        kubectl(where[0], where[1], "patch", *where[2:], "-p", patch)

    try:
        write(set_mode(before, "ipvs"))
        _, found = checked(cache)
    finally:
        write(before)
    assert "translated by ipvs" in found["ND017"]["daemonset kube-system/node-local-dns"]["seen"]


def test_a_corefile_for_another_clusters_domain_is_found(
    cache: Plugin, kubectl: KubectlCall
) -> None:
    block = "{zone}:53 {{\n    bind 192.0.2.1\n    forward . {to}\n}}\n"
    corefile = block.format(zone="other.example", to="__PILLAR__CLUSTER__DNS__")
    corefile += block.format(zone=".", to="__PILLAR__UPSTREAM__SERVERS__")
    configmap = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "by-hand", "namespace": "kube-system"},
        "data": {"Corefile": corefile},
    }
    volume = {"name": "config", "configMap": {"name": "by-hand"}}
    with applied(kubectl, configmap, by_hand("-localip", "192.0.2.1", volumes=[volume])):
        _, found = checked(cache)
    assert "other.example" in found["ND072"]["daemonset kube-system/by-hand"]["seen"]


def test_a_stub_by_name_makes_the_agent_drop_all(cache: Plugin, kubectl: KubectlCall) -> None:
    stubs = {"corp.example": ["resolver.corp.example"], "ok.example": ["192.0.2.1"]}
    configmap = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "kube-dns", "namespace": "kube-system"},
        "data": {"stubDomains": json.dumps(stubs)},
    }
    with applied(kubectl, configmap):
        _, found = checked(cache)
    assert "resolver.corp.example" in found["ND073"]["configmap kube-system/kube-dns"]["seen"]


def test_a_node_that_the_selector_leaves_out_is_said_and_is_no_fault(
    cache: Plugin, real_cluster: RealCluster, kubectl: KubectlCall
) -> None:
    *some, last = real_cluster.node_names

    def select(value: str | None) -> None:
        selector = {"spec": {"template": {"spec": {"nodeSelector": {"dns-test": value}}}}}
        kubectl(*SYSTEM, "patch", DAEMONSET, "-p", json.dumps(selector))

    kubectl("label", "nodes", *some, "dns-test=local")
    try:
        select("local")
        wait_for(lambda: not _pod_on(kubectl, last), "the last node has no pod")
        _, found = checked(cache)
        status = cache.run("status", "-o", "wide", "--window", "1s")
    finally:
        select(None)
        kubectl("label", "nodes", *some, "dns-test-")
        wait_for(lambda: _pod_on(kubectl, last), "the last node has a pod again")
        kubectl(*SYSTEM, "wait", "--for=condition=Ready", "pod", *PODS[4:], "--timeout=300s")
    assert found["ND010"][f"node {last}"]["severity"] == "info"
    assert "nodeSelector asks for dns-test=local" in found["ND010"][f"node {last}"]["seen"]
    assert set(found) <= {"ND005", "ND010"}, "whoever compares whole selectors sees a drift too"
    assert f"{len(some)} of {len(some)} covered, {len(some)} ready, 1 left out" in status.stdout


def test_a_pod_that_cannot_start_is_found_and_status_waits_until_it_is_well(
    cache: Plugin, real_cluster: RealCluster, kubectl: KubectlCall
) -> None:
    node = real_cluster.node_names[0]
    image = kubectl(*SYSTEM, "get", DAEMONSET, "-ojson")["spec"]["template"]["spec"]["containers"][
        0
    ]
    waiting = None
    try:
        kubectl(*SYSTEM, "set", "image", DAEMONSET, "node-cache=registry.k8s.io/not-there:0")
        kubectl(*SYSTEM, "delete", "pod", *_pod_on(kubectl, node))
        ended, found = checked(cache)
        waiting = cache.start("status", "--wait", "--timeout", "2m", "--window", "1s")
    finally:
        kubectl(*SYSTEM, "set", "image", DAEMONSET, f"node-cache={image['image']}")
        kubectl(*SYSTEM, "delete", "pod", *_pod_on(kubectl, node))
    assert ended.code == 1, str(ended)
    assert set(found) == {"ND005", "ND011"}
    assert set(found["ND011"]) == {f"node {node}"}
    assert "image: " in found["ND005"]["cluster"]["seen"], "the image is not what was asked for"
    assert waiting is not None
    status = cache.wait(waiting)
    assert status.code == 0, str(status)
    # Nobody may have asked within a second: then it is "well as far as is known".
    assert "verdict        well" in status.stdout


def test_lookups_that_fail_are_found_with_the_upstream_that_is_gone(
    cache: Plugin, kubectl: KubectlCall
) -> None:
    script = "n=0; while :; do n=$((n+1)); dig +tries=1 +time=2 x$n.default.svc.cluster.local; done"
    containers = [{"name": "asker", "image": TOOL_BOX_IMAGE, "command": ["sh", "-c", script]}]
    replicas = kubectl(*SYSTEM, "get", "deployment", "coredns", "-ojson")["spec"]["replicas"]
    try:
        kubectl(*SYSTEM, "scale", "deployment", "coredns", "--replicas=0")
        with applied(kubectl, pod("asker", containers=containers)):
            kubectl("wait", "--for=condition=Ready", "pod/asker", "--timeout=300s")
            gone = ("get", "endpointslices", "-l", "kubernetes.io/service-name=kube-dns-upstream")
            wait_for(lambda: "10." not in kubectl(*SYSTEM, *gone), "no endpoint is left")
            _, found = checked(cache, "--window", "6s")
    finally:
        kubectl(*SYSTEM, "scale", "deployment", "coredns", f"--replicas={replicas}")
        kubectl(*SYSTEM, "rollout", "status", "deployment/coredns", "--timeout=300s")
    assert "service kube-system/kube-dns-upstream" in found["ND006"]
    assert any("SERVFAIL" in one["seen"] for one in found["ND021"].values())
    address = kubectl(*SYSTEM, "get", "service", "kube-dns-upstream", "-ojson")["spec"]["clusterIP"]
    assert f"upstream {address}:53" in found["ND031"]


def test_a_probe_that_does_not_run_is_a_finding(cache: Plugin, real_cluster: RealCluster) -> None:
    image = "registry.k8s.io/not-there:0"
    _, found = checked(cache, "--probe", "--probe-image", image, "--timeout", "8s")
    assert set(found) == {"ND062"}
    assert set(found["ND062"]) == {f"node {node}" for node in real_cluster.node_names}


def test_what_is_left_of_a_cache_is_found(
    cache: Plugin, kubectl: KubectlCall, link: Callable[[str], object], real_cluster: RealCluster
) -> None:
    kubectl(*SYSTEM, "delete", DAEMONSET)
    for node in real_cluster.node_names:
        wait_for(lambda node=node: link(node) is None, "the link is gone")  # type: ignore[misc]
    # The last of this file: what it leaves is taken away with the fixture.
    ended, found = checked(cache)
    assert set(found) == {"ND001", "ND004"}, str(ended)
    assert "service kube-system/kube-dns-upstream" in found["ND004"]
    way_out = found["ND004"]["service kube-system/kube-dns-upstream"]["wayOut"]
    assert "kubectl nodedns disable removes it" in way_out
