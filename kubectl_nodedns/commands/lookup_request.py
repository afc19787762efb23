"""The command line of `lookup`, checked before anything is asked."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kubectl_nodedns.cluster.access import duration
from kubectl_nodedns.cluster.paths import collection
from kubectl_nodedns.commands.given import probe_options, step_timeout
from kubectl_nodedns.errors import UsageError
from kubectl_nodedns.facts.dns_service import split_name
from kubectl_nodedns.lookup.question import Manner
from kubectl_nodedns.names import absolute, address, record_type, reverse

if TYPE_CHECKING:
    import argparse

    from kubectl_nodedns.cluster.client import Client

TRANSFERS = frozenset({"AXFR", "IXFR"})
META = frozenset({"OPT", "TSIG", "TKEY", "MAILA", "MAILB"})
SHORTEST = 0.1
"""Seconds between two rounds of --watch, at least."""
LARGEST_BUFFER = 65535


@dataclass(frozen=True, kw_only=True)
class Request:
    """What `lookup` was asked for."""

    name: str
    """The name as it was typed; a reverse name for an address."""
    whole: str
    """The same, absolute."""
    absolute: bool
    """Whether no search list applies: it has a final dot, or was an address."""
    rtype: str
    """Record type."""
    protocols: tuple[str, ...]
    """"udp", "tcp", or both."""
    manner: Manner
    """EDNS, header bits and patience."""
    nodes: tuple[str, ...]
    """Nodes that were named."""
    selector: str | None
    """Label selector of nodes."""
    all_nodes: bool
    """Whether all nodes are asked from."""
    from_pod: str
    """The pod whose way is explained; may be empty."""
    namespace: str
    """Namespace of that pod, and of the search list; empty for the context's."""
    direct: bool
    """Whether this machine asks."""
    servers: tuple[str, ...]
    """Other addresses to ask at."""
    search: bool
    """Whether the names that were tried are shown."""
    interval: float | None
    """Seconds between two rounds; None for one round."""
    output: str
    """table, wide, json or yaml."""
    dns_service: str
    """The DNS service as NAMESPACE/NAME; may be empty."""
    cluster_domain: str
    """The cluster domain; may be empty."""

    @property
    def chooses(self) -> bool:
        """Whether the command line says which nodes to ask from."""
        return bool(self.nodes or self.all_nodes or self.selector is not None or self.from_pod)

    async def selected(self, client: Client) -> frozenset[str] | None:
        """Return the names of the nodes that the selector matches; None without one."""
        if self.selector is None:
            return None
        items = await client.list(collection("v1", "nodes"), labels=self.selector)
        return frozenset(item["metadata"]["name"] for item in items)


def read_request(arguments: argparse.Namespace) -> Request:
    """Check the command line.

    Raises:
        UsageError: a value cannot be used, or two options contradict each other.
    """
    _contradictions(arguments)
    name, is_address = _name(arguments.name)
    rtype = record_type(arguments.rtype or ("PTR" if is_address else "A"))
    if rtype in TRANSFERS or rtype in META:
        raise UsageError(
            f"{rtype} is no record type to look up",
            hint="a zone is transferred with dig" if rtype in TRANSFERS else "",
        )
    interval = None
    if arguments.watch is not None:
        interval = duration(arguments.watch, option="--watch") or SHORTEST
    probe_options(arguments)
    step_timeout(arguments)
    if arguments.dns_service:
        split_name(arguments.dns_service)
    domain = arguments.cluster_domain
    whole = name if name == "." else absolute(name)
    given = tuple(p for p in ("udp", "tcp") if getattr(arguments, p))
    return Request(
        name=name,
        whole=whole,
        absolute=name.endswith("."),
        rtype=rtype,
        protocols=given or ("udp", "tcp"),
        manner=_manner(arguments),
        nodes=tuple(arguments.node or ()),
        selector=arguments.selector,
        all_nodes=arguments.all_nodes,
        from_pod=arguments.from_pod or "",
        namespace=arguments.namespace or "",
        direct=arguments.direct,
        servers=tuple(address(one, option="--at") for one in arguments.at or ()),
        search=arguments.search,
        interval=max(interval, SHORTEST) if interval is not None else None,
        output=arguments.output,
        dns_service=arguments.dns_service or "",
        cluster_domain=absolute(domain, option="--cluster-domain")[:-1] if domain else "",
    )


def _name(text: str) -> tuple[str, bool]:
    """Return the name to ask for, and whether an address was typed."""
    try:
        ip = ipaddress.ip_address(text.strip())
    except ValueError:
        name = text.strip()
        return name, False
    return reverse(str(ip).partition("%")[0]), True


def _manner(arguments: argparse.Namespace) -> Manner:
    if arguments.bufsize and arguments.bufsize > LARGEST_BUFFER:
        raise UsageError(
            f"--bufsize: not more than {LARGEST_BUFFER}",
            hint="1232 fits in one packet nearly anywhere",
        )
    return Manner(
        edns=not arguments.no_edns,
        buffer_size=arguments.bufsize,
        dnssec=arguments.dnssec,
        checking_disabled=arguments.cd,
        nsid=arguments.nsid,
        recursion=not arguments.no_recurse,
        timeout=arguments.query_timeout,
    )


def _contradictions(arguments: argparse.Namespace) -> None:
    if arguments.no_edns and (arguments.bufsize or arguments.dnssec or arguments.nsid):
        raise UsageError("--no-edns: --bufsize, --dnssec and --nsid need EDNS")
    several = arguments.node or arguments.selector is not None or arguments.all_nodes
    if arguments.from_pod and several:
        raise UsageError("--from: a pod is on one node; leave --node, -l and -A out")
    if arguments.direct and (several or arguments.from_pod):
        raise UsageError("--direct: this machine asks; leave --node, -l, -A and --from out")
