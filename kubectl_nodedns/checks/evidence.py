"""What the running checks look at: everything that was read, at one moment. Plain and frozen.

None stands for what could not be read; a check that needs it then does not look at all, which is
told, and is not the same as having found nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from kubectl_nodedns.facts.cluster_names import strayed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kubectl_nodedns.facts.alert_rules import AlertRule
    from kubectl_nodedns.facts.cache_pods import CachePod
    from kubectl_nodedns.facts.caches import Cache, Imitation
    from kubectl_nodedns.facts.corefile import ServerBlock
    from kubectl_nodedns.facts.customisations import Customisation
    from kubectl_nodedns.facts.dns_service import DnsService
    from kubectl_nodedns.facts.leftovers import Leftover, UpstreamService
    from kubectl_nodedns.facts.network_policies import Blocked
    from kubectl_nodedns.facts.nodes import Node
    from kubectl_nodedns.facts.pod_dns import PodDns
    from kubectl_nodedns.verdict import Verdict


@dataclass(frozen=True, kw_only=True)
class UpstreamCounters:
    """One server that a cache asks, over the window."""

    to: str
    """Address and port."""
    responses: float
    """Responses received."""
    by_rcode: Mapping[str, float]
    """Those by response code."""
    median: float | None
    """Seconds that half of the responses stayed below; None where its buckets are not told."""
    unanswered: float
    """Failed health checks: each means that a lookup before it had no answer."""


@dataclass(frozen=True, kw_only=True)
class Counters:
    """What a cache's metrics pages say."""

    seconds: float | None
    """Length of the window that increases are over; None with one page."""
    started: float | None
    """When the process started, in Unix seconds."""
    version: str
    """CoreDNS's version; empty when not told."""
    lookups_by_address: Mapping[str, float]
    """Lookups since process start, by the address that clients sent them to."""
    lately_by_address: Mapping[str, float]
    """Lookups over the window, by that address."""
    responses: float | None
    """Responses over the window."""
    servfail: float
    """Responses with SERVFAIL over the window."""
    refused: float
    """Responses with REFUSED over the window."""
    nxdomain: float
    """Responses with NXDOMAIN over the window."""
    missed: float | None
    """Lookups over the window that the cache did not answer by itself; None when not known."""
    upstreams: tuple[UpstreamCounters, ...]
    """The servers that were asked."""
    memory_bytes: float | None
    """Resident memory of the process."""
    setup_errors: Mapping[str, float]
    """Failures to set up rules or link over the window, by type."""
    setup_errors_ever: Mapping[str, float]
    """Those since process start, by type."""
    reload_failures: float | None
    """Corefiles that could not be loaded since process start."""


@dataclass(frozen=True, kw_only=True)
class NodeEvidence:
    """One node."""

    node: Node
    """The node."""
    pods: tuple[CachePod, ...] = ()
    """Its cache pods."""
    counters: Counters | None = None
    """What its cache's metrics say; None without a page."""
    no_counters: str = ""
    """Why there is no page; empty when there is one, or nobody to ask."""
    proof: Verdict | None = None
    """What a probe saw: whether the node's own cache answers at the address that pods ask; None
    when none asked."""
    no_proof: str = ""
    """Why no probe could ask; empty when one did, or none was to."""
    kubelet: tuple[str, ...] | None = None
    """Nameservers that its kubelet hands out; None when it could not be asked."""
    askers: int | None = None
    """Its pods that ask the cluster's DNS; None where that was not read, and it is only where a
    cache is not asked that should be."""
    last_words: str = ""
    """The end of the log of a cache pod that has trouble."""

    @property
    def dark(self) -> bool:
        """Whether its cache is set up and not to be asked yet."""
        return bool(self.pods) and all(pod.dark for pod in self.pods)

    @property
    def listening(self) -> frozenset[str]:
        """Addresses that its cache pods listen on."""
        return frozenset(ip for pod in self.pods for ip in pod.local_ips)


@dataclass(frozen=True, kw_only=True)
class CoreDnsLoad:
    """One pod behind the DNS service."""

    pod: str
    """NAMESPACE/NAME."""
    node: str
    """Node that it runs on."""
    lookups: float
    """Lookups over the window."""


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """One cluster, at one moment."""

    at: float
    """The moment, in Unix seconds."""
    dns: DnsService
    """The DNS service."""
    caches: tuple[Cache, ...]
    """The node-local caches, ours first."""
    nodes: tuple[NodeEvidence, ...]
    """The nodes that were looked at."""
    unserved: frozenset[str] = frozenset()
    """Nameservers that kubelets hand out, that are in the services' range and no service has."""
    imitations: tuple[Imitation, ...] = ()
    """DaemonSets that only look like a cache, or like ours."""
    mode: str = ""
    """What translates service addresses; empty when not known."""
    domain: str = ""
    """The cluster domain; empty when not known."""
    state: str = ""
    """State of an installation of ours: enabling, enabled, disabling; empty without one."""
    corefiles: Mapping[str, tuple[ServerBlock, ...]] = field(default_factory=dict)
    """Corefile of each cache, by NAMESPACE/NAME of its DaemonSet, where it could be read."""
    unreadable: Mapping[str, str] = field(default_factory=dict)
    """Why a cache's Corefile is none, by NAMESPACE/NAME of its DaemonSet."""
    pods: tuple[PodDns, ...] | None = None
    """Pods whose lookups take another way than most."""
    leftovers: tuple[Leftover, ...] | None = None
    """Objects of caches that are gone."""
    upstreams: tuple[UpstreamService, ...] | None = None
    """The services that caches ask for cluster names."""
    coredns: tuple[CoreDnsLoad, ...] | None = None
    """The pods behind the DNS service."""
    rules: tuple[AlertRule, ...] | None = None
    """Rules in the cluster that ask for metrics of CoreDNS."""
    blocked: tuple[tuple[Blocked, ...], tuple[Blocked, ...]] | None = None
    """NetworkPolicies that keep pods from the cache, and those that keep the cache from CoreDNS."""
    customisations: tuple[Customisation, ...] | None = None
    """What CoreDNS does with names that the caches ask somebody else for."""
    kube_dns: Mapping[str, Mapping[str, str]] | None = None
    """Data of ConfigMap kube-dns, by the namespace of the caches that read it."""
    drift: tuple[str, ...] | None = None
    """What differs from what an installation of ours should be, in words."""
    unread: tuple[str, ...] = ()
    """What could not be read, in words."""

    @property
    def local_ips(self) -> frozenset[str]:
        """Addresses that only caches have: all they listen on but the DNS service's."""
        listened = {ip for cache in self.caches for ip in cache.local_ips}
        return frozenset(listened - set(self.dns.ips))

    @property
    def linux(self) -> tuple[NodeEvidence, ...]:
        """The nodes that can run a cache."""
        return tuple(one for one in self.nodes if one.node.system == "linux")

    def strays(self, cache: str) -> str:
        """Say why a cache does not ask CoreDNS for the cluster's names; empty where it does.

        Args:
            cache: NAMESPACE/NAME of its DaemonSet. Nothing is said of one whose Corefile, or of a
                cluster whose domain, is not known.
        """
        blocks = self.corefiles.get(cache)
        if not blocks or not self.domain:
            return ""
        upstreams = [one.address for one in self.upstreams or () if one.cache == cache]
        return strayed(blocks, self.domain, {*self.dns.ips, *upstreams})

    def transparent(self, one: NodeEvidence) -> bool:
        """Whether a node's cache listens on the DNS service's address."""
        return bool(one.listening & set(self.dns.ips))
