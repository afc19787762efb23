"""Corefiles of the caches and of CoreDNS, and what else the caches are configured with."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from kubectl_nodedns.cluster.paths import collection, named
from kubectl_nodedns.errors import NotFoundError, RefusedError
from kubectl_nodedns.facts.cache_corefile import read_cache_corefile
from kubectl_nodedns.facts.caches import KUBE_DNS
from kubectl_nodedns.facts.cluster_domain import domains_of_corefile
from kubectl_nodedns.facts.corefile import CorefileError
from kubectl_nodedns.facts.corefile_reader import read_corefile
from kubectl_nodedns.facts.customisations import customisations
from kubectl_nodedns.readable import understood
from kubectl_nodedns.together import together

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kubectl_nodedns.cluster.client import Client
    from kubectl_nodedns.facts.caches import Cache
    from kubectl_nodedns.facts.corefile import Corefile, ServerBlock
    from kubectl_nodedns.facts.customisations import Customisation
    from kubectl_nodedns.facts.readings import Readings


async def read_corefiles(
    client: Client, readings: Readings, caches: Sequence[Cache]
) -> tuple[dict[str, tuple[ServerBlock, ...]], dict[str, str]]:
    """Read the Corefile of each cache that has one, by NAMESPACE/NAME of its DaemonSet.

    Returns:
        The server blocks, and why there are none where the text is no Corefile.
    """
    mounting = [cache for cache in caches if cache.configmap]
    texts = await together(
        readings.maybe(f"ConfigMap {cache.configmap}", read_cache_corefile(client, cache))
        for cache in mounting
    )
    found, unreadable = {}, {}
    for cache, text in zip(mounting, texts, strict=True):
        try:
            if text:
                found[f"{cache.namespace}/{cache.name}"] = read_corefile(text).blocks
        except CorefileError as error:
            unreadable[f"{cache.namespace}/{cache.name}"] = str(error)
    return found, unreadable


@understood("ConfigMap kube-dns")
async def read_kube_dns(client: Client, caches: Sequence[Cache]) -> dict[str, Mapping[str, str]]:
    """Read ConfigMap kube-dns of each namespace where a cache reads it.

    Raises:
        ApiError: it cannot be read.
    """
    found: dict[str, Mapping[str, str]] = {}
    for namespace in sorted({cache.namespace for cache in caches if cache.reads_kube_dns}):
        with contextlib.suppress(NotFoundError):
            read = await client.get(named("v1", "configmaps", namespace, KUBE_DNS))
            found[namespace] = read.get("data") or {}
    return found


@understood("CoreDNS's Corefile")
async def read_customisations(
    client: Client, namespace: str, caches: Sequence[Cache]
) -> tuple[Customisation, ...]:
    """Find what CoreDNS's Corefile says about names that the caches ask somebody else for.

    Args:
        client: an open client.
        namespace: the DNS service's.
        caches: the caches of the cluster.

    Raises:
        ApiError: the ConfigMaps cannot be read.
        RefusedError: a Corefile is none.
    """
    configmaps = await client.list(collection("v1", "configmaps", namespace))
    by_name = {one["metadata"]["name"]: one.get("data") or {} for one in configmaps}
    used = {cache.configmap for cache in caches}
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
