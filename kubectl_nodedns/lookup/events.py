"""What a run of `lookup` hands on, one after the other; and whom it tells how far it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from kubectl_nodedns.errors import Exit
from kubectl_nodedns.lookup.document import document

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from kubectl_nodedns.lookup.comparison import Outcome
    from kubectl_nodedns.lookup.question import Answer
    from kubectl_nodedns.lookup.vantage import Lookup, VantagePoint


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
