"""The cluster domain: the zone that CoreDNS serves for services, such as "cluster.local".

Read from the Corefile that CoreDNS runs with; where that cannot be read, from a kubelet's own
configuration. Never guessed: a wrong domain would send every cluster name out of the cluster.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kubectl_nodedns.cluster.paths import collection
from kubectl_nodedns.errors import ApiError, RefusedError
from kubectl_nodedns.facts.kubelets import kubelet_of, read_configz
from kubectl_nodedns.readable import understood

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kubectl_nodedns.cluster.client import Client

_KUBERNETES = re.compile(r"^\s*kubernetes[ \t]+([^{\n#]+)", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class ClusterDomain:
    """The cluster domain, and how it is known."""

    name: str
    """Without a final dot."""
    evidence: str
    """Where it was read."""


def domains_of_corefile(corefile: str) -> list[str]:
    """Return the forward zones of every `kubernetes` plugin in a Corefile, first come first."""
    found: list[str] = []
    for match in _KUBERNETES.finditer(corefile):
        for zone in match[1].split():
            bare = zone.rstrip(".").lower()
            if bare and not bare.endswith(".arpa") and bare not in found:
                found.append(bare)
    return found


@understood("the ConfigMaps with the cluster domain")
async def read_cluster_domain(
    client: Client, namespace: str, nodes: Iterable[str]
) -> ClusterDomain:
    """Find the cluster domain.

    Args:
        client: an open client.
        namespace: the DNS service's namespace, where CoreDNS's ConfigMap is.
        nodes: names of nodes whose kubelets may be asked.

    Raises:
        RefusedError: it cannot be found, or there are several.
    """
    for configmap in await client.list(collection("v1", "configmaps", namespace)):
        name = configmap["metadata"]["name"]
        labels = configmap["metadata"].get("labels") or {}
        if labels.get("app.kubernetes.io/managed-by") == "kubectl-nodedns":
            continue
        found = domains_of_corefile((configmap.get("data") or {}).get("Corefile", ""))
        if len(found) > 1:
            raise RefusedError(
                f"CoreDNS serves several cluster domains: {', '.join(found)}",
                hint="choose the one that pods search with --cluster-domain",
            )
        if found:
            return ClusterDomain(name=found[0], evidence=f"ConfigMap {namespace}/{name}, Corefile")
    for node in nodes:
        try:
            kubelet = kubelet_of(node, await read_configz(client, node))
        except ApiError:
            continue
        if kubelet.cluster_domain:
            return ClusterDomain(
                name=kubelet.cluster_domain, evidence=f"configuration of kubelet {node}"
            )
    raise RefusedError(
        "the cluster domain is not known: no Corefile with the kubernetes plugin, no kubelet tells",
        hint="give it with --cluster-domain; the search line of a pod's /etc/resolv.conf has it",
    )


async def known_domain(client: Client, given: str | None, namespace: str) -> str:
    """Return the cluster domain; empty when it is not known, and then there is no marker to ask.

    Args:
        client: an open client.
        given: the domain, where somebody gave it.
        namespace: the DNS service's namespace.
    """
    if given:
        return given.rstrip(".")
    try:
        return (await read_cluster_domain(client, namespace, ())).name
    except (ApiError, RefusedError):
        return ""
