"""Questions asked from this machine by dnspython: on a node, or inside a pod, without a probe.

Answers have the form that dig's have, so that everything behind them is the same. Times are this
process's own.
"""

from __future__ import annotations

import asyncio
import os
import socket
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING

import dns.asyncquery
import dns.edns
import dns.exception
import dns.flags
import dns.message
import dns.query
import dns.rcode
import dns.rdatatype

from kubectl_nodedns.errors import UsageError
from kubectl_nodedns.lookup.ask import look, outside, search
from kubectl_nodedns.lookup.comparison import compare
from kubectl_nodedns.lookup.events import LookupCame, NameFound, Report, RoundBegan
from kubectl_nodedns.lookup.question import Answer, Question, Record
from kubectl_nodedns.lookup.resolv_conf import ResolvConf, chosen, parse
from kubectl_nodedns.lookup.targets import points
from kubectl_nodedns.lookup.vantage import HERE, plan
from kubectl_nodedns.names import marker_name
from kubectl_nodedns.printable import printable

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from kubectl_nodedns.facts.way import Way
    from kubectl_nodedns.lookup.ask import Asker
    from kubectl_nodedns.lookup.events import Event, Progress
    from kubectl_nodedns.lookup.request import LookupRequest

RESOLV_CONF = Path("/etc/resolv.conf")
PAYLOAD = 1232
"""UDP payload size that dig and we offer when nothing else is asked for."""


class Direct:
    """Asks from this machine; an `ask.Asker`.

    Args:
        port: the port that every server is asked at.
    """

    def __init__(self, port: int = 53) -> None:
        self._port = port

    async def answers(
        self,
        node: str,  # noqa: ARG002 - there is one place to ask from
        questions: Sequence[Question],
    ) -> AsyncGenerator[Answer, None]:
        """Ask `questions` one after the other; yield each answer."""
        for question in questions:
            yield await _ask(question, self._port)


async def _ask(question: Question, port: int) -> Answer:
    timeout = question.manner.timeout
    try:
        query = _query(question)
        if question.tcp:
            response, truncated = await _tcp(query, question, port), False
        else:
            try:
                response = await dns.asyncquery.udp(
                    query, question.server, timeout=timeout, port=port, raise_on_truncation=True
                )
                truncated = False
            except dns.message.Truncated:
                response, truncated = await _tcp(query, question, port), True
    except dns.exception.Timeout:
        return Answer(question=question, error=f"no response in {timeout} s")
    except dns.query.BadResponse:
        return Answer(question=question, error="a response that is none to this question")
    except EOFError:
        return Answer(question=question, error="the connection was closed without an answer")
    except OSError as error:  # the event loop's own text has the address, which is shown already
        text = os.strerror(error.errno).lower() if error.errno else str(error)
        return Answer(question=question, error=text or type(error).__name__)
    except (dns.exception.DNSException, ValueError) as error:
        text = str(error) or type(error).__name__
        return Answer(question=question, error=printable(text)[:200])
    return _answer(question, response, truncated=truncated)


async def _tcp(query: dns.message.Message, question: Question, port: int) -> dns.message.Message:
    timeout = question.manner.timeout
    return await dns.asyncquery.tcp(query, question.server, timeout=timeout, port=port)


def _query(question: Question) -> dns.message.Message:
    manner = question.manner
    options: list[dns.edns.Option] = []
    if manner.nsid:
        options.append(dns.edns.GenericOption(dns.edns.OptionType.NSID, b""))
    flags = dns.flags.RD if manner.recursion else dns.flags.Flag(0)
    if manner.checking_disabled:
        flags |= dns.flags.CD
    return dns.message.make_query(
        question.name,
        question.rtype,
        use_edns=0 if manner.edns else -1,
        want_dnssec=manner.dnssec,
        payload=(manner.buffer_size or PAYLOAD) if manner.edns else None,
        options=options or None,
        flags=flags,
    )


def _answer(question: Question, response: dns.message.Message, *, truncated: bool) -> Answer:
    microseconds = round(response.time * 1_000_000)
    records = tuple(
        Record(
            name=printable(rrset.name.to_text()),
            ttl=rrset.ttl,
            rtype=dns.rdatatype.to_text(rrset.rdtype),
            data=printable(data.to_text()),
        )
        for rrset in response.answer
        for data in rrset
    )
    return Answer(
        question=question,
        rcode=dns.rcode.to_text(response.rcode()),
        records=records,
        flags=tuple(dns.flags.to_text(response.flags).lower().split()),
        microseconds=microseconds,
        measured=f"{microseconds} usec",
        size=len(response.wire) if response.wire else None,
        truncated=truncated,
        opt=_opt(response),
    )


def _opt(response: dns.message.Message) -> tuple[str, ...]:
    if response.edns < 0:
        return ()
    flags = " do" if response.ednsflags & dns.flags.DO else ""
    lines = [f"EDNS: version: {response.edns}, flags:{flags}; udp: {response.payload}"]
    lines += [str(option.to_text()) for option in response.options]
    return tuple(printable(line) for line in lines)


async def rounds_from_here(
    way: Way | None,
    request: LookupRequest,
    told: Progress,
    *,
    conf: ResolvConf,
    asker: Asker | None = None,
) -> AsyncGenerator[Event, None]:
    """Ask from this machine, once or without an end; yield what happens. Close it when done.

    At the cluster's addresses where they can be read, else at its own.

    Args:
        way: the way of lookups through the cluster; None where it cannot be read.
        request: what was asked for.
        told: how far it is.
        conf: this machine's resolv.conf.
        asker: who asks; `Direct` when it is left out.

    Raises:
        UsageError: there is no address to ask at.
    """
    node = _here(way)
    servers = (*request.servers, *conf.nameservers)
    if way is None and not servers:
        raise UsageError(
            "--direct: there is no address to ask at: no cluster, and no nameserver in "
            f"{RESOLV_CONF}",
            hint="give one with --at",
        )
    told.step(f"ask {request.name} {request.rtype} from this machine ({node})")
    tried: tuple[Answer, ...] = ()
    asker = asker or Direct()
    if not request.absolute and conf.nameservers:
        question = request.question_at(conf.nameservers[0])
        tried = await search(asker, node, request.name, conf, question=question)
        yield NameFound(name=chosen(request.whole, tried), tried=tried)
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
        yield RoundBegan(nodes=(node,), points=tuple(ask.point for ask in asks))
        found = []
        async with aclosing(look(asker, node, asks)) as lookups:
            async for lookup in lookups:
                yield LookupCame(lookup=lookup)
                found.append(lookup)
        outcome = compare(
            found,
            resolvers_know=way is None or outside(name, domain),
            interception=way is not None and way.intercepting,
        )
        yield Report(
            name=name,
            rtype=request.rtype,
            lookups=tuple(found),
            outcome=outcome,
            tried=tried,
            unasked={},
            about={},
        )
        if request.interval is None:
            return
        await asyncio.sleep(request.interval)


def own_conf(file: Path = RESOLV_CONF) -> ResolvConf:
    """Return this machine's resolv.conf; an empty one when it cannot be read."""
    try:
        return parse(file.read_text(encoding="utf-8", errors="replace"))
    except OSError:
        return ResolvConf()


def _here(way: Way | None) -> str:
    """Return this machine's name if it is a node's, else `HERE`."""
    name = socket.gethostname()
    return name if way and name in {node.name for node in way.nodes} else HERE
