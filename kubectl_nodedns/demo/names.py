"""Which names there are: what CoreDNS answers for the cluster, and the rest of the world.

Cluster names follow the specification of Kubernetes' DNS (kubernetes/dns,
docs/specification.md): a service at NAME.NAMESPACE.svc.DOMAIN with its cluster IP, or the
addresses of its endpoints when it is headless, and PTR records back. Outside, every name under a
usual top-level domain exists, with an address of the ranges that are kept for documentation
(RFC 5737, RFC 3849), always the same one for the same name.
"""

from __future__ import annotations

import hashlib
import ipaddress
import time
from typing import TYPE_CHECKING, Any

from kubectl_nodedns.demo.kinds import BY_PATH
from kubectl_nodedns.demo.replies import NXDOMAIN, Asked, Record, Reply, within

if TYPE_CHECKING:
    from kubectl_nodedns.demo.store import Store

CLUSTER_TTL = 30
"""TTL of cluster names, as kubeadm configures CoreDNS."""
OUTSIDE_TTL = 60
NEGATIVE_TTL = 30
TOP_LEVEL = frozenset(
    ("com", "org", "net", "io", "dev", "edu", "gov", "info", "eu", "de", "fr", "uk", "nl", "jp")
)
DOCUMENTATION = ("192.0.2.", "198.51.100.", "203.0.113.")
SERVICES = BY_PATH["v1", "services"]
SLICES = BY_PATH["discovery.k8s.io/v1", "endpointslices"]
REVERSE = ("in-addr.arpa.", "ip6.arpa.")


class Names:
    """The names of a cluster and of the world.

    Args:
        store: the objects of the cluster.
        domain: the cluster domain, without a final dot.
    """

    def __init__(self, store: Store, domain: str) -> None:
        self._store = store
        self._zone = f"{domain}."
        self._serial = int(time.time())

    def coredns(self, asked: Asked, resolver_seconds: float) -> Reply:
        """Answer as CoreDNS does; what is not of the cluster it asks of a resolver."""
        if within(asked.name, self._zone):
            return self._cluster(asked)
        if any(within(asked.name, zone) for zone in REVERSE):
            found = self._service_at(asked.name)
            if found is not None and asked.rtype == "PTR":
                return _answered(Record(asked.name, CLUSTER_TTL, "PTR", found))
        return self.outside(asked, seconds=resolver_seconds)

    def outside(self, asked: Asked, *, seconds: float) -> Reply:
        """Answer as a resolver of the world does."""
        labels = asked.name.rstrip(".").split(".")
        if len(labels) == 1 or labels[-1] not in TOP_LEVEL:
            soa = "a.root-servers.net. nstld.verisign-grs.com. 2026112200 1800 900 604800 86400"
            record = Record(".", NEGATIVE_TTL, "SOA", soa)
            return Reply(rcode=NXDOMAIN, authority=(record,), recursive=True, seconds=seconds)
        digest = hashlib.sha256(asked.name.encode()).digest()
        data = {
            "A": DOCUMENTATION[digest[0] % 3] + str(1 + digest[1] % 254),
            "AAAA": str(ipaddress.IPv6Address(f"2001:db8::{digest[2:6].hex(':', 2)}")),
        }.get(asked.rtype)
        if data is None:
            zone = ".".join(labels[-2:]) + "."
            soa = f"ns1.{zone} hostmaster.{zone} 2026112200 7200 3600 1209600 300"
            record = Record(zone, NEGATIVE_TTL, "SOA", soa)
            return Reply(authority=(record,), recursive=True, seconds=seconds)
        record = Record(asked.name, OUTSIDE_TTL, asked.rtype, data)
        return Reply(answer=(record,), recursive=True, seconds=seconds)

    def _cluster(self, asked: Asked) -> Reply:
        labels = asked.name.removesuffix(self._zone).rstrip(".").split(".")
        if labels[2:] != ["svc"]:
            exists = asked.name == self._zone or labels in (["svc"], [""])
            return self._nothing() if exists else self._nothing(NXDOMAIN)
        service = self._store.get(SERVICES, labels[1], labels[0])
        if service is None:
            return self._nothing(NXDOMAIN)
        addresses = self._addresses(service)
        if asked.rtype == "A" and addresses:
            return _answered(*(Record(asked.name, CLUSTER_TTL, "A", ip) for ip in addresses))
        if asked.rtype == "SRV":
            ports = service["spec"].get("ports") or ()
            data = (f"0 100 {port['port']} {asked.name}" for port in ports)
            return _answered(*(Record(asked.name, CLUSTER_TTL, "SRV", text) for text in data))
        return self._nothing()

    def _addresses(self, service: dict[str, Any]) -> list[str]:
        ip = service["spec"].get("clusterIP")
        if ip and ip != "None":
            return [str(ip)]
        metadata = service["metadata"]
        return endpoints(self._store, metadata["namespace"], metadata["name"])[:8]

    def _service_at(self, reverse: str) -> str | None:
        """Return the name of the service that has an address, given the address's PTR name."""
        ip = ".".join(reversed(reverse.removesuffix("in-addr.arpa.").rstrip(".").split(".")))
        for (namespace, name), service in self._store.all(SERVICES).items():
            if ip in (service["spec"].get("clusterIPs") or ()):
                return f"{name}.{namespace}.svc.{self._zone}"
        return None

    def _nothing(self, rcode: str = "NOERROR") -> Reply:
        data = f"ns.dns.{self._zone} hostmaster.{self._zone} {self._serial} 7200 1800 86400 5"
        soa = Record(self._zone, 5, "SOA", data)
        return Reply(rcode=rcode, authority=(soa,), authoritative=True)


def endpoints(store: Store, namespace: str, service: str) -> list[str]:
    """Return the addresses of a service's ready endpoints."""
    return [
        address
        for (where, _), one in store.all(SLICES).items()
        if where == namespace
        and (one["metadata"].get("labels") or {}).get("kubernetes.io/service-name") == service
        for endpoint in one.get("endpoints") or ()
        if (endpoint.get("conditions") or {}).get("ready") is not False
        for address in endpoint["addresses"]
    ]


def _answered(*records: Record) -> Reply:
    return Reply(answer=records, authoritative=True)
