from __future__ import annotations

from typing import Any

import pytest

from kubectl_nodedns.facts.coredns import coredns_of, metrics_port_of
from kubectl_nodedns.facts.dns_service import DnsService
from tests.unit.facts.corefiles import CUSTOM, KUBEADM, MANAGED

DNS = DnsService(
    namespace="kube-system",
    name="kube-dns",
    ips=("10.96.0.10",),
    selector={"k8s-app": "kube-dns"},
    ready=2,
    target_ports={"UDP": "dns", "TCP": "dns-tcp"},
)


def configmap(name: str, **data: str) -> dict[str, Any]:
    return {"metadata": {"name": name}, "data": data}


def pod(*mounts: dict[str, str], port: int = 53, **volumes: dict[str, Any]) -> dict[str, Any]:
    container = {
        "name": "coredns",
        "args": ["-conf", "/etc/coredns/Corefile"],
        "env": [{"name": "UPSTREAM", "value": "192.0.2.1"}],
        "volumeMounts": list(mounts),
        "ports": [
            {"name": "dns", "containerPort": port, "protocol": "UDP"},
            {"name": "dns-tcp", "containerPort": port, "protocol": "TCP"},
            {"name": "metrics", "containerPort": 9153, "protocol": "TCP"},
        ],
    }
    spec = {
        "containers": [container],
        "volumes": [{"name": name, "configMap": source} for name, source in volumes.items()],
    }
    return {"metadata": {"name": "coredns-1"}, "spec": spec}


def test_the_corefile_and_its_imports_are_found_where_the_pod_mounts_them() -> None:
    running = pod(
        {"name": "config", "mountPath": "/etc/coredns"},
        {"name": "custom", "mountPath": "/etc/coredns/custom"},
        config={"name": "coredns", "items": [{"key": "Main", "path": "Corefile"}]},
        custom={"name": "coredns-custom"},
    )
    files = {path.rpartition("/")[2]: text for path, text in CUSTOM.items()}
    configmaps = [
        configmap("decoy", Corefile=KUBEADM),
        configmap("coredns", Main=MANAGED),
        configmap("coredns-custom", **files),
    ]
    found = coredns_of(running, configmaps, DNS)
    assert found is not None
    assert (found.where, found.port) == ("kube-system/coredns", 53)
    zones = [zone for block in found.corefile.blocks for zone in block.zones()]
    assert zones == [".", "corp.example", "lab.example"]


def test_a_port_of_the_pod_is_found_by_its_name() -> None:
    running = pod(
        {"name": "config", "mountPath": "/etc/coredns"}, port=5353, config={"name": "coredns"}
    )
    text = ".:5353 {\n kubernetes cluster.local\n forward . {$UPSTREAM}\n}\n"
    found = coredns_of(running, [configmap("coredns", Corefile=text)], DNS)
    assert found is not None
    assert found.port == 5353
    assert found.corefile.blocks[0].all("forward")[0].arguments == (".", "192.0.2.1")


def test_one_file_may_be_mounted_alone() -> None:
    mount = {"name": "config", "mountPath": "/etc/coredns/Corefile", "subPath": "Corefile"}
    running = pod(mount, config={"name": "coredns"})
    found = coredns_of(running, [configmap("coredns", Corefile=KUBEADM, other="x")], DNS)
    assert found is not None
    assert found.where == "kube-system/coredns"


def test_without_a_pod_the_content_tells() -> None:
    ours = configmap("node-local-dns-1", Corefile=KUBEADM)
    ours["metadata"]["labels"] = {"app.kubernetes.io/managed-by": "kubectl-nodedns"}
    broken = configmap("broken", Corefile=". {")
    plain = configmap("plain", Corefile=". {\n forward . 192.0.2.1\n}")
    found = coredns_of(None, [ours, broken, plain, configmap("c", Corefile=KUBEADM)], DNS)
    assert found is not None
    assert found.where == "kube-system/c"
    assert coredns_of(None, [ours, broken, plain], DNS) is None


@pytest.mark.parametrize(
    ("pod", "port"),
    [
        ({}, 9153),
        ({"spec": {"containers": [{"ports": [{"name": "dns", "containerPort": 53}]}]}}, 9153),
        (
            {
                "spec": {
                    "containers": [
                        {},
                        {"ports": [{"containerPort": 53}, {"name": "metrics", "containerPort": 9}]},
                    ]
                }
            },
            9,
        ),
    ],
)
def test_coredns_has_its_metrics_at_the_port_of_that_name_else_at_the_usual_one(
    pod: dict[str, Any], port: int
) -> None:
    assert metrics_port_of(pod) == port
