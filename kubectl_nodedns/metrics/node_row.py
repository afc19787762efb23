"""One node of the fleet: what is known of its cache, and what follows from it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kubectl_nodedns.checks.interception import Interception, judge
from kubectl_nodedns.facts.silence import Asked
from kubectl_nodedns.metrics.figures import since_start
from kubectl_nodedns.metrics.traffic import Figures, Traffic

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from kubectl_nodedns.facts.cache_pods import CachePod
    from kubectl_nodedns.metrics.inventory import Node
    from kubectl_nodedns.metrics.pod_details import Detail
    from kubectl_nodedns.metrics.sampler import Sampled

EVIDENCE_SECONDS = 120.0
"""How long a lookup that was seen at the kube-dns IP counts as evidence."""
NOTHING = Traffic()
"""Of a cache whose traffic is not known."""


@dataclass(frozen=True, kw_only=True)
class NodeRow:
    """One node, and what its cache does."""

    node: Node
    """The node."""
    pods: tuple[CachePod, ...]
    """Its cache pods, the one to look at first; none when it has none."""
    sampled: Sampled | None
    """What the first pod's pages said; None without a pod."""
    detail: Detail | None = None
    """What whole objects say of a node without a running pod, or of a pod that restarted."""
    proved_at: float | None = None
    """When a probe last proved that its pods are served by this pod, in Unix seconds."""
    refuted_at: float | None = None
    """When a probe last proved that they are not; None when it proved the other, or nothing."""
    dark: bool = False
    """Whether its cache is set up and not to be asked yet: kube-dns answers its pods."""

    @property
    def pod(self) -> CachePod | None:
        """The cache pod to look at."""
        return self.pods[0] if self.pods else None

    @property
    def figures(self) -> Figures | None:
        """Figures of the newest good page."""
        return self.sampled.figures if self.sampled else None

    @property
    def traffic(self) -> Traffic:
        """Its lookups; all None when not known."""
        figures = self.figures
        return figures.traffic if figures else NOTHING

    @property
    def state(self) -> str:
        """Its state in a word or two, as kubectl would say it."""
        if self.pod is None:
            return "no pod"
        if self.dark and self.pod.ready:
            return "dark"
        if self.pod.status == "Running":
            return "Ready" if self.pod.ready else "NotReady"
        return self.pod.status

    @property
    def reason(self) -> str:
        """Why there is nothing to see here, in words; empty when there is."""
        said = self.detail.reason if self.detail else ""
        if self.pod is None:
            return said or _absence(self.node)
        if not self.pod.listening:
            return f"the cache pod is {said or self.pod.status}"
        return self.sampled.error if self.sampled else ""

    @property
    def last_end(self) -> str:
        """How its container last ended, such as "OOMKilled"; empty when never or not known."""
        return self.detail.ended if self.detail else ""

    @property
    def since_start(self) -> Figures | None:
        """Return figures over the whole life of the process; None when not known."""
        page = self.sampled.page if self.sampled else None
        return since_start(page) if page else None

    def age(self, at: float) -> float | None:
        """Return the age of the figures in seconds; None when there are none."""
        return max(at - self.figures.at, 0.0) if self.figures else None

    def uptime(self, at: float) -> float | None:
        """Return seconds since the process started, or else since the pod was created."""
        started = self.figures.started if self.figures else None
        if started is None and self.pod is not None:
            started = self.pod.created_at
        return None if started is None else max(at - started, 0.0)

    def evidence_age(self, addresses: Collection[str], at: float) -> float | None:
        """Return seconds since a probe's proof, else since lookups came in; None without either."""
        probed_at = self.refuted_at if self.proved_at is None else self.proved_at
        if probed_at is not None:
            return max(at - probed_at, 0.0)
        asked = self.sampled.asked_at if self.sampled else {}
        seen = [asked[ip] for ip in addresses if ip in asked]
        return max(at - max(seen), 0.0) if seen else None

    def asked(self, kube_dns_ips: Sequence[str]) -> Asked | None:
        """Say how often it was asked since it last was at the kube-dns IP: by now, not at all.

        None where its pages do not tell. Of figures over another stretch of time it is the same.
        """
        figures, sampled = self.figures, self.sampled
        if figures is None or figures.started is None or sampled is None or sampled.since is None:
            return None
        seen = [sampled.asked_at.get(ip, sampled.since) for ip in kube_dns_ips]
        age = max(figures.at - figures.started, 0.0)
        return Asked(
            lately=0.0,
            seconds=min(figures.at - max(seen, default=figures.at), age),
            ever=sum(figures.by_address.get(ip, 0.0) for ip in kube_dns_ips),
            age=age,
        )

    def to_coredns(self, coredns_ips: Collection[str]) -> float | None:
        """Return lookups per second that went on to CoreDNS; None when not known."""
        figures = self.figures
        if figures is None or figures.seconds is None or not coredns_ips:
            return None
        return sum(u.responses or 0.0 for u in figures.upstreams if u.ip in coredns_ips)

    def interception(self, addresses: Collection[str], at: float) -> Interception:
        """Judge whether lookups of its pods, which ask at these addresses, are intercepted."""
        asked = self.sampled.asked_at if self.sampled else {}
        proved = None if self.refuted_at is None else False
        return judge(
            dark=self.dark,
            proved=True if self.proved_at is not None else proved,
            counted=any(at - asked.get(ip, 0.0) <= EVIDENCE_SECONDS for ip in addresses),
        )


def _absence(node: Node) -> str:
    if node.windows:
        return "a Windows node: the cache runs on Linux only"
    if not node.ready:
        return "no cache pod, and the node is not ready"
    return "no cache pod on this node"
