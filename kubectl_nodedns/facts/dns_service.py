"""The cluster's DNS service: name, addresses, selector, ready endpoints.

Found in kube-system by the label that every installer gives it, `k8s-app: kube-dns`; its name is
"kube-dns" for kubeadm and most others, something else for RKE2, kubespray and OpenShift. In another
namespace it has to be named: a label there may be anybody's.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from kubectl_nodedns.cluster.paths import collection, named
from kubectl_nodedns.errors import ForbiddenError, NotFoundError, RefusedError, UsageError
from kubectl_nodedns.facts.dataplane import NAT_EXCLUDE
from kubectl_nodedns.facts.endpoints import read_endpoints
from kubectl_nodedns.facts.handed_out import read_gone
from kubectl_nodedns.numbers import address
from kubectl_nodedns.readable import readable, required, understood

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kubectl_nodedns.cluster.client import Client

LABEL = "k8s-app=kube-dns"
USUAL_NAMESPACE = "kube-system"
DNS_PORT = 53
USUAL_PORTS: Mapping[str, str] = {"UDP": "dns", "TCP": "dns-tcp"}
"""Names of the ports of Kubernetes' own DNS service, by protocol; RKE2 has udp-53 and tcp-53."""
SHOWN = 5
"""Services that an error names."""


@dataclass(frozen=True, kw_only=True)
class DnsService:
    """The service that pods' resolv.conf names."""

    namespace: str
    """Its namespace."""
    name: str
    """Its name."""
    ips: tuple[str, ...]
    """Its cluster IPs, the primary one first."""
    selector: Mapping[str, str]
    """Labels of the pods behind it."""
    ready: int
    """Endpoints that are ready."""
    target_ports: Mapping[str, int | str]
    """Target port of port 53, by protocol (UDP, TCP): a number or a port's name."""

    port_names: Mapping[str, str] = field(default_factory=lambda: USUAL_PORTS)
    """Name of port 53, by protocol; what leads on from the service names its ports by these."""
    nat_excluded: bool = False
    """Whether it is annotated for Calico's eBPF to leave its address to the node."""

    @property
    def ip(self) -> str:
        """The primary cluster IP."""
        return self.ips[0]

    def beside(self, local_ip: str) -> str:
        """Return the address that a cache at `local_ip` takes over: that of the same family."""
        version = ipaddress.ip_address(local_ip).version
        same = (ip for ip in self.ips if ipaddress.ip_address(ip).version == version)
        return next(same, self.ip)


def split_name(text: str) -> tuple[str, str]:
    """Read `--dns-service NAMESPACE/NAME`.

    Raises:
        UsageError: there is not exactly one slash, or a part is empty.
    """
    namespace, slash, name = text.partition("/")
    if not (namespace and slash and name) or "/" in name:
        raise UsageError(
            f"--dns-service: {text!r} is not of the form NAMESPACE/NAME",
            hint="such as kube-system/kube-dns",
        )
    return namespace, name


def home_of(given: str | None) -> str:
    """Return the namespace of the DNS service, where our installation is.

    Args:
        given: --dns-service as it was given; empty or None when it is to be found, which it is in
            kube-system alone.
    """
    return split_name(given)[0] if given else USUAL_NAMESPACE


@understood("the DNS service")
async def read_dns_service(client: Client, given: str = "") -> DnsService:
    """Find the DNS service, or read the one that `given` names (NAMESPACE/NAME).

    Raises:
        RefusedError: there is none, or it cannot be told which.
        UsageError: the one that was given does not exist.
    """
    service = await _named(client, given) if given else await _labelled(client)
    metadata = service["metadata"]
    spec = service["spec"]
    ips = tuple(spec.get("clusterIPs") or (spec.get("clusterIP"),))
    where = f"{metadata['namespace']}/{metadata['name']}"
    if ips[0] in (None, "", "None"):
        raise RefusedError(
            f"the DNS service {where} is headless: pods have no one address to ask",
            hint="name the right one with --dns-service NAMESPACE/NAME",
        )
    if not all(map(address, ips)):
        raise ValueError("no address")
    dns_ports = [p for p in spec.get("ports") or () if p["port"] == DNS_PORT]
    ports = {p.get("protocol", "TCP"): p.get("targetPort", DNS_PORT) for p in dns_ports}
    if set(ports) != {"TCP", "UDP"}:
        raise RefusedError(
            f"the DNS service {where} does not serve port 53 over both UDP and TCP",
            hint="the cache asks it over TCP; add the port, or name another with --dns-service",
        )
    return DnsService(
        namespace=metadata["namespace"],
        name=metadata["name"],
        ips=ips,
        selector=spec.get("selector") or {},
        ready=len(await read_endpoints(client, metadata["namespace"], metadata["name"])),
        target_ports=ports,
        port_names={p.get("protocol", "TCP"): str(p.get("name") or "") for p in dns_ports},
        nat_excluded=(metadata.get("annotations") or {}).get(NAT_EXCLUDE) == "true",
    )


async def _named(client: Client, given: str) -> Mapping[str, Any]:
    namespace, name = split_name(given)
    try:
        found: Mapping[str, Any] = await client.get(named("v1", "services", namespace, name))
    except NotFoundError as error:
        gone = await read_gone(client, namespace)
        if gone and not gone.service:
            raise RefusedError(f"there is no service {given}; {gone}", hint=gone.way_out) from error
        raise UsageError(
            f"--dns-service: there is no service {given}",
            hint="kubectl get services -A shows them all",
        ) from error
    return found


async def _labelled(client: Client) -> Mapping[str, Any]:
    """Find it by its label, in the one namespace where no tenant can put a service."""
    services = await client.list(collection("v1", "services", USUAL_NAMESPACE), labels=LABEL)
    found = required("service", candidate, services)
    if not found:
        try:
            everywhere = await client.list(collection("v1", "services"), labels=LABEL)
        except ForbiddenError:
            everywhere = []
        elsewhere = readable(candidate, everywhere)
        others = f"; elsewhere there are {_names(elsewhere)}" if elsewhere else ""
        but = f" but {_names(services)}, headless or the upstream of a cache" if services else ""
        none = (
            f"there is no DNS service in namespace {USUAL_NAMESPACE}: no service carries the label "
            f"{LABEL}{but}{others}"
        )
        if (gone := await read_gone(client, USUAL_NAMESPACE)) is not None:
            raise RefusedError(f"{gone}; {none}", hint=gone.way_out)
        raise RefusedError(
            none,
            hint="name it with --dns-service NAMESPACE/NAME: elsewhere anybody can put that label "
            "on a service",
        )
    usual = [s for s in found if s["metadata"]["name"] == "kube-dns"]
    if len(found) > 1 and len(usual) != 1:
        raise RefusedError(
            f"there are several services that could be the DNS service: {_names(found)}",
            hint="name the right one with --dns-service NAMESPACE/NAME",
        )
    return (usual or found)[0]


def _names(services: Sequence[Mapping[str, Any]]) -> str:
    names = [f"{s['metadata']['namespace']}/{s['metadata']['name']}" for s in services]
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more


def candidate(service: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return a service; None for a headless one, and for the upstream service of a cache."""
    metadata = service["metadata"]
    headless = service["spec"].get("clusterIP") in (None, "", "None")
    label = (metadata.get("labels") or {}).get("kubernetes.io/name")
    upstream = metadata["name"].endswith("upstream") or label == "KubeDNSUpstream"
    return None if headless or upstream else service
