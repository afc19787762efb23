"""What to ask from a node to find out whether its pods' lookups are intercepted. Pure.

`comparison.compare` draws the conclusion: the marker at the kube-dns IP proves it, or the other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubectl_nodedns.lookup.vantage import Ask, plan, vantage_points
from kubectl_nodedns.names import marker_name

if TYPE_CHECKING:
    from collections.abc import Iterable


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
