"""The engine: checks as data in, findings out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from kubectl_nodedns.checks import report
from kubectl_nodedns.checks.finding import Category, Check, Outcome, Seen, Severity, run

if TYPE_CHECKING:
    from collections.abc import Iterable

Numbers = tuple[int, ...]


def check(code: str, severity: Severity, seen: Iterable[Seen] | None) -> Check[Numbers]:
    return Check(
        code=code,
        title=f"Title of {code}",
        severity=severity,
        category=Category.TRAFFIC,
        matters="it matters",
        way_out="do something",
        look=lambda _: seen,
    )


def seen(subject: str, severity: Severity | None = None) -> Seen:
    return Seen(subject=subject, text="seen", severity=severity)


def outcome(*subjects: str, severity: Severity = Severity.WARNING) -> Outcome:
    return run([check("ND001", severity, [seen(one) for one in subjects])], ())


def test_findings_come_worst_first_then_by_code_and_subject() -> None:
    done = run(
        [
            check("ND003", Severity.INFO, [seen("a")]),
            check("ND002", Severity.WARNING, [seen("b"), seen("a"), seen("c", Severity.ERROR)]),
            check("ND001", Severity.WARNING, [seen("z")]),
        ],
        (),
    )
    found = [(one.severity.value, one.code, one.subject) for one in done.findings]
    assert found == [
        ("error", "ND002", "c"),
        ("warning", "ND001", "z"),
        ("warning", "ND002", "a"),
        ("warning", "ND002", "b"),
        ("info", "ND003", "a"),
    ]
    assert done.findings[0].page.endswith("docs/findings/ND002.md")


def test_nothing_seen_could_not_look_and_ignored_are_three_different_things() -> None:
    checks = [
        check("ND001", Severity.ERROR, []),
        check("ND002", Severity.ERROR, None),
        check("ND003", Severity.ERROR, [seen("a")]),
    ]
    done = run(checks, (), ignore={"ND003"})
    assert done.findings == ()
    assert (done.asked, done.skipped, done.ignored) == (("ND001",), ("ND002",), ("ND003",))


def test_what_is_seen_may_have_its_own_severity_reason_and_way_out() -> None:
    own = Seen(subject="a", text="t", severity=Severity.INFO, matters="little", way_out="wait")
    (finding,) = run([check("ND001", Severity.ERROR, [own])], ()).findings
    assert (finding.severity, finding.matters, finding.way_out) == (Severity.INFO, "little", "wait")


@pytest.mark.parametrize(
    ("worst", "on", "failed"),
    [
        (Severity.ERROR, Severity.ERROR, True),
        (Severity.WARNING, Severity.ERROR, False),
        (Severity.WARNING, Severity.WARNING, True),
        (Severity.INFO, Severity.WARNING, False),
        (Severity.INFO, Severity.INFO, True),
    ],
)
def test_a_run_fails_from_a_severity_on(worst: Severity, on: Severity, failed: bool) -> None:
    assert outcome("a", severity=worst).failed(on) is failed
    assert not outcome().failed(on)


def test_the_short_form_stays_short() -> None:
    many = outcome("node a", "node b", "node c", "node d", "node e")
    assert report.short(many, "5 nodes") == (
        "nodedns: 5 warnings; ND001 node a, node b, node c and 2 more; 5 nodes"
    )
    assert report.short(outcome(), "5 nodes") == "nodedns: no finding; 5 nodes"
    assert "\n" not in report.short(many, "")


def test_a_way_out_is_said_once_for_all_that_have_it() -> None:
    lines = report.explanations(outcome("a", "b"), {"ND001": "Title"})
    assert lines == ["ND001 Title", "      matters  it matters", "      way out  do something"]
