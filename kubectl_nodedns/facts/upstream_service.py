"""The service by which a cache asks CoreDNS: the DNS service's selector under another address.

Upstream's manifest calls it `kube-dns-upstream`, others otherwise, so it is found by its selector.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubectl_nodedns.cluster.paths import collection
from kubectl_nodedns.facts.dns_service import DNS_PORT
from kubectl_nodedns.readable import required, understood

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from kubectl_nodedns.cluster.client import Client
    from kubectl_nodedns.facts.dns_service import DnsService


@understood("the services")
async def read_upstream_ip(client: Client, dns: DnsService) -> str:
    """Return the cluster IP of the service for misses; empty when there is none."""
    services = await client.list(collection("v1", "services", dns.namespace))
    return upstream_ip(services, dns)


def upstream_ip(services: Sequence[Mapping[str, Any]], dns: DnsService) -> str:
    """Choose among the services of the DNS service's namespace; a name in "upstream" goes first.

    Raises:
        UnreadableError: one of them cannot be read.
    """
    found = required("service", lambda service: _way_of(service, dns), services)
    return min(found)[2] if found else ""


def _way_of(service: Mapping[str, Any], dns: DnsService) -> tuple[bool, str, str] | None:
    spec = service["spec"]
    ip = spec.get("clusterIP")
    ports = {port["port"] for port in spec.get("ports") or ()}
    same = (spec.get("selector") or {}) == dict(dns.selector)
    if not same or not ip or ip == "None" or ip in dns.ips or DNS_PORT not in ports:
        return None
    name = service["metadata"]["name"]
    return (not name.endswith("upstream"), name, str(ip))
