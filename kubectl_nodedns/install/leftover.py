"""What a cache left on a node, read from the node's own words. Pure.

A cache that is killed takes neither its rules nor its link away. The rules bear the agent's comment
(since node-cache 1.22.19), or are known by what they do: no tracking of port 53 of one address.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass

COMMENT = "NodeLocal DNS Cache"
LINK = "nodelocaldns"
_RULE = re.compile(r"^-A .*$", re.MULTILINE)
_ADDRESS = re.compile(r"-[ds] ([0-9a-fA-F.:]+)/(?:32|128)\b")
_UNTRACKED = re.compile(r"--dport 53\b.*(?:NOTRACK|--notrack)")
_LOCAL4 = re.compile(r"\|-- ([\d.]+)\n\s+/32 host LOCAL")
_LINKS = re.compile(r"^\s*([^\s:|]+):\s+\d", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class Leftover:
    """What is left of a cache on one node."""

    rules: int = 0
    """Packet filter rules."""
    link: bool = False
    """Whether there is a link of the agent's name."""
    addresses: tuple[str, ...] = ()
    """Addresses of the cache, by its rules and by what the node has."""

    @property
    def nothing(self) -> bool:
        """Whether the node is clean."""
        return not (self.rules or self.link or self.addresses)

    def __str__(self) -> str:
        parts = [f"{self.rules} rules"] if self.rules else []
        parts += [f"the link {LINK}"] if self.link else []
        parts += [f"the addresses {', '.join(self.addresses)}"] if self.addresses else []
        return ", ".join(parts) or "nothing"


def leftover_of(rules: str, network: str, cache_ips: tuple[str, ...]) -> Leftover:
    """Read what a node says.

    Args:
        rules: output of iptables-save (or ip6tables-save).
        network: /proc/net/dev, /proc/net/fib_trie and /proc/net/if_inet6, one after the other.
        cache_ips: addresses of the cache that was there, as far as they are known.
    """
    found = [r for r in _RULE.findall(rules) if COMMENT in r or _UNTRACKED.search(r)]
    of_rules = {address for rule in found for address in _ADDRESS.findall(rule)}
    link = LINK in _LINKS.findall(network)
    local = set(_LOCAL4.findall(network)) | _local6(network)
    has = {ip for ip in cache_ips if ip in local} if link else set()
    first = [ip for ip in cache_ips if ip in of_rules | has]
    addresses = (*first, *sorted((of_rules | has) - set(first)))
    return Leftover(rules=len(found), link=link, addresses=addresses)


def _local6(network: str) -> set[str]:
    """Read /proc/net/if_inet6: 32 digits and the link's name, among others."""
    lines = re.findall(r"^([0-9a-f]{32}) .*$", network, re.MULTILINE)
    return {str(ipaddress.IPv6Address(bytes.fromhex(digits))) for digits in lines}
