"""Facts of the cluster and options of the installation, put together."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from kubectl_nodedns.facts.caches import SETUP_METRICS_PORT
from kubectl_nodedns.facts.corefile_reader import read_corefile
from kubectl_nodedns.facts.dns_service import USUAL_PORTS
from kubectl_nodedns.facts.images import mirrored
from kubectl_nodedns.install.corefile import CLUSTER, LOCAL, Caching, Forwarding, corefile
from kubectl_nodedns.install.corefile_check import check_corefile, check_no_loop
from kubectl_nodedns.install.memory_need import MemoryNeed, memory_need
from kubectl_nodedns.install.option_checks import SYSTEM, pairs_of
from kubectl_nodedns.install.option_table import ALL, AUTO, NO
from kubectl_nodedns.install.options import addresses, check_together, selector_of
from kubectl_nodedns.install.quantity import memory_bytes
from kubectl_nodedns.install.variants import IPTABLES, VARIANTS, Variant
from kubectl_nodedns.names import marker_name

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kubectl_nodedns.facts.inspection import Inspection
    from kubectl_nodedns.install.options import Memory

USUAL_SERVICE = "kube-system/kube-dns"
"""The DNS service that is assumed where no cluster is asked."""
USUAL_ASSUMED = (
    "DNS selector k8s-app=kube-dns, target port 53, the DNS service's port names dns and dns-tcp"
)
"""What else is assumed then, in words."""


@dataclass(frozen=True, kw_only=True)
class Ports:
    """Ports that the agent listens on beside 53."""

    health: int = 8080
    """Its health check, on the local IP."""
    metrics: int = 9253
    """CoreDNS's metrics, on every address of the node."""
    setup_metrics: int = SETUP_METRICS_PORT
    """Metrics about links and rules, on every address of the node."""


