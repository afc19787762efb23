"""What is looked at before an install: everything that was read, at one moment. Plain and frozen.

None stands for what could not be read; the reason is among `unread`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kubectl_nodedns.facts.dataplane import IPVS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kubectl_nodedns.facts.admission import Quota, Trial
    from kubectl_nodedns.facts.caches import Cache, Imitation
    from kubectl_nodedns.facts.coredns import CoreDns
    from kubectl_nodedns.facts.corefile import Corefile
    from kubectl_nodedns.facts.dataplane import Beside, Dataplane
    from kubectl_nodedns.facts.dns_service import DnsService
    from kubectl_nodedns.facts.host_ports import Need
    from kubectl_nodedns.facts.kubelets import Kubelet, Resolvers
    from kubectl_nodedns.facts.network_policies import Peer
    from kubectl_nodedns.facts.nodes import Node
    from kubectl_nodedns.facts.pods import Pod
    from kubectl_nodedns.facts.ranges import Range
    from kubectl_nodedns.facts.readings import Unread


@dataclass(frozen=True, kw_only=True)
class Policies:
    """Policies about the network."""

    objects: Sequence[Mapping[str, Any]]
    """All NetworkPolicy objects."""
    coredns: Peer
    """A pod behind the DNS service."""
    foreign: tuple[str, ...] | None
    """Kinds of policies of other makes that there are objects of."""


@dataclass(frozen=True, kw_only=True)
class Room:
    """What a namespace lets in."""

    namespace: str
    """The namespace."""
    purpose: str
    """What is to run there: "the cache", "probes"."""
    level: str | None
    """Pod Security level that it enforces by a label; empty without one."""
    allowed: frozenset[str]
    """Levels that let the pods in."""
    quotas: tuple[Quota, ...] | None
    """Quotas that do not leave room."""


@dataclass(frozen=True, kw_only=True)
class Preflight:
    """A cluster, before an install."""

    dns: DnsService
    """The DNS service."""
    dataplane: Dataplane
    """What translates service addresses."""
    nodes: tuple[Node, ...]
    """All nodes."""
    selected: frozenset[str]
    """Names of the Linux nodes that are to have a cache."""
    caches: tuple[Cache, ...]
    """Caches that are there already."""
    imitations: tuple[Imitation, ...]
    """DaemonSets that only look like one, or like ours."""
    foreign_objects: tuple[str, ...]
    """Objects that are not ours and have the names of ours."""
    local_ip: str
    """Address that the cache is to have."""
    needs: tuple[Need, ...]
    """Ports that the cache needs."""
    cache_corefile: Corefile
    """The Corefile that the cache is to have."""
    pods: tuple[Pod, ...] | None = None
    """All pods that run."""
    services: Mapping[str, str] | None = None
    """NAMESPACE/NAME of each service, by its cluster IP."""
    ranges: tuple[Range, ...] | None = None
    """Ranges that pods and services get addresses from."""
    kubelets: tuple[Kubelet, ...] | None = None
    """Kubelets' settings."""
    resolvers: tuple[Resolvers, ...] | None = None
    """Resolvers of nodes, as probes saw them."""
    coredns: CoreDns | None = None
    """CoreDNS's configuration."""
    kube_dns: Mapping[str, str] | None = None
    """Data of ConfigMap kube-dns, which the agent reads; empty without one."""
    policies: Policies | None = None
    """Policies about the network."""
    beside: tuple[Beside, ...] | None = None
    """What translates service addresses beside kube-proxy."""
    rooms: tuple[Room, ...] = ()
    """What the namespaces let in."""
    trials: tuple[Trial, ...] | None = None
    """What became of objects and pods in a server dry run."""
    missing_rights: tuple[str, ...] | None = None
    """Rights that the user lacks."""
    unread: tuple[Unread, ...] = ()
    """What could not be looked at."""

    @property
    def kube_dns_ip(self) -> str:
        """The address of the DNS service that the cache is to take over."""
        return self.dns.beside(self.local_ip)

    @property
    def cache_addresses(self) -> tuple[str, ...]:
        """Addresses that the cache listens on: its own, and the DNS service's where it can."""
        if self.dataplane.mode == IPVS:
            return (self.local_ip,)
        return (self.kube_dns_ip, self.local_ip)
