"""What kubelets give to pods as /etc/resolv.conf, from their own configuration (configz).

The cache asks the resolvers of the node's file, which a kubelet names in `resolvConf`: the cache's
pod has dnsPolicy Default. The right to read it (nodes/proxy) is strong and often missing.
"""

from __future__ import annotations

import asyncio
import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kubectl_nodedns.cluster.bounded import OK, SETTINGS
from kubectl_nodedns.cluster.paths import node_proxy
from kubectl_nodedns.errors import ApiError, ForbiddenError, SilentError
from kubectl_nodedns.readable import understood
from kubectl_nodedns.together import together

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from kubectl_nodedns.cluster.client import Client

AT_ONCE = 20
PATIENCE = 5.0
"""Seconds that a kubelet may take."""
MOST_SILENT = 40
"""After so many kubelets that did not answer in time no other is asked."""
MOST = 50
"""Kubelets asked; their configuration is the same in most fleets."""


@dataclass(frozen=True, kw_only=True)
class Kubelet:
    """One kubelet's settings about DNS."""

    node: str
    """Its node."""
    resolv_conf: str
    """The file of the node's resolvers; empty when pods with dnsPolicy Default get none."""
    cluster_dns: tuple[str, ...]
    """Nameservers that it hands out to pods."""
    cluster_domain: str
    """Cluster domain that it hands out."""


@dataclass(frozen=True, kw_only=True)
class Resolvers:
    """The resolvers that a pod with dnsPolicy Default gets on a node."""

    node: str
    """The node."""
    servers: tuple[str, ...]
    """Addresses, in order."""


async def read_kubelets(
    client: Client, nodes: Sequence[str], *, patience: float = PATIENCE
) -> tuple[Kubelet, ...]:
    """Read the configuration of kubelets, of at most `MOST`.

    Args:
        client: an open client.
        nodes: whose kubelets.
        patience: seconds that one may take.

    Raises:
        ForbiddenError: the user may not.
        ApiError: none of them could be asked.
    """
    if not nodes:
        return ()
    (first,) = await _ask(client, nodes[:1], patience)
    if isinstance(first, ForbiddenError):
        raise first
    answers = [first, *await _ask(client, nodes[1:MOST], patience)]
    found = tuple(answer for answer in answers if isinstance(answer, Kubelet))
    if not found and isinstance(first, ApiError):
        raise first
    return found


async def read_handed_out(
    client: Client, nodes: Sequence[str], *, patience: float = PATIENCE
) -> dict[str, tuple[str, ...]]:
    """Return the nameservers that each kubelet hands out; one that cannot be asked is left out.

    Args:
        client: an open client.
        nodes: whose kubelets.
        patience: seconds that one may take.
    """
    answers = await _ask(client, nodes, patience)
    return {one.node: one.cluster_dns for one in answers if isinstance(one, Kubelet)}


async def _ask(client: Client, nodes: Sequence[str], patience: float) -> list[Kubelet | ApiError]:
    """Ask every kubelet for its configuration; the error where it does not tell.

    Where many are silent the rest is not waited for: a fleet would take minutes.
    """
    gate = asyncio.Semaphore(AT_ONCE)
    silent: list[SilentError] = []

    async def one(node: str) -> Kubelet | ApiError:
        async with gate:
            if len(silent) >= MOST_SILENT:
                return silent[0]
            try:
                return kubelet_of(node, await read_configz(client, node, patience=patience))
            except SilentError as error:
                silent.append(error)
                return error
            except ApiError as error:
                return error

    return await together(one(node) for node in nodes)


@understood("a kubelet's configuration")
async def read_configz(
    client: Client, node: str, *, patience: float = PATIENCE
) -> Mapping[str, Any]:
    """Read the configuration of a kubelet as it tells it.

    Raises:
        SilentError: it does not answer within `patience` seconds.
        ApiError: it cannot be had.
    """
    path = node_proxy(node, "configz")
    answer = await client.get(path, timeout=patience, most=SETTINGS)
    config: Mapping[str, Any] = answer.get("kubeletconfig") or {}
    if not isinstance(config, dict):
        raise ApiError(f"GET {path}: the answer is no configuration of a kubelet", status=OK)
    return config


def kubelet_of(node: str, config: Mapping[str, Any]) -> Kubelet:
    """Read a kubelet's configuration; a missing resolvConf means the default, /etc/resolv.conf."""
    resolv_conf = config.get("resolvConf")
    servers = config.get("clusterDNS")
    return Kubelet(
        node=node,
        resolv_conf="/etc/resolv.conf" if resolv_conf is None else str(resolv_conf),
        cluster_dns=tuple(str(ip) for ip in servers) if isinstance(servers, list) else (),
        cluster_domain=str(config.get("clusterDomain") or "").rstrip("."),
    )


def loops(servers: Sequence[str], cache: Collection[str]) -> list[str]:
    """Return the resolvers that are the cache itself: its misses would come back to it."""
    return [server for server in servers if server in cache]


def loopbacks(servers: Sequence[str]) -> list[str]:
    """Return the resolvers that are the node itself, such as systemd-resolved's stub."""
    return [server for server in servers if _is_loopback(server)]


def _is_loopback(text: str) -> bool:
    try:
        return ipaddress.ip_address(text.partition("%")[0]).is_loopback
    except ValueError:
        return False
