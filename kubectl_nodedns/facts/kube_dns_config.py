"""ConfigMap kube-dns, as the agent of the cache reads it. Pure.

The agent takes its zones and servers over. One entry that it cannot use makes it drop the whole
ConfigMap (kubernetes/dns, pkg/dns/config/config.go, Validate).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from kubectl_nodedns.documents import read_json
from kubectl_nodedns.facts.zones import bare
from kubectl_nodedns.numbers import address, port

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any

MOST_UPSTREAMS = 3
"""Resolvers that upstreamNameservers may name."""
_SERVER = re.compile(r"\[(?P<v6>[^\]]*)\](?::(?P<v6port>\d+))?|(?P<v4>[^:]*):(?P<v4port>\d+)")


def stub_domains(data: Mapping[str, str]) -> tuple[dict[str, tuple[str, ...]], tuple[str, ...]]:
    """Read zones with their servers, and the servers for all other names.

    CoreDNS does not read that ConfigMap.

    Raises:
        ValueError: the agent would take nothing over; the message says at what it ends.
    """
    stubs = read_json(data.get("stubDomains") or "{}")
    upstream = read_json(data.get("upstreamNameservers") or "[]")
    if not isinstance(stubs, dict) or not isinstance(upstream, list):
        raise ValueError("stubDomains is no object, or upstreamNameservers no list")  # noqa: TRY004
    if faults := [*_faults(stubs, upstream)]:
        raise ValueError("; ".join(faults))
    return {bare(zone): tuple(servers) for zone, servers in stubs.items()}, tuple(upstream)


def _faults(stubs: Mapping[str, Any], upstream: Sequence[Any]) -> Iterator[str]:
    for zone, servers in stubs.items():
        if not isinstance(servers, list):
            yield f"stubDomains has no list of servers for {zone}"
            continue
        for server in servers:
            if not _is_server(server):
                yield f"stubDomains names {server} for {zone}, which is no IP address"
    if len(upstream) > MOST_UPSTREAMS:
        yield f"upstreamNameservers names more than {MOST_UPSTREAMS} servers"
    for server in upstream:
        if not _is_server(server):
            yield f"upstreamNameservers names {server}, which is no IP address"


def _is_server(server: object) -> bool:
    """Whether the agent takes this for a server: an IP address, with a port or without."""
    if not isinstance(server, str):
        return False
    if address(server):
        return True
    found = _SERVER.fullmatch(server)
    if found is None:
        return False
    number = found["v6port"] or found["v4port"]
    return address(found["v6"] or found["v4"]) is not None and (
        number is None or port(number) is not None
    )
