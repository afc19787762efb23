"""What somebody else's cache was told, in the words of our options. Pure.

Its Corefile and its pod template are read; what our options can say is kept as if it had been given
on the command line, and of the rest it is said that it is not kept. What a node's own resolvers,
the usual four zones and their plugins say is a default and needs no option.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from kubectl_nodedns.errors import UsageError
from kubectl_nodedns.facts.corefile import CorefileError
from kubectl_nodedns.facts.corefile_reader import read_corefile
from kubectl_nodedns.facts.images import REGISTRY
from kubectl_nodedns.install.corefile import CLUSTER, LOCAL
from kubectl_nodedns.install.corefile_check import OF_THE_CACHE, check_blocks, check_plugins
from kubectl_nodedns.install.option_checks import SYSTEM, check
from kubectl_nodedns.install.option_table import BY_NAME
from kubectl_nodedns.names import marker_name
from kubectl_nodedns.numbers import whole

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from kubectl_nodedns.facts.corefile import Plugin, ServerBlock

ROOT = "."
EXTRA = "extra-blocks"
CLUSTER_BLOCK, OUTSIDE_BLOCK = "cluster", "outside"
PLUGINS = {CLUSTER_BLOCK: "cluster-plugins", OUTSIDE_BLOCK: "outside-plugins"}
FORWARDS = {CLUSTER_BLOCK: "cluster-forward", OUTSIDE_BLOCK: "outside-forward"}
"""Options that say for our usual blocks what somebody's say."""
OWN_OPTION, FORCED = "max_concurrent", "force_tcp"
"""Options of `forward` that ours has: always, and where CoreDNS is asked."""
REVERSE = ("in-addr.arpa", "ip6.arpa")
IMAGE = "dns/k8s-dns-node-cache"
"""The cache's image below the registry that Kubernetes publishes it in."""
FROZEN = "k8s.gcr.io"
"""The registry before that one; nothing new comes there."""
PLAIN = frozenset(
    {"errors", "cache", "reload", "loop", "bind", "forward", "prometheus", "health", "log"}
)
"""Plugins of a block whose meaning our own blocks have too; `log` is noise, not an answer."""
FORWARDING = frozenset({"force_tcp", "prefer_udp", "max_concurrent"})
"""Options of `forward` that change no answer."""

MOST = 10**18 - 1
"""What is read as a number at all; each option has bounds of its own."""


@dataclass(frozen=True, kw_only=True)
class Carried:
    """What is kept of an installation that becomes ours."""

    options: Mapping[str, str] = field(default_factory=dict)
    """Options that say what it was told, by name."""
    lost: tuple[str, ...] = ()
    """What our options cannot say."""


def carry(daemonset: Mapping[str, Any], corefile: str, *, domain: str, kube_dns_ip: str) -> Carried:
    """Read what a cache was told.

    Args:
        daemonset: its DaemonSet.
        corefile: its Corefile; may hold the agent's variables.
        domain: the cluster domain.
        kube_dns_ip: the DNS service's address.
    """
    found = [*_of_template(daemonset["spec"]["template"]["spec"])]
    try:
        blocks = read_corefile(corefile).blocks
    except CorefileError as error:
        blocks, found = (), [*found, ("", f"its Corefile, which cannot be read: {error}")]
    for block in blocks:
        found += _of_block(block, domain, kube_dns_ip)
    options: dict[str, str] = {}
    lost: list[str] = []
    texts = {
        wanted: "".join(text for name, text in found if name == wanted)
        for wanted in (EXTRA, *PLUGINS.values())
    }
    others = [(name, text) for name, text in found if name not in texts]
    for name, text in [*others, *((name, text) for name, text in texts.items() if text)]:
        option = BY_NAME.get(name)
        if option is None:
            lost.append(text)
            continue
        joined = option.joint.join([options[name], text]) if name in options else text
        try:
            options[name] = check(name, joined if option.joint else text)
        except UsageError as error:
            lost.append(str(error))
    defaults = {name for name, value in options.items() if value == BY_NAME[name].default}
    kept = {name: value for name, value in sorted(options.items()) if name not in defaults}
    return Carried(options=kept, lost=tuple(dict.fromkeys(lost)))


