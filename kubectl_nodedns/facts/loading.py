"""Whether a release of node-cache can load a Corefile. Pure.

CoreDNS ends at a directive that is not compiled in, and at two server blocks that would listen at
one address for one zone (coredns, core/dnsserver/register.go,
validateZonesAndListeningAddresses). A cache that runs goes on with the Corefile before; one that
starts does not come up.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from kubectl_nodedns.facts.corefile import ServerBlock

COMPILED = frozenset(
    {
        *("bind", "bufsize", "cache", "debug", "dns64", "errors", "forward", "health", "hosts"),
        *("loadbalance", "log", "loop", "pprof", "prometheus", "reload", "rewrite", "template"),
        *("timeouts", "trace", "whoami"),
    }
)
"""Plugins of node-cache 1.26.8 (kubernetes/dns, cmd/node-cache/main.go)."""
NEWEST = (1, 26, 8)
"""The release that `COMPILED` is of; a newer one may have more."""
SINCE = {
    "template": (1, 15, 13),
    "hosts": (1, 17, 0),
    "rewrite": (1, 17, 0),
    "trace": (1, 17, 0),
    "dns64": (1, 21, 3),
    "bufsize": (1, 22, 7),
    "timeouts": (1, 26, 8),
}
"""First release of node-cache that has a plugin (kubernetes/dns, its tags)."""
STALE_VERIFY = (1, 22, 14)
"""First release of node-cache with `serve_stale … verify`, by its CoreDNS (1.10)."""


@dataclass(frozen=True, kw_only=True)
class Fault:
    """Something that node-cache ends at."""

    text: str
    """What it is, in words."""
    way_out: str
    """What to do."""
    plugin: str = ""
    """The plugin that it is about; empty where it is about server blocks."""


def loading_faults(blocks: Sequence[ServerBlock], image: str) -> tuple[Fault, ...]:
    """Say at what an image ends when it loads these server blocks; empty when it does not.

    Of an image that is not called node-cache only the blocks are judged.

    Args:
        blocks: the server blocks.
        image: the cache's image; the plugins of a release are known by its tag.
    """
    plugins = _of_plugins(blocks, image) if "node-cache" in image else ()
    return (*_twice(blocks), *plugins)


def version_of(image: str) -> tuple[int, ...] | None:
    """Return the release of a node-cache image by its tag; None when the tag tells none."""
    match = re.search(r"node-cache[\w-]*:v?(\d+)\.(\d+)\.(\d+)(?:[@-]|$)", image)
    return tuple(int(part) for part in match.groups()) if match else None


def _of_plugins(blocks: Sequence[ServerBlock], image: str) -> Iterator[Fault]:
    version = version_of(image)
    for block in blocks:
        for plugin in block.plugins:
            name = plugin.name
            if name not in COMPILED and (version is None or version <= NEWEST):
                yield Fault(
                    plugin=name,
                    text=f"{name} in the block {block} is not compiled into node-cache",
                    way_out=f"it has: {', '.join(sorted(COMPILED))}",
                )
            if version is None:
                continue
            if version < SINCE.get(name, version):
                yield Fault(
                    plugin=name,
                    text=f"{name} is not in node-cache before {_text(SINCE[name])}, and the block "
                    f"{block} needs it",
                    way_out=f"take a newer image than {image}",
                )
            stale = plugin.lines("serve_stale")
            if version < STALE_VERIFY and any("verify" in words for words in stale):
                yield Fault(
                    plugin="serve_stale",
                    text=f"the node-cache of {image} does not verify stale answers, and the block "
                    f"{block} asks for it",
                    way_out=f"take {_text(STALE_VERIFY)} or a newer one",
                )


def _twice(blocks: Sequence[ServerBlock]) -> Iterator[Fault]:
    """Find zones that two server blocks would serve at one address; no `bind` is every address."""
    seen: dict[tuple[str, str, int], list[frozenset[str]]] = {}
    for block in blocks:
        binds = frozenset(block.binds)
        for key in block.keys:
            before = seen.setdefault((key.scheme, key.zone, key.port), [])
            if any(not binds or not other or binds & other for other in before):
                yield Fault(
                    text=f"two server blocks of the Corefile are for the zone {key.zone}",
                    way_out="put them together: CoreDNS takes one block for a zone at an address",
                )
            before.append(binds)


def _text(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))
