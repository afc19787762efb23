"""What `monitoring` was asked to print, and the documents that come of it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kubectl_nodedns.metrics.monitoring import objects
from kubectl_nodedns.metrics.monitoring.dashboard import dashboard
from kubectl_nodedns.metrics.monitoring.queries import Queries, read_version
from kubectl_nodedns.metrics.monitoring.rules import alerts, groups

if TYPE_CHECKING:
    from collections.abc import Mapping

USUAL_KINDS = ("podmonitor", "prometheusrule")
"""What is printed where nobody says."""


@dataclass(frozen=True, kw_only=True)
class MonitoringRequest:
    """What to print, and for what."""

    kinds: tuple[str, ...]
    """Kinds of documents, such as podmonitor or rules; each once."""
    json: bool
    """Whether they are printed in JSON."""
    labels: Mapping[str, str]
    """Labels of the objects: what a Prometheus selects them by."""
    job: str
    """Value of the label job of the caches' metrics."""
    coredns_version: str
    """Version to write for; empty to read what is installed."""
    dns_service: str
    """NAMESPACE/NAME of the DNS service; empty when it is to be found."""


@dataclass(frozen=True, kw_only=True)
class Installed:
    """What is written for."""

    version: str
    """CoreDNS's version."""
    target: objects.Target
    """Where the caches are."""
    kube_dns_ips: tuple[str, ...] = ()
    """DNS service addresses that they listen on."""
    memory_limit: int | None = None
    """Memory limit of a cache in bytes."""
    capacity: int | None = None
    """Room for entries of a cache."""
    has_service: bool = True
    """Whether a service lists the caches."""


def usual(request: MonitoringRequest) -> Installed:
    """Return what is written for where no cluster is asked: the usual names, and the version."""
    target = objects.Target(labels={"k8s-app": "node-local-dns"}, job=request.job)
    return Installed(version=request.coredns_version, target=target)


def documents(request: MonitoringRequest, installed: Installed) -> list[dict[str, Any]]:
    """Write the documents that are asked for, in order.

    Raises:
        UsageError: the version is none.
    """
    return [one for kind in request.kinds for one in _of_kind(kind, request, installed)]


def _of_kind(kind: str, request: MonitoringRequest, installed: Installed) -> list[dict[str, Any]]:
    queries = Queries(version=read_version(installed.version), job=request.job)
    target, labels = installed.target, dict(request.labels)
    if kind == "podmonitor":
        return [objects.podmonitor(target, labels)]
    if kind == "servicemonitor":
        extra = [] if installed.has_service else [objects.service(target)]
        return [*extra, objects.servicemonitor(target, labels)]
    if kind == "dashboard":
        board = dashboard(queries, capacity=installed.capacity, memory_limit=installed.memory_limit)
        alone = request.json and request.kinds == ("dashboard",)
        return [board if alone else objects.dashboard_configmap(target, labels, board)]
    found = groups(
        alerts(queries, kube_dns_ips=installed.kube_dns_ips, memory_limit=installed.memory_limit)
    )
    return [found if kind == "rules" else objects.prometheusrule(target, labels, found)]
