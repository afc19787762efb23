"""DaemonSets as other installers write them, cut down to what tells them apart.

From the installers' own manifests: the add-on manifest of Kubernetes v1.37.2, kubespray's and kOps'
templates, the deliveryhero chart. CoreDNS and kube-proxy are here because they are no caches.
"""

from __future__ import annotations

from typing import Any

ADD_ON = "registry.k8s.io/dns/k8s-dns-node-cache:1.26.8"


def daemonset(
    name: str,
    container: dict[str, Any],
    *,
    labels: dict[str, str] | None = None,
    annotations: dict[str, str] | None = None,
    selector: dict[str, str] | None = None,
    pod_annotations: dict[str, str] | None = None,
) -> dict[str, Any]:
    """A DaemonSet object with one container."""
    return {
        "metadata": {
            "name": name,
            "namespace": "kube-system",
            "uid": f"uid-of-{name}",
            "labels": labels,
            "annotations": annotations,
        },
        "spec": {
            "selector": {"matchLabels": selector or {"k8s-app": "node-local-dns"}},
            "template": {
                "metadata": {"annotations": pod_annotations},
                "spec": {"containers": [container]},
            },
        },
        "status": {"desiredNumberScheduled": 3},
    }


def metrics(port: int) -> list[dict[str, Any]]:
    """Ports of a container, the one for metrics among them."""
    return [
        {"name": "dns", "containerPort": 53, "protocol": "UDP"},
        {"name": "metrics", "containerPort": port, "protocol": "TCP"},
    ]


DOCS_PAGE = daemonset(
    "node-local-dns",
    {
        "image": ADD_ON,
        "args": [
            "-localip",
            "169.254.20.10,10.96.0.10",
            "-conf",
            "/etc/Corefile",
            "-upstreamsvc",
            "kube-dns-upstream",
        ],
        "ports": metrics(9253),
        "resources": {"requests": {"cpu": "25m", "memory": "5Mi"}},
    },
    labels={
        "k8s-app": "node-local-dns",
        "kubernetes.io/cluster-service": "true",
        "addonmanager.kubernetes.io/mode": "Reconcile",
    },
)
KUBESPRAY = daemonset(
    "nodelocaldns",
    {
        "image": "registry.k8s.io/dns/k8s-dns-node-cache:1.25.0",
        "args": [
            "-localip",
            "169.254.25.10",
            "-conf",
            "/etc/coredns/Corefile",
            "-upstreamsvc",
            "coredns",
        ],
        "ports": metrics(9253),
        "resources": {
            "limits": {"memory": "200Mi"},
            "requests": {"cpu": "100m", "memory": "70Mi"},
        },
    },
    labels={"k8s-app": "kube-dns", "addonmanager.kubernetes.io/mode": "Reconcile"},
)
KOPS = daemonset(
    "node-local-dns",
    {
        "image": "registry.k8s.io/dns/k8s-dns-node-cache:1.26.0",
        "args": ["-localip=169.254.20.10", "-conf=/etc/Corefile", "-setupiptables=false"],
        "ports": metrics(9253),
    },
    labels={"addon.kops.k8s.io/name": "nodelocaldns.addons.k8s.io", "k8s-app": "node-local-dns"},
)
HELM = daemonset(
    "dns-cache-node-local-dns",
    {
        "image": "registry.k8s.io/dns/k8s-dns-node-cache:1.26.7",
        "command": ["/node-cache"],
        "args": ["--localip", "169.254.20.25,172.20.0.10", "--conf", "/etc/Corefile"],
        "ports": [{"name": "dns", "containerPort": 53}],
        "resources": {"limits": {"memory": "128Mi"}},
    },
    labels={"app.kubernetes.io/name": "node-local-dns", "app.kubernetes.io/managed-by": "Helm"},
    annotations={"meta.helm.sh/release-name": "dns-cache"},
    selector={
        "app.kubernetes.io/name": "node-local-dns",
        "app.kubernetes.io/instance": "dns-cache",
    },
    pod_annotations={"prometheus.io/port": "9254"},
)
MIRRORED = daemonset(
    "dns",
    {
        "image": "registry.example.com:5000/mirror/cache-of-dns@sha256:" + "ab" * 32,
        "args": ["-localip", "169.254.20.10"],
    },
)
KUBE_PROXY = daemonset(
    "kube-proxy",
    {"image": "registry.k8s.io/kube-proxy:v1.37.2", "command": ["/usr/local/bin/kube-proxy"]},
)
COREDNS = daemonset("dns-default", {"image": "registry.k8s.io/coredns/coredns:v1.13.1"})
