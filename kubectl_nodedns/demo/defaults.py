"""What an API server adds to an object that it is given."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

SERVICE_RANGE = ipaddress.IPv4Network("10.96.0.0/12")
"""Where cluster IPs are given out from, as kubeadm sets it up."""

_POD = {
    "restartPolicy": "Always",
    "dnsPolicy": "ClusterFirst",
    "schedulerName": "default-scheduler",
    "securityContext": {},
    "terminationGracePeriodSeconds": 30,
}
_CONTAINER = {
    "imagePullPolicy": "IfNotPresent",
    "terminationMessagePath": "/dev/termination-log",
    "terminationMessagePolicy": "File",
    "resources": {},
}


def defaulted(obj: Mapping[str, Any], cluster_ip: Callable[[], str]) -> dict[str, Any]:
    """Return an object with the server's defaults.

    Args:
        obj: the object as it was given.
        cluster_ip: gives out a free cluster IP.
    """
    kind = obj.get("kind", "")
    spec = obj.get("spec")
    if not isinstance(spec, dict):
        return dict(obj)
    if kind == "Service":
        return {**obj, "spec": _service(spec, cluster_ip), "status": _balancer(obj)}
    if kind == "Pod":
        return {**obj, "spec": pod_spec(spec)}
    if kind == "DaemonSet":
        more: dict[str, Any] = {"revisionHistoryLimit": 10}
        if "updateStrategy" not in spec:
            rolling = {"maxSurge": 0, "maxUnavailable": 1}
            more["updateStrategy"] = {"type": "RollingUpdate", "rollingUpdate": rolling}
        return {**obj, "spec": {**more, **spec, "template": _template(spec["template"])}}
    if kind == "Job":
        more = {
            "parallelism": 1,
            "completions": 1,
            "backoffLimit": 6,
            "completionMode": "NonIndexed",
            "suspend": False,
        }
        return {**obj, "spec": {**more, **spec, "template": _template(spec["template"])}}
    return dict(obj)


def pod_spec(spec: Mapping[str, Any]) -> dict[str, Any]:
    """Return a pod's specification with the server's defaults."""
    containers = [{**_CONTAINER, **container} for container in spec.get("containers") or ()]
    return {**_POD, **spec, "containers": containers}


def _template(template: Mapping[str, Any]) -> dict[str, Any]:
    return {**template, "spec": pod_spec(template["spec"])}


def _balancer(obj: Mapping[str, Any]) -> Any:
    return obj.get("status") or {"loadBalancer": {}}


def _service(spec: Mapping[str, Any], cluster_ip: Callable[[], str]) -> dict[str, Any]:
    ip = spec.get("clusterIP") or cluster_ip()
    ports = [
        {"protocol": "TCP", "targetPort": port["port"], **port} for port in spec.get("ports") or ()
    ]
    return {
        "internalTrafficPolicy": "Cluster",
        "ipFamilies": ["IPv4"],
        "ipFamilyPolicy": "SingleStack",
        "sessionAffinity": "None",
        "type": "ClusterIP",
        "clusterIPs": [ip],
        **spec,
        "clusterIP": ip,
        "ports": ports,
    }
