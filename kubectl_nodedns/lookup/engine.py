"""From a question to lookups: what is asked from one place, row by row as the answers come."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Protocol

import dns.exception
import dns.name
import dns.reversename

from kubectl_nodedns.lookup.resolv_conf import candidates
from kubectl_nodedns.lookup.vantage import pair, questions

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kubectl_nodedns.lookup.question import Answer, Question
    from kubectl_nodedns.lookup.resolv_conf import ResolvConf
    from kubectl_nodedns.lookup.vantage import Ask, Lookup


class Asker(Protocol):
    """Whatever asks from somewhere and hands answers on as they come: `Probes`, `Direct`, a pod."""

    async def ask(
        self,
        node: str,
        questions: Sequence[Question],
        *,
        answered: Callable[[Answer], None] = lambda _: None,
    ) -> Sequence[Answer]:
        """Ask `questions` from `node`; one answer for each, in order."""


async def look(
    asker: Asker,
    node: str,
    asks: Sequence[Ask],
    *,
    row: Callable[[Lookup], None] = lambda _: None,
) -> tuple[Lookup, ...]:
    """Ask everything of a plan from one node.

    Args:
        asker: who asks.
        node: from where.
        asks: the plan.
        row: called with each lookup as soon as its answers are there.
    """
    got: list[Answer] = []
    shown = 0

    def answered(answer: Answer) -> None:
        nonlocal shown
        got.append(answer)
        for lookup in pair(node, asks, got)[shown:]:
            shown += 1
            row(lookup)

    return pair(node, asks, await asker.ask(node, questions(asks), answered=answered))


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
        [answer] = await asker.ask(node, [question(candidate)])
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
