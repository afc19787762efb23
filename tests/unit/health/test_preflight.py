"""What stands in the way of an install: what is refused, what the plan shows, what is ignored."""

from __future__ import annotations

import pytest

from kubectl_nodedns.checks.finding import Category, Finding, Outcome, Severity
from kubectl_nodedns.errors import RefusedError, UsageError
from kubectl_nodedns.health.preflight import SHOWN, ignored, notes_of, refuse_errors


def finding(
    code: str = "ND110", severity: Severity = Severity.ERROR, subject: str = "node node1"
) -> Finding:
    return Finding(
        code=code,
        severity=severity,
        category=Category.INSTALL,
        subject=subject,
        seen=f"{subject} is odd",
        matters="it matters",
        way_out=f"repair {subject}",
        page="",
        decisive=False,
    )


def outcome(*findings: Finding) -> Outcome:
    return Outcome(findings=findings, asked=(), skipped=(), ignored=())


def test_warnings_refuse_nothing() -> None:
    refuse_errors(outcome(finding(severity=Severity.WARNING), finding(severity=Severity.INFO)))


def test_a_refusal_names_every_error_and_its_way_out() -> None:
    with pytest.raises(RefusedError, match="ND110 node a: node a is odd") as refused:
        refuse_errors(
            outcome(
                finding(subject="node a"),
                finding(subject="node b", severity=Severity.WARNING),
                finding(code="ND120", subject="node c"),
            )
        )
    hint = refused.value.hint
    assert hint.startswith("repair node a\nND120 node c: node c is odd\n  repair node c\n")
    assert "node b" not in hint
    assert "nothing was written" in hint


def test_of_many_errors_alike_the_first_are_named_and_the_others_counted() -> None:
    many = [finding(subject=f"node {number}") for number in range(SHOWN + 2)]
    with pytest.raises(RefusedError) as refused:
        refuse_errors(outcome(*many))
    assert f"node {SHOWN - 1} is odd" in refused.value.hint
    assert f"node {SHOWN} is odd" not in refused.value.hint
    assert "ND110: 2 more like these" in refused.value.hint


def test_a_plan_shows_warnings_and_what_was_not_seen_but_no_errors() -> None:
    notes = notes_of(
        outcome(
            finding(),
            finding(code="ND121", severity=Severity.WARNING, subject="cluster"),
            finding(code="ND199", severity=Severity.INFO, subject="quotas"),
            finding(code="ND199", severity=Severity.INFO, subject="kubelets"),
        )
    )
    assert notes == [
        "warning    ND121 cluster: cluster is odd",
        "             way out: repair cluster",
        "not seen   quotas, kubelets: check --pre says why",
    ]


def test_codes_are_read_in_any_case_with_commas_or_apart() -> None:
    assert ignored(["nd110, ND111", "ND120", ""]) == {"ND110", "ND111", "ND120"}


def test_a_check_of_a_running_cache_is_none_before_an_install() -> None:
    with pytest.raises(UsageError, match="there is no check ND022 before an install"):
        ignored(["ND022"])
