"""Corefiles as a model: server blocks, their zones, their plugins. Pure.

The grammar is Caddy's of its first version, which CoreDNS uses: words with blanks between, quoted
ones with backslashes, `#` comments, a block behind a brace that ends a line.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_WORD = re.compile(r'"((?:[^"\\]|\\.)*)"|(\S+)')
CAPACITY = 9984
"""Entries that each of a block's two caches holds unless the Corefile says otherwise (CoreDNS,
plugin/cache)."""


@dataclass(frozen=True, kw_only=True)
class Plugin:
    """One plugin of a server block, or one line of a plugin's body."""

    name: str
    """Its first word."""
    arguments: tuple[str, ...] = ()
    """The words behind it."""
    body: tuple[Plugin, ...] = ()
    """The lines between its braces."""


@dataclass(frozen=True, kw_only=True)
class ServerBlock:
    """One server block."""

    zones: tuple[str, ...]
    """Zones with their ports, as written: "cluster.local:53", ".:53"."""
    plugins: tuple[Plugin, ...]
    """Its plugins, in the order of the file."""

    @property
    def names(self) -> tuple[str, ...]:
        """Zones without scheme and port, without a final dot; "." is the root."""
        return tuple(_zone(zone) for zone in self.zones)

    def all(self, name: str) -> tuple[Plugin, ...]:
        """Return every plugin of that name."""
        return tuple(plugin for plugin in self.plugins if plugin.name == name)

    @property
    def binds(self) -> tuple[str, ...]:
        """Addresses of its `bind`; none means every address."""
        return tuple(word for plugin in self.all("bind") for word in plugin.arguments)

    @property
    def capacity(self) -> int:
        """Entries that its caches may hold together; 0 without a cache."""
        total = 0
        for plugin in self.all("cache"):
            sizes = {"success": CAPACITY, "denial": CAPACITY}
            for line in plugin.body:
                if line.name in sizes and line.arguments and line.arguments[0].isdigit():
                    sizes[line.name] = int(line.arguments[0])
                if line.name == "disable" and line.arguments:
                    sizes[line.arguments[0]] = 0
            total += sum(sizes.values())
        return total

    @property
    def max_concurrent(self) -> int:
        """Lookups that its `forward` lets wait for upstreams at once; 0 is no limit."""
        return sum(
            int(line.arguments[0])
            for plugin in self.all("forward")
            for line in plugin.body
            if line.name == "max_concurrent" and line.arguments and line.arguments[0].isdigit()
        )


def parse_corefile(text: str) -> tuple[ServerBlock, ...]:
    """Read a Corefile; what is not closed ends with the text. Snippets are left out."""
    lines = iter([words for line in text.splitlines() if (words := _words(line))])
    blocks = (
        ServerBlock(
            zones=tuple(zone.rstrip(",") for zone in (plugin.name, *plugin.arguments)),
            plugins=plugin.body,
        )
        for plugin in _body(lines)
    )
    return tuple(block for block in blocks if not block.zones[0].startswith("("))


def _body(lines: Iterator[list[str]]) -> tuple[Plugin, ...]:
    found = []
    for words in lines:
        if words[0] == "}":
            break
        opened = words[-1] == "{"
        name, *arguments = words[:-1] if opened and len(words) > 1 else words
        body = _body(lines) if opened else ()
        found.append(Plugin(name=name, arguments=tuple(arguments), body=body))
    return tuple(found)


def _words(line: str) -> list[str]:
    words = []
    for quoted, bare in _WORD.findall(line):
        if bare.startswith("#"):
            break
        words.append(bare or re.sub(r"\\(.)", r"\1", quoted))
    return words


def _zone(text: str) -> str:
    """Take scheme and port off: "dns://.:53" is ".", "[::1]:53" stays an address."""
    bare = text.rpartition("://")[2]
    head, colon, port = bare.rpartition(":")
    name = head if colon and port.isdigit() else bare
    return name.rstrip(".").lower() or "."
