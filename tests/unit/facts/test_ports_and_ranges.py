from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from kubectl_nodedns.facts.host_ports import (
    DNS,
    HEALTH,
    METRICS,
    SETUP,
    clashes,
    free_port,
    needs_of,
)
from kubectl_nodedns.facts.managed import is_virtual, managed_caches
from kubectl_nodedns.facts.nodes import Node
from kubectl_nodedns.facts.pods import HostPort, Pod, host_ports_of, pod_of
from kubectl_nodedns.facts.ranges import of_arguments, of_ip_pools, of_kubeadm, of_service_cidrs
from kubectl_nodedns.install.objects import build, daemonset_of
from tests.unit.install.samples import SETTINGS

NEEDS = needs_of(daemonset_of(build(SETTINGS)))
NODES = frozenset({"node1", "node2"})


def pod(name: str, *ports: HostPort, node: str = "node1", **labels: str) -> Pod:
    return Pod(
        namespace="default",
        name=name,
        node=node,
        labels=labels,
        ips=(),
        host_network=False,
        host_ports=ports,
    )


def tcp(port: int, ip: str = "") -> HostPort:
    return HostPort(port=port, protocol="TCP", ip=ip)


def found(*pods: Pod, selectors: Any = ()) -> list[tuple[str, int]]:
    those = clashes(NEEDS, pods, nodes=NODES, local_ip="169.254.20.10", selectors=selectors)
    return [(one.need.purpose, one.need.port) for one in those]


def hidden(container: dict[str, Any], **spec: Any) -> set[tuple[int, str, str]]:
    """Ports that a pod with one container on the host network has without declaring them."""
    ports = host_ports_of({"hostNetwork": True, "containers": [container], **spec})
    return {(one.port, one.ip, one.told) for one in ports if one.told != "ports"}


@pytest.mark.parametrize(
    ("probe", "ip"),
    [
        ({"httpGet": {"port": 8080, "path": "/"}}, ""),
        ({"httpGet": {"port": 8080, "host": "127.0.0.1"}}, "127.0.0.1"),
        ({"tcpSocket": {"port": 8080}}, ""),
        ({"grpc": {"port": 8080}}, ""),
    ],
)
def test_a_port_that_stands_only_in_a_probe_is_claimed(probe: dict[str, Any], ip: str) -> None:
    assert hidden({"livenessProbe": probe}) == {(8080, ip, "probe")}
    assert hidden({"readinessProbe": probe}, hostNetwork=False) == set()


@pytest.mark.parametrize(
    ("args", "ip"),
    [
        (["--metrics-bind-address=:8080"], ""),
        (["--listen", "0.0.0.0:8080"], "0.0.0.0"),
        (["-addr=[::]:8080"], "::"),
        (["--health=127.0.0.1:8080"], "127.0.0.1"),
        (["--metrics-port=8080"], ""),
        (["--port", "8080"], ""),
        (["--web.port=$(PORT)"], ""),
    ],
)
def test_a_port_that_stands_only_in_an_argument_is_claimed(args: list[str], ip: str) -> None:
    env = [{"name": "PORT", "value": "8080"}]
    assert hidden({"args": args, "env": env}) == {(8080, ip, "arguments")}


@pytest.mark.parametrize(
    "word",
    [
        "--server=https://10.0.0.1:8080",
        "--etcd=10.0.0.1:8080",
        "--to=collector:8080",
        "--since=12:30:45",
        "--port-range=8080",
        "8080",
    ],
)
def test_somebody_to_ask_is_no_port_to_listen_on(word: str) -> None:
    assert hidden({"args": [word]}) == set()


def test_a_port_that_is_declared_too_is_one() -> None:
    container = {"ports": [{"containerPort": 8080}], "args": ["--port=8080"]}
    (one,) = host_ports_of({"hostNetwork": True, "containers": [container]})
    assert one.told == "ports"


def test_where_a_clash_is_told_is_kept() -> None:
    argued = replace(tcp(8080), told="arguments")
    those = clashes(NEEDS, [pod("a", argued)], nodes=NODES, local_ip="169.254.20.10")
    assert [(one.need.purpose, one.told) for one in those] == [(HEALTH, {"arguments"})]
    assert free_port(8080, [pod("a", argued)], nodes=NODES) == 8081


def test_what_the_cache_needs_is_read_from_its_object() -> None:
    assert {(need.purpose, need.port, need.protocol) for need in NEEDS} == {
        (DNS, 53, "UDP"),
        (DNS, 53, "TCP"),
        (METRICS, 9253, "TCP"),
        (HEALTH, 8080, "TCP"),
        (SETUP, 9353, "TCP"),
    }
    changed = daemonset_of(build(SETTINGS))
    container = changed["spec"]["template"]["spec"]["containers"][0]
    container["args"] += ["-metrics-listen-address", "0.0.0.0:9999"]
    container["livenessProbe"]["httpGet"]["port"] = 3989
    ports = {need.purpose: need.port for need in needs_of(changed)}
    assert (ports[SETUP], ports[HEALTH]) == (9999, 3989)


def test_claims_on_nodes_with_a_cache_clash() -> None:
    assert found(pod("a", tcp(9253))) == [(METRICS, 9253)]
    assert found(pod("a", tcp(9253), node="elsewhere")) == []
    assert found(pod("a", tcp(9254))) == []


def test_the_scheduler_looks_at_the_port_whatever_the_address() -> None:
    assert found(pod("a", tcp(53, "192.0.2.1"))) == [(DNS, 53)]


