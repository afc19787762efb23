"""What `disable` asks beside DNS: what CoreDNS gets back, and what caches left on nodes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubectl_nodedns.commands.session import probe_image
from kubectl_nodedns.errors import ApiError
from kubectl_nodedns.facts.endpoints import read_endpoints
from kubectl_nodedns.facts.rights import missing, to_look
from kubectl_nodedns.install.capacity import capacity_words
from kubectl_nodedns.install.options import DEFAULTS, Memory
from kubectl_nodedns.install.settings import mirrored
from kubectl_nodedns.install.sweep import Sweep
from kubectl_nodedns.metrics.discovery import Discovery
from kubectl_nodedns.metrics.monitor import Monitor
from kubectl_nodedns.metrics.sampler import Sampler
from kubectl_nodedns.metrics.source import PodProxy

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from kubectl_nodedns.cli.talk import Talk
    from kubectl_nodedns.cluster.client import Client
    from kubectl_nodedns.facts.caches import Cache
    from kubectl_nodedns.facts.dns_service import DnsService
    from kubectl_nodedns.install.live import Live


async def tell_capacity(client: Client, caches: Sequence[Cache], coredns: int, talk: Talk) -> None:
    """Say what comes back to CoreDNS; where the caches cannot be asked, that it is not known."""

    async def same() -> Sequence[Cache]:
        return caches

    async def nothing() -> None:
        return None

    monitor = Monitor(
        discovery=Discovery(client, caches),
        sampler=Sampler(PodProxy(client)),
        caches=caches,
        dns_ips=(),
        reread=same,
        renew=nothing,
        meter=client,
    )
    try:
        traffic = (await monitor.once()).fleet.traffic
    except ApiError:
        traffic = None
    if traffic is None or traffic.lookups is None:
        talk.note("what comes back to CoreDNS is not known: the caches' counters cannot be read")
    else:
        talk.note(capacity_words(traffic.lookups, traffic.hit_ratio, coredns))


async def make_sweep(
    client: Client,
    arguments: argparse.Namespace,
    live: Live,
    memory: Memory,
    dns: DnsService,
    local_ip: str,
    talk: Talk,
) -> Sweep | None:
    """Return what looks at nodes; None, with the reason told, where that is not allowed."""
    namespace = dns.namespace
    if lacking := await missing(client, to_look(namespace)):
        talk.note(
            f"rules and links are inferred, not looked at; rights are missing: {'; '.join(lacking)}"
        )
        return None
    registry = memory.value("image-registry")
    image = mirrored(memory.value("image") or DEFAULTS["image"], registry)
    if live.daemonset is not None:
        image = live.daemonset["spec"]["template"]["spec"]["containers"][0]["image"]
    return Sweep(
        client,
        namespace=namespace,
        image=image,
        tools=probe_image(arguments, registry),
        cache_ips=(local_ip, dns.ip),
        upstreams=await read_endpoints(client, namespace, dns.name),
        note=talk.note,
    )
