"""Checks as data, and the engine that turns evidence into findings. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Generic, TypeVar

from kubectl_nodedns.facts.nodes import natural

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

E = TypeVar("E")
"""What a check looks at: a frozen value that was gathered before."""
PAGES = "https://github.com/kubectl-nodedns/kubectl-nodedns/blob/main/docs/findings"


class Severity(StrEnum):
    """How bad a finding is."""

    ERROR = "error"
    """Lookups fail, or will fail."""
    WARNING = "warning"
    """Lookups are answered, but not as they should be, or not for long."""
    INFO = "info"
    """Good to know; nothing has to be done today."""

    @property
    def rank(self) -> int:
        """Return 0 for the worst."""
        return list(Severity).index(self)

    def at_least(self, other: Severity) -> bool:
        """Whether it is as bad as `other`, or worse."""
        return self.rank <= other.rank


class Category(StrEnum):
    """What a finding is about."""

    INSTALL = "install"
    """Objects in the cluster."""
    COVERAGE = "coverage"
    """Nodes and pods that the cache does not serve."""
    TRAFFIC = "traffic"
    """Where lookups go."""
    UPSTREAM = "upstream"
    """Servers that the cache asks."""
    RESOURCES = "resources"
    """Memory and restarts."""
    SECURITY = "security"
    """Who can reach the cache, and who cannot."""
    MONITORING = "monitoring"
    """Rules and dashboards about it."""
    COMPATIBILITY = "compatibility"
    """Versions, and configuration that does not fit."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that is not as it should be."""

    code: str
    """The check's code, such as "ND001"."""
    severity: Severity
    """How bad it is."""
    category: Category
    """What it is about, broadly."""
    subject: str
    """What it is about, exactly: "node node1", "pod kube-system/x", "cluster"."""
    seen: str
    """What was seen."""
    matters: str
    """Why it matters."""
    way_out: str
    """What to do."""
    page: str
    """Address of the page that says more."""
    decisive: bool
    """Whether it makes the cluster's status wrong."""


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What a check saw, about one subject."""

    subject: str
    """What it is about: "node node1", "pod kube-system/x", "cluster"."""
    text: str
    """What was seen, in words, figures included."""
    severity: Severity | None = None
    """Where this one is better or worse than the check's own severity."""
    matters: str = ""
    """Where this one matters for another reason than the check's own."""
    way_out: str = ""
    """Where this one has another way out than the check's own."""


@dataclass(frozen=True, kw_only=True)
class Check(Generic[E]):
    """One check, as data."""

    code: str
    """ND001 to ND099 for what runs, ND100 to ND199 for what is asked before an install."""
    title: str
    """What it finds, as the title of its page."""
    severity: Severity
    """How bad its findings are, where one does not say otherwise."""
    category: Category
    """What its findings are about."""
    matters: str
    """Why they matter."""
    way_out: str
    """What to do about them."""
    decisive: bool = False
    """Whether its warnings make the cluster's status wrong; of other checks only errors do."""
    look: Callable[[E], Iterable[Seen] | None]
    """Says what is to be seen in the evidence; None when what it needs was not read."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a run of checks came to."""

    findings: tuple[Finding, ...]
    """The worst first, then by code and subject."""
    asked: tuple[str, ...]
    """Codes of the checks that could look."""
    skipped: tuple[str, ...]
    """Codes of the checks that could not, because what they need was not read."""
    ignored: tuple[str, ...]
    """Codes of the checks that were not to be run."""

    @property
    def wrong(self) -> tuple[Finding, ...]:
        """The findings that make the cluster's status wrong: what commands fail by."""
        return tuple(finding for finding in self.findings if finding.decisive)

    def failed(self, on: Severity | None = None) -> bool:
        """Whether a finding is as bad as `on`, or worse; without `on`, whether one is decisive."""
        if on is None:
            return bool(self.wrong)
        return any(finding.severity.at_least(on) for finding in self.findings)

    def count(self, severity: Severity) -> int:
        """Count the findings of one severity."""
        return sum(finding.severity is severity for finding in self.findings)


def run(checks: Sequence[Check[E]], evidence: E, *, ignore: Collection[str] = ()) -> Outcome:
    """Run checks over the evidence."""
    findings: list[Finding] = []
    asked: list[str] = []
    skipped: list[str] = []
    ignored: list[str] = []
    for check in checks:
        if check.code in ignore:
            ignored.append(check.code)
            continue
        seen = check.look(evidence)
        if seen is None:
            skipped.append(check.code)
            continue
        asked.append(check.code)
        findings += (_finding(check, one) for one in seen)
    return Outcome(
        findings=tuple(
            sorted(findings, key=lambda f: (f.severity.rank, f.code, natural(f.subject)))
        ),
        asked=tuple(asked),
        skipped=tuple(skipped),
        ignored=tuple(ignored),
    )


def _finding(check: Check[E], seen: Seen) -> Finding:
    severity = seen.severity or check.severity
    return Finding(
        code=check.code,
        severity=severity,
        category=check.category,
        subject=seen.subject,
        seen=seen.text,
        matters=seen.matters or check.matters,
        way_out=seen.way_out or check.way_out,
        page=f"{PAGES}/{check.code}.md",
        decisive=severity is Severity.ERROR or (severity is Severity.WARNING and check.decisive),
    )
