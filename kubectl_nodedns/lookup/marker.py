"""The marker: a name that only the node's own cache can answer, and how interception is asked for.

The Corefile of the cache has one more zone of ours. Its TXT record holds the name of the node and
the UID of the cache pod, with a TTL of 0. Asked at the kube-dns address, it tells which cache
answered: CoreDNS itself knows no such name and says NXDOMAIN. One answer is the proof.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kubectl_nodedns.lookup.vantage import Ask, plan, vantage_points
from kubectl_nodedns.names import marker_name

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kubectl_nodedns.lookup.question import Answer


@dataclass(frozen=True)
class Marker:
    """Which cache answered."""

    node: str
    """Name of the node it runs on."""
    pod_uid: str
    """UID of its pod."""


def read_marker(answer: Answer) -> Marker | None:
    """Read the marker from an answer; None when no cache of ours gave it."""
    for record in answer.records if answer.ok else ():
        node, _, uid = record.text().partition(" ")
        if record.rtype == "TXT" and node and uid:
            return Marker(node, uid)
    return None


def interception_asks(
    *, local_ips: Iterable[str], kube_dns_ips: Iterable[str], domain: str
) -> tuple[Ask, ...]:
    """Return a name that every cluster has, at each address, with the marker beside it.

    Args:
        local_ips: addresses of the caches.
        kube_dns_ips: cluster IPs of the DNS service.
        domain: the cluster domain; empty when not known, and then nothing can be proved.
    """
    return plan(
        vantage_points(local_ips=local_ips, kube_dns_ips=kube_dns_ips),
        name=f"kubernetes.default.svc.{domain or 'cluster.local'}.",
        rtype="A",
        marker=marker_name(domain) if domain else "",
        protocols=("udp",),
    )
