"""What of a cache's manifest the agent ends at, or the kubelet ends it for. Pure.

The agent ends at its start when an item of -localip is no IP address, an empty one among them, or
when two are of different families (kubernetes/dns, cmd/node-cache/main.go). The manifest of the
documentation holds placeholders that a person has to replace; the agent fills its own only in the
Corefile.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from kubectl_nodedns.facts.command_line import REFERENCE, flag, unknown_variables, words_of
from kubectl_nodedns.numbers import address

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PLACEHOLDER = re.compile(r"__[A-Z]+(?:_+[A-Z]+)*__")
"""What stands in a manifest for a value: `__PILLAR__DNS__SERVER__`."""
PROBES = ("livenessProbe", "readinessProbe", "startupProbe")
_IMAGE = "node-cache"
"""Part of the image's name, and of the program's in it."""


def agent_faults(container: Mapping[str, Any]) -> tuple[str, ...]:
    """Say what of a cache container's specification keeps it from serving; empty when nothing does.

    What only the node knows, such as its own address in a variable, is not judged.
    """
    return (*_of_localip(container), *_of_probes(container))


def _of_localip(container: Mapping[str, Any]) -> Iterator[str]:
    words = words_of(container)
    given = flag(words, "localip")
    if not given:
        wrapped = any(_IMAGE not in str(word) for word in (container.get("command") or ())[:1])
        if _IMAGE in container.get("image", "") and not wrapped:
            yield "-localip is not given: the agent listens nowhere without"
        return
    items = given.split(",")
    bad = [item for item in items if not address(item) and not _is_nodes(item, container)]
    for item in bad:
        if not item.strip():
            yield f"-localip {given!r} has an empty item: a comma too many"
        elif PLACEHOLDER.search(item):
            yield f"-localip still holds the placeholder {item}"
        elif REFERENCE.search(item):
            yield f"-localip holds {item}, and the container has no such variable"
        else:
            yield f"-localip holds {item!r}, which is no IP address"
    versions = {found.version for item in items if (found := address(item))}
    if len(versions) > 1:
        yield f"-localip {given!r} mixes IPv4 and IPv6: the agent takes addresses of one family"


def _is_nodes(item: str, container: Mapping[str, Any]) -> bool:
    """Whether an item of -localip refers to a variable whose value only the node knows."""
    names = {found[1] for found in REFERENCE.finditer(item) if found[1] is not None}
    unknown = unknown_variables(container)
    return bool(names) and (unknown is None or names <= unknown)


def _of_probes(container: Mapping[str, Any]) -> Iterator[str]:
    for name in PROBES:
        host = str(((container.get(name) or {}).get("httpGet") or {}).get("host", ""))
        if PLACEHOLDER.search(host):
            yield f"the host of its {name} is still the placeholder {host}"
