"""As much of a Corefile as a node cache's behaviour depends on."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_BLOCK = re.compile(r"^(\S[^{\n]*?)\s*\{\n(.*?)^\}", re.MULTILINE | re.DOTALL)
_TEMPLATE = re.compile(r'template IN (\S+).*?answer "((?:[^"\\]|\\.)*)"', re.DOTALL)
_VARIABLE = re.compile(r"\{\$(\w+)\}")


@dataclass(frozen=True, kw_only=True)
class Zone:
    """One zone of a server block."""

    name: str
    """Absolute, with a final dot; "." is the root."""
    cached: bool
    """Whether it has the plugin cache."""
    counted: bool
    """Whether it has the plugin prometheus."""
    to_cluster: bool
    """Whether it forwards to the cluster's DNS service rather than to the node's resolvers."""
    template: tuple[str, str] | None
    """Type and text of the plugin template's answer; None without it."""
    plugins: tuple[str, ...]
    """Names of its plugins, sorted."""


def zones(text: str, environment: Mapping[str, str]) -> tuple[Zone, ...]:
    """Read the server blocks of a Corefile.

    Args:
        text: the Corefile.
        environment: values of `{$NAME}` in the answers of templates.
    """

    def filled(text: str) -> str:
        return _VARIABLE.sub(lambda found: environment.get(found[1], ""), text)

    return tuple(
        replace(zone, template=(zone.template[0], filled(zone.template[1])))
        if zone.template
        else zone
        for zone in _zones(text)
    )


@cache
def _zones(text: str) -> tuple[Zone, ...]:
    found = []
    for head, body in _BLOCK.findall(text):
        plugins = re.findall(r"^    (\w+)", body, re.MULTILINE)
        template = _TEMPLATE.search(body)
        for word in head.replace(",", " ").split():
            name = word.rpartition(":")[0] or word
            found.append(
                Zone(
                    name="." if name == "." else name.rstrip(".").lower() + ".",
                    cached="cache" in plugins,
                    counted="prometheus" in plugins,
                    to_cluster="__PILLAR__CLUSTER__DNS__" in body,
                    template=(template[1], _unescaped(template[2])) if template else None,
                    plugins=tuple(sorted(set(plugins))),
                )
            )
    return tuple(found)


def _unescaped(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text)
