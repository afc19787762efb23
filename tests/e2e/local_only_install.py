"""A cache on the local IP alone as another installer lays it out, in our own words.

The facts are kubespray's: names, labels, address, ports, no grace period, a Corefile that is read
as it is, kubelets that hand its address out.
"""

from __future__ import annotations

import json
from typing import Any

from tests.cluster.images import NODE_CACHE_IMAGE_BEFORE
from tests.cluster.layout import CLUSTER_DOMAIN, DNS_SERVICE_IP

NAME = "nodelocaldns"
LOCAL_IP = "169.254.25.10"
HEALTH_PORT = 9254
STUB_DOMAIN, STUB_SERVER = "corp.example", "192.0.2.53"


def _block(zone: str, forward: str, cache: str = "cache 30", more: str = "") -> str:
    return (
        f"{zone}:53 {{\n    errors\n    {cache}\n    reload\n    loop\n    bind {LOCAL_IP}\n"
        f"    forward . {forward}\n    prometheus :9253\n{more}}}\n"
    )


def corefile() -> str:
    """Return its Corefile: cluster names over UDP, one stub domain, the rest to the node's own."""
    cluster = f"{DNS_SERVICE_IP} {{\n        prefer_udp\n    }}"
    sizes = "cache {\n        success 9984 30\n        denial 9984 5\n    }"
    return (
        _block(CLUSTER_DOMAIN, cluster, sizes, f"    health {LOCAL_IP}:{HEALTH_PORT}\n")
        + _block("in-addr.arpa", cluster)
        + _block("ip6.arpa", cluster)
        + _block(STUB_DOMAIN, STUB_SERVER)
        + _block(".", "/etc/resolv.conf")
    )


def manifest() -> str:
    """Return account, configuration and DaemonSet."""
    metadata = {"name": NAME, "namespace": "kube-system"}
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata}
    config = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": metadata,
        "data": {"Corefile": corefile()},
    }
    daemonset = {
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": {**metadata, "labels": {"k8s-app": "kube-dns"}},
        "spec": {
            "selector": {"matchLabels": {"k8s-app": "node-local-dns"}},
            "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": "20%"}},
            "template": {"metadata": {"labels": {"k8s-app": "node-local-dns"}}, "spec": _pod()},
        },
    }
    items = [account, config, daemonset]
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": items})


def _pod() -> dict[str, Any]:
    health = {"host": LOCAL_IP, "path": "/health", "port": HEALTH_PORT}
    container = {
        "name": "node-cache",
        "image": NODE_CACHE_IMAGE_BEFORE,
        "args": [
            *("-localip", LOCAL_IP),
            *("-conf", "/etc/coredns/Corefile"),
            *("-upstreamsvc", "coredns"),
        ],
        "securityContext": {"privileged": True},
        "resources": {
            "limits": {"memory": "200Mi"},
            "requests": {"cpu": "100m", "memory": "70Mi"},
        },
        "ports": [
            {"containerPort": 53, "name": "dns", "protocol": "UDP"},
            {"containerPort": 53, "name": "dns-tcp", "protocol": "TCP"},
            {"containerPort": 9253, "name": "metrics", "protocol": "TCP"},
        ],
        "livenessProbe": {"httpGet": health, "initialDelaySeconds": 5},
        "readinessProbe": {"httpGet": health, "periodSeconds": 1},
        "volumeMounts": [
            {"name": "config-volume", "mountPath": "/etc/coredns"},
            {"name": "xtables-lock", "mountPath": "/run/xtables.lock"},
        ],
    }
    lock = {"path": "/run/xtables.lock", "type": "FileOrCreate"}
    return {
        "serviceAccountName": NAME,
        "hostNetwork": True,
        "dnsPolicy": "Default",
        "terminationGracePeriodSeconds": 0,
        "priorityClassName": "system-cluster-critical",
        "tolerations": [
            {"effect": "NoSchedule", "operator": "Exists"},
            {"effect": "NoExecute", "operator": "Exists"},
        ],
        "containers": [container],
        "volumes": [
            {"name": "config-volume", "configMap": {"name": NAME}},
            {"name": "xtables-lock", "hostPath": lock},
        ],
    }
