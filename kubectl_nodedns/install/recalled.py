"""What an installation of ours remembers about the cluster, for commands that are not told.

Only what its DaemonSet says in the namespace that counts: the one of the DNS service that is given,
else kube-system. Elsewhere anybody could have written it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubectl_nodedns.cluster.paths import collection
from kubectl_nodedns.errors import ApiError
from kubectl_nodedns.facts.caches import OWN_NAME, is_own, read_caches
from kubectl_nodedns.facts.dns_service import home_of
from kubectl_nodedns.install.objects import OPTIONS
from kubectl_nodedns.install.options import Memory
from kubectl_nodedns.readable import readable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from kubectl_nodedns.cluster.client import Client
    from kubectl_nodedns.facts.caches import Cache

ABOUT_THE_CLUSTER = ("dns-service", "cluster-domain")
"""Options that say what the cluster is; every command has them."""


async def recalled(client: Client, given: Mapping[str, str]) -> dict[str, str]:
    """Return the options that are given, and those about the cluster that are remembered.

    Where that cannot be read nothing is remembered: the facts are then looked for.

    Args:
        client: an open client.
        given: options by name; an empty value is one that is not given.
    """
    known = {name: value for name, value in given.items() if value}
    if all(name in known for name in ABOUT_THE_CLUSTER):
        return known
    home = home_of(known.get("dns-service"))
    path = collection("apps/v1", "daemonsets", home)
    try:
        found = await client.list(path, fields=f"metadata.name={OWN_NAME}")
    except ApiError:
        return known
    return {**remembered_about(found, home), **known}


async def remembered(client: Client, given: Mapping[str, str]) -> Memory | None:
    """Read what our installation remembers; None without one.

    Raises:
        ApiError: DaemonSets cannot be read.
    """
    home = home_of(given.get("dns-service"))
    return memory_among(await read_caches(client, home), home)


def memory_among(caches: Iterable[Cache], home: str) -> Memory | None:
    """Return what our installation remembers; None where it is none of `caches`.

    Args:
        caches: the caches of the cluster.
        home: namespace of the DNS service, where ours can be.
    """
    for cache in caches:
        if cache.ours:
            return Memory.of_text(cache.annotations.get(OPTIONS, ""), home=home)
    return None


def remembered_about(daemonsets: Iterable[Mapping[str, Any]], home: str) -> dict[str, str]:
    """Return what our installation remembers about the cluster; nothing without one.

    Args:
        daemonsets: DaemonSet objects.
        home: the namespace in which one of them can be ours.
    """

    def read(daemonset: Mapping[str, Any]) -> Memory | None:
        if not is_own(daemonset, home):
            return None
        annotations = daemonset["metadata"].get("annotations") or {}
        return Memory.of_text(annotations.get(OPTIONS, ""), home=home)

    memory = next(filter(None, readable(read, daemonsets)), Memory())
    return {name: value for name in ABOUT_THE_CLUSTER if (value := memory.given.get(name, ""))}
