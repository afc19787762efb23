"""Which names CoreDNS answers in its own way, and a cache would ask somebody else for.

The cache sends the cluster domain and the reverse zones to CoreDNS, and every other name to the
node's resolvers. What CoreDNS's Corefile says about those names (hosts, rewrite, stub zones,
another forwarder) is then passed over. Which zones still reach CoreDNS is read from the Corefile
that the cache is to have, so whatever decides that there is respected here. Pure.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kubectl_nodedns.facts.zones import ROOT, bare, closest, zone_of_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from kubectl_nodedns.facts.corefile import Corefile, Plugin, ServerBlock

CLUSTER = "__PILLAR__CLUSTER__DNS__"
"""What the cache's Corefile forwards to CoreDNS with; the agent fills it in."""
NODE = frozenset({"__PILLAR__UPSTREAM__SERVERS__", "/etc/resolv.conf"})
"""The node's resolvers, in the cache's Corefile and in CoreDNS's."""
BY_CLIENT = frozenset({"acl", "autopath", "view"})
"""Plugins that look at the client's address, which behind the cache is the node's."""
_ADDRESS = re.compile(r"[0-9a-fA-F:.]*[.:][0-9a-fA-F:.]*")
_PATTERNS = frozenset({"exact", "prefix", "suffix", "substring", "regex"})
_ZONES_AFTER: Mapping[str, int] = {
    "auto": 0,
    "azure": 0,
    "clouddns": 0,
    "etcd": 0,
    "file": 1,
    "k8s_external": 0,
    "kubernetes": 0,
    "multicluster": 0,
    "nomad": 0,
    "route53": 0,
    "secondary": 0,
    "template": 2,
    "unbound": 0,
}
"""Plugins that answer for zones of their own: how many arguments stand before the zones."""


@dataclass(frozen=True, kw_only=True)
class Customisation:
    """Something that CoreDNS does with names that would no longer reach it."""

    zone: str
    """The zone, or the one name; "." when it concerns every name outside the cluster."""
    plugin: str
    """The plugin that does it."""
    text: str
    """Its line in the Corefile, or the part of it that matters."""
    block: str
    """Zones of the server block that it stands in."""


def customisations(coredns: Corefile, cache: Corefile, *, port: int = 53) -> list[Customisation]:
    """Find what would no longer be asked of CoreDNS.

    Args:
        coredns: CoreDNS's Corefile.
        cache: the cache's Corefile, as the agent gets it.
        port: port that CoreDNS serves lookups at.

    Returns:
        In the order of the Corefile; one for each name or zone that a plugin names.
    """
    ways = _ways(cache, 53)
    found: list[Customisation] = []
    served = {zone for block in coredns.blocks for zone in block.zones(port)}
    for block in coredns.blocks:
        zones = block.zones(port)
        if not zones:
            continue
        for one in _of_block(block, zones, ways):
            # A more specific server block of CoreDNS's own would answer for that name.
            if closest(one.zone, served) in zones and one not in found:
                found.append(one)
    return found


def by_client(coredns: Corefile, *, port: int = 53) -> list[Plugin]:
    """Return the plugins that treat clients by their address."""
    return [
        plugin
        for block in coredns.blocks
        if block.zones(port)
        for plugin in block.plugins
        if plugin.name in BY_CLIENT
    ]


def stub_zones(coredns: Corefile, *, port: int = 53) -> dict[str, tuple[str, ...]]:
    """Return the servers that CoreDNS forwards each zone to, the root left out."""
    ways = _ways(coredns, port)
    return {zone: servers for zone, servers in ways.items() if zone != ROOT and servers}


def root_servers(coredns: Corefile, *, port: int = 53) -> tuple[str, ...]:
    """Return the servers that CoreDNS forwards all other names to; empty for none."""
    return _ways(coredns, port).get(ROOT, ())


def _ways(corefile: Corefile, port: int) -> dict[str, tuple[str, ...]]:
    """Return where each zone is forwarded to; () for a zone that is answered by itself."""
    found: dict[str, tuple[str, ...]] = {}
    for block in corefile.blocks:
        zones = block.zones(port)
        for zone in zones:
            found.setdefault(zone, ())
        for forward in block.all("forward"):
            if forward.arguments:
                given = bare(forward.arguments[0])
                for zone in zones if given == ROOT else (given,):
                    found[zone] = forward.arguments[1:]
    return found


