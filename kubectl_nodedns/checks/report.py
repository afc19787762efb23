"""Findings as rows, as one line, as plain data, as words. Pure; prints nothing."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from kubectl_nodedns.checks.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kubectl_nodedns.checks.evidence import Evidence
    from kubectl_nodedns.checks.finding import Finding, Outcome

HEADER = ("SEVERITY", "CODE", "SUBJECT", "SEEN")
WIDE_HEADER = (*HEADER, "CATEGORY", "MATTERS", "WAY OUT", "PAGE")
SUBJECTS = 3
"""Subjects of one code that the short form names."""


def rows(outcome: Outcome, *, wide: bool) -> list[tuple[str, ...]]:
    """Return a row for each finding, for `HEADER` or `WIDE_HEADER`."""
    return [_row(finding, wide=wide) for finding in outcome.findings]


def short(outcome: Outcome, about: str) -> str:
    """Say it all in one line, to paste into a chat.

    Args:
        outcome: what the checks came to.
        about: what was looked at, in words.
    """
    by_code: dict[str, list[str]] = {}
    for finding in outcome.findings:
        by_code.setdefault(finding.code, []).append(finding.subject)
    said = [f"{code} {_subjects(subjects)}" for code, subjects in by_code.items()]
    return f"nodedns: {totals(outcome)}; {'; '.join([*said, about])}"


def totals(outcome: Outcome) -> str:
    """Return "1 error, 2 warnings", or "no finding"."""
    parts = []
    for severity in Severity:
        if count := outcome.count(severity):
            plural = "s" if count > 1 and severity is not Severity.INFO else ""
            parts.append(f"{count} {severity.value}{plural}")
    return ", ".join(parts) or "no finding"


def explanations(outcome: Outcome, titles: Mapping[str, str]) -> list[str]:
    """Say for each code why it matters and what to do, of ways out that differ the first few."""
    lines = []
    seen: set[tuple[str, str, str]] = set()
    told: Counter[str] = Counter()
    for finding in outcome.findings:
        key = (finding.code, finding.matters, finding.way_out)
        if key in seen:
            continue
        seen.add(key)
        told[finding.code] += 1
        if told[finding.code] == SUBJECTS + 1:
            lines.append(f"{finding.code} and so on for the others; -o wide says it for each")
        if told[finding.code] > SUBJECTS:
            continue
        lines += [
            f"{finding.code} {titles.get(finding.code, '')}",
            f"      matters  {finding.matters}",
            f"      way out  {finding.way_out}",
        ]
    return lines


def document(outcome: Outcome, titles: Mapping[str, str], unread: Sequence[str]) -> dict[str, Any]:
    """Return everything as plain data, for `-o json`."""
    return {
        "summary": {severity.value: outcome.count(severity) for severity in Severity},
        "findings": [
            {
                "code": one.code,
                "title": titles.get(one.code, ""),
                "severity": one.severity.value,
                "category": one.category.value,
                "subject": one.subject,
                "seen": one.seen,
                "matters": one.matters,
                "wayOut": one.way_out,
                "page": one.page,
            }
            for one in outcome.findings
        ],
        "asked": list(outcome.asked),
        "skipped": list(outcome.skipped),
        "ignored": list(outcome.ignored),
        "unread": list(unread),
    }


def _row(finding: Finding, *, wide: bool) -> tuple[str, ...]:
    row = (finding.severity.value, finding.code, finding.subject, finding.seen)
    if not wide:
        return row
    more = (finding.category.value, finding.matters, finding.way_out, finding.page)
    return (*row, *more)


def _subjects(subjects: Sequence[str]) -> str:
    shown = ", ".join(dict.fromkeys(subjects[:SUBJECTS]))
    return f"{shown} and {len(subjects) - SUBJECTS} more" if len(subjects) > SUBJECTS else shown


def about(evidence: Evidence) -> str:
    """Say in a few words what was looked at."""
    nodes = f"{len(evidence.nodes)} node{'s' if len(evidence.nodes) != 1 else ''}"
    caches = [
        f"{cache.namespace}/{cache.name} {cache.version} ({cache.owner})"
        for cache in evidence.caches
    ]
    return ", ".join([nodes, *(caches or ["no cache"])])
