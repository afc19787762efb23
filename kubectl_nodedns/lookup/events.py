"""What a run of `lookup` hands on, one after the other, with its lookups as plain data too."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from kubectl_nodedns.errors import Exit

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from kubectl_nodedns.lookup.comparison import Outcome
    from kubectl_nodedns.lookup.question import Answer
    from kubectl_nodedns.lookup.vantage import Lookup, VantagePoint


def document(
    *,
    name: str,
    rtype: str,
    lookups: Sequence[Lookup],
    outcome: Outcome,
    tried: Sequence[Answer] = (),
    unasked: Mapping[str, str] | None = None,
    about: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return everything that is known about one question.

    Args:
        name: the absolute name that was asked for.
        rtype: the record type.
        lookups: what came back.
        outcome: the verdict on it.
        tried: answers to the names of the search list that came before, the last one included.
        unasked: nodes that nothing was asked from, and why.
        about: more members of the document, such as the pod that the question is about.
    """
    return {
        "name": name,
        "type": rtype,
        "search": [_tried(answer) for answer in tried],
        **(about or {}),
        "lookups": [_lookup(lookup) for lookup in lookups],
        "unasked": [{"node": node, "why": why} for node, why in (unasked or {}).items()],
        "differences": [
            {
                "kind": str(one.kind),
                "serious": one.serious,
                "text": one.text,
                "nodes": list(dict.fromkeys(lookup.node for lookup in one.lookups)),
                "addresses": list(dict.fromkeys(lookup.point.address for lookup in one.lookups)),
            }
            for one in outcome.differences
        ],
        "verdict": {
            "same": outcome.same,
            "intercepted": outcome.proved,
            "text": outcome.text,
        },
    }


def _tried(answer: Answer) -> dict[str, Any]:
    return {
        "name": answer.question.name,
        "rcode": answer.rcode or None,
        "records": len(answer.records),
        "microseconds": answer.microseconds,
        "error": answer.error or None,
    }


def _lookup(lookup: Lookup) -> dict[str, Any]:
    by = lookup.answered_by
    marker = lookup.marker
    return {
        "node": lookup.node,
        "where": str(lookup.point.where),
        "behind": lookup.point.target or None,
        **lookup.answer.as_json(),
        "answeredBy": {"node": by.node, "podUID": by.pod_uid} if by else None,
        "evidence": lookup.evidence or None,
        "marker": {
            "rcode": marker.rcode or None,
            "microseconds": marker.microseconds,
            "measured": marker.measured or None,
            "error": marker.error or None,
        }
        if marker
        else None,
    }


class Progress(Protocol):
    """Tells a person how far it is; `cli.talk.Talk` does."""

    def step(self, text: str) -> None:
        """A new step begins."""

    def note(self, text: str) -> None:
        """Something worth knowing."""

    def lines(self, lines: Iterable[str]) -> None:
        """Lines without anything before them."""


@dataclass(frozen=True, kw_only=True)
class RoundBegan:
    """A round of questions begins."""

    nodes: tuple[str, ...]
    """The nodes that it is asked from."""
    points: tuple[VantagePoint, ...]
    """Where it is asked, as far as that is known beforehand."""


@dataclass(frozen=True, kw_only=True)
class NameFound:
    """The search list has led to the name that is asked for; only once a run."""

    name: str
    """That name, absolute."""
    tried: tuple[Answer, ...]
    """Answers to the names that were tried, the last one included."""


@dataclass(frozen=True, kw_only=True)
class LookupCame:
    """A lookup has all its answers."""

    lookup: Lookup
    """The lookup."""


@dataclass(frozen=True, kw_only=True)
class NodeDone:
    """A node has nothing more to ask."""

    lookups: tuple[Lookup, ...]
    """All of its lookups, with what the counters of its cache say."""
    done: int
    """Nodes that are done by now, this one included."""
    of: int
    """Nodes in all."""


@dataclass(frozen=True, kw_only=True)
class Report:
    """A round has ended."""

    name: str
    """The absolute name that was asked for."""
    rtype: str
    """The record type."""
    lookups: tuple[Lookup, ...]
    """What came back, node by node."""
    outcome: Outcome
    """The verdict on it."""
    tried: tuple[Answer, ...] = ()
    """Answers to the names of the search list, the last one included."""
    unasked: Mapping[str, str]
    """Nodes that nothing was asked from, and why."""
    about: Mapping[str, Any]
    """More members of the document, such as the pod that the question is about."""
    notes: tuple[str, ...] = ()
    """What else is worth knowing."""

    @property
    def exit(self) -> Exit:
        """The exit status that says it."""
        if not self.outcome.same:
            return Exit.FINDING
        return Exit.PARTIAL if self.unasked else Exit.OK

    def as_json(self) -> dict[str, Any]:
        """Return it as `-o json` shows it."""
        return document(
            name=self.name,
            rtype=self.rtype,
            lookups=self.lookups,
            outcome=self.outcome,
            tried=self.tried,
            unasked=self.unasked,
            about=self.about,
        )


Event = RoundBegan | NameFound | LookupCame | NodeDone | Report
