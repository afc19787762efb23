"""Whether a cache asks CoreDNS for the names of the cluster. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubectl_nodedns.facts.agent_faults import PLACEHOLDER
from kubectl_nodedns.facts.customisations import CLUSTER, NODE
from kubectl_nodedns.facts.zones import ROOT, closest

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from kubectl_nodedns.facts.corefile import ServerBlock

SHOWN = 4
"""Zones that a sentence names."""


def strayed(blocks: Sequence[ServerBlock], domain: str, cluster: Collection[str]) -> str:
    """Say why names of the cluster domain do not reach CoreDNS; empty where they do.

    A server block for the domain that asks some other server was meant, and is not judged.

    Args:
        blocks: the server blocks of the cache's Corefile, as the agent gets it.
        domain: the cluster domain.
        cluster: addresses at which CoreDNS is asked.
    """
    served = {zone: block for block in blocks for zone in block.zones()}
    nearest = closest(domain, served)
    servers = [
        server.removeprefix("dns://").removesuffix(":53").strip("[]")
        for plugin in (served[nearest].all("forward") if nearest is not None else ())
        for server in plugin.arguments[1:]
    ]
    if {CLUSTER, *cluster} & {*servers}:
        return ""
    if nearest not in (None, ROOT) and servers and not NODE & {*servers}:
        return ""
    asked = "the node's resolvers" if NODE & {*servers} else ", ".join(servers) or "nobody"
    zones = [zone for zone in served if zone != ROOT]
    return (
        f"no server block of its Corefile sends {domain} to CoreDNS: it asks {asked} for the "
        f"cluster's names; it has blocks for {_named(zones) or 'no other zone'}"
    )


def _named(zones: Sequence[str]) -> str:
    more = f" and {len(zones) - SHOWN} more" if len(zones) > SHOWN else ""
    names = [
        f"{zone.upper()} (a placeholder that nobody replaced)"
        if PLACEHOLDER.fullmatch(zone.upper())
        else zone
        for zone in zones[:SHOWN]
    ]
    return ", ".join(names) + more
