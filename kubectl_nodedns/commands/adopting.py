"""What `enable` and `disable` share about an installation that somebody else made."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from kubectl_nodedns.facts.caches import cache_of
from kubectl_nodedns.facts.cluster_domain import read_cluster_domain
from kubectl_nodedns.install.adoption import Adoption, read_adoption
from kubectl_nodedns.install.live import Live
from kubectl_nodedns.install.objects import REVISION
from kubectl_nodedns.install.options import DEFAULTS, settle
from kubectl_nodedns.install.settings import Settings
from kubectl_nodedns.install.variants import IPTABLES, IPVS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kubectl_nodedns.cluster.client import Client
    from kubectl_nodedns.facts.caches import Cache
    from kubectl_nodedns.facts.dns_service import DnsService
    from kubectl_nodedns.install.options import Memory


async def find_adoption(
    client: Client, caches: Sequence[Cache], dns: DnsService
) -> Adoption | None:
    """Return the installation to take over; None when there is none but perhaps ours.

    Raises:
        RefusedError: it cannot be taken over.
    """
    foreign = next((cache for cache in caches if not cache.ours), None)
    if foreign is None:
        return None
    return await read_adoption(client, foreign, namespace=dns.namespace, kube_dns_ip=dns.ip)


def memory_of(memory: Memory, adoption: Adoption | None) -> Memory:
    """Return the options of a run that adopts: the address stays what it was, unless given."""
    if adoption is None or "local-ip" in memory.given or not adoption.local_ip:
        return memory
    return replace(memory, given={**memory.given, "local-ip": adoption.local_ip})


def with_adopted(live: Live, adoption: Adoption | None) -> Live:
    """Return what is there as if it was adopted already."""
    if adoption is None:
        return live
    return Live(objects={**live.objects, **adoption.as_ours()}, pods=live.pods)


def adopted_cache(live: Live) -> Cache | None:
    """Return the cache that is ours by adoption and whose template is still another's."""
    if live.daemonset is None:
        return None
    labels = live.daemonset["spec"]["template"]["metadata"].get("labels") or {}
    return cache_of(live.daemonset) if REVISION not in labels else None


async def settings_to_remove(
    client: Client, cache: Cache, dns: DnsService, ready: Sequence[str]
) -> Settings:
    """Return the settings of the dark cache through which an adopted one is given back."""
    local_ip = next((ip for ip in cache.local_ips if ip != dns.ip), DEFAULTS["local-ip"])
    given = {"image": cache.image, "local-ip": local_ip}
    memory, _ = settle(given, None, upgrade=False)
    domain = await read_cluster_domain(client, dns.namespace, ready[:3])
    return Settings.of(
        memory,
        namespace=dns.namespace,
        dns_selector=dns.selector,
        dns_ports=dns.target_ports,
        service_ips=dns.ips,
        cluster_domain=domain.name,
        mode=IPTABLES if dns.ip in cache.local_ips else IPVS,
        dns_service=dns.name,
    )
