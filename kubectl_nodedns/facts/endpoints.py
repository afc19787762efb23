"""Addresses and ports behind a service."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from kubectl_nodedns.cluster.paths import collection
from kubectl_nodedns.readable import required, understood

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from kubectl_nodedns.cluster.client import Client
    from kubectl_nodedns.facts.dns_service import DnsService


@understood("the EndpointSlices")
async def read_endpoints(client: Client, dns: DnsService) -> tuple[str, ...]:
    """Return the ready endpoints of the DNS service over TCP, as ADDRESS:PORT."""
    slices = await client.list(
        collection("discovery.k8s.io/v1", "endpointslices", dns.namespace),
        labels=f"kubernetes.io/service-name={dns.name}",
    )
    return endpoints_of(slices, dns.port_names["TCP"])


def endpoints_of(slices: Iterable[Mapping[str, Any]], port: str) -> tuple[str, ...]:
    """Read EndpointSlice objects; a slice without ports means port 53.

    Args:
        slices: the objects.
        port: name of the service's port, which a slice's port has as well.

    Raises:
        UnreadableError: one of them cannot be read.
    """
    read = required("EndpointSlice", partial(_endpoints_of, port), slices)
    return tuple(sorted(set().union(*read)))


def _endpoints_of(named: str, one: Mapping[str, Any]) -> set[str]:
    return {
        f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
        for port in _ports(one, named)
        for endpoint in one.get("endpoints") or ()
        if (endpoint.get("conditions") or {}).get("ready") is not False
        for address in endpoint.get("addresses") or ()
    }


def _ports(one: Mapping[str, Any], name: str) -> list[int]:
    """Return the TCP port for DNS: not those that a slice lists for metrics."""
    ports = [p for p in one.get("ports") or () if p.get("protocol", "TCP") == "TCP"]
    named = [p for p in ports if p.get("name") == name]
    return [p["port"] for p in named or ports if p.get("port")][:1] or [53]
