"""`lookup --direct`: this machine asks, a node or a pod, with the same output."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path
from typing import TYPE_CHECKING

from kubectl_nodedns.cli.talk import Talk
from kubectl_nodedns.commands.given import access_options
from kubectl_nodedns.commands.lookup import way_of
from kubectl_nodedns.commands.lookup_output import Printer
from kubectl_nodedns.commands.session import connect
from kubectl_nodedns.errors import Exit, NodednsError, UsageError
from kubectl_nodedns.lookup.comparison import compare
from kubectl_nodedns.lookup.direct import Direct
from kubectl_nodedns.lookup.engine import look, outside, search
from kubectl_nodedns.lookup.places import points
from kubectl_nodedns.lookup.question import Question
from kubectl_nodedns.lookup.resolv_conf import ResolvConf, chosen, parse
from kubectl_nodedns.lookup.vantage import HERE, plan
from kubectl_nodedns.names import marker_name

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from kubectl_nodedns.commands.lookup_request import Request
    from kubectl_nodedns.facts.way import Way
    from kubectl_nodedns.lookup.question import Answer

RESOLV_CONF = Path("/etc/resolv.conf")


async def ask_directly(arguments: argparse.Namespace, request: Request) -> int:
    """Ask from this machine: at the cluster's addresses where they can be read, else at its own.

    Raises:
        UsageError: there is no address to ask at.
    """
    talk = Talk()
    way = await _way(arguments, request, talk)
    conf = _conf()
    node = _here(way)
    printer = Printer(
        request.output, talk, watching=request.interval is not None, search=request.search
    )
    servers = (*request.servers, *conf.nameservers)
    if way is None and not servers:
        raise UsageError(
            "--direct: there is no address to ask at: no cluster, and no nameserver in "
            f"{RESOLV_CONF}",
            hint="give one with --at",
        )
    talk.step(f"ask {request.name} {request.rtype} from this machine ({node})")
    tried: Sequence[Answer] = ()
    asker = Direct()
    if not request.absolute and conf.nameservers:
        tried = await search(
            asker,
            node,
            request.name,
            conf,
            question=lambda name: Question(
                name=name,
                rtype=request.rtype,
                server=conf.nameservers[0],
                manner=request.manner,
            ),
        )
        printer.tried(chosen(request.whole, tried), tried)
    name = chosen(request.whole, tried)
    domain = way.domain if way else request.cluster_domain
    marked = domain if way is None or way.marked else ""
    asks = plan(
        points(way, resolvers=() if way else conf.nameservers, servers=servers),
        name=name,
        rtype=request.rtype,
        marker=marker_name(marked) if marked else "",
        protocols=request.protocols,
        manner=request.manner,
    )
    while True:
        printer.begin([node], [ask.point for ask in asks])
        lookups = await look(asker, node, asks, row=printer.row)
        outcome = compare(
            lookups,
            resolvers_know=way is None or outside(name, domain),
            interception=way is not None and way.intercepting,
        )
        printer.end(
            name=name,
            rtype=request.rtype,
            lookups=lookups,
            outcome=outcome,
            tried=tried,
            unasked={},
            about={},
            notes=[],
        )
        if request.interval is None:
            return Exit.OK if outcome.same else Exit.FINDING
        await asyncio.sleep(request.interval)


async def _way(arguments: argparse.Namespace, request: Request, talk: Talk) -> Way | None:
    """Read the cluster where that is possible; a machine without access asks all the same."""
    try:
        async with connect(access_options(arguments)) as client:
            return await way_of(client, request)
    except NodednsError as error:
        talk.note(f"the cluster is not read: {error}")
        return None


def _conf() -> ResolvConf:
    try:
        return parse(RESOLV_CONF.read_text(encoding="utf-8", errors="replace"))
    except OSError:
        return ResolvConf()


def _here(way: Way | None) -> str:
    """Return this machine's name if it is a node's, else `HERE`."""
    name = socket.gethostname()
    return name if way and name in {node.name for node in way.nodes} else HERE
