"""Objects of the Prometheus operator, and what goes with them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

API = "monitoring.coreos.com/v1"
NAME = "node-local-dns"
PORT_NAME = "metrics"
INTERVAL = "30s"


@dataclass(frozen=True, kw_only=True)
class Target:
    """The caches, as a Prometheus is to find them."""

    namespace: str = "kube-system"
    """Namespace of the cache pods."""
    labels: Mapping[str, str]
    """Labels that cache pods carry."""
    port: int = 9253
    """Port of their metrics."""
    job: str = NAME
    """Value of the label `job` that their metrics get."""


def podmonitor(target: Target, labels: Mapping[str, str]) -> dict[str, Any]:
    """Return a PodMonitor of the cache pods."""
    return {
        "apiVersion": API,
        "kind": "PodMonitor",
        "metadata": _metadata(target, labels),
        "spec": {
            "selector": {"matchLabels": dict(target.labels)},
            "podMetricsEndpoints": [{"port": PORT_NAME, **_endpoint(target)}],
        },
    }


def servicemonitor(target: Target, labels: Mapping[str, str]) -> dict[str, Any]:
    """Return a ServiceMonitor; the service must carry the pods' labels (see `service`)."""
    return {
        "apiVersion": API,
        "kind": "ServiceMonitor",
        "metadata": _metadata(target, labels),
        "spec": {
            "selector": {"matchLabels": dict(target.labels)},
            "endpoints": [{"port": PORT_NAME, **_endpoint(target)}],
        },
    }


def service(target: Target) -> dict[str, Any]:
    """Return a headless service that lists the cache pods, for a ServiceMonitor."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {
            "name": f"{NAME}-metrics",
            "namespace": target.namespace,
            "labels": dict(target.labels),
        },
        "spec": {
            "clusterIP": "None",
            "selector": dict(target.labels),
            "ports": [{"name": PORT_NAME, "port": target.port, "targetPort": target.port}],
        },
    }


def prometheusrule(
    target: Target, labels: Mapping[str, str], groups: Mapping[str, Any]
) -> dict[str, Any]:
    """Return alert rules as an object."""
    return {
        "apiVersion": API,
        "kind": "PrometheusRule",
        "metadata": _metadata(target, labels),
        "spec": dict(groups),
    }


def dashboard_configmap(
    target: Target, labels: Mapping[str, str], dashboard: Mapping[str, Any]
) -> dict[str, Any]:
    """Return a dashboard as the ConfigMap that Grafana's sidecar looks for."""
    metadata = _metadata(target, {"grafana_dashboard": "1", **labels})
    metadata["name"] = f"{NAME}-dashboard"
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": metadata,
        "data": {f"{NAME}.json": json.dumps(dashboard, indent=2)},
    }


def _metadata(target: Target, labels: Mapping[str, str]) -> dict[str, Any]:
    return {
        "name": NAME,
        "namespace": target.namespace,
        "labels": {"app.kubernetes.io/name": NAME, **labels},
    }


def _endpoint(target: Target) -> dict[str, Any]:
    """Give targets the labels that rules and dashboard are written for."""
    return {
        "interval": INTERVAL,
        "relabelings": [
            {"action": "replace", "targetLabel": "job", "replacement": target.job},
            {
                "action": "replace",
                "sourceLabels": ["__meta_kubernetes_pod_node_name"],
                "targetLabel": "node",
            },
        ],
    }
