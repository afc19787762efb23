"""What stands in the way of an install: findings to refusals and to lines of a plan. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubectl_nodedns.checks.finding import Severity, run
from kubectl_nodedns.checks.preflight import OWN_REFUSALS, PREFLIGHT
from kubectl_nodedns.checks.registry import codes_of
from kubectl_nodedns.errors import RefusedError, UsageError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from kubectl_nodedns.checks.finding import Finding, Outcome
    from kubectl_nodedns.checks.preflight_evidence import Preflight

SHOWN = 5
"""Findings of one code that `enable` shows: what is wrong with a thousand nodes is in the first."""


def weigh(evidence: Preflight, ignore: Collection[str]) -> Outcome:
    """Look before `enable` changes anything; what it refuses by itself is left to it."""
    return run(PREFLIGHT, evidence, ignore={*OWN_REFUSALS, *ignore})


def ignored(given: Iterable[str]) -> frozenset[str]:
    """Read --ignore of `enable`.

    Args:
        given: codes, in each text one or several with commas between them.

    Raises:
        UsageError: there is no such check before an install.
    """
    found = codes_of(given)
    if unknown := sorted(found - {check.code for check in PREFLIGHT}):
        raise UsageError(
            f"--ignore: there is no check {unknown[0]} before an install",
            hint="kubectl nodedns check --pre shows the codes; docs/findings has a page for each",
        )
    return found


def refuse_errors(outcome: Outcome) -> None:
    """Refuse to go on when a finding is an error.

    Raises:
        RefusedError: with all of them, and the ways out.
    """
    errors = [one for one in outcome.findings if one.severity is Severity.ERROR]
    if not errors:
        return
    (first, *others), left = _few(errors)
    more = "".join(f"\n{_said(one)}\n  {one.way_out}" for one in others)
    more += "".join(f"\n{line}" for line in left)
    raise RefusedError(
        _said(first),
        hint=f"{first.way_out}{more}\nnothing was written; kubectl nodedns check --pre shows all. "
        "Where a finding is wrong, --ignore takes its code",
    )


def notes_of(outcome: Outcome) -> list[str]:
    """Say in lines what the plan should show: warnings, and what could not be looked at."""
    lines = []
    shown, left = _few([one for one in outcome.findings if one.severity is Severity.WARNING])
    for one in shown:
        lines += [f"{'warning':<10} {_said(one)}", f"{'':<12} way out: {one.way_out}"]
    lines += [f"{'':<10} {line}" for line in left]
    if gaps := [one.subject for one in outcome.findings if one.code == "ND199"]:
        lines.append(f"{'not seen':<10} {', '.join(gaps)}: check --pre says why")
    return lines


def _few(findings: Sequence[Finding]) -> tuple[list[Finding], list[str]]:
    """Return the first findings of each code, and a line for each code that has more."""
    by_code: dict[str, list[Finding]] = {}
    for one in findings:
        by_code.setdefault(one.code, []).append(one)
    shown = [one for those in by_code.values() for one in those[:SHOWN]]
    left = {code: len(those) - SHOWN for code, those in by_code.items() if len(those) > SHOWN}
    return shown, [f"{code}: {number} more like these" for code, number in left.items()]


def _said(finding: Finding) -> str:
    return f"{finding.code} {finding.subject}: {finding.seen}"
