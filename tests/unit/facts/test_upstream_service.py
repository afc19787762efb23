from __future__ import annotations

from typing import Any

from kubectl_nodedns.facts.dns_service import DnsService
from kubectl_nodedns.facts.machine import machine_of
from kubectl_nodedns.facts.upstream_service import upstream_ip

DNS = DnsService(
    namespace="kube-system",
    name="kube-dns",
    ips=("10.96.0.10",),
    selector={"k8s-app": "kube-dns"},
    ready=2,
    target_ports={"UDP": 53, "TCP": 53},
)


def service(name: str, ip: str, *, port: int = 53, app: str = "kube-dns") -> dict[str, Any]:
    return {
        "metadata": {"name": name},
        "spec": {"clusterIP": ip, "selector": {"k8s-app": app}, "ports": [{"port": port}]},
    }


def test_the_service_for_misses_has_the_same_selector_and_another_address() -> None:
    services = [
        service("kube-dns", "10.96.0.10"),
        service("headless", "None"),
        service("metrics", "10.96.0.12", port=9153),
        service("other", "10.96.0.13", app="other"),
        service("a-copy", "10.96.0.14"),
        service("kube-dns-upstream", "10.96.0.15"),
    ]
    assert upstream_ip(services, DNS) == "10.96.0.15"
    assert upstream_ip(services[:5], DNS) == "10.96.0.14"
    assert upstream_ip(services[:4], DNS) == ""


def test_a_machine_is_named_with_what_a_figure_depends_on() -> None:
    info = {
        "architecture": "amd64",
        "kernelVersion": "6.18",
        "osImage": "Debian GNU/Linux 12",
        "kubeletVersion": "v1.37.2",
        "containerRuntimeVersion": "containerd://1.6.20",
    }
    item = {
        "metadata": {"name": "node1"},
        "status": {"capacity": {"cpu": "2", "memory": "2097152Ki"}, "nodeInfo": info},
    }
    assert str(machine_of(item)) == (
        "node1: 2 CPUs, 2.0 GiB, amd64, Linux 6.18, Debian GNU/Linux 12, kubelet v1.37.2, "
        "containerd 1.6.20"
    )
    assert machine_of({"metadata": {"name": "node1"}}).cpus == "?"
