"""Zones as text: in lower case, without a final dot, "." for the root."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

ROOT = "."


def bare(name: str) -> str:
    """Return a domain name in the form of this module."""
    return name.strip().lower().rstrip(".") or ROOT


def within(name: str, zone: str) -> bool:
    """Whether `name` is `zone` or below it."""
    return zone in (ROOT, name) or name.endswith(f".{zone}")


def closest(name: str, zones: Iterable[str]) -> str | None:
    """Return the zone that encloses `name` most closely; None when none does."""
    return max((zone for zone in zones if within(name, zone)), key=_labels, default=None)


def zone_of_key(text: str) -> str:
    """Return the zone that a server block's key or a plugin's zone argument means.

    A range in CIDR notation is its reverse zone, as CoreDNS reads it; one that ends inside a label
    is several zones there, and here the zone above them.
    """
    if "/" in text:
        try:
            network = ipaddress.ip_network(text, strict=False)
        except ValueError:
            return bare(text)
        return _reverse(network)
    return bare(text)


def _reverse(network: ipaddress.IPv4Network | ipaddress.IPv6Network) -> str:
    wide = 8 if network.version == 4 else 4  # noqa: PLR2004
    labels = network.network_address.reverse_pointer.split(".")
    return ".".join(labels[(network.max_prefixlen - network.prefixlen + wide - 1) // wide :])


def _labels(zone: str) -> int:
    return 0 if zone == ROOT else zone.count(".") + 1
