"""What a cache needs beside its pods, and what an earlier one left behind."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from kubectl_nodedns.cluster.paths import collection
from kubectl_nodedns.facts.caches import MANAGED_BY, OURS
from kubectl_nodedns.facts.command_line import flag
from kubectl_nodedns.facts.endpoints import read_endpoints
from kubectl_nodedns.readable import Read, readable, understood

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from kubectl_nodedns.cluster.client import Client
    from kubectl_nodedns.facts.caches import Cache

NAMES = frozenset({"node-local-dns", "nodelocaldns", "kube-dns-upstream"})
"""What installers call their objects; see `caches` for who does."""
KINDS = {"ConfigMap": "configmaps", "Service": "services", "ServiceAccount": "serviceaccounts"}


@dataclass(frozen=True, kw_only=True)
class Leftover:
    """An object of a cache that is not there any more."""

    kind: str
    """Its kind."""
    namespace: str
    """Its namespace."""
    name: str
    """Its name."""
    ours: bool
    """Whether this plugin made it."""


@dataclass(frozen=True, kw_only=True)
class UpstreamService:
    """The service that a cache asks for cluster names."""

    cache: str
    """The cache's DaemonSet, as NAMESPACE/NAME."""
    namespace: str
    """Namespace of the service: that of the cache, whose environment tells its address."""
    name: str
    """Its name: the agent's argument -upstreamsvc."""
    address: str
    """Its cluster IP; empty when there is no such service."""
    ready: int
    """Its ready endpoints."""


@understood("what caches left behind")
async def read_leftovers(
    client: Client, caches: Sequence[Cache], namespaces: Iterable[str]
) -> Read[Leftover]:
    """Find objects of caches in namespaces where no cache uses them.

    Raises:
        ApiError: they cannot be listed.
    """
    found: list[Leftover] = []
    left_out: list[str] = []
    for namespace in sorted(set(namespaces)):
        for kind, plural in KINDS.items():
            items = await client.list(collection("v1", plural, namespace))
            read = readable(partial(leftover_of, kind), items)
            found += [one for one in read if not _used(one, caches)]
            left_out += read.left_out
    return Read.of(found, left_out)


def leftover_of(kind: str, item: Mapping[str, Any]) -> Leftover | None:
    """Read an object; None when it never belonged to a cache."""
    metadata = item["metadata"]
    labels = metadata.get("labels") or {}
    ours = labels.get(MANAGED_BY) == OURS
    by_name = metadata["name"] in NAMES or labels.get("kubernetes.io/name") == "KubeDNSUpstream"
    if not by_name and not (ours and labels.get("app.kubernetes.io/name") in NAMES):
        return None
    return Leftover(kind=kind, namespace=metadata["namespace"], name=metadata["name"], ours=ours)


def _used(leftover: Leftover, caches: Sequence[Cache]) -> bool:
    """Whether a cache in its namespace uses it. Old ConfigMaps of ours are not used."""
    near = [cache for cache in caches if cache.namespace == leftover.namespace]
    if leftover.kind == "ConfigMap":
        return any(cache.configmap == leftover.name for cache in near)
    return bool(near)


@understood("the upstream services")
async def read_upstreams(client: Client, caches: Sequence[Cache]) -> tuple[UpstreamService, ...]:
    """Read the upstream service of each cache that names one.

    Raises:
        ApiError: it cannot be read.
    """
    found = []
    for cache in caches:
        name = flag(cache.arguments, "upstreamsvc")
        if not name:
            continue
        services = await client.list(
            collection("v1", "services", cache.namespace), fields=f"metadata.name={name}"
        )
        address = services[0]["spec"].get("clusterIP", "") if services else ""
        ready = len(await read_endpoints(client, cache.namespace, name)) if services else 0
        found.append(
            UpstreamService(
                cache=f"{cache.namespace}/{cache.name}",
                namespace=cache.namespace,
                name=name,
                address=address,
                ready=ready,
            )
        )
    return tuple(found)