@dataclass(frozen=True, kw_only=True)
class Resources:
    """What a pod reserves and may use; "auto" is worked out, "" and "none" are nothing."""

    cpu_request: str = "25m"
    """CPU that is reserved."""
    cpu_limit: str = ""
    """CPU that it may use."""
    memory_request: str = AUTO
    """Memory that is reserved."""
    memory_limit: str = AUTO
    """Memory that it may use."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """All that decides what is installed."""

    namespace: str
    """Namespace of the DNS service, and of all our objects."""
    dns_selector: Mapping[str, str]
    """Selector of the DNS service, for the upstream service."""
    dns_ports: Mapping[str, int | str]
    """Target port of the DNS service, by protocol."""
    kube_dns_ip: str
    """Address of the DNS service."""
    local_ip: str
    """Address of the cache that nothing else uses."""
    cluster_domain: str
    """Without a final dot."""
    image: str
    """Image of the cache."""
    node_selector: Mapping[str, str]
    """Labels that a node must carry."""
    pull_secrets: tuple[str, ...] = ()
    """Secrets to pull the image with."""
    priority_class: str = "system-node-critical"
    """PriorityClass of the pods."""
    tolerations: str = ALL
    """Taints that are tolerated, as the option writes them."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """More labels for objects and pods."""
    pod_annotations: Mapping[str, str] = field(default_factory=dict)
    """More annotations for the pods."""
    ports: Ports = Ports()
    """Ports beside 53."""
    resources: Resources = Resources()
    """CPU and memory of a pod."""
    caching: Caching = field(default_factory=Caching)
    """What is kept."""
    forwarding: Forwarding = field(default_factory=Forwarding)
    """Where is asked."""
    cluster_plugins: str = ""
    """Plugins that a person added to the block of the cluster domain."""
    outside_plugins: str = ""
    """Plugins that a person added to the block of all other names."""
    extra_blocks: str = ""
    """Server blocks that a person wrote."""
    mode: str = IPTABLES
    """What translates service addresses."""
    dns_service: str = "kube-dns"
    """Name of the DNS service."""
    dns_port_names: Mapping[str, str] = field(default_factory=lambda: USUAL_PORTS)
    """Names of its port 53, by protocol."""

    @classmethod
    def of(
        cls,
        memory: Memory,
        *,
        namespace: str,
        dns_selector: Mapping[str, str],
        dns_ports: Mapping[str, int | str],
        service_ips: Sequence[str],
        cluster_domain: str,
        mode: str,
        dns_service: str,
        dns_port_names: Mapping[str, str] = USUAL_PORTS,
    ) -> Settings:
        """Put facts and options together.

        Args:
            memory: the options.
            namespace: namespace of the DNS service.
            dns_selector: its selector.
            dns_ports: its target ports, by protocol.
            service_ips: its addresses, the primary one first.
            cluster_domain: without a final dot.
            mode: what translates service addresses.
            dns_service: its name.
            dns_port_names: names of its port 53, by protocol.

        Raises:
            UsageError: options do not fit each other, or the image does not fit the Corefile.
            RefusedError: the local IP does not fit the DNS service's address.
        """
        check_together(memory)
        value = memory.value
        local_ip, kube_dns_ip = addresses(memory, service_ips)
        settings = cls(
            namespace=namespace,
            dns_selector=dns_selector,
            dns_ports=dns_ports,
            kube_dns_ip=kube_dns_ip,
            local_ip=local_ip,
            mode=mode,
            dns_service=dns_service,
            dns_port_names=dns_port_names,
            cluster_domain=cluster_domain,
            image=mirrored(value("image"), value("image-registry")),
            node_selector=selector_of(value("node-selector")),
            pull_secrets=_list(value("pull-secret")),
            priority_class=value("priority-class"),
            tolerations=value("toleration"),
            labels=selector_of(value("labels")),
            pod_annotations=pairs_of(value("pod-annotations")),
            ports=Ports(
                health=int(value("health-port")),
                metrics=int(value("metrics-port")),
                setup_metrics=int(value("setup-metrics-port")),
            ),
            resources=Resources(
                cpu_request=value("cpu-request"),
                cpu_limit=value("cpu-limit"),
                memory_request=value("memory-request"),
                memory_limit=value("memory-limit"),
            ),
            caching=Caching(
                size=int(value("cache-size")),
                denial_size=int(value("cache-denial-size")),
                ttl=int(value("cache-ttl")),
                denial_ttl=int(value("cache-denial-ttl")),
                serve_stale=value("serve-stale"),
                prefetch=int(value("prefetch") or 0),
            ),
            forwarding=Forwarding(
                upstreams=_list(value("upstream")),
                all_to_cluster=value("forward-all-to-kube-dns") == "true",
                stub_domains=stub_domains(value("stub-domain")),
                max_concurrent=int(value("max-concurrent")),
                cluster_options=_list(value("cluster-forward"), ";"),
                outside_options=_list(value("outside-forward"), ";"),
            ),
            cluster_plugins=value("cluster-plugins"),
            outside_plugins=value("outside-plugins"),
            extra_blocks=value("extra-blocks"),
        )
        check_corefile(settings.corefile(), settings.image)
        check_no_loop(settings.corefile(), settings.local_ips.split(","))
        return settings

    @property
    def variant(self) -> Variant:
        """How lookups come to the cache."""
        return VARIANTS[self.mode]

    @property
    def local_ips(self) -> str:
        """The addresses that the cache serves on once it is switched, with commas between."""
        if self.variant is Variant.LOCAL_ONLY:
            return self.local_ip
        return f"{self.local_ip},{self.kube_dns_ip}"

    @property
    def selector(self) -> dict[str, str]:
        """Labels that a node must carry, Linux among them: the agent knows no other system."""
        return {**self.node_selector, SYSTEM: "linux"}

    def corefile(self) -> str:
        """Return the Corefile."""
        redirected = self.variant is Variant.REDIRECT
        forwarding = self.forwarding
        if self.variant is Variant.LOCAL_ONLY:
            # The service's own address leads to CoreDNS where it is not taken over.
            forwarding = replace(forwarding, cluster=self.kube_dns_ip)
        return corefile(
            cluster_domain=self.cluster_domain,
            local_ip="" if redirected else self.local_ip,
            marker_zone=marker_name(self.cluster_domain).rstrip("."),
            bind=self._everywhere if redirected else LOCAL,
            caching=self.caching,
            forwarding=forwarding,
            health_port=self.ports.health,
            metrics_port=self.ports.metrics,
            cluster_plugins=self.cluster_plugins,
            outside_plugins=self.outside_plugins,
            extra=self.extra_blocks.replace(CLUSTER, forwarding.cluster),
        )

    @property
    def _everywhere(self) -> str:
        """All addresses, in the family of the cluster: for a pod in a network of its own."""
        return "::" if ":" in self.kube_dns_ip else "0.0.0.0"  # noqa: S104 - in the pod's own

    def need(self) -> MemoryNeed:
        """Return what the Corefile can come to need."""
        return memory_need(read_corefile(self.corefile()).blocks)

    @property
    def memory_limit(self) -> str:
        """Memory that a pod may use, as a quantity; empty for no limit."""
        limit = self.resources.memory_limit
        if limit == AUTO:
            return self.need().limit
        return "" if limit == NO else limit

    @property
    def memory_request(self) -> str:
        """Memory that is reserved for a pod, as a quantity, never above its limit."""
        request = self.resources.memory_request
        if request == AUTO:
            request, limit = self.need().request, self.memory_limit
            return limit if limit and memory_bytes(limit) < memory_bytes(request) else request
        return "" if request == NO else request

    def resource_lines(self) -> list[str]:
        """Say which memory a pod gets and why, and whether that is too little."""
        need = self.need()
        limit = self.memory_limit
        lines = [f"request {self.memory_request or 'none'}, limit {limit or 'none'}", *need.lines()]
        if limit and memory_bytes(limit) < need.worst:
            lines.append(
                "WARNING: the limit is below the worst case: a cache that is killed for memory "
                "leaves its node without DNS until it is back"
            )
        return lines


def settings_of(seen: Inspection, memory: Memory) -> Settings:
    """Put facts and options together; see `Settings.of` for what it raises."""
    return Settings.of(
        memory,
        namespace=seen.dns.namespace,
        dns_selector=seen.dns.selector,
        dns_ports=seen.dns.target_ports,
        dns_port_names=seen.dns.port_names,
        service_ips=seen.dns.ips,
        cluster_domain=seen.domain.name,
        # `enable` refuses a mode that it does not know before; `check --pre` says so and goes on.
        mode=seen.dataplane.mode if seen.dataplane.mode in VARIANTS else IPTABLES,
        dns_service=seen.dns.name,
    )


def settings_unseen(memory: Memory, kube_dns_ip: str) -> Settings:
    """Put options together where no cluster is asked; what it would tell is as it usually is.

    Raises:
        UsageError: options exclude each other.
        RefusedError: the addresses do not go together.
    """
    namespace, _, service = (memory.value("dns-service") or USUAL_SERVICE).partition("/")
    return Settings.of(
        memory,
        namespace=namespace,
        dns_selector={"k8s-app": "kube-dns"},
        dns_ports={"UDP": 53, "TCP": 53},
        service_ips=(kube_dns_ip,),
        cluster_domain=memory.value("cluster-domain"),
        mode=memory.value("mode"),
        dns_service=service,
    )


def tolerations_of(text: str) -> list[dict[str, Any]]:
    """Return the tolerations of a pod specification."""
    if text == ALL:
        return [{"operator": "Exists"}]
    return [_toleration(part) for part in _list(text if text != NO else "")]


def stub_domains(text: str) -> dict[str, tuple[str, ...]]:
    """Read "domain=server,server;domain=server"."""
    pairs = (part.partition("=") for part in _list(text, ";"))
    return {domain: _list(servers) for domain, _, servers in pairs}


def _toleration(text: str) -> dict[str, Any]:
    match = re.fullmatch(r"([^=:]*)(=[^:]*)?(?::(.*))?", text)
    key, value, effect = match.groups() if match else ("", None, None)
    found: dict[str, Any] = {"key": key} if key else {}
    found |= {"operator": "Exists"} if value is None else {"operator": "Equal", "value": value[1:]}
    return found | ({"effect": effect} if effect else {})


def _list(text: str, joint: str = ",") -> tuple[str, ...]:
    return tuple(part for part in text.split(joint) if part)