def _of_block(
    block: ServerBlock, zones: Sequence[str], ways: Mapping[str, tuple[str, ...]]
) -> Iterator[Customisation]:
    def changed(zone: str) -> bool:
        way = closest(zone, ways)
        return way is not None and CLUSTER not in ways[way]

    where = " ".join(zones)
    for plugin in block.plugins:
        if plugin.name in ("forward", "grpc"):
            yield from _forward(plugin, zones, ways, changed)
            continue
        look = _LOOKS.get(plugin.name)
        if look is not None:
            pairs = look(plugin)
        elif plugin.name in _ZONES_AFTER:
            pairs = [(zone, str(plugin)) for zone in _zones_of(plugin, zones)]
        else:
            continue
        for zone, text in pairs:
            # A server block that the cache has for that zone was written for it.
            if changed(zone) and closest(zone, ways) == ROOT:
                yield Customisation(zone=zone, plugin=plugin.name, text=text, block=where)


def _forward(
    plugin: Plugin,
    zones: Sequence[str],
    ways: Mapping[str, tuple[str, ...]],
    changed: Callable[[str], bool],
) -> Iterator[Customisation]:
    """A forwarder whose servers are not those that the cache asks for the same names."""
    if not plugin.arguments:
        return
    given = bare(plugin.arguments[0])
    servers = plugin.arguments[1:]
    for zone in zones if given == ROOT else (given,):
        way = closest(zone, ways)
        same = way is not None and _servers(ways[way]) == _servers(servers)
        if changed(zone) and not same:
            yield Customisation(
                zone=zone, plugin=plugin.name, text=str(plugin), block=" ".join(zones)
            )


def _servers(servers: Sequence[str]) -> frozenset[str]:
    """Return servers in a form that can be compared."""
    if NODE & set(servers):
        return NODE
    return frozenset(server.removeprefix("dns://").removesuffix(":53") for server in servers)


def _zones_of(plugin: Plugin, of_block: Sequence[str]) -> Sequence[str]:
    given = plugin.arguments[_ZONES_AFTER[plugin.name] :]
    if plugin.name in ("route53", "clouddns"):  # ZONE:ID
        given = tuple(word.partition(":")[0] for word in given)
    if plugin.name == "azure":  # RESOURCE_GROUP:ZONE
        given = tuple(word.partition(":")[2] or word for word in given)
    return [zone_of_key(word) for word in given if word != "{"] or list(of_block)


def _hosts(plugin: Plugin) -> list[tuple[str, str]]:
    """The names that are written in it, else the file that is named."""
    lines = [words for words in plugin.body if _ADDRESS.fullmatch(words[0])]
    inline = [(bare(name), " ".join((words[0], name))) for words in lines for name in words[1:]]
    if inline:
        return inline
    zones = [zone_of_key(word) for word in plugin.arguments[1:]] or [ROOT]
    return [(zone, str(plugin)) for zone in zones]


def _rewrite(plugin: Plugin) -> list[tuple[str, str]]:
    """The name that a rule is about; the root when a rule is about every name."""
    words = [word for word in plugin.arguments if word not in ("stop", "continue")]
    rules = [words] if words else []
    rules += [list(line) for line in plugin.body if line[0] not in ("answer", "continue", "stop")]
    return [(_rewritten(rule), f"rewrite {' '.join(rule)}") for rule in rules if rule]


def _rewritten(rule: Sequence[str]) -> str:
    if rule[0] not in ("name", "cname") or len(rule) < 2:  # noqa: PLR2004
        return ROOT
    kind = rule[1] if rule[1] in _PATTERNS else "exact"
    words = rule[2:] if rule[1] in _PATTERNS else rule[1:]
    if not words or kind in ("prefix", "substring"):
        return ROOT
    return _tail(words[0]) if kind == "regex" else bare(words[0].lstrip("."))


def _tail(pattern: str) -> str:
    """Return the zone that every name matched by a regular expression ends in, as far as told."""
    if "|" in re.sub(r"\([^()]*\)", "", pattern):
        return ROOT
    text = pattern.rstrip("$").removesuffix("\\.?").removesuffix("\\.")
    labels: list[str] = []
    for label in reversed(re.split(r"\\\.|(?<=[\w-])\.(?=[\w-])", text)):
        if not re.fullmatch(r"\^?[\w-]+", label):
            break
        labels.insert(0, label.lstrip("^"))
        if label.startswith("^"):
            break
    return bare(".".join(labels))


def _dns64(plugin: Plugin) -> list[tuple[str, str]]:
    return [(ROOT, str(plugin))]


_LOOKS: Mapping[str, Callable[[Plugin], list[tuple[str, str]]]] = {
    "dns64": _dns64,
    "hosts": _hosts,
    "rewrite": _rewrite,
}
