"""Nameservers that kubelets hand out to pods, held against the services that there are.

A pod's nameserver is fixed when the pod is made, and its address is a service's, a cache's, or that
of a server of somebody's. One in the services' range that no service has is answered by nobody.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from kubectl_nodedns.cluster.paths import collection
from kubectl_nodedns.errors import ApiError
from kubectl_nodedns.facts.caches import read_caches
from kubectl_nodedns.facts.kubelets import read_handed_out
from kubectl_nodedns.facts.ranges import read_ranges
from kubectl_nodedns.numbers import address
from kubectl_nodedns.readable import readable, understood

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from kubectl_nodedns.cluster.client import Client
    from kubectl_nodedns.facts.ranges import Range

ASKED = 3
"""Kubelets that are asked where there is no DNS service: their configuration is alike."""


@dataclass(frozen=True, kw_only=True)
class Gone:
    """What pods are left with where there is no DNS service to be found."""

    address: str
    """A nameserver that kubelets hand out."""
    node: str
    """A node whose kubelet does."""
    service: str = ""
    """The service that has that address, as NAMESPACE/NAME; empty when none does."""
    cache: str = ""
    """The cache that listens there, as NAMESPACE/NAME; empty when none does."""

    def __str__(self) -> str:
        handed = f"the kubelet of {self.node} hands out {self.address}"
        if self.service:
            return f"{handed}, the address of service {self.service}"
        if self.cache:
            return (
                f"the DNS service is gone: {handed}, no service has that address, and only the "
                f"cache {self.cache} still answers there"
            )
        return f"pods have no DNS: {handed}, and no service has that address"

    @property
    def way_out(self) -> str:
        """What to do."""
        if self.service:
            # Anybody may make a service at an address that is free.
            return (
                f"if that is the cluster's DNS, and made by whom it should, name it: "
                f"--dns-service {self.service}"
            )
        return (
            "the DNS service was deleted, or renamed with its chart, and came back nowhere or at "
            f"another address. Make a Service with clusterIP: {self.address} again, with port 53 "
            "over UDP and TCP and the selector of CoreDNS's pods (the usual one is kube-dns in "
            "kube-system, labelled k8s-app: kube-dns); or hand out the new address by the "
            "kubelets' clusterDNS, and start every pod anew"
        )


@understood("what kubelets hand out")
async def read_gone(client: Client, namespace: str) -> Gone | None:
    """Ask some kubelets which nameserver pods have, and who is behind it; None when none tells.

    Args:
        client: an open client.
        namespace: where the DNS service should be.
    """
    try:
        page = await client.get(collection("v1", "nodes"), params={"limit": str(ASKED)})
        names = [node["metadata"]["name"] for node in page.get("items") or ()][:ASKED]
        handed = await read_handed_out(client, names)
        services = await client.list(collection("v1", "services"))
        caches = await read_caches(client, namespace)
    except ApiError:
        return None
    owners = _owners(services)
    for node, addresses in sorted(handed.items()):
        for ip in addresses:
            listening = [f"{c.namespace}/{c.name}" for c in caches if ip in c.local_ips]
            cache = next(iter(listening), "")
            return Gone(address=ip, node=node, service=owners.get(ip, ""), cache=cache)
    return None


@understood("the services")
async def read_unserved(client: Client, addresses: Collection[str]) -> frozenset[str]:
    """Return those of `addresses` that are in the services' range and that no service has.

    Raises:
        ApiError: services or ranges cannot be read.
    """
    if not addresses:
        return frozenset()
    services = await client.list(collection("v1", "services"))
    return unserved(addresses, services, await read_ranges(client))


def unserved(
    addresses: Iterable[str], services: Iterable[Mapping[str, Any]], ranges: Iterable[Range]
) -> frozenset[str]:
    """Return those of `addresses` that are in a range of services and that no service has.

    Where no range is known, what lies between the addresses of two services is in it: a range gives
    its first address to the service of the API server.
    """
    owned = _owners(services)
    known = [one for one in ranges if one.what == "services"]
    within = partial(_in_ranges, known) if known else partial(_between, owned)
    return frozenset(ip for ip in addresses if ip not in owned and within(ip))


def _in_ranges(ranges: Iterable[Range], ip: str) -> bool:
    return any(ip in one for one in ranges)


def _between(owned: Iterable[str], ip: str) -> bool:
    """Whether an address lies between two of `owned`, in its family."""
    asked = address(ip)
    if asked is None:
        return False
    services = filter(None, map(address, owned))
    of_family = [int(one) for one in services if one.version == asked.version]
    return bool(of_family) and min(of_family) < int(asked) < max(of_family)


def _owners(services: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Return NAMESPACE/NAME of services, by their cluster IPs."""
    return {ip: where for where, ips in readable(cluster_ips_of, services) for ip in ips if ip}


def cluster_ips_of(service: Mapping[str, Any]) -> tuple[str, list[str]]:
    """Return NAMESPACE/NAME of a service, and its cluster IPs; an empty one is not given yet."""
    spec, metadata = service["spec"], service["metadata"]
    ips = [str(ip or "") for ip in spec.get("clusterIPs") or (spec.get("clusterIP"),)]
    return f"{metadata['namespace']}/{metadata['name']}", ips