def _of_template(spec: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield options with their values; an empty name stands before what no option can say."""
    image = spec["containers"][0].get("image", "")
    registry, found, _ = image.partition(f"/{IMAGE}")
    if found and registry not in (REGISTRY, FROZEN):
        yield "image-registry", registry
    for secret in spec.get("imagePullSecrets") or ():
        yield "pull-secret", str(secret["name"])
    labels = {
        key: value
        for key, value in (spec.get("nodeSelector") or {}).items()
        if key not in (SYSTEM, f"beta.{SYSTEM}")
    }
    if labels:
        yield "node-selector", ",".join(f"{key}={value}" for key, value in labels.items())
    if spec.get("affinity"):
        yield "", "the affinity of its pods: --node-selector says where a cache runs"


def _of_block(block: ServerBlock, domain: str, kube_dns_ip: str) -> Iterator[tuple[str, str]]:
    names = [name for name in block.zones() if name != marker_name(domain).rstrip(".")]
    if elsewhere := [key.text for key in block.keys if key.zone not in block.zones()]:
        yield "", f"the block {' '.join(elsewhere)}: the cache serves plain DNS at port 53 alone"
    own = [name for name in names if name not in (domain, ROOT, *REVERSE)]
    if own and not _is_stub(block, kube_dns_ip):
        yield from _kept(block, own, kube_dns_ip)
        names = [name for name in names if name not in own]
    if not names:
        return
    for plugin in block.plugins:
        if plugin.name not in PLAIN:
            yield from _added(plugin, names, domain)
    for plugin in block.all("health"):
        yield from _port("health-port", plugin)
    for plugin in block.all("prometheus"):
        yield from _port("metrics-port", plugin)
    if domain in names or ROOT in names:
        for plugin in block.all("cache"):
            yield from _caching(plugin, cluster=domain in names)
    for plugin in block.all("forward"):
        yield from _of_forward(plugin, names, domain, kube_dns_ip)
        for name in names:
            yield from _forward(name, plugin.arguments[1:], domain, kube_dns_ip)


def _kinds(names: Sequence[str], domain: str) -> list[str]:
    """Say which of our blocks stand for these zones: CLUSTER_BLOCK, OUTSIDE_BLOCK."""
    kinds = {domain: CLUSTER_BLOCK, ROOT: OUTSIDE_BLOCK}
    return [kinds[name] for name in names if name in kinds]


def _added(plugin: Plugin, names: Sequence[str], domain: str) -> Iterator[tuple[str, str]]:
    """Keep a plugin of a usual block by the option that adds it to ours."""
    kinds = _kinds(names, domain)
    try:
        text = check_plugins(plugin.written(), option=f"the block {' '.join(names)}")
    except UsageError as error:
        kinds, text = [], str(error)
    if not kinds:
        yield "", f"{plugin.name} in block {' '.join(names)}: {text.strip()}"
    for kind in kinds:
        yield PLUGINS[kind], text


def _of_forward(
    forward: Plugin, names: Sequence[str], domain: str, kube_dns_ip: str
) -> Iterator[tuple[str, str]]:
    """Keep options of `forward` of a usual block by the options that say them for ours."""
    own = {OWN_OPTION, FORCED} if _asks_cluster(forward, kube_dns_ip) else {OWN_OPTION}
    for words in forward.body:
        if words[0] in own:
            continue
        kinds = _kinds(names, domain)
        try:
            text = check(FORWARDS[CLUSTER_BLOCK], " ".join(words))
        except UsageError:
            kinds, text = [], ""
        if not kinds and words[0] not in FORWARDING:
            yield "", f"{words[0]} of forward in block {' '.join(names)}"
        for kind in kinds:
            yield FORWARDS[kind], text


def _is_stub(block: ServerBlock, kube_dns_ip: str) -> bool:
    """Whether --stub-domain says all of a block: who is asked, and nobody who is CoreDNS."""
    forwards = block.all("forward")
    return (
        bool(forwards)
        and all(plugin.name in PLAIN for plugin in block.plugins)
        and all(name in FORWARDING for plugin in forwards for name, *_ in plugin.body)
        and all(_are_addresses(plugin.arguments[1:]) for plugin in forwards)
        and not any(_asks_cluster(plugin, kube_dns_ip) for plugin in forwards)
    )


def _are_addresses(servers: Sequence[str]) -> bool:
    """Whether --stub-domain takes these servers."""
    try:
        return bool(check("stub-domain", f"any.example={','.join(servers)}"))
    except UsageError:
        return False


def _asks_cluster(forward: Plugin, kube_dns_ip: str) -> bool:
    return bool({kube_dns_ip, f"{kube_dns_ip}:53", CLUSTER} & {*forward.arguments[1:]})


def _kept(block: ServerBlock, zones: Sequence[str], kube_dns_ip: str) -> Iterator[tuple[str, str]]:
    """Keep a block for zones of its own as a block of --extra-blocks, at our addresses."""
    lines = [f"bind {LOCAL}"]
    for plugin in block.plugins:
        if plugin.name in (*OF_THE_CACHE, "bind"):
            continue
        if plugin.name == "forward" and _asks_cluster(plugin, kube_dns_ip):
            asked = dict.fromkeys(
                CLUSTER if server in (kube_dns_ip, f"{kube_dns_ip}:53") else server
                for server in plugin.arguments[1:]
            )
            plugin = replace(plugin, arguments=(*plugin.arguments[:1], *asked))  # noqa: PLW2901
        lines += plugin.written().splitlines()
    body = "".join(f"    {line}\n" for line in lines)
    text = f"{' '.join(f'{zone}:53' for zone in zones)} {{\n{body}}}\n"
    try:
        check_blocks(text, option=f"the block {' '.join(zones)}")
    except UsageError as error:
        yield "", str(error)
    else:
        yield EXTRA, text


def _forward(
    name: str, servers: Sequence[str], domain: str, kube_dns_ip: str
) -> Iterator[tuple[str, str]]:
    """Say where names of a zone are asked, unless it is where ours asks anyway."""
    cluster = {kube_dns_ip, f"{kube_dns_ip}:53", CLUSTER}
    own = {"/etc/resolv.conf", "__PILLAR__UPSTREAM__SERVERS__"}
    to_cluster = bool(servers) and {*servers} <= cluster
    if name == ROOT:
        if to_cluster:
            yield "forward-all-to-kube-dns", "true"
        elif not {*servers} & own:
            yield "upstream", ",".join(servers)
        elif {*servers} - own:
            yield "", "the resolvers of the root beside the node's own"
    elif name == domain or name in REVERSE:
        if not to_cluster:
            yield "", f"{' '.join(servers)}, where {name} is asked: ours asks the DNS service"
    else:
        yield "stub-domain", f"{name}={','.join(servers)}"


def _port(option: str, plugin: Plugin) -> Iterator[tuple[str, str]]:
    port = plugin.arguments[0].rpartition(":")[2] if plugin.arguments else ""
    if whole(port, most=MOST) is not None:
        yield option, port


def _caching(plugin: Plugin, *, cluster: bool) -> Iterator[tuple[str, str]]:
    """Say how long and how much is kept; the cluster's block tells of the denials."""
    if plugin.arguments and whole(plugin.arguments[0], most=MOST) is not None and not cluster:
        yield "cache-ttl", plugin.arguments[0]
    for name, *words in plugin.body:
        numbers = [word for word in words if whole(word, most=MOST) is not None]
        if name == "success" and numbers:
            yield "cache-size", numbers[0]
            if len(numbers) > 1:
                yield "cache-ttl", numbers[1]
        elif name == "denial" and numbers:
            yield "cache-denial-size", numbers[0]
            if len(numbers) > 1 and cluster:
                yield "cache-denial-ttl", numbers[1]
        elif name == "serve_stale":
            yield "serve-stale", words[0] if words else "1h"
        elif name == "prefetch" and numbers:
            yield "prefetch", numbers[0]
        elif name not in ("success", "denial", "prefetch"):
            yield "", f"{name} of cache"
