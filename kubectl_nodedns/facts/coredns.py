"""CoreDNS as it runs here: the Corefile with everything that it imports, and one of its pods.

Read from a pod behind the DNS service: its arguments name the Corefile, its volumes the ConfigMaps
that the Corefile's imports are in. Nothing is read from inside the pod.
"""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kubectl_nodedns.cluster.paths import collection, named
from kubectl_nodedns.errors import ApiError, NotFoundError
from kubectl_nodedns.facts.caches import MANAGED_BY, OURS
from kubectl_nodedns.facts.command_line import flag, words_of
from kubectl_nodedns.facts.corefile import Corefile, CorefileError
from kubectl_nodedns.facts.corefile_reader import read_corefile
from kubectl_nodedns.facts.mounted_files import mounted_files
from kubectl_nodedns.facts.network_policies import NAME_LABEL, Peer
from kubectl_nodedns.readable import understood

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kubectl_nodedns.cluster.client import Client
    from kubectl_nodedns.facts.dns_service import DnsService

METRICS_PORT = 9153
"""Port of CoreDNS's own metrics, in every distribution's Corefile."""
USUAL_PATH = "/etc/coredns/Corefile"


@dataclass(frozen=True, kw_only=True)
class CoreDns:
    """CoreDNS's configuration."""

    where: str
    """The ConfigMap that its Corefile is from, as NAMESPACE/NAME."""
    corefile: Corefile
    """Its Corefile, with what it imports."""
    port: int
    """Port that it serves lookups at."""


@understood("CoreDNS's Corefile", but=CorefileError)
async def read_coredns(client: Client, dns: DnsService) -> CoreDns:
    """Read CoreDNS's Corefile.

    Raises:
        NotFoundError: no pod and no ConfigMap has one.
        CorefileError: it cannot be read as a Corefile.
        ApiError: the API server says no.
    """
    pod = await coredns_pod(client, dns)
    configmaps = await client.list(collection("v1", "configmaps", dns.namespace))
    found = coredns_of(pod, configmaps, dns)
    if found is None:
        raise NotFoundError(f"no ConfigMap in namespace {dns.namespace} has CoreDNS's Corefile")
    return found


@understood("CoreDNS's pods")
async def coredns_pod(client: Client, dns: DnsService) -> Mapping[str, Any] | None:
    """Read one of the pods behind the DNS service; None when there is none."""
    if not dns.selector:
        return None
    labels = ",".join(f"{key}={value}" for key, value in sorted(dns.selector.items()))
    pods = await client.list(collection("v1", "pods", dns.namespace), labels=labels)
    return min(pods, key=lambda pod: str(pod["metadata"]["name"]), default=None)


@understood("CoreDNS's pods")
async def read_peer(client: Client, dns: DnsService) -> Peer:
    """Read a pod behind the DNS service as one end of a connection, for network policies."""
    pod = await coredns_pod(client, dns)
    try:
        found = await client.get(named("v1", "namespaces", "", dns.namespace))
        namespace_labels = found["metadata"].get("labels") or {}
    except ApiError:
        namespace_labels = {}
    return Peer(
        namespace=dns.namespace,
        namespace_labels={NAME_LABEL: dns.namespace, **namespace_labels},
        labels=((pod or {}).get("metadata") or {}).get("labels") or dict(dns.selector),
        ips=_ips(pod),
        ports=_dns_ports(pod, dns),
    )


def coredns_of(
    pod: Mapping[str, Any] | None, configmaps: Sequence[Mapping[str, Any]], dns: DnsService
) -> CoreDns | None:
    """Put the Corefile together from a pod and the ConfigMaps of its namespace.

    Raises:
        CorefileError: the Corefile cannot be read as one.
    """
    port = next(iter(_dns_ports(pod, dns).values()), 53)
    by_name = {one["metadata"]["name"]: one.get("data") or {} for one in configmaps}
    for container in ((pod or {}).get("spec") or {}).get("containers") or ():
        files = mounted_files(container, (pod or {})["spec"], by_name)
        path = posixpath.join(
            container.get("workingDir") or "/", flag(words_of(container), "conf") or "Corefile"
        )
        if path in files:
            name, text = files[path]
            corefile = read_corefile(
                text,
                path=path,
                files={file: content for file, (_, content) in files.items()},
                environment={
                    one["name"]: one.get("value", "") for one in container.get("env") or ()
                },
            )
            return CoreDns(where=f"{dns.namespace}/{name}", corefile=corefile, port=port)
    return _by_content(configmaps, dns, port)


def _by_content(
    configmaps: Sequence[Mapping[str, Any]], dns: DnsService, port: int
) -> CoreDns | None:
    """Find a Corefile with the kubernetes plugin that is no cache's."""
    for one in configmaps:
        text = (one.get("data") or {}).get("Corefile")
        ours = (one["metadata"].get("labels") or {}).get(MANAGED_BY) == OURS
        if not text or ours:
            continue
        try:
            corefile = read_corefile(text, path=USUAL_PATH)
        except CorefileError:
            continue
        if any(plugin for block in corefile.blocks for plugin in block.all("kubernetes")):
            where = f"{dns.namespace}/{one['metadata']['name']}"
            return CoreDns(where=where, corefile=corefile, port=port)
    return None


def _dns_ports(pod: Mapping[str, Any] | None, dns: DnsService) -> dict[str, int]:
    """Return the named ports of the pod that the DNS service leads to."""
    named_ports = {
        port.get("name", ""): int(port["containerPort"])
        for container in ((pod or {}).get("spec") or {}).get("containers") or ()
        for port in container.get("ports") or ()
    }
    targets = set(dns.target_ports.values())
    numbers = {
        named_ports[target] if isinstance(target, str) else target
        for target in targets
        if isinstance(target, int) or target in named_ports
    }
    found = {name: port for name, port in named_ports.items() if port in numbers and name}
    return found or {str(number): number for number in sorted(numbers)}


def _ips(pod: Mapping[str, Any] | None) -> tuple[str, ...]:
    status = (pod or {}).get("status") or {}
    return tuple(one["ip"] for one in status.get("podIPs") or () if one.get("ip"))


def metrics_port_of(pod: Mapping[str, Any]) -> int:
    """Return the port that a pod of CoreDNS calls "metrics", else the usual one."""
    for container in (pod.get("spec") or {}).get("containers") or ():
        for port in container.get("ports") or ():
            if port.get("name") == "metrics":
                return int(port["containerPort"])
    return METRICS_PORT
