"""`kubectl nodedns monitoring`: what Prometheus and Grafana need, printed."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kubectl_nodedns.cli.loop import run_on_loop
from kubectl_nodedns.cli.output import print_data, print_documents
from kubectl_nodedns.cli.talk import Talk
from kubectl_nodedns.cluster.paths import collection
from kubectl_nodedns.commands.given import access_options
from kubectl_nodedns.commands.session import connect
from kubectl_nodedns.commands.settling import with_remembered
from kubectl_nodedns.commands.watching import (
    dns_ips_of,
    find_caches,
    read_corefile,
)
from kubectl_nodedns.errors import ApiError, Exit, NodednsError, UsageError
from kubectl_nodedns.facts.progress import GO_ON, read_progress
from kubectl_nodedns.metrics.capacity import capacity
from kubectl_nodedns.metrics.discovery import Discovery
from kubectl_nodedns.metrics.exposition import ExpositionError
from kubectl_nodedns.metrics.monitoring import objects
from kubectl_nodedns.metrics.monitoring.dashboard import dashboard
from kubectl_nodedns.metrics.monitoring.queries import Queries, read_version
from kubectl_nodedns.metrics.monitoring.rules import alerts, groups
from kubectl_nodedns.metrics.page import read_page
from kubectl_nodedns.metrics.source import PodProxy

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from kubectl_nodedns.cluster.client import Client
    from kubectl_nodedns.facts.caches import Cache

TRIED_PODS = 5
"""Pods that are asked for their version before that is given up."""


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


def run(arguments: argparse.Namespace) -> int:
    """Print what was asked for."""
    kinds = tuple(dict.fromkeys(arguments.kind or ("podmonitor", "prometheusrule")))
    if "rules" in kinds and len(kinds) > 1:
        raise UsageError("--kind rules is a file, not an object: print it alone")
    labels = dict(_label(text) for text in arguments.label)
    if not arguments.coredns_version:
        return run_on_loop(_print_installed(arguments, kinds, labels))
    target = objects.Target(labels={"k8s-app": "node-local-dns"}, job=arguments.job)
    installed = Installed(version=arguments.coredns_version, target=target)
    return _print(installed, arguments, kinds, labels)


async def _print_installed(
    arguments: argparse.Namespace, kinds: Sequence[str], labels: dict[str, str]
) -> int:
    return _print(await _look(arguments), arguments, kinds, labels)


def _print(
    installed: Installed,
    arguments: argparse.Namespace,
    kinds: Sequence[str],
    labels: dict[str, str],
) -> int:
    documents = [d for kind in kinds for d in _documents(kind, installed, labels, arguments)]
    if arguments.output == "json":
        several = {"apiVersion": "v1", "kind": "List", "items": documents}
        print_data(documents[0] if len(documents) == 1 else several, "json")
    else:
        print_documents(documents)
    return Exit.OK


def _documents(
    kind: str, installed: Installed, labels: dict[str, str], arguments: argparse.Namespace
) -> list[dict[str, Any]]:
    queries = Queries(version=read_version(installed.version), job=arguments.job)
    target = installed.target
    if kind == "podmonitor":
        return [objects.podmonitor(target, labels)]
    if kind == "servicemonitor":
        extra = [] if installed.has_service else [objects.service(target)]
        return [*extra, objects.servicemonitor(target, labels)]
    if kind == "dashboard":
        board = dashboard(queries, capacity=installed.capacity, memory_limit=installed.memory_limit)
        alone = arguments.output == "json" and arguments.kind == ["dashboard"]
        return [board if alone else objects.dashboard_configmap(target, labels, board)]
    found = groups(
        alerts(queries, kube_dns_ips=installed.kube_dns_ips, memory_limit=installed.memory_limit)
    )
    return [found if kind == "rules" else objects.prometheusrule(target, labels, found)]


async def _look(arguments: argparse.Namespace) -> Installed:
    """Read what is installed.

    Raises:
        NodednsError: there is no cache, or none of its pods tells its version.
    """
    async with connect(access_options(arguments)) as client:
        arguments = await with_remembered(client, arguments)
        caches, dns_ips = await asyncio.gather(
            find_caches(client, arguments), dns_ips_of(client, arguments.dns_service)
        )
        if progress := await read_progress(client, caches):
            Talk().note(f"{progress}: {GO_ON}")
        cache = caches[0]
        labels = dict(pair.split("=", 1) for pair in cache.selector.split(",") if "=" in pair)
        version, corefile, has_service = await asyncio.gather(
            _version(client, cache), read_corefile(client, cache), _has_service(client, cache)
        )
        room = capacity(corefile)
        return Installed(
            version=version,
            target=objects.Target(
                namespace=cache.namespace,
                labels=labels,
                port=cache.metrics_port,
                job=arguments.job,
            ),
            kube_dns_ips=tuple(ip for ip in cache.local_ips if ip in dns_ips),
            memory_limit=cache.memory_limit,
            capacity=room.total if room else None,
            has_service=has_service,
        )


async def _version(client: Client, cache: Cache) -> str:
    """Read CoreDNS's version from the metrics of a pod."""
    discovery = Discovery(client, [cache])
    await discovery.load()
    pods = [pod for some in discovery.inventory().pods.values() for pod in some if pod.ready]
    said = "no pod of it is ready"
    proxy = PodProxy(client)
    for pod in pods[:TRIED_PODS]:
        try:
            version = read_page(await proxy.read(pod), at=0.0).version
        except (ApiError, ExpositionError) as error:
            said = str(error)
            continue
        if version:
            return version
    raise NodednsError(
        f"DaemonSet {cache.namespace}/{cache.name} does not tell its CoreDNS version: {said}",
        hint="give it with --coredns-version, such as 1.13.2",
    )


async def _has_service(client: Client, cache: Cache) -> bool:
    """Whether a service with the pods' labels lists their metrics, as a ServiceMonitor needs it."""
    try:
        services: Sequence[dict[str, Any]] = await client.list(
            collection("v1", "services", cache.namespace), labels=cache.selector
        )
    except ApiError:
        return False
    return any(
        port.get("name") == objects.PORT_NAME
        for service in services
        for port in service["spec"].get("ports") or ()
    )


def _label(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not (key and equals):
        raise UsageError(f"--label: {text!r} is not of the form KEY=VALUE")
    return key, value
