"""Read what stands between pods, the cache and CoreDNS: policies, and CoreDNS's own settings."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from kubectl_nodedns.cluster.paths import collection, named
from kubectl_nodedns.errors import NotFoundError, RefusedError
from kubectl_nodedns.facts.caches import KUBE_DNS
from kubectl_nodedns.facts.cluster_domain import domains_of_corefile
from kubectl_nodedns.facts.corefile import CorefileError
from kubectl_nodedns.facts.corefile_reader import read_corefile
from kubectl_nodedns.facts.customisations import customisations
from kubectl_nodedns.facts.network_policies import (
    Peer,
    blocked_egress,
    blocked_ingress,
    read_policies,
)
from kubectl_nodedns.facts.pods import read_all_pods
from kubectl_nodedns.readable import understood

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any

    from kubectl_nodedns.checks.evidence import Evidence
    from kubectl_nodedns.cluster.client import Client
    from kubectl_nodedns.facts.corefile import Corefile
    from kubectl_nodedns.facts.customisations import Customisation
    from kubectl_nodedns.facts.network_policies import Blocked


@understood("the NetworkPolicies and what they concern")
async def read_blocked(
    client: Client, evidence: Evidence
) -> tuple[tuple[Blocked, ...], tuple[Blocked, ...]]:
    """Find policies that keep pods from the cache, and those that keep the cache from CoreDNS.

    Pods of all namespaces are read only where there are policies.

    Raises:
        ApiError: policies, pods or the DNS service's namespace cannot be read.
    """
    policies = await read_policies(client) if evidence.caches else []
    if not policies:
        return (), ()
    dns = evidence.dns
    namespace = await client.get(named("v1", "namespaces", "", dns.namespace))
    labels = ",".join(f"{key}={value}" for key, value in sorted(dns.selector.items()))
    servers = await client.list(collection("v1", "pods", dns.namespace), labels=labels)
    coredns = Peer(
        namespace=dns.namespace,
        namespace_labels=namespace["metadata"].get("labels") or {},
        labels=servers[0]["metadata"].get("labels") or {} if servers else dns.selector,
        ports={name: number for pod in servers[:1] for name, number in _ports(pod)},
    )
    listened = {ip for cache in evidence.caches for ip in cache.local_ips}
    asked = sorted(listened & set(dns.ips)) or sorted(listened)
    out = blocked_egress(policies, await read_all_pods(client), coredns=coredns, addresses=asked)
    family = ":" in dns.ip
    nodes = [ip for one in evidence.nodes for ip in one.node.addresses if (":" in ip) == family]
    return tuple(out), tuple(blocked_ingress(policies, coredns=coredns, nodes=nodes))


async def read_kube_dns(client: Client, evidence: Evidence) -> dict[str, Mapping[str, str]]:
    """Read ConfigMap kube-dns of each namespace where a cache reads it.

    Raises:
        ApiError: it cannot be read.
    """
    found: dict[str, Mapping[str, str]] = {}
    for namespace in sorted({c.namespace for c in evidence.caches if c.reads_kube_dns}):
        with contextlib.suppress(NotFoundError):
            read = await client.get(named("v1", "configmaps", namespace, KUBE_DNS))
            found[namespace] = read.get("data") or {}
    return found


@understood("CoreDNS's Corefile")
async def read_customisations(client: Client, evidence: Evidence) -> tuple[Customisation, ...]:
    """Find what CoreDNS's Corefile says about names that the caches ask somebody else for.

    Raises:
        ApiError: the ConfigMaps cannot be read.
        RefusedError: a Corefile is none.
    """
    namespace = evidence.dns.namespace
    configmaps = await client.list(collection("v1", "configmaps", namespace))
    by_name = {one["metadata"]["name"]: one.get("data") or {} for one in configmaps}
    used = {cache.configmap for cache in evidence.caches}
    theirs = [
        _corefile(namespace, name, data["Corefile"])
        for name, data in by_name.items()
        if name not in used and domains_of_corefile(data.get("Corefile", ""))
    ]
    ours = [
        _corefile(namespace, name, by_name[name].get("Corefile", ""))
        for name in sorted(used)
        if name in by_name and theirs
    ]
    found: dict[Customisation, None] = {}
    for corefile in theirs:
        for cache in ours:
            found |= dict.fromkeys(customisations(corefile, cache))
    return tuple(found)


def _corefile(namespace: str, name: str, text: str) -> Corefile:
    """Read the Corefile of a ConfigMap.

    Raises:
        RefusedError: it is none.
    """
    try:
        return read_corefile(text)
    except CorefileError as error:
        raise RefusedError(
            f"the Corefile of ConfigMap {namespace}/{name} cannot be read: {error}",
            hint=f"look at it: kubectl -n {namespace} get configmap {name} -o yaml",
        ) from error


def _ports(pod: Mapping[str, Any]) -> Iterator[tuple[str, int]]:
    containers: Sequence[Mapping[str, Any]] = (pod.get("spec") or {}).get("containers") or ()
    for container in containers:
        for port in container.get("ports") or ():
            if port.get("name"):
                yield port["name"], int(port["containerPort"])
