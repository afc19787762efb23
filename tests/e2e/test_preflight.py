"""What stands in the way of an install, each provoked on the real cluster and taken away again."""

from __future__ import annotations

import json
import shlex
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from tests.cluster.proxy_mode import set_mode
from tests.e2e.official_addon import wait_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.e2e.clusters import RealCluster
    from tests.e2e.conftest import KubectlCall
    from tests.e2e.plugin import Ended, Plugin

    Check = Callable[..., dict[str, list[dict[str, Any]]]]

NAMESPACE = "nodedns-preflight"
PAUSE = {"name": "pause", "image": "registry.k8s.io/pause:3.10"}

pytestmark = pytest.mark.usefixtures("no_cache")


@pytest.fixture
def check(nodedns: Plugin) -> Check:
    """`check(*words)`: the findings of `check --pre`, by code."""

    def call(*words: str) -> dict[str, list[dict[str, Any]]]:
        ended = nodedns.run("check", "--pre", "-o", "json", *words)
        assert ended.code in (0, 1), str(ended)
        found: dict[str, list[dict[str, Any]]] = {}
        for finding in json.loads(ended.stdout)["findings"]:
            found.setdefault(finding["code"], []).append(finding)
        errors = any(one["severity"] == "error" for those in found.values() for one in those)
        assert ended.code == errors, str(ended)
        return found

    return call


@pytest.fixture
def there(kubectl: KubectlCall) -> Callable[..., Any]:
    """`with there(*objects)`: objects that are in the cluster meanwhile."""

    @contextmanager
    def call(*objects: dict[str, Any]) -> Iterator[None]:
        text = json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})
        try:
            kubectl("apply", "-f", "-", stdin=text)
            yield
        finally:
            kubectl("delete", "--ignore-not-found", "--now", "-f", "-", stdin=text)

    return call


@pytest.fixture
def labelled(kubectl: KubectlCall) -> Callable[..., Any]:
    """`with labelled(kind, name, "KEY=VALUE")`: a label that is there meanwhile."""

    @contextmanager
    def call(kind: str, name: str, label: str) -> Iterator[None]:
        try:
            kubectl("label", kind, name, label, "--overwrite")
            yield
        finally:
            kubectl("label", kind, name, f"{label.partition('=')[0]}-")

    return call


def obj(kind: str, name: str, namespace: str = "", version: str = "v1", **more: Any) -> Any:
    """A Kubernetes object."""
    where = {"namespace": namespace} if namespace else {}
    labels = {"labels": more.pop("labels")} if "labels" in more else {}
    metadata = {"name": name, **where, **labels}
    return {"apiVersion": version, "kind": kind, "metadata": metadata, **more}


def service(name: str, selector: dict[str, str], **more: Any) -> Any:
    """A service for DNS in kube-system."""
    ports = [
        {"name": "dns", "port": 53, "protocol": "UDP"},
        {"name": "dns-tcp", "port": 53, "protocol": "TCP"},
    ]
    spec = {"selector": selector, "ports": ports, **more}
    return obj("Service", name, "kube-system", spec=spec)


def test_a_sound_cluster_has_no_finding(check: Check, nodedns: Plugin) -> None:
    assert check() == {}
    table = nodedns.run("check", "--pre")
    assert table.code == 0, str(table)
    assert "no finding: " in table.stderr


def test_what_the_dns_service_is(check: Check, there: Callable[..., Any]) -> None:
    with there(
        service("other-dns", {"k8s-app": "kube-dns"}),
        service("empty-dns", {"k8s-app": "nobody"}),
        service("headless-dns", {"k8s-app": "kube-dns"}, clusterIP="None"),
    ):
        other = check("--dns-service", "kube-system/other-dns")
        assert sorted(other) == ["ND101", "ND133"]  # kubelets hand out the other address
        assert "it is called kube-system/other-dns" in other["ND101"][0]["seen"]
        empty = check("--dns-service", "kube-system/empty-dns")
        assert "no ready endpoint" in empty["ND105"][0]["seen"]
        headless = check("--dns-service", "kube-system/headless-dns")
        assert list(headless) == ["ND100"]
        assert "is headless" in headless["ND100"][0]["seen"]


