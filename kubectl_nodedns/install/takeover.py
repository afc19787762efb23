"""Which installation of somebody else is taken over, and what that makes of options and plan."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from kubectl_nodedns.errors import RefusedError
from kubectl_nodedns.facts.caches import cache_of
from kubectl_nodedns.facts.cluster_domain import read_cluster_domain
from kubectl_nodedns.facts.dataplane import IPVS
from kubectl_nodedns.install.adoption import Adoption, read_adoption, read_daemonset
from kubectl_nodedns.install.live import Live
from kubectl_nodedns.install.objects import REVISION
from kubectl_nodedns.install.options import DEFAULTS, Memory, settle
from kubectl_nodedns.install.settings import Settings
from kubectl_nodedns.install.variants import IPTABLES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kubectl_nodedns.cluster.client import Client
    from kubectl_nodedns.facts.caches import Cache
    from kubectl_nodedns.facts.dns_service import DnsService
    from kubectl_nodedns.install.handover import Record


async def find_adoption(
    client: Client,
    caches: Sequence[Cache],
    dns: DnsService,
    record: Record | None,
    *,
    asked: bool,
    domain: str = "",
) -> Adoption | None:
    """Return the installation to take over; None when there is none but perhaps ours.

    One that an earlier run began to take over is gone on with, asked or not.

    Args:
        client: an open client.
        caches: all caches of the cluster.
        dns: the DNS service.
        record: what a run that began to take one over wrote down; None when none did.
        asked: whether one is to be taken over.
        domain: the cluster domain, to read what the cache was told; empty to leave that.

    Raises:
        RefusedError: it cannot be taken over.
    """
    foreign = next((cache for cache in caches if not cache.ours), None)
    ours = next((cache for cache in caches if cache.ours), None)
    if ours is None and record is not None:
        uid = record.daemonset["metadata"]["uid"]
        there = next((cache for cache in caches if cache.uid == uid), None)
        daemonset = await read_daemonset(client, there) if there else record.daemonset
        return await read_adoption(
            client,
            daemonset,
            namespace=dns.namespace,
            kube_dns_ip=dns.ip,
            domain=domain,
            begun=True,
        )
    if foreign is None or not asked:
        return None
    if ours is not None:
        raise RefusedError(
            f"there are two caches: ours, and {foreign.namespace}/{foreign.name}, managed by "
            f"{foreign.owner}",
            hint="its pods wait for the ports that ours have. Keep its owner from making it "
            f"again, then kubectl -n {foreign.namespace} delete daemonset {foreign.name}",
        )
    return await read_adoption(
        client,
        await read_daemonset(client, foreign),
        namespace=dns.namespace,
        kube_dns_ip=dns.ip,
        domain=domain,
    )


def recorded_options(record: Record | None, home: str) -> Memory | None:
    """Return the options of a run that was killed while it took an installation over.

    Args:
        record: what that run wrote down; None when there was none.
        home: namespace of the DNS service.
    """
    if record is None or not record.options:
        return None
    return Memory.of_text(record.options, home=home)


def memory_of(memory: Memory, adoption: Adoption | None, *, whole: bool) -> Memory:
    """Return the options of a run that adopts: what the cache was told stays, unless given.

    Args:
        memory: the options as they are given and remembered.
        adoption: the installation that is taken over.
        whole: whether the options are all that shall be given: then its address stays alone.
    """
    if adoption is None:
        return memory
    kept = {} if whole else dict(adoption.carried.options)
    if adoption.local_ip:
        kept["local-ip"] = adoption.local_ip
    return replace(memory, given={**kept, **memory.given})


def refuse_other_address(adoption: Adoption | None, local_ip: str) -> None:
    """Refuse to leave the address that clients of a cache were given.

    Raises:
        RefusedError: it serves there alone, and the new one would serve elsewhere.
    """
    if adoption is not None and adoption.alone and adoption.local_ip != local_ip:
        raise RefusedError(
            f"clients of {adoption.cache.namespace}/{adoption.cache.name} were given "
            f"{adoption.local_ip}, and nobody would answer there",
            hint=f"leave --local-ip out: it stays {adoption.local_ip}",
        )


def with_adopted(live: Live, adoption: Adoption | None, options: str) -> Live:
    """Return what is there as if it was adopted already."""
    if adoption is None:
        return live
    objects = {**live.objects, **adoption.as_ours(options)}
    return Live(objects=objects, pods={**adoption.pods, **live.pods})


def with_labelled(live: Live, adoption: Adoption | None) -> Live:
    """Return what is there, the objects of an adopted one under their own names."""
    if adoption is None:
        return live
    objects = {**live.objects, **adoption.labelled()}
    return Live(objects=objects, pods={**adoption.pods, **live.pods})


def adopted_cache(live: Live) -> Cache | None:
    """Return the cache that is ours by adoption and whose template is still another's."""
    if live.daemonset is None:
        return None
    labels = live.daemonset["spec"]["template"]["metadata"].get("labels") or {}
    return cache_of(live.daemonset) if REVISION not in labels else None


async def settings_to_remove(
    client: Client, cache: Cache, dns: DnsService, ready: Sequence[str], *, domain: str
) -> Settings:
    """Return the settings of the dark cache through which an adopted one is given back.

    Args:
        client: an open client.
        cache: the cache that was adopted.
        dns: the DNS service.
        ready: nodes whose kubelets may be asked for the cluster domain.
        domain: the cluster domain as it is remembered; empty to find it.
    """
    local_ip = next((ip for ip in cache.local_ips if ip != dns.ip), DEFAULTS["local-ip"])
    given = {"image": cache.image, "local-ip": local_ip}
    memory, _ = settle(given, None, upgrade=False)
    if not domain:
        domain = (await read_cluster_domain(client, dns.namespace, ready[:3])).name
    return Settings.of(
        memory,
        namespace=dns.namespace,
        dns_selector=dns.selector,
        dns_ports=dns.target_ports,
        service_ips=dns.ips,
        cluster_domain=domain,
        mode=IPTABLES if dns.ip in cache.local_ips else IPVS,
        dns_service=dns.name,
    )
