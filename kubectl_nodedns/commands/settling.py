"""Options and facts to settings: the same for `enable`, `check`, `status` and drift."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from kubectl_nodedns.facts.caches import read_caches
from kubectl_nodedns.facts.dns_service import home_of
from kubectl_nodedns.install.injection import Resolver
from kubectl_nodedns.install.objects import OPTIONS
from kubectl_nodedns.install.options import Memory
from kubectl_nodedns.install.recalled import ABOUT_THE_CLUSTER, recalled
from kubectl_nodedns.install.settings import Settings
from kubectl_nodedns.install.variants import IPTABLES, VARIANTS

if TYPE_CHECKING:
    from kubectl_nodedns.cluster.client import Client
    from kubectl_nodedns.facts.inspection import Inspection


def resolver_of(settings: Settings) -> Resolver:
    """Return what pods are handed when the cache is injected."""
    return Resolver(
        local_ip=settings.local_ip,
        kube_dns_ip=settings.kube_dns_ip,
        cluster_domain=settings.cluster_domain,
    )


async def with_remembered(client: Client, arguments: argparse.Namespace) -> argparse.Namespace:
    """Return the arguments with what is remembered about the cluster, where they do not say."""
    keys = {name: name.replace("-", "_") for name in ABOUT_THE_CLUSTER}
    given = {name: getattr(arguments, key, None) or "" for name, key in keys.items()}
    known = await recalled(client, given)
    found = {keys[name]: value for name, value in known.items()}
    return argparse.Namespace(**{**vars(arguments), **found})


async def remembered(client: Client, given: dict[str, str]) -> Memory | None:
    """Read what our installation remembers; None without one."""
    namespace = home_of(given.get("dns-service"))
    for cache in await read_caches(client, namespace):
        if cache.ours:
            return Memory.of_text(cache.annotations.get(OPTIONS, ""), home=namespace)
    return None


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
