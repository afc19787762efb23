"""Addresses and ports behind a service."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kubectl_nodedns.cluster.paths import collection
from kubectl_nodedns.readable import required, understood

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from kubectl_nodedns.cluster.client import Client


@understood("the EndpointSlices")
async def read_endpoints(client: Client, namespace: str, service: str) -> tuple[str, ...]:
    """Return the ready endpoints of a service over TCP, as ADDRESS:PORT."""
    slices = await client.list(
        collection("discovery.k8s.io/v1", "endpointslices", namespace),
        labels=f"kubernetes.io/service-name={service}",
    )
    return endpoints_of(slices)


def endpoints_of(slices: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """Read EndpointSlice objects; a slice without ports means port 53.

    Raises:
        UnreadableError: one of them cannot be read.
    """
    return tuple(sorted(set().union(*required("EndpointSlice", _endpoints_of, slices))))


def _endpoints_of(one: Mapping[str, Any]) -> set[str]:
    return {
        f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
        for port in _ports(one)
        for endpoint in one.get("endpoints") or ()
        if (endpoint.get("conditions") or {}).get("ready") is not False
        for address in endpoint.get("addresses") or ()
    }


def _ports(one: Mapping[str, Any]) -> list[int]:
    """Return the TCP ports for DNS: not those that a slice lists for metrics."""
    ports = [p for p in one.get("ports") or () if p.get("protocol", "TCP") == "TCP"]
    named = [p for p in ports if str(p.get("name", "")).startswith("dns")]
    return [p["port"] for p in named or ports if p.get("port")][:1] or [53]