def test_what_kube_proxy_does(proxy_mode: str, check: Check, kubectl: KubectlCall) -> None:
    told = check()
    if proxy_mode == "nftables":
        (one,) = told["ND102"]
        assert (one["severity"], "nftables mode" in one["seen"]) == ("info", True)
    else:
        assert told == {}
    where = ("-n", "kube-system", "configmap", "kube-proxy")
    before = kubectl("get", *where, "-o", "json")["data"]["config.conf"]
    other = {"config.conf": set_mode(before, "userspace")}
    try:
        kubectl("patch", *where, "-p", json.dumps({"data": other}))
        (one,) = check()["ND102"]
    finally:
        kubectl("patch", *where, "-p", json.dumps({"data": {"config.conf": before}}))
    assert (one["severity"], "userspace" in one["seen"]) == ("error", True)


def test_caches_and_objects_that_are_not_ours(check: Check, there: Callable[..., Any]) -> None:
    container = {
        "name": "node-cache",
        "image": "registry.k8s.io/dns/k8s-dns-node-cache:1.25.0",
        "args": ["-localip", "169.254.25.10"],
    }
    template = {
        "metadata": {"labels": {"k8s-app": "someones-cache"}},
        "spec": {"nodeSelector": {"nobody": "has-it"}, "containers": [container]},
    }
    selector = {"matchLabels": {"k8s-app": "someones-cache"}}
    spec = {"selector": selector, "template": template}
    with there(
        obj("DaemonSet", "nodelocaldns", "kube-system", "apps/v1", spec=spec),
        obj("ServiceAccount", "node-local-dns", "kube-system"),
    ):
        found = check()
    assert sorted(found) == ["ND103", "ND104"]
    assert found["ND103"][0]["subject"] == "daemonset kube-system/nodelocaldns"
    assert "kubespray" in found["ND103"][0]["seen"]
    assert found["ND104"][0]["subject"] == "serviceaccount kube-system/node-local-dns"


def test_nodes_that_cannot_have_a_cache(
    real_cluster: RealCluster,
    check: Check,
    there: Callable[..., Any],
    labelled: Callable[..., Any],
) -> None:
    node = real_cluster.node_names[0]
    windows = {"kubernetes.io/os": "windows", "kubernetes.io/arch": "amd64"}
    riscv = {"kubernetes.io/os": "linux", "kubernetes.io/arch": "riscv64"}
    with (
        there(obj("Node", "fake-windows", labels=windows), obj("Node", "fake-riscv", labels=riscv)),
        labelled("node", node, "kubernetes.azure.com/localdns-state=enabled"),
        labelled("node", node, "type=virtual-kubelet"),
    ):
        found = check()
    assert sorted(found) == ["ND107", "ND108", "ND109", "ND110"]
    assert "AKS LocalDNS" in found["ND107"][0]["seen"]
    assert found["ND108"][0]["subject"] == "nodes fake-windows"
    assert found["ND109"][0]["subject"] == f"node {node}"
    assert found["ND110"][0]["seen"] == "its processor is riscv64"


def test_addresses_that_somebody_has(
    real_cluster: RealCluster, check: Check, kubectl: KubectlCall
) -> None:
    pods = kubectl("-n", "kube-system", "get", "pods", "-l", "k8s-app=kube-dns", "-o", "json")
    pod = pods["items"][0]
    node = kubectl("get", "node", real_cluster.node_names[0], "-o", "json")
    addresses = {
        node["status"]["addresses"][0]["address"]: f"node {node['metadata']['name']}",
        pod["status"]["podIP"]: f"pod kube-system/{pod['metadata']['name']}",
        "10.96.200.200": "services (ServiceCIDR kubernetes)",
        "169.254.1.1": "Calico",
    }
    for ip, who in addresses.items():
        found = check("--local-ip", ip)
        assert list(found) == ["ND120"], ip
        assert who in found["ND120"][0]["seen"]


