"""A Corefile held against what is compiled into node-cache, before anything is sent.

CoreDNS ends at a directive that it does not know, and at two blocks for one zone; a cache pod would
then restart for ever.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubectl_nodedns.errors import UsageError
from kubectl_nodedns.facts.corefile import CorefileError
from kubectl_nodedns.facts.corefile_reader import read_corefile
from kubectl_nodedns.facts.loading import COMPILED, loading_faults

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kubectl_nodedns.facts.corefile import ServerBlock

ADDED = frozenset(
    {"bufsize", "debug", "dns64", "hosts", "loadbalance", "log", "rewrite", "template"}
)
"""Plugins that may be added to the cache's own blocks: compiled in, and not there already."""
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


def check_plugins(text: str, *, option: str) -> str:
    """Check plugins that a person adds to a block of the cache; return them as they are written.

    Raises:
        UsageError: one cannot stand there; the message names it.
    """
    try:
        corefile = read_corefile(f". {{\n{text}\n}}\n", path=option)
    except CorefileError as error:
        raise UsageError(str(error)) from error
    if corefile.imports:
        raise UsageError(f"{option}: import is not taken", hint="write out what it stands for")
    if len(corefile.blocks) != 1 or not corefile.blocks[0].plugins:
        raise UsageError(
            f"{option}: these are not the lines of plugins alone",
            hint="such as: template IN AAAA cluster.local { … }, without a server block around it",
        )
    plugins = corefile.blocks[0].plugins
    for plugin in plugins:
        if plugin.name not in ADDED:
            raise UsageError(
                f"{option}: {plugin.name} cannot be added to a block of the cache",
                hint=f"there are: {', '.join(sorted(ADDED))}",
            )
    return "".join(f"{plugin.written()}\n" for plugin in plugins)


def check_corefile(text: str, image: str) -> None:
    """Check the whole Corefile: one block a zone, and only plugins that this image has.

    Args:
        text: the Corefile.
        image: the cache's image; the plugins of a release are known by its tag.

    Raises:
        UsageError: CoreDNS would end at it.
    """
    for fault in loading_faults(read_corefile(text).blocks, image):
        if not fault.plugin:
            raise UsageError(
                fault.text,
                hint="stub domains and extra blocks cannot be for a zone that the cache has: the "
                "cluster domain, in-addr.arpa, ip6.arpa, the root, the marker's",
            )
        option = "--serve-stale" if fault.plugin == "serve_stale" else "--image"
        raise UsageError(f"{option}: {fault.text}", hint=fault.way_out)


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
                        hint="to have CoreDNS asked, give a block for that zone with "
                        "--extra-blocks, that forwards to __PILLAR__CLUSTER__DNS__, and leave the "
                        "zone out of --stub-domain; for all names: --forward-all-to-kube-dns",
                    )
