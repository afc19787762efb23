"""A Corefile held against what is compiled into node-cache, before anything is sent.

CoreDNS ends at a directive that it does not know, and at two blocks for one zone; a cache pod would
then restart for ever.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from kubectl_nodedns.errors import UsageError
from kubectl_nodedns.facts.corefile import CorefileError
from kubectl_nodedns.facts.corefile_reader import read_corefile

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kubectl_nodedns.facts.corefile import ServerBlock

COMPILED = frozenset(
    {
        *("bind", "bufsize", "cache", "debug", "dns64", "errors", "forward", "health", "hosts"),
        *("loadbalance", "log", "loop", "pprof", "prometheus", "reload", "rewrite", "template"),
        *("timeouts", "trace", "whoami"),
    }
)
"""Plugins of node-cache 1.26.8 (kubernetes/dns, cmd/node-cache/main.go)."""
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
OF_THE_CACHE = frozenset({"health", "reload"})
"""Plugins that the cache's own blocks have already, and that may stand once only."""


def check_blocks(text: str, *, option: str) -> tuple[ServerBlock, ...]:
    """Check server blocks that a person wrote.

    Raises:
        UsageError: one cannot stand beside the cache's own blocks; the message names it.
    """
    try:
        corefile = read_corefile(text, path=option)
    except CorefileError as error:
        raise UsageError(str(error)) from error
    if corefile.imports:
        raise UsageError(
            f"{option}: import is not taken", hint="write out what it stands for, in each block"
        )
    blocks = corefile.blocks
    if not blocks:
        raise UsageError(
            f"{option}: there is no server block in it", hint="such as: corp.example:53 { … }"
        )
    for block in blocks:
        where = f"{option}: the block {block}"
        for key in block.keys:
            if not key.text.endswith(":53"):
                raise UsageError(f"{where}: {key.text} does not end in :53, the cache's only port")
        if not block.plugins:
            raise UsageError(f"{where}: there is no plugin in it")
        for plugin in block.plugins:
            if plugin.name not in COMPILED:
                raise UsageError(
                    f"{where}: {plugin.name} is not compiled into node-cache",
                    hint=f"it has: {', '.join(sorted(COMPILED))}",
                )
            if plugin.name in OF_THE_CACHE:
                raise UsageError(f"{where}: {plugin.name} stands in the cache's own block already")
        if not block.all("bind"):
            raise UsageError(
                f"{where}: without `bind __PILLAR__LOCAL__DNS__` it would answer on every address "
                "of the node",
                hint="the agent puts the cache's addresses there",
            )
    return blocks


def check_corefile(text: str, image: str) -> None:
    """Check the whole Corefile: one block a zone, and only plugins that this image has.

    Args:
        text: the Corefile.
        image: the cache's image; the plugins of a release are known by its tag.

    Raises:
        UsageError: CoreDNS would end at it.
    """
    blocks = read_corefile(text).blocks
    _check_zones(blocks)
    version = version_of(image)
    if version is None:
        return
    for block in blocks:
        for plugin in block.plugins:
            if version < SINCE.get(plugin.name, version):
                raise UsageError(
                    f"--image: {plugin.name} is not in node-cache before {_text(plugin.name)}, "
                    f"and the block {block} needs it",
                    hint=f"take a newer image than {image}",
                )
            if plugin.lines("serve_stale") and version < STALE_VERIFY:
                raise UsageError(
                    f"--serve-stale: the node-cache of {image} does not verify stale answers",
                    hint="take 1.22.14 or a newer one",
                )


def check_no_loop(text: str, own: Sequence[str]) -> None:
    """Refuse a forward to the cache's own addresses: CoreDNS ends when it finds itself asked.

    Args:
        text: the Corefile.
        own: the local IP and the DNS service's addresses.

    Raises:
        UsageError: a block would ask the cache itself.
    """
    for block in read_corefile(text).blocks:
        for plugin in block.all("forward"):
            for server in plugin.arguments[1:]:
                host = server.rpartition("://")[2].strip("[")
                if any(host in (ip, f"{ip}:53", f"{ip}]:53", f"{ip}]") for ip in own):
                    raise UsageError(
                        f"the block {block} would ask {server}, an address of the cache itself",
                        hint="to have CoreDNS asked, say --forward-all-to-kube-dns, or forward to "
                        "__PILLAR__CLUSTER__DNS__ in a block of yours",
                    )


def version_of(image: str) -> tuple[int, ...] | None:
    """Return the release of a node-cache image by its tag; None when the tag tells none."""
    match = re.search(r"node-cache:v?(\d+)\.(\d+)\.(\d+)(?:@|$)", image)
    return tuple(int(part) for part in match.groups()) if match else None


def _check_zones(blocks: Sequence[ServerBlock]) -> None:
    seen: set[str] = set()
    for name in (name for block in blocks for name in block.names):
        if name in seen:
            raise UsageError(
                f"two server blocks of the Corefile are for the zone {name}",
                hint="stub domains and extra blocks cannot be for a zone that the cache has: the "
                "cluster domain, in-addr.arpa, ip6.arpa, the root, the marker's",
            )
        seen.add(name)


def _text(plugin: str) -> str:
    return ".".join(str(part) for part in SINCE[plugin])