def test_ports_that_somebody_has(
    real_cluster: RealCluster, check: Check, nodedns: Plugin, there: Callable[..., Any]
) -> None:
    node = real_cluster.node_names[0]
    ports = [
        {"containerPort": 80, "hostPort": port, "protocol": protocol}
        for port, protocol in ((53, "UDP"), (8080, "TCP"), (9253, "TCP"), (9353, "TCP"))
    ]
    spec = {"nodeName": node, "containers": [{**PAUSE, "ports": ports}]}
    with there(obj("Pod", "takes-ports", "default", spec=spec)):
        found = check()
        refused = nodedns.run("enable", "--yes")
        ignored = nodedns.run("enable", "--dry-run=server", "--ignore", "nd121")
    ways = {one["subject"]: one["wayOut"] for one in (*found["ND121"], *found["ND122"])}
    assert sorted(ways) == ["port 53/UDP", "port 8080/TCP", "port 9253/TCP", "port 9353/TCP"]
    assert "--health-port 8081" in ways["port 8080/TCP"]
    assert "--metrics-port 9254" in ways["port 9253/TCP"]
    assert "--setup-metrics-port 9354" in ways["port 9353/TCP"]
    assert "pod default/takes-ports on 1 of 3 nodes" in found["ND121"][0]["seen"]
    assert refused.code == 5, str(refused)
    assert "error: ND121 port 53/UDP" in refused.stderr
    assert "warning    ND122 port 9353/TCP" in refused.stderr
    assert ignored.code == 0, str(ignored)


def test_a_port_that_is_about_to_be_free_is_waited_for(
    real_cluster: RealCluster,
    check: Check,
    nodedns: Plugin,
    kubectl: KubectlCall,
    there: Callable[..., Any],
    request: pytest.FixtureRequest,
) -> None:
    stubborn = {
        "name": "stubborn",
        "image": request.config.getoption("--tool-image"),
        "command": ["sh", "-c", "trap '' TERM; while :; do sleep 1; done"],
        "ports": [{"containerPort": 80, "hostPort": 53, "protocol": "UDP"}],
    }
    spec = {"nodeName": real_cluster.node_names[0], "containers": [stubborn]}
    with there(obj("Pod", "ends-late", "default", spec=spec)):
        kubectl("wait", "--for=condition=Ready", "pod/ends-late", "--timeout=300s")
        assert list(check()) == ["ND121"]
        kubectl("delete", "pod", "ends-late", "--wait=false", "--grace-period=12")
        assert check() == {}
        ended = nodedns.run("enable", "--yes")
    assert ended.code == 0, str(ended)


def test_resolvers_of_nodes_that_lead_nowhere(
    real_cluster: RealCluster,
    check: Check,
    nodedns: Plugin,
    kubectl: KubectlCall,
    node_exec: Callable[..., str],
) -> None:
    nodes = real_cluster.node_names
    texts = ["nameserver 10.96.0.10", "nameserver 127.0.0.53", "search nowhere.example"]
    before: dict[str, tuple[str, str]] = {}
    try:
        for node, text in zip(nodes, texts, strict=True):
            raw = json.loads(kubectl("get", "--raw", f"/api/v1/nodes/{node}/proxy/configz"))
            file = raw["kubeletconfig"]["resolvConf"]
            before[node] = (file, node_exec(node, "cat", file))
            node_exec(node, "sh", "-c", f"echo {shlex.quote(text)} > {file}")
        found = check("--probe")
        refused = nodedns.run("enable", "--yes")
    finally:
        for node, (file, text) in before.items():
            node_exec(node, "sh", "-c", f"printf %s {shlex.quote(text)} > {file}")
    assert {code: [one["subject"] for one in those] for code, those in found.items()} == {
        "ND130": [f"node {nodes[0]}"],
        "ND131": [f"node {nodes[1]}"],
        "ND132": [f"node {nodes[2]}"],
    }
    assert refused.code == 5, str(refused)
    assert f"error: ND130 node {nodes[0]}" in refused.stderr
    assert f"ND132 node {nodes[2]}" in refused.stderr
    assert "nothing was written" in refused.stderr
    assert "node-local-dns" not in kubectl("-n", "kube-system", "get", "daemonsets", "-o", "name")


def test_a_second_address_of_the_dns_service(check: Check, second_address: str) -> None:
    found = check()
    assert list(found) == ["ND106"]
    assert found["ND106"][0]["seen"].startswith(f"it has the address {second_address} as well as ")


