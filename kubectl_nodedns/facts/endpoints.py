"""Who is behind a service: its ready endpoints, from its EndpointSlices."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from kubectl_nodedns.cluster.paths import collection
from kubectl_nodedns.numbers import address
from kubectl_nodedns.readable import required, understood

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from kubectl_nodedns.cluster.client import Client

DNS_PORT = 53


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """One ready endpoint of a service."""

    address: str
    """Its IP address."""
    port: int
    """Its port for DNS over TCP."""
    pod: str
    """The pod behind it; empty when the EndpointSlice names none."""
    node: str
    """The node that it is on; may be empty."""

    @property
    def at(self) -> str:
        """ADDRESS:PORT, with brackets around an IPv6 address."""
        host = f"[{self.address}]" if ":" in self.address else self.address
        return f"{host}:{self.port}"

    def __str__(self) -> str:
        return f"{self.pod or 'no pod'} on {self.node}" if self.node else self.pod


@understood("the EndpointSlices")
async def read_endpoints(
    client: Client, namespace: str, service: str, port_name: str = ""
) -> tuple[Endpoint, ...]:
    """Read the ready endpoints of a service: each address once, in the order of the addresses.

    Args:
        client: an open client.
        namespace: the service's.
        service: its name.
        port_name: name of the service's port for DNS over TCP, which a slice's port has as well.

    Raises:
        UnreadableError: one of the EndpointSlices cannot be read.
    """
    slices = await client.list(
        collection("discovery.k8s.io/v1", "endpointslices", namespace),
        labels=f"kubernetes.io/service-name={service}",
    )
    return endpoints_of(slices, port_name)


def endpoints_of(slices: Iterable[Mapping[str, Any]], port_name: str = "") -> tuple[Endpoint, ...]:
    """Read EndpointSlice objects; a slice without ports means port 53.

    Raises:
        UnreadableError: one of them cannot be read.
    """
    read = required("EndpointSlice", partial(_endpoints_of, port_name), slices)
    found = {endpoint.address: endpoint for some in read for endpoint in some}
    return tuple(sorted(found.values(), key=_by_address))


def _endpoints_of(port_name: str, one: Mapping[str, Any]) -> list[Endpoint]:
    return [*_endpoints_in(one, _port(one, port_name))]


def _endpoints_in(one: Mapping[str, Any], port: int) -> Iterator[Endpoint]:
    for endpoint in one.get("endpoints") or ():
        if (endpoint.get("conditions") or {}).get("ready") is False:
            continue
        target = endpoint.get("targetRef") or {}
        for ip in endpoint.get("addresses") or ():
            if address(ip):  # a slice may hold host names
                yield Endpoint(
                    address=ip,
                    port=port,
                    pod=str(target.get("name") or "") if target.get("kind") == "Pod" else "",
                    node=str(endpoint.get("nodeName") or ""),
                )


def _port(one: Mapping[str, Any], name: str) -> int:
    """Return the TCP port for DNS: not those that a slice lists for metrics."""
    ports = [p for p in one.get("ports") or () if p.get("protocol", "TCP") == "TCP"]
    named = [p for p in ports if p.get("name") == name]
    return next((int(p["port"]) for p in named or ports if p.get("port")), DNS_PORT)


def _by_address(endpoint: Endpoint) -> tuple[int, int]:
    ip = ipaddress.ip_address(endpoint.address)
    return ip.version, int(ip)
