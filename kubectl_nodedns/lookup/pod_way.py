"""The way of one pod's lookups: its resolv.conf, and whether that leads to the cache. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kubectl_nodedns.lookup.differences import Difference, Kind
from kubectl_nodedns.lookup.resolv_conf import ResolvConf, effective_policy

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from kubectl_nodedns.lookup.comparison import Outcome


@dataclass(frozen=True, kw_only=True)
class PodWay:
    """What decides where one pod's lookups go."""

    namespace: str
    """Its namespace."""
    name: str
    """Its name."""
    node: str
    """The node that it runs on."""
    policy: str
    """Its dnsPolicy."""
    effective: str
    """The dnsPolicy that its kubelet follows."""
    host_network: bool
    """Whether it is on its node's network."""
    hosts: tuple[str, ...]
    """Names that its hostAliases answer before any lookup."""
    conf: ResolvConf
    """Its resolv.conf."""
    evidence: str
    """How that is known: read in the pod, or computed."""
    asked_from: str
    """Where questions are asked from, in words."""

    def lines(self) -> list[str]:
        """Say it in lines."""
        where = "on the host network" if self.host_network else "on the pod network"
        policy = f"dnsPolicy {self.policy}"
        if self.effective != self.policy:
            policy += f", which is {self.effective} {where}"
        lines = [
            f"pod             {self.namespace}/{self.name} on {self.node}, {where}, {policy}",
            f"resolv.conf     {self.evidence}:",
            *(f"                {line}" for line in self.conf.lines()),
            f"asked from      {self.asked_from}",
        ]
        if self.hosts:
            lines.append(f"hostAliases     answer without a lookup: {', '.join(self.hosts)}")
        return lines

    def as_json(self) -> dict[str, Any]:
        """Return it as `-o json` shows it."""
        return {
            "namespace": self.namespace,
            "name": self.name,
            "node": self.node,
            "dnsPolicy": self.policy,
            "effectivePolicy": self.effective,
            "hostNetwork": self.host_network,
            "hostAliases": list(self.hosts),
            "nameservers": list(self.conf.nameservers),
            "search": list(self.conf.search),
            "options": list(self.conf.options),
            "resolvConf": self.evidence,
            "askedFrom": self.asked_from,
        }


def pod_way(pod: Mapping[str, Any], *, conf: ResolvConf, evidence: str, asked_from: str) -> PodWay:
    """Build the way of a Pod object whose resolv.conf is known."""
    spec = pod["spec"]
    aliases = spec.get("hostAliases") or ()
    return PodWay(
        namespace=pod["metadata"]["namespace"],
        name=pod["metadata"]["name"],
        node=spec.get("nodeName") or "",
        policy=spec.get("dnsPolicy") or "ClusterFirst",
        effective=effective_policy(spec),
        host_network=bool(spec.get("hostNetwork")),
        hosts=tuple(host for alias in aliases for host in alias.get("hostnames") or ()),
        conf=conf,
        evidence=evidence,
        asked_from=asked_from,
    )


def conclusion(
    way: PodWay,
    outcome: Outcome,
    *,
    local_ips: Collection[str],
    kube_dns_ips: Collection[str],
    cached: bool,
) -> tuple[str, Difference | None]:
    """Say whether the pod's lookups go through the cache of its node.

    Args:
        way: the pod's way.
        outcome: the verdict on what was asked.
        local_ips: addresses of the cache, the DNS service's left out.
        kube_dns_ips: addresses of the DNS service.
        cached: whether there is a cache at all.

    Returns:
        The answer in words, and a difference when the pod bypasses a cache that is there.
    """
    who = f"pod {way.namespace}/{way.name}"
    server = next(iter(way.conf.nameservers), "")
    if not server:
        return f"{who} has no nameserver", None
    if server in local_ips:
        return f"{who} asks the cache at its own IP, {server}", None
    if server in kube_dns_ips:
        if not cached:
            return f"{who} asks the kube-dns IP, {server}; there is no cache", None
        through = {
            True: f"and the cache of {way.node} answers there",
            False: "and is not intercepted",
            None: "and whether the cache answers there is not proved",
        }[outcome.proved]
        return f"{who} asks the kube-dns IP, {server}, {through}", None
    text = f"{who} bypasses the cache: its nameserver is {server}"
    return text, Difference(kind=Kind.BYPASS, text=text) if cached else None
