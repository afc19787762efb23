"""The Corefile of the cache, rendered from a model.

The agent itself fills three variables when it starts: `__PILLAR__LOCAL__DNS__` with every address
of its -localip argument, `__PILLAR__CLUSTER__DNS__` with the address of the upstream service, and
`__PILLAR__UPSTREAM__SERVERS__` with the node's resolvers. So one Corefile serves the dark start and
the switched cache. The address of `health` is written out: the agent would put both addresses
there, which `health` does not take.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

LOCAL = "__PILLAR__LOCAL__DNS__"
CLUSTER = "__PILLAR__CLUSTER__DNS__"
UPSTREAM = "__PILLAR__UPSTREAM__SERVERS__"
METRICS_PORT = 9253
HEALTH_PORT = 8080
INDENT = "    "
MARKER_ANSWER = r'answer "{{ .Name }} 0 IN TXT \"{$NODE_NAME} {$POD_UID}\""'


@dataclass(frozen=True, kw_only=True)
class Block:
    """One server block."""

    zone: str
    """Zone it serves, without a final dot; "." is the root."""
    plugins: tuple[str, ...]
    """Plugin lines; a plugin with a body holds newlines and is indented with it."""

    def render(self) -> str:
        """Return the block as Corefile text."""
        lines = [line for plugin in self.plugins for line in plugin.splitlines()]
        body = "".join(f"{INDENT}{line}\n" for line in lines)
        return f"{self.zone}:53 {{\n{body}}}\n"


def corefile(
    *,
    cluster_domain: str,
    local_ip: str,
    marker_zone: str,
    upstream: str = CLUSTER,
    bind: str = LOCAL,
) -> str:
    """Render the whole Corefile.

    Args:
        cluster_domain: without a final dot.
        local_ip: the address that health listens on; every address when it is empty.
        marker_zone: zone of the marker, without a final dot.
        upstream: where names of the cluster are forwarded to: an address or a variable.
        bind: the addresses that DNS is served on, or a variable.
    """
    cluster_cache = _body("cache", "success 9984 30", "denial 9984 5")
    to_cluster = _body(f"forward . {upstream}", "force_tcp")
    blocks = (
        _block(cluster_domain, bind, cluster_cache, to_cluster, f"health {_endpoint(local_ip)}"),
        _block("in-addr.arpa", bind, "cache 30", to_cluster),
        _block("ip6.arpa", bind, "cache 30", to_cluster),
        _block(".", bind, "cache 30", f"forward . {UPSTREAM}"),
        # No prometheus here: our own questions must not count as lookups.
        Block(
            zone=marker_zone,
            plugins=("errors", f"bind {bind}", _body("template IN TXT", MARKER_ANSWER)),
        ),
    )
    return "".join(block.render() for block in blocks)


def _block(zone: str, bind: str, cache: str, forward: str, *more: str) -> Block:
    return Block(
        zone=zone,
        plugins=(
            "errors",
            cache,
            "reload",
            "loop",
            f"bind {bind}",
            forward,
            f"prometheus :{METRICS_PORT}",
            *more,
        ),
    )


def _body(head: str, *lines: str) -> str:
    inside = "".join(f"{INDENT}{line}\n" for line in lines)
    return f"{head} {{\n{inside}}}"


def _endpoint(ip: str) -> str:
    """Address and port; an IPv6 address needs brackets here, and only here."""
    host = f"[{ip}]" if ip and ipaddress.ip_address(ip).version == 6 else ip  # noqa: PLR2004
    return f"{host}:{HEALTH_PORT}"
