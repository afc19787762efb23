"""Asking: rounds of questions to whoever asks them, with answers and lookups as they come."""

from __future__ import annotations

import codecs
import ipaddress
from contextlib import aclosing
from typing import TYPE_CHECKING, Protocol

import dns.exception
import dns.name
import dns.reversename

from kubectl_nodedns.errors import ApiError, ForbiddenError, TimedOutError
from kubectl_nodedns.lookup import dig
from kubectl_nodedns.lookup.question import Answer, Question
from kubectl_nodedns.lookup.resolv_conf import candidates
from kubectl_nodedns.lookup.vantage import pair, questions
from kubectl_nodedns.together import arriving

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Iterable, Sequence

    from kubectl_nodedns.cluster.client import Client
    from kubectl_nodedns.lookup.resolv_conf import ResolvConf
    from kubectl_nodedns.lookup.vantage import Ask, Lookup


class Asker(Protocol):
    """Whatever asks from somewhere and yields answers as they come: `Probes`, `Direct`, a pod."""

    def answers(self, node: str, questions: Sequence[Question]) -> AsyncGenerator[Answer, None]:
        """Ask `questions` one after the other from `node`; yield one answer for each, in order."""


async def answers_in_pod(
    client: Client, namespace: str, pod: str, container: str, questions: Sequence[Question]
) -> AsyncGenerator[Answer, None]:
    """Ask `questions` one after the other, by dig in a container that runs.

    Args:
        client: an open client.
        namespace: the pod's namespace.
        pod: the pod's name.
        container: a container of it that has dig and sh.
        questions: what to ask, and whom.

    Yields:
        One answer for each question, in order. An exec that fails is an error in each question
        that it left without an answer.

    Raises:
        ForbiddenError: the user may not exec there.
    """
    reader = dig.Reader(questions)
    decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
    answered = 0

    async def execute(received: Callable[[bytes], None]) -> None:
        await client.exec(
            namespace,
            pod,
            container,
            dig.command(questions),
            timeout=dig.limit(questions),
            received=received,
        )

    failed: ApiError | TimedOutError | None = None
    async with aclosing(arriving(execute)) as pieces:
        try:
            async for piece in pieces:
                for answer in reader.feed(decoder.decode(piece)):
                    answered += 1
                    yield answer
        except ForbiddenError:
            raise
        except (ApiError, TimedOutError) as error:
            failed = error
    left = unasked(questions[answered:], f"probe: {failed}") if failed else reader.end()
    for answer in left:
        yield answer


def unasked(questions: Iterable[Question], why: str) -> list[Answer]:
    """Return answers to questions that were never sent."""
    return [Answer(question=question, error=why, asked=False) for question in questions]


async def look(asker: Asker, node: str, asks: Sequence[Ask]) -> AsyncGenerator[Lookup, None]:
    """Ask everything of a plan from one node; yield each lookup as soon as its answers are there.

    Args:
        asker: who asks.
        node: from where.
        asks: the plan.
    """
    got: list[Answer] = []
    shown = 0
    async with aclosing(asker.answers(node, questions(asks))) as answers:
        async for answer in answers:
            got.append(answer)
            for lookup in pair(node, asks, got)[shown:]:
                shown += 1
                yield lookup


async def search(
    asker: Asker,
    node: str,
    name: str,
    conf: ResolvConf,
    *,
    question: Callable[[str], Question],
) -> tuple[Answer, ...]:
    """Try names as a pod's resolver does, until one has records or nobody answers.

    Args:
        asker: who asks.
        node: from where.
        name: the name as it was typed.
        conf: search list and ndots.
        question: makes the question for an absolute name.
    """
    tried: list[Answer] = []
    for candidate in candidates(name, conf):
        async with aclosing(asker.answers(node, [question(candidate)])) as answers:
            [answer] = [one async for one in answers]
        tried.append(answer)
        if answer.ok or not answer.rcode:
            break
    return tuple(tried)


def outside(name: str, domain: str) -> bool:
    """Whether the node's own resolvers should know a name as well as CoreDNS does.

    They know neither the cluster domain nor the reverse names of addresses that are not global.

    Args:
        name: absolute.
        domain: the cluster domain; empty when it is not known: then it might be inside.
    """
    parsed = dns.name.from_text(name)
    if not domain or parsed.is_subdomain(dns.name.from_text(domain)):
        return False
    try:
        return ipaddress.ip_address(dns.reversename.to_address(parsed)).is_global
    except (dns.exception.DNSException, ValueError):
        return True
