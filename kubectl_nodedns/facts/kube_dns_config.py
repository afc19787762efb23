"""The ConfigMap kube-dns: the agent itself reads stub domains and upstreams from it.

It adds a server block for each stub domain, behind the Corefile; a second block for the same zone
would end it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kubectl_nodedns.cluster.paths import named
from kubectl_nodedns.errors import ForbiddenError, NotFoundError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kubectl_nodedns.cluster.client import Client

NAME = "kube-dns"


@dataclass(frozen=True, kw_only=True)
class KubeDnsConfig:
    """What the ConfigMap says."""

    stub_domains: tuple[str, ...] = ()
    """Domains with resolvers of their own, without a final dot."""
    upstreams: tuple[str, ...] = ()
    """Resolvers for names outside the cluster."""


async def read_kube_dns_config(client: Client, namespace: str) -> KubeDnsConfig:
    """Read the ConfigMap; one that is not there or may not be read says nothing."""
    try:
        configmap = await client.get(named("v1", "configmaps", namespace, NAME))
    except (NotFoundError, ForbiddenError):
        return KubeDnsConfig()
    return kube_dns_config_of(configmap)


def kube_dns_config_of(configmap: Mapping[str, Any]) -> KubeDnsConfig:
    """Read the ConfigMap object; a value that is no JSON says nothing, as to the agent."""
    data = configmap.get("data") or {}
    domains, upstreams = _json(data.get("stubDomains")), _json(data.get("upstreamNameservers"))
    return KubeDnsConfig(
        stub_domains=tuple(sorted(str(d).rstrip(".").lower() for d in domains or ())),
        upstreams=tuple(str(u) for u in upstreams or ()),
    )


def _json(text: str | None) -> Any:
    try:
        return json.loads(text or "null")
    except ValueError:
        return None
