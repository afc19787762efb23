"""A Corefile as a model: server blocks, what they serve, their plugins. Pure.

`corefile_reader` reads the text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from kubectl_nodedns.numbers import whole

CAPACITY = 9984
"""Entries that each of a block's two caches holds unless the Corefile says otherwise (CoreDNS,
plugin/cache)."""


class CorefileError(ValueError):
    """The text is no Corefile; the message says where."""


def _word(text: str) -> str:
    """Return a word as it can stand in a Corefile."""
    if text and not re.search(r'[\s"#]', text):
        return text
    return '"' + text.replace('"', '\\"') + '"'


@dataclass(frozen=True, kw_only=True)
class Plugin:
    """One plugin of a server block, as it is configured."""

    name: str
    """Its name, such as "forward"."""
    arguments: tuple[str, ...] = ()
    """What follows the name on its line."""
    body: tuple[tuple[str, ...], ...] = ()
    """The words of each line between its braces; inner braces are words."""

    def __str__(self) -> str:
        return " ".join((self.name, *self.arguments))

    def written(self) -> str:
        """Return it as Corefile text, without indentation before its own line."""
        head = " ".join(map(_word, (self.name, *self.arguments)))
        if not self.body:
            return head
        return "\n".join(
            [f"{head} {{", *(f"    {' '.join(map(_word, w))}" for w in self.body), "}"]
        )

    def lines(self, name: str) -> tuple[tuple[str, ...], ...]:
        """Return what follows `name` on each line of the body that begins with it."""
        return tuple(words[1:] for words in self.body if words[0] == name)

    def number(self, name: str, default: int) -> int:
        """Return the number that follows `name` in the body; the last one counts."""
        given = [whole(words[0], most=2**31) for words in self.lines(name) if words]
        return next((number for number in reversed(given) if number is not None), default)

    def room(self, kind: str) -> int | None:
        """Return the entries of a cache's half, "success" or "denial"; None where it is off."""
        if any(words[:1] == (kind,) for words in self.lines("disable")):
            return None
        return self.number(kind, CAPACITY)


@dataclass(frozen=True, kw_only=True)
class Key:
    """What a server block serves: one of the words before its brace."""

    zone: str
    """The zone, in lower case, without a final dot; "." is the root."""
    port: int
    """Port; 53 when none is given."""
    scheme: str
    """Protocol: "dns", "tls", "https", "grpc", "quic"."""
    text: str = field(default="", compare=False)
    """The word as it is written, such as "cluster.local:53"."""


@dataclass(frozen=True, kw_only=True)
class ServerBlock:
    """One server block."""

    keys: tuple[Key, ...]
    """What it serves."""
    plugins: tuple[Plugin, ...]
    """Its plugins, in the order of the file. CoreDNS has an order of its own."""

    def __str__(self) -> str:
        return " ".join(key.text for key in self.keys)

    @property
    def names(self) -> tuple[str, ...]:
        """The zones that it serves, over whatever protocol and at whatever port."""
        return tuple(key.zone for key in self.keys)

    def zones(self, port: int = 53) -> tuple[str, ...]:
        """Return the zones that it serves over plain DNS at `port`."""
        return tuple(key.zone for key in self.keys if (key.port, key.scheme) == (port, "dns"))

    def all(self, name: str) -> tuple[Plugin, ...]:
        """Return the plugins of this name."""
        return tuple(plugin for plugin in self.plugins if plugin.name == name)

    @property
    def binds(self) -> tuple[str, ...]:
        """Addresses of its `bind`; none means every address."""
        return tuple(word for plugin in self.all("bind") for word in plugin.arguments)

    @property
    def capacity(self) -> int:
        """Entries that its caches may hold together; 0 without a cache."""
        kinds = ("success", "denial")
        return sum(one.room(kind) or 0 for one in self.all("cache") for kind in kinds)

    @property
    def max_concurrent(self) -> int:
        """Lookups that its `forward` lets wait for upstreams at once; 0 is no limit."""
        return sum(plugin.number("max_concurrent", 0) for plugin in self.all("forward"))


@dataclass(frozen=True, kw_only=True)
class Corefile:
    """A Corefile that was read."""

    blocks: tuple[ServerBlock, ...]
    """Its server blocks."""
    missing: tuple[str, ...]
    """Imports that name neither a snippet nor a file that was handed in."""
    imports: int
    """How many imports were followed."""
