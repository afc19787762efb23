"""`kubectl nodedns lookup`: one question to every vantage point, side by side."""

from __future__ import annotations

import ipaddress
import shutil
import sys
from contextlib import aclosing
from typing import TYPE_CHECKING

from kubectl_nodedns.cli.loop import run_on_loop
from kubectl_nodedns.cli.output import print_data, print_documents, print_json_line, print_lines
from kubectl_nodedns.cli.talk import Talk
from kubectl_nodedns.cluster.access import duration
from kubectl_nodedns.commands.given import access_options, probe_options
from kubectl_nodedns.commands.session import connect, make_probes
from kubectl_nodedns.errors import Exit, NodednsError
from kubectl_nodedns.facts.dns_service import split_name
from kubectl_nodedns.facts.progress import GO_ON, of_pods
from kubectl_nodedns.facts.way import read_way
from kubectl_nodedns.install.recalled import recalled
from kubectl_nodedns.lookup.events import Report
from kubectl_nodedns.lookup.pod_dns import read_pod
from kubectl_nodedns.lookup.question import Manner
from kubectl_nodedns.lookup.rendering import Table, note_of
from kubectl_nodedns.lookup.request import LookupRequest, check_request, type_to_look_up
from kubectl_nodedns.lookup.session import Session
from kubectl_nodedns.lookup.targets import choose_nodes, nodes_like
from kubectl_nodedns.names import absolute, address, reverse

if TYPE_CHECKING:
    import argparse
    from collections.abc import AsyncGenerator

    from kubectl_nodedns.cluster.client import Client
    from kubectl_nodedns.facts.way import Way
    from kubectl_nodedns.lookup.events import Event

SHORTEST = 0.1
"""Seconds between two rounds of --watch, at least."""
CELLS = 160
"""Cells of a line where no terminal says how many it has."""


def run(arguments: argparse.Namespace) -> int:
    """Ask, print, and say by the exit code whether all answers are the same."""
    request = read_request(arguments)
    return run_on_loop(_directly(request) if request.direct else _lookup(request))


async def way_of(client: Client, request: LookupRequest) -> Way:
    """Read the way of a lookup, with what is remembered where the request does not say.

    Raises:
        NodednsError: see `read_way`.
    """
    given = {"dns-service": request.dns_service, "cluster-domain": request.cluster_domain}
    known = await recalled(client, given)
    return await read_way(
        client,
        dns_service=known.get("dns-service", ""),
        domain=known.get("cluster-domain", ""),
    )


async def _lookup(request: LookupRequest) -> int:
    talk = Talk()
    async with connect(request.access) as client:
        way = await way_of(client, request)
        for what in way.unread:
            talk.note(f"not read: {what}")
        if way.cache and (progress := of_pods(way.cache, way.cache_pods)):
            talk.note(f"{progress}: {GO_ON}")
        pod = None
        if request.from_pod:
            namespace = request.namespace or client.access.namespace
            pod = await read_pod(client, request.from_pod, namespace)
        nodes, unfit = choose_nodes(
            way,
            given=[pod["spec"]["nodeName"]] if pod else request.nodes,
            selected=await nodes_like(client, request.selector),
            everywhere=request.all_nodes,
        )
        async with make_probes(client, request.probes, dns_policy="Default") as probes:
            session = Session(client, way, probes, request, talk, unfit=unfit)
            if pod is not None:
                await session.explain(pod)
            return await _show(session.rounds(nodes), request, talk)


async def _directly(request: LookupRequest) -> int:
    """Ask from this machine; one without access to a cluster asks all the same."""
    from kubectl_nodedns.lookup.direct import own_conf, rounds_from_here  # noqa: PLC0415 - rare

    talk = Talk()
    way = None
    try:
        async with connect(request.access) as client:
            way = await way_of(client, request)
    except NodednsError as error:
        talk.note(f"the cluster is not read: {error}")
    return await _show(rounds_from_here(way, request, talk, conf=own_conf()), request, talk)


async def _show(events: AsyncGenerator[Event, None], request: LookupRequest, talk: Talk) -> int:
    """Print what comes, until it ends; return the exit code of the last round."""
    ended: int = Exit.OK
    as_table = request.output in ("table", "wide")
    table = Table(
        wide=request.output == "wide",
        cells=_cells,
        watching=request.interval is not None,
        search=request.search,
    )
    async with aclosing(events):
        async for event in events:
            if note := note_of(event, table=as_table, search=request.search):
                talk.note(note)
            if as_table and (lines := table.lines(event)):
                print_lines(lines)
            if isinstance(event, Report):
                ended = event.exit
                if not as_table:
                    _print_document(event, request)
    return ended


def _cells() -> int:
    """Return how many cells a line has now: people resize their terminals."""
    return shutil.get_terminal_size((CELLS, 24)).columns if sys.stdout.isatty() else CELLS


def _print_document(report: Report, request: LookupRequest) -> None:
    watching = request.interval is not None
    if request.output == "yaml":
        print_documents([report.as_json()], explicit_start=watching)
    elif watching:
        print_json_line(report.as_json())
    else:
        print_data(report.as_json(), request.output)


def read_request(arguments: argparse.Namespace) -> LookupRequest:
    """Check the command line.

    Raises:
        UsageError: a value cannot be used, or two options contradict each other.
    """
    name, is_address = _name(arguments.name)
    rtype = type_to_look_up(arguments.rtype or ("PTR" if is_address else "A"))
    interval = None
    if arguments.watch is not None:
        interval = duration(arguments.watch, option="--watch") or SHORTEST
    probes = probe_options(arguments)
    if arguments.dns_service:
        split_name(arguments.dns_service)
    domain = arguments.cluster_domain
    whole = name if name == "." else absolute(name)
    given = tuple(p for p in ("udp", "tcp") if getattr(arguments, p))
    request = LookupRequest(
        access=access_options(arguments),
        probes=probes,
        name=name,
        whole=whole,
        absolute=name.endswith("."),
        rtype=rtype,
        protocols=given or ("udp", "tcp"),
        manner=Manner(
            edns=not arguments.no_edns,
            buffer_size=arguments.bufsize,
            dnssec=arguments.dnssec,
            checking_disabled=arguments.cd,
            nsid=arguments.nsid,
            recursion=not arguments.no_recurse,
            timeout=arguments.query_timeout,
        ),
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
    check_request(request)
    return request


def _name(text: str) -> tuple[str, bool]:
    """Return the name to ask for, and whether an address was typed."""
    try:
        ip = ipaddress.ip_address(text.strip())
    except ValueError:
        name = text.strip()
        return name, False
    return reverse(str(ip).partition("%")[0]), True
