"""The Corefile of the cache, rendered from a model.

The agent itself fills three variables when it starts: `__PILLAR__LOCAL__DNS__` with every address
of its -localip argument, `__PILLAR__CLUSTER__DNS__` with the address of the upstream service, and
`__PILLAR__UPSTREAM__SERVERS__` with the node's resolvers. So one Corefile serves the dark start and
the switched cache. The address of `health` is written out: the agent would put both addresses
there, which `health` does not take.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from kubectl_nodedns.facts.corefile import CAPACITY

if TYPE_CHECKING:
    from collections.abc import Mapping

LOCAL = "__PILLAR__LOCAL__DNS__"
CLUSTER = "__PILLAR__CLUSTER__DNS__"
UPSTREAM = "__PILLAR__UPSTREAM__SERVERS__"
METRICS_PORT = 9253
HEALTH_PORT = 8080
INDENT = "    "
MARKER_ANSWER = r'answer "{{ .Name }} 0 IN TXT \"{$NODE_NAME} {$POD_UID}\""'


@dataclass(frozen=True, kw_only=True)
class Caching:
    """What the server blocks keep, and for how long."""

    size: int = CAPACITY
    """Answers that a block keeps."""
    denial_size: int = CAPACITY
    """Answers of names that do not exist that a block keeps."""
    ttl: int = 30
    """Seconds that an answer is kept at most."""
    denial_ttl: int = 5
    """The same for a name of the cluster domain that does not exist."""
    serve_stale: str = ""
    """How long expired answers serve while upstreams do not, as Go writes it; empty for never."""
    prefetch: int = 0
    """Questions after which a name is asked for again before it expires; 0 for never."""

    def lines(self, *, cluster: bool) -> str:
        """Return the `cache` plugin, of the cluster domain's block or of another."""
        denial_ttl = self.denial_ttl if cluster else self.ttl
        more = [f"serve_stale {self.serve_stale} verify"] if self.serve_stale else []
        more += [f"prefetch {self.prefetch}"] if self.prefetch else []
        if not cluster and (self.size, self.denial_size) == (CAPACITY, CAPACITY):
            return _body(f"cache {self.ttl}", *more) if more else f"cache {self.ttl}"
        sizes = (f"success {self.size} {self.ttl}", f"denial {self.denial_size} {denial_ttl}")
        return _body("cache", *sizes, *more)


@dataclass(frozen=True, kw_only=True)
class Forwarding:
    """Where the server blocks ask."""

    upstreams: tuple[str, ...] = ()
    """Resolvers for names outside the cluster; none for the node's own."""
    all_to_cluster: bool = False
    """Whether names outside the cluster go to CoreDNS too."""
    stub_domains: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Resolvers of single domains."""
    max_concurrent: int = 1000
    """Lookups that a block lets wait for its upstreams at once."""
    cluster_options: tuple[str, ...] = ()
    """Lines of `forward` where CoreDNS is asked, beside max_concurrent; TCP unless they say so."""
    outside_options: tuple[str, ...] = ()
    """The same for names outside the cluster."""
    cluster: str = CLUSTER
    """Where names of the cluster are asked: an address, or the agent's variable."""

    def to_cluster(self) -> str:
        """Return the `forward` plugin that asks CoreDNS."""
        udp = "prefer_udp" in self.cluster_options
        others = [line for line in self.cluster_options if line != "force_tcp"]
        return self._forward(self.cluster, *(() if udp else ("force_tcp",)), *others)

    def outside(self) -> str:
        """Return the `forward` plugin for names outside the cluster."""
        if self.all_to_cluster:
            return self.to_cluster()
        return self._forward(" ".join(self.upstreams) or UPSTREAM, *self.outside_options)

    def to_stub(self, domain: str) -> str:
        """Return the `forward` plugin of a stub domain."""
        return self._forward(" ".join(self.stub_domains[domain]))

    def _forward(self, servers: str, *lines: str) -> str:
        return _body(f"forward . {servers}", *lines, f"max_concurrent {self.max_concurrent}")


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
    caching: Caching | None = None,
    forwarding: Forwarding | None = None,
    health_port: int = HEALTH_PORT,
    metrics_port: int = METRICS_PORT,
    bind: str = LOCAL,
    cluster_plugins: str = "",
    outside_plugins: str = "",
    extra: str = "",
) -> str:
    """Render the whole Corefile.

    Args:
        cluster_domain: without a final dot.
        local_ip: the address that health listens on; every address when it is empty.
        marker_zone: zone of the marker, without a final dot.
        caching: what is kept.
        forwarding: where is asked.
        health_port: port of health.
        metrics_port: port of the metrics.
        bind: the addresses that DNS is served on, or the agent's variable.
        cluster_plugins: more plugins of the cluster domain's block, as they are.
        outside_plugins: more plugins of the root's block, as they are.
        extra: server blocks that a person wrote, as they are.
    """
    keep, ask = caching or Caching(), forwarding or Forwarding()
    health = f"health {_endpoint(local_ip, health_port)}"
    metrics = f"prometheus :{metrics_port}"
    other = keep.lines(cluster=False)

    def block(zone: str, cache: str, forward: str, *more: str) -> Block:
        plugins = ("errors", cache, "reload", "loop", f"bind {bind}", forward, metrics, *more)
        return Block(zone=zone, plugins=plugins)

    blocks = (
        block(cluster_domain, keep.lines(cluster=True), ask.to_cluster(), health, cluster_plugins),
        block("in-addr.arpa", other, ask.to_cluster()),
        block("ip6.arpa", other, ask.to_cluster()),
        *(block(zone, other, ask.to_stub(zone)) for zone in ask.stub_domains),
        block(".", other, ask.outside(), outside_plugins),
        # No prometheus here: our own questions must not count as lookups.
        Block(
            zone=marker_zone,
            plugins=("errors", f"bind {bind}", _body("template IN TXT", MARKER_ANSWER)),
        ),
    )
    return "".join(block.render() for block in blocks) + extra


def _body(head: str, *lines: str) -> str:
    inside = "".join(f"{INDENT}{line}\n" for line in lines)
    return f"{head} {{\n{inside}}}"


def _endpoint(ip: str, port: int) -> str:
    """Address and port; an IPv6 address needs brackets here, and only here."""
    host = f"[{ip}]" if ip and ipaddress.ip_address(ip).version == 6 else ip  # noqa: PLR2004
    return f"{host}:{port}"
