"""The verdict on the lookups of one question: what they say together, in words. Pure.

The marker proves: it is answered by a cache of ours and by nothing else, with the node's name. For
a cache that has no marker nothing is proved here, and that is said.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kubectl_nodedns.lookup.differences import (
    FAILURES,
    Difference,
    Kind,
    differences,
    listed,
    records_of,
)
from kubectl_nodedns.lookup.vantage import HERE, Lookup, Where

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What all lookups of one question say together."""

    same: bool
    """Whether every vantage point gave the same answer, and none failed."""
    text: str
    """The verdict in one line."""
    proved: bool | None
    """Whether lookups at the kube-dns IP are intercepted on every node that was asked from; None
    when this does not tell."""
    differences: tuple[Difference, ...]
    """What differs, and what is worth a note, the most important first."""


def compare(
    lookups: Sequence[Lookup], *, resolvers_know: bool = False, interception: bool = True
) -> Outcome:
    """Judge the lookups of one question.

    Args:
        lookups: what came back, from any number of nodes.
        resolvers_know: whether the node's own resolvers should know the name too: it is outside of
            the cluster domain.
        interception: whether the cache should answer at the kube-dns IP.
    """
    found = differences(lookups, resolvers_know=resolvers_know, interception=interception)
    serious = [one for one in found if one.serious]
    return Outcome(
        same=bool(lookups) and not serious,
        text=_verdict(lookups, serious, found),
        proved=_proved(lookups),
        differences=found,
    )


def with_difference(outcome: Outcome, difference: Difference) -> Outcome:
    """Return an outcome with one more serious difference, which goes first."""
    more = sum(one.serious for one in outcome.differences)
    text = f"{difference.text} (and {_differences(more)})" if more else difference.text
    return Outcome(
        same=False,
        text=text,
        proved=outcome.proved,
        differences=(difference, *outcome.differences),
    )


def _differences(more: int) -> str:
    return f"{more} more difference{'s' if more > 1 else ''}"


def _verdict(
    lookups: Sequence[Lookup], serious: Sequence[Difference], found: Sequence[Difference]
) -> str:
    if not lookups:
        return "nothing was asked"
    if not serious:
        return _same(lookups, found)
    first = serious[0]
    text = _hidden(lookups, first) or first.text
    more = len(serious) - 1
    return (
        f"{text} (and {more} more {'difference' if more == 1 else 'differences'})" if more else text
    )


def _same(lookups: Sequence[Lookup], found: Sequence[Difference]) -> str:
    answered = [look for look in lookups if look.answer.rcode]
    first = max(answered, key=lambda look: len(records_of(look)), default=lookups[0])
    said = [record.text() for record in first.answer.records]
    what = f"{first.answer.rcode} {listed(said)}".rstrip()
    if what == "NOERROR":
        what = "NOERROR without records"
    nodes = len({look.node for look in lookups})
    addresses = len({look.point.address for look in lookups})
    where = f"{addresses} address{'es' if addresses != 1 else ''} from {nodes} node"
    text = f"the same everywhere: {what}, at {where}{'s' if nodes != 1 else ''}"
    if _proved(lookups):
        text += ", intercepted"
    if any(one.kind == Kind.SLOW for one in found):
        text += ", but not equally fast"
    return text


def _hidden(lookups: Sequence[Lookup], first: Difference) -> str:
    """Say it when single CoreDNS pods fail, which the cache hides for as long as it remembers."""
    wrong = {look.point.address for look in first.lookups}
    pods = {look.point.address for look in lookups if look.point.where == Where.COREDNS}
    kinds = (Kind.RCODE, Kind.SILENT, Kind.ANSWER)
    if first.kind not in kinds or not wrong < pods:
        return ""
    failing = first.kind == Kind.SILENT or first.lookups[0].answer.rcode in FAILURES
    does = "fail" if failing else "answer differently"
    text = f"{len(wrong)} of {len(pods)} CoreDNS pods {does} for this name: {first.text}"
    left = [
        look.answer.ttl
        for look in lookups
        if look.point.where == Where.LOCAL and look.answer.ok and look.answer.ttl is not None
    ]
    if left and failing:
        text += f"; the cache may hide it while its entry lives ({max(left)} s left)"
    return text


def _proved(lookups: Sequence[Lookup]) -> bool | None:
    at = [look for look in lookups if look.point.where == Where.KUBE_DNS and look.marker]
    if any(look.answered_by and look.node not in (HERE, look.answered_by.node) for look in at):
        return False
    if at and all(look.answered_by for look in at):
        return True
    marked = {look.node for look in lookups if look.point.where == Where.LOCAL and look.answered_by}
    missed = [look for look in at if look.node in marked and not look.answered_by]
    return False if any(look.marker and look.marker.rcode for look in missed) else None
