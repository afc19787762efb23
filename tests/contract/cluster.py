"""The objects of a small, sound cluster, and of what stands in the way of a cache."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.contract.api import Api

COREFILE = ".:53 {\n    errors\n    kubernetes cluster.local in-addr.arpa ip6.arpa {\n    }\n}\n"


def owned_by(uid: str, kind: str = "Job", name: str = "") -> dict[str, Any]:
    """The part of a pod's metadata that names its controller."""
    reference = {"kind": kind, "name": name, "uid": uid, "controller": True}
    return {"ownerReferences": [reference]}


def config(mode: str) -> str:
    """kube-proxy's configuration as kubeadm writes it."""
    return (
        "apiVersion: kubeproxy.config.k8s.io/v1alpha1\n"
        f'kind: KubeProxyConfiguration\nmode: "{mode}"\n'
    )


def named(name: str, namespace: str = "kube-system", **labels: str) -> dict[str, Any]:
    """The metadata of an object."""
    return {"name": name, "namespace": namespace, "uid": f"uid-of-{name}", "labels": labels}


def node(number: int) -> dict[str, Any]:
    """A ready Linux node."""
    return {
        "metadata": {"name": f"node{number}", "labels": {"kubernetes.io/os": "linux"}},
        "spec": {"podCIDRs": [f"10.244.{number}.0/24"]},
        "status": {
            "conditions": [{"type": "Ready", "status": "True"}],
            "addresses": [{"type": "InternalIP", "address": f"10.88.0.1{number}"}],
        },
    }


def configmap(name: str, **data: str) -> dict[str, Any]:
    """A ConfigMap in kube-system."""
    return {"metadata": named(name), "data": data}


def daemonset(name: str, image: str, *words: str, **labels: str) -> dict[str, Any]:
    """A DaemonSet in kube-system."""
    container = {"name": "main", "image": image, "args": list(words)}
    return {
        "apiVersion": "apps/v1",
        "metadata": named(name, **labels),
        "spec": {
            "selector": {"matchLabels": {"k8s-app": name}},
            "template": {"metadata": {}, "spec": {"containers": [container]}},
        },
    }


def dns_service(name: str = "kube-dns", ip: str = "10.96.0.10") -> dict[str, Any]:
    """A DNS service."""
    return {
        "metadata": named(name, **{"k8s-app": "kube-dns"}),
        "spec": {
            "clusterIP": ip,
            "clusterIPs": [ip],
            "selector": {"k8s-app": "kube-dns"},
            "ports": [
                {"port": 53, "protocol": "UDP", "targetPort": 53},
                {"port": 53, "protocol": "TCP", "targetPort": 53},
            ],
        },
    }


def endpoints(service: str, *addresses: str, ready: bool = True) -> dict[str, Any]:
    """An EndpointSlice."""
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "metadata": named(f"{service}-abc", **{"kubernetes.io/service-name": service}),
        "endpoints": [{"addresses": list(addresses), "conditions": {"ready": ready}}],
    }


def pod(name: str, ip: str) -> dict[str, Any]:
    """A running pod."""
    return {"metadata": named(name, "default"), "status": {"podIP": ip, "phase": "Running"}}


def fill(api: Api, *, mode: str = "iptables") -> None:
    """Give `api` a cluster that has nothing in the way of a cache."""
    for name in ("kube-system", "default"):
        api.add("namespaces", {"metadata": {"name": name}})
    api.add("nodes", node(1), node(2))
    api.add("services", dns_service())
    api.add("endpointslices", endpoints("kube-dns", "10.244.1.2", "10.244.2.2"))
    api.add(
        "configmaps",
        configmap("coredns", Corefile=COREFILE),
        configmap("kube-proxy", **{"config.conf": config(mode)}),
    )
    api.add(
        "daemonsets",
        daemonset("kube-proxy", "registry.k8s.io/kube-proxy:v1.37.2", **{"k8s-app": "kube-proxy"}),
    )