def test_an_undeclared_port_clashes_only_at_the_same_address() -> None:
    assert found(pod("a", tcp(8080, "192.0.2.1"))) == []
    assert found(pod("a", tcp(8080, "0.0.0.0"))) == [(HEALTH, 8080)]
    assert found(pod("a", tcp(8080, "169.254.20.10"))) == [(HEALTH, 8080)]


def test_a_pod_that_is_being_deleted_gives_its_ports_back() -> None:
    going = pod_of(
        {
            "metadata": {"name": "a", "namespace": "default", "deletionTimestamp": "2026-01-01"},
            "spec": {
                "nodeName": "node1",
                "containers": [{"ports": [{"containerPort": 80, "hostPort": 53}]}],
            },
        }
    )
    assert going is not None
    assert found(going) == []
    assert found(replace(going, leaving=False)) == [(DNS, 53)]


def test_caches_that_are_there_already_do_not_count() -> None:
    ours = pod("node-local-dns-x", tcp(53), tcp(9253), **{"k8s-app": "node-local-dns"})
    assert found(ours, selectors=({"k8s-app": "node-local-dns"},)) == []
    assert found(ours) == [(DNS, 53), (METRICS, 9253)]


def test_the_first_free_port_is_told() -> None:
    pods = (pod("a", tcp(8081)), pod("b", tcp(8082), node="elsewhere"))
    assert free_port(8081, pods, nodes=NODES) == 8082
    assert free_port(8081, pods, nodes=NODES, taken={8082}) == 8083
    assert free_port(10248, (), nodes=NODES) == 10251


def test_on_the_host_network_every_port_is_the_nodes() -> None:
    spec = {
        "hostNetwork": True,
        "containers": [{"ports": [{"containerPort": 53, "protocol": "UDP"}]}],
        "initContainers": [{"ports": [{"containerPort": 8080, "hostPort": 8080}]}],
    }
    udp = HostPort(port=53, protocol="UDP", ip="")
    assert host_ports_of(spec) == (udp, tcp(8080))
    assert host_ports_of({**spec, "hostNetwork": False}) == (tcp(8080),)


def test_pods_that_have_ended_claim_nothing() -> None:
    item = {
        "metadata": {"name": "a", "namespace": "b"},
        "spec": {"nodeName": "node1"},
        "status": {"phase": "Succeeded"},
    }
    assert pod_of(item) is None
    running = pod_of({**item, "status": {"phase": "Running", "podIP": "192.0.2.1"}})
    assert running is not None
    assert running.ips == ("192.0.2.1",)


def test_ranges_are_read_from_whoever_tells() -> None:
    cidr = {"metadata": {"name": "kubernetes"}, "spec": {"cidrs": ["10.96.0.0/16", "fd00::/112"]}}
    assert [one.cidr for one in of_service_cidrs([cidr])] == ["10.96.0.0/16", "fd00::/112"]
    text = "networking:\n  serviceSubnet: 10.96.0.0/12\n  podSubnet: 10.244.0.0/16,fd01::/48\n"
    kubeadm = of_kubeadm({"data": {"ClusterConfiguration": text}})
    assert [(one.what, one.cidr) for one in kubeadm] == [
        ("services", "10.96.0.0/12"),
        ("pods", "10.244.0.0/16"),
        ("pods", "fd01::/48"),
    ]
    assert of_kubeadm({"data": {"ClusterConfiguration": "a: ["}}) == []
    assert of_kubeadm({}) == []
    words = ["kube-apiserver", "--service-cluster-ip-range=10.43.0.0/16"]
    server = {"metadata": {"name": "api"}, "spec": {"containers": [{"command": words}]}}
    (one,) = of_arguments(server)
    assert (one.cidr, one.what) == ("10.43.0.0/16", "services")
    assert "pod kube-system/api" in one.evidence
    pools = [
        {"metadata": {"name": "a"}, "spec": {"cidr": "192.168.0.0/16"}},
        {"metadata": {"name": "b"}, "spec": {"cidr": "192.169.0.0/16", "disabled": True}},
    ]
    assert [one.cidr for one in of_ip_pools(pools)] == ["192.168.0.0/16"]


def test_a_range_holds_addresses_of_its_family() -> None:
    (four,) = of_ip_pools([{"metadata": {"name": "a"}, "spec": {"cidr": "169.254.0.0/16"}}])
    assert "169.254.20.10" in four
    assert "10.0.0.1" not in four
    assert "fd00::1" not in four
    (broken,) = of_ip_pools([{"metadata": {"name": "a"}, "spec": {"cidr": "everything"}}])
    assert "10.0.0.1" not in broken


def node(name: str, **labels: str) -> Node:
    return Node(name=name, ready=True, system="linux", labels=labels, addresses=(), pod_ranges=())


def test_managed_caches_are_told_by_the_labels_of_nodes() -> None:
    nodes = [
        node("gke", **{"addon.gke.io/node-local-dns-ds-ready": "true"}),
        node("off", **{"addon.gke.io/node-local-dns-ds-ready": "false"}),
        node("aks", **{"kubernetes.azure.com/localdns-state": "enabled"}),
        node("eks", **{"eks.amazonaws.com/compute-type": "auto"}),
    ]
    assert [(one.provider.name, one.nodes) for one in managed_caches(nodes)] == [
        ("GKE's NodeLocal DNSCache", ("gke",)),
        ("AKS LocalDNS", ("aks",)),
        ("the node-local DNS of EKS Auto Mode", ("eks",)),
    ]


def test_virtual_nodes_are_no_machines() -> None:
    assert is_virtual(node("a", type="virtual-kubelet"))
    assert is_virtual(node("a", **{"eks.amazonaws.com/compute-type": "fargate"}))
    assert not is_virtual(node("a", **{"eks.amazonaws.com/compute-type": "auto"}))
