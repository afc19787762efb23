"""The Corefile of a cache, as its ConfigMap has it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kubectl_nodedns.cluster.paths import named
from kubectl_nodedns.readable import understood

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kubectl_nodedns.cluster.client import Client
    from kubectl_nodedns.facts.caches import Cache

KEYS = ("Corefile.base", "Corefile")
"""Keys under which ConfigMaps have it; the agent makes the Corefile of the base where it is."""


@understood("the cache's Corefile")
async def read_cache_corefile(client: Client, cache: Cache) -> str:
    """Read the text of a cache's Corefile; empty where no ConfigMap has one.

    Raises:
        ApiError: the ConfigMap cannot be read.
    """
    if not cache.configmap:
        return ""
    path = named("v1", "configmaps", cache.namespace, cache.configmap)
    return corefile_text((await client.get(path)).get("data") or {})


def corefile_text(data: Mapping[str, Any]) -> str:
    """Return the Corefile of a ConfigMap's data; empty when there is none."""
    return str(next(filter(None, map(data.get, KEYS)), ""))
