"""In what the lookups of one question differ. Pure.

Answers are compared by rcode and records; their order and their TTLs are no difference. A resolver
of the node is compared only where it should know the name as well as CoreDNS does.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from statistics import median
from typing import TYPE_CHECKING, TypeVar

from kubectl_nodedns.lookup.vantage import HERE, Lookup, Where

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

K = TypeVar("K")
SLOW_FACTOR = 10
"""A lookup is slow when it took that many times the median of the others, and"""
SLOW = 100_000
"""at least so many microseconds: below that nobody notices."""
FAILURES = frozenset({"SERVFAIL", "REFUSED", "FORMERR", "NOTIMP"})
NAMED = 4
"""Places that a sentence names before it counts the rest."""


class Kind(StrEnum):
    """In what a lookup differs."""

    UNASKED = "not asked"
    """The question was never sent."""
    SILENT = "silent"
    """No response came."""
    RCODE = "rcode"
    """Another response code than elsewhere."""
    ANSWER = "answer"
    """The same response code, other records."""
    FAILED = "failed"
    """A response code that means failure, the same one everywhere."""
    INTERCEPTION = "interception"
    """Lookups at the kube-dns IP do not go where they should."""
    LOOP = "loop"
    """The upstream service leads back to a cache."""
    BYPASS = "bypass"
    """A pod's own nameserver is not one that leads to the cache."""
    SLOW = "slow"
    """The same answer, much later than elsewhere."""
    TRUNCATED = "truncated"
    """The response over UDP was truncated, and the question asked again over TCP."""


NOTES = frozenset({Kind.SLOW, Kind.TRUNCATED})
"""Kinds that are worth saying and make no lookup wrong."""


@dataclass(frozen=True, kw_only=True)
class Difference:
    """One way in which some lookups differ from the others."""

    kind: Kind
    """In what."""
    text: str
    """The same in words, with the places."""
    lookups: tuple[Lookup, ...] = ()
    """The lookups that it is about."""

    @property
    def serious(self) -> bool:
        """Whether it makes the verdict a bad one."""
        return self.kind not in NOTES


def differences(
    lookups: Sequence[Lookup], *, resolvers_know: bool, interception: bool
) -> tuple[Difference, ...]:
    """Find every difference, the most important first.

    Args:
        lookups: what came back.
        resolvers_know: whether the node's own resolvers should know the name too.
        interception: whether the cache should answer at the kube-dns IP.
    """
    compared = [look for look in lookups if resolvers_know or look.point.where != Where.RESOLVER]
    answered = [look for look in compared if look.answer.rcode]
    return (
        *_loops(lookups),
        *_rcodes(answered),
        *_silent(compared),
        *_answers(answered),
        *(_interception(lookups) if interception else ()),
        *_unasked(lookups),
        *_slow(answered),
        *_truncated(lookups),
    )


def places(lookups: Sequence[Lookup]) -> str:
    """Name where lookups were asked: "CoreDNS 10.244.2.3 (tcp) from node1"."""
    nodes = list(dict.fromkeys(look.node for look in lookups))
    points: dict[str, list[str]] = {}
    for look in lookups:
        protocols = points.setdefault(str(look.point), [])
        if look.answer.question.protocol not in protocols:
            protocols.append(look.answer.question.protocol)
    told = [f"{point} ({' and '.join(protocols)})" for point, protocols in points.items()]
    return f"{listed(told)} from {listed(nodes)}"


def listed(words: Sequence[str]) -> str:
    """Join words with commas; count those beyond the first few."""
    more = len(words) - NAMED
    return ", ".join(words[:NAMED]) + (f" and {more} more" if more > 0 else "")


def records_of(lookup: Lookup) -> frozenset[tuple[str, str]]:
    """Return what an answer says, without order, owner's spelling and TTL."""
    return frozenset((record.rtype, record.data) for record in lookup.answer.records)


def _loops(lookups: Iterable[Lookup]) -> Iterator[Difference]:
    looped = [look for look in lookups if look.point.where == Where.UPSTREAM and look.answered_by]
    if looped:
        text = f"a forwarding loop: a cache answers at {places(looped)}, where CoreDNS should"
        yield Difference(kind=Kind.LOOP, text=text, lookups=tuple(looped))


