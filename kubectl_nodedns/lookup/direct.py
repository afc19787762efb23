"""Questions asked from this machine by dnspython: on a node, or inside a pod, without a probe.

Answers have the form that dig's have, so that everything behind them is the same. Times are this
process's own.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import dns.asyncquery
import dns.edns
import dns.exception
import dns.flags
import dns.message
import dns.query
import dns.rcode
import dns.rdatatype

from kubectl_nodedns.lookup.question import Answer, Question, Record
from kubectl_nodedns.printable import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

PAYLOAD = 1232
"""UDP payload size that dig and we offer when nothing else is asked for."""


class Direct:
    """Asks from this machine; has the interface of `probes.Probes`.

    Args:
        port: the port that every server is asked at.
    """

    def __init__(self, port: int = 53) -> None:
        self._port = port

    async def ask(
        self,
        node: str,  # noqa: ARG002 - there is one place to ask from
        questions: Sequence[Question],
        *,
        answered: Callable[[Answer], None] = lambda _: None,
    ) -> list[Answer]:
        """Ask `questions` one after the other; `answered` is called with each answer."""
        answers = []
        for question in questions:
            answer = await _ask(question, self._port)
            answers.append(answer)
            answered(answer)
        return answers


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