def test_a_pod_security_level_that_shuts_the_cache_out(
    check: Check, nodedns: Plugin, labelled: Callable[..., Any]
) -> None:
    with labelled("namespace", "kube-system", "pod-security.kubernetes.io/enforce=baseline"):
        found = check()
        refused = nodedns.run("enable", "--yes")
    assert sorted(found) == ["ND140", "ND142"]
    assert found["ND140"][0]["subject"] == "namespace kube-system"
    assert found["ND142"][0]["subject"] == "cache pods in namespace kube-system"
    assert "violates PodSecurity" in found["ND142"][0]["seen"]
    assert refused.code == 5, str(refused)


def test_a_quota_and_a_limit_range(
    real_cluster: RealCluster, check: Check, there: Callable[..., Any]
) -> None:
    limit = {"type": "Container", "default": {"cpu": "100m"}}
    with there(
        obj("Namespace", NAMESPACE),
        obj("ResourceQuota", "small", NAMESPACE, spec={"hard": {"pods": "2"}}),
        obj("LimitRange", "small", "kube-system", spec={"limits": [limit]}),
    ):
        found = check("--probe-namespace", NAMESPACE)
    assert sorted(found) == ["ND141", "ND143"]
    assert found["ND141"][0]["subject"] == f"resourcequota {NAMESPACE}/small"
    assert "needs 3" in found["ND141"][0]["seen"]
    assert "container node-cache gets a cpu limit of 100m" in found["ND143"][0]["seen"]


def test_rights_that_are_missing(check: Check, there: Callable[..., Any]) -> None:
    rules = [
        {"apiGroups": [""], "resources": ["nodes", "services", "configmaps"], "verbs": ["*"]},
        {"apiGroups": ["apps"], "resources": ["daemonsets"], "verbs": ["get", "list"]},
        {"apiGroups": [""], "resources": ["pods", "serviceaccounts"], "verbs": ["get", "list"]},
        {"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"], "verbs": ["list"]},
    ]
    group = "rbac.authorization.k8s.io"
    name = "nodedns-preflight-reader"
    with there(
        obj("ClusterRole", name, version=f"{group}/v1", rules=rules),
        obj(
            "ClusterRoleBinding",
            name,
            version=f"{group}/v1",
            roleRef={"apiGroup": group, "kind": "ClusterRole", "name": name},
            subjects=[{"apiGroup": group, "kind": "User", "name": name}],
        ),
    ):
        found = check("--as", name)
    lacking = [one["seen"] for one in found["ND144"]]
    assert "may not create daemonsets.apps in kube-system" in lacking
    assert "may not create jobs.batch in default" in lacking
    unseen = {one["subject"]: one["seen"] for one in found["ND199"]}
    assert {"network policies", "kubelets", "admission of cache pods"} <= set(unseen)
    assert f'User "{name}" cannot list resource "networkpolicies"' in unseen["network policies"]


def test_customisations_of_coredns_whose_answers_would_change(
    check: Check, nodedns: Plugin, kubectl: KubectlCall, there: Callable[..., Any]
) -> None:
    config = kubectl("-n", "kube-system", "get", "configmap", "coredns", "-o", "json")
    corefile = config["data"]["Corefile"]
    more = """
        hosts {
            192.0.2.10 registry.example
            fallthrough
        }
        rewrite name shop.example kubernetes.default.svc.cluster.local
        autopath @kubernetes
"""
    stub = "\ncorp.example:53 {\n    forward . 192.0.2.53\n}\n"
    edited = corefile.replace("    ready\n", f"    ready\n{more}") + stub
    stubs = {"stubDomains": '{"old.example": ["192.0.2.54"]}', "upstreamNameservers": "[]"}
    patch = [{"op": "replace", "path": "/data/Corefile", "value": edited}]
    back = [{"op": "replace", "path": "/data/Corefile", "value": corefile}]
    where = ("-n", "kube-system", "patch", "configmap", "coredns", "--type=json", "-p")
    try:
        kubectl(*where, json.dumps(patch))
        with there(obj("ConfigMap", "kube-dns", "kube-system", data=stubs)):
            found = check()
            planned = nodedns.run("enable", "--dry-run=server")
    finally:
        kubectl(*where, json.dumps(back))
    assert sorted(found) == ["ND160", "ND161", "ND162"]
    zones = {one["subject"]: one for one in found["ND160"]}
    assert sorted(zones) == ["zone corp.example", "zone registry.example", "zone shop.example"]
    assert "ConfigMap kube-system/coredns" in zones["zone registry.example"]["seen"]
    assert "--stub-domain corp.example=192.0.2.53" in zones["zone corp.example"]["wayOut"]
    assert "--forward-all-to-kube-dns" in zones["zone shop.example"]["wayOut"]
    assert "old.example" in found["ND161"][0]["seen"]
    assert "autopath" in found["ND162"][0]["seen"]
    assert planned.code == 0, str(planned)
    assert "warning    ND160 zone corp.example" in planned.stderr