def _rcodes(answered: Sequence[Lookup]) -> Iterator[Difference]:
    groups = _groups(answered, lambda look: look.answer.rcode)
    if len(groups) == 1:
        [(rcode, all_of_them)] = groups
        if rcode in FAILURES:
            yield Difference(
                kind=Kind.FAILED, text=f"{rcode} everywhere", lookups=tuple(all_of_them)
            )
        return
    for rcode, group in groups[1:]:
        usual = groups[0][0]
        text = f"{rcode} at {places(group)}; {usual} elsewhere"
        yield Difference(kind=Kind.RCODE, text=text, lookups=tuple(group))


def _silent(compared: Sequence[Lookup]) -> Iterator[Difference]:
    silent = [look for look in compared if look.answer.asked and not look.answer.rcode]
    for error, group in _groups(silent, lambda look: look.answer.error):
        text = f"no answer at {places(group)}: {error}"
        yield Difference(kind=Kind.SILENT, text=text, lookups=tuple(group))


def _answers(answered: Sequence[Lookup]) -> Iterator[Difference]:
    if not answered:
        return
    usual = Counter(look.answer.rcode for look in answered).most_common(1)[0][0]
    groups = _groups([look for look in answered if look.answer.rcode == usual], records_of)
    for _, group in groups[1:]:
        said = listed([r.text() for r in group[0].answer.records]) or "no records"
        text = f"another answer at {places(group)}: {said}"
        yield Difference(kind=Kind.ANSWER, text=text, lookups=tuple(group))


def _interception(lookups: Iterable[Lookup]) -> Iterator[Difference]:
    """Yield where the marker says that the node's own cache did not answer at the kube-dns IP.

    Only a cache that answers the marker at its own address can be missed at the other.
    """
    lookups = list(lookups)
    marked = {look.node for look in lookups if look.point.where == Where.LOCAL and look.answered_by}
    asked = [
        look
        for look in lookups
        if look.point.where == Where.KUBE_DNS and look.marker is not None and look.marker.rcode
    ]
    missed = [look for look in asked if look.answered_by is None and look.node in marked]
    if missed:
        text = f"not intercepted: the cache answers at its own IP, but not at {places(missed)}"
        yield Difference(kind=Kind.INTERCEPTION, text=text, lookups=tuple(missed))
    strange = [
        look
        for look in asked
        if look.answered_by and look.node not in (HERE, look.answered_by.node)
    ]
    for node, group in _groups(strange, lambda look: look.answered_by and look.answered_by.node):
        text = f"the cache of another node, {node}, answers at {places(group)}"
        yield Difference(kind=Kind.INTERCEPTION, text=text, lookups=tuple(group))


def _unasked(lookups: Iterable[Lookup]) -> Iterator[Difference]:
    unasked = [look for look in lookups if not look.answer.asked]
    for error, group in _groups(unasked, lambda look: look.answer.error):
        nodes = listed(list(dict.fromkeys(look.node for look in group)))
        text = f"not asked from {nodes}: {error}"
        yield Difference(kind=Kind.UNASKED, text=text, lookups=tuple(group))


def _slow(answered: Sequence[Lookup]) -> Iterator[Difference]:
    timed = [look for look in answered if look.answer.microseconds is not None]
    slow = []
    for look in timed:
        others = [other.answer.microseconds or 0 for other in timed if other is not look]
        took = look.answer.microseconds or 0
        if others and took >= SLOW and took >= SLOW_FACTOR * median(others):
            slow.append(look)
    if slow:
        longest = max(look.answer.microseconds or 0 for look in slow)
        text = f"slow at {places(slow)}: up to {longest} µs"
        yield Difference(kind=Kind.SLOW, text=text, lookups=tuple(slow))


def _truncated(lookups: Iterable[Lookup]) -> Iterator[Difference]:
    cut = [look for look in lookups if look.answer.truncated]
    if cut:
        text = f"truncated over UDP, and asked again over TCP, at {places(cut)}"
        yield Difference(kind=Kind.TRUNCATED, text=text, lookups=tuple(cut))


def _groups(lookups: Iterable[Lookup], key: Callable[[Lookup], K]) -> list[tuple[K, list[Lookup]]]:
    """Group by `key`, the largest group first; of equal ones the one that was seen first."""
    found: dict[K, list[Lookup]] = {}
    for look in lookups:
        found.setdefault(key(look), []).append(look)
    return sorted(found.items(), key=lambda item: -len(item[1]))
