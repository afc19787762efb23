"""Where objects live under the API server's root."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

PLURALS = {
    "ConfigMap": "configmaps",
    "DaemonSet": "daemonsets",
    "Job": "jobs",
    "MutatingAdmissionPolicy": "mutatingadmissionpolicies",
    "MutatingAdmissionPolicyBinding": "mutatingadmissionpolicybindings",
    "Pod": "pods",
    "Service": "services",
    "ServiceAccount": "serviceaccounts",
}
"""The kinds that this plugin writes."""


def collection(api_version: str, plural: str, namespace: str = "") -> str:
    """Path of a collection; of all namespaces when `namespace` is empty."""
    root = f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"
    return f"{root}/namespaces/{quote(namespace)}/{plural}" if namespace else f"{root}/{plural}"


def named(api_version: str, plural: str, namespace: str, name: str) -> str:
    """Path of one object; cluster-scoped when `namespace` is empty."""
    return f"{collection(api_version, plural, namespace)}/{quote(name)}"


def object_path(obj: dict[str, Any]) -> str:
    """Path of an object of one of the kinds in `PLURALS`."""
    metadata = obj["metadata"]
    namespace = metadata.get("namespace", "")
    return named(obj["apiVersion"], PLURALS[obj["kind"]], namespace, metadata["name"])


def pod_proxy(namespace: str, pod: str, port: int, path: str) -> str:
    """Path that the API server passes on to a port of a pod."""
    return (
        f"/api/v1/namespaces/{quote(namespace)}/pods/{quote(pod)}:{port}/proxy/{path.lstrip('/')}"
    )


def service_proxy(namespace: str, service: str, port: str, *, tls: bool = False) -> str:
    """Path that the API server passes on to a service; what is asked there goes behind it.

    Args:
        namespace: the service's namespace.
        service: the service's name.
        port: number or name of its port; empty for the only one.
        tls: whether it speaks https.
    """
    target = f"https:{service}:{port}" if tls else f"{service}:{port}" if port else service
    return f"/api/v1/namespaces/{quote(namespace)}/services/{quote(target, safe=':')}/proxy"


def node_proxy(node: str, path: str) -> str:
    """Path that the API server passes on to a node's kubelet."""
    return f"/api/v1/nodes/{quote(node)}/proxy/{path.lstrip('/')}"