def test_policies_are_named_and_the_printed_rules_mend_them(
    check: Check, kubectl: KubectlCall, there: Callable[..., Any]
) -> None:
    coredns = {
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}},
        "podSelector": {"matchLabels": {"k8s-app": "kube-dns"}},
    }
    ports = [{"port": 53, "protocol": "UDP"}, {"port": 53, "protocol": "TCP"}]
    egress = {
        "podSelector": {"matchLabels": {"app": "web"}},
        "policyTypes": ["Egress"],
        "egress": [{"to": [coredns], "ports": ports}],
    }
    ingress = {
        "podSelector": {"matchLabels": {"k8s-app": "kube-dns"}},
        "ingress": [{"from": [{"namespaceSelector": {}}], "ports": ports}],
    }
    version = "networking.k8s.io/v1"
    with there(
        obj("Namespace", NAMESPACE),
        obj("Pod", "web", NAMESPACE, labels={"app": "web"}, spec={"containers": [PAUSE]}),
        obj("NetworkPolicy", "dns-only", NAMESPACE, version, spec=egress),
        obj("NetworkPolicy", "coredns", "kube-system", version, spec=ingress),
    ):
        found = check()
        assert sorted(found) == ["ND170", "ND171"]
        assert found["ND170"][0]["subject"] == f"networkpolicy {NAMESPACE}/dns-only"
        assert "1 pods (web)" in found["ND170"][0]["seen"]
        for one in (*found["ND170"], *found["ND171"]):
            program, *words = shlex.split(one["wayOut"])
            assert program == "kubectl"
            kubectl(*words)
        assert check() == {}


def test_policies_of_other_makes_are_said_not_to_be_evaluated(
    check: Check, kubectl: KubectlCall, there: Callable[..., Any]
) -> None:
    group, plural = "cilium.io", "ciliumnetworkpolicies"
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    one = {
        "name": "v2",
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": schema},
    }
    names = {"plural": plural, "kind": "CiliumNetworkPolicy"}
    spec = {"group": group, "scope": "Namespaced", "names": names, "versions": [one]}
    name = f"{plural}.{group}"
    definition = obj("CustomResourceDefinition", name, version="apiextensions.k8s.io/v1", spec=spec)
    with there(definition):
        kubectl("wait", "--for=condition=Established", f"crd/{name}", "--timeout=300s")
        assert check() == {}
        with there(obj("CiliumNetworkPolicy", "theirs", "default", f"{group}/v2", spec={})):
            wait_for(lambda: "ND172" in check(), "the policy is listed")


def test_enable_refuses_by_several_findings_at_once(
    nodedns: Plugin, there: Callable[..., Any]
) -> None:
    with there(
        obj("Namespace", NAMESPACE),
        obj("ResourceQuota", "none", NAMESPACE, spec={"hard": {"pods": "0"}}),
    ):
        ended: Ended = nodedns.run(
            "enable", "--yes", "--probe-namespace", NAMESPACE, "--local-ip", "169.254.1.1"
        )
    assert ended.code == 5, str(ended)
    for code in ("ND120", "ND141", "ND142"):
        assert code in ended.stderr
    unknown = nodedns.run("enable", "--yes", "--ignore", "ND001")
    assert unknown.code == 2, str(unknown)
