"""`kubectl nodedns check`: gather, run the checks, print the findings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubectl_nodedns.checks import report
from kubectl_nodedns.checks.finding import Outcome, Severity
from kubectl_nodedns.checks.finding import run as run_checks
from kubectl_nodedns.checks.registry import CODES, RUNNING
from kubectl_nodedns.checks.status import status_of
from kubectl_nodedns.cli.loop import run_on_loop
from kubectl_nodedns.cli.output import print_data, print_lines
from kubectl_nodedns.cli.talk import Talk
from kubectl_nodedns.commands.before import before_install
from kubectl_nodedns.commands.checking import gather
from kubectl_nodedns.commands.given import access_options
from kubectl_nodedns.commands.proving import prove_on_request
from kubectl_nodedns.commands.scoping import SHORTEST_WINDOW, prober, scope_of
from kubectl_nodedns.commands.session import connect
from kubectl_nodedns.errors import Exit, UsageError
from kubectl_nodedns.metrics.table import render

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from kubectl_nodedns.checks.evidence import Evidence
    from kubectl_nodedns.commands.checking import Scope


def run(arguments: argparse.Namespace, *, shortest_window: float = SHORTEST_WINDOW) -> int:
    """Print the findings; exit 1 from --fail-on on, or when the status is wrong."""
    ignore = codes(arguments.ignore or ())
    if arguments.pre:
        return run_on_loop(check_before(arguments, ignore))
    given = vars(arguments)
    if stray := [name for name, unset in arguments.installation.items() if given[name] != unset]:
        raise UsageError(
            f"--{stray[0].replace('_', '-')}: goes with --pre",
            hint="without it the cache is looked at as it is",
        )
    scope = scope_of(arguments, shortest_window)
    return run_on_loop(_check(arguments, scope, ignore))


async def check_before(arguments: argparse.Namespace, ignore: frozenset[str]) -> int:
    """Print what stands in the way of an install."""
    outcome, about, unread = await before_install(arguments, ignore)
    remarks = [] if arguments.probe else ["resolvers of nodes: --probe reads them"]
    show(outcome, arguments.output, about, unread, remarks)
    return _exit(outcome, arguments.fail_on)


async def _check(arguments: argparse.Namespace, scope: Scope, ignore: frozenset[str]) -> int:
    async with connect(access_options(arguments)) as client, prober(client, arguments) as probes:
        evidence = await gather(client, scope, probes=probes)
        if arguments.output in (None, "wide") and "ND022" not in ignore:
            evidence = await prove_on_request(client, arguments, evidence)
    outcome = run_checks(RUNNING, evidence, ignore=ignore)
    remarks = [f"verdict: {status_of(evidence, outcome).verdict}"]
    if outcome.skipped and evidence.caches:
        remarks.append(f"could not look: {', '.join(outcome.skipped)}")
    remarks += [f"not read: {what}" for what in evidence.unread]
    if evidence.caches and not any(one.proof for one in evidence.nodes):
        remarks.append("interception was judged by counters; --probe proves it")
    show(outcome, arguments.output, about(evidence), evidence.unread, remarks)
    return _exit(outcome, arguments.fail_on)


def _exit(outcome: Outcome, fail_on: str | None) -> Exit:
    """Fail from --fail-on on, and without it by what `status` fails by."""
    on = Severity(fail_on) if fail_on else None
    return Exit.FINDING if outcome.failed(on) else Exit.OK


def show(
    outcome: Outcome, output: str | None, about: str, unread: Sequence[str], remarks: Sequence[str]
) -> None:
    """Print findings in the format that is asked for.

    Args:
        outcome: what the checks came to.
        output: table, wide, short or json; None for a table.
        about: what was looked at, in words.
        unread: what could not be read.
        remarks: lines below a table.
    """
    if output == "json":
        print_data(report.document(outcome, CODES, unread), output)
    elif output == "short":
        print_lines([report.short(outcome, about)])
    else:
        wide = output == "wide"
        _print_table(outcome, wide=wide)
        talk = Talk()
        if not wide and outcome.findings:
            talk.lines(["", *report.explanations(outcome, CODES), ""])
        talk.lines([f"{report.totals(outcome)}: {len(outcome.asked)} checks on {about}", *remarks])


def codes(given: Sequence[str]) -> frozenset[str]:
    """Read --ignore.

    Raises:
        UsageError: there is no such check.
    """
    found = {part.strip().upper() for text in given for part in text.split(",") if part.strip()}
    if unknown := sorted(found - set(CODES)):
        raise UsageError(
            f"--ignore: there is no check {unknown[0]}",
            hint=f"there are {', '.join(CODES)}; docs/findings has a page for each",
        )
    return frozenset(found)


def about(evidence: Evidence) -> str:
    """Say in a few words what was looked at."""
    nodes = f"{len(evidence.nodes)} node{'s' if len(evidence.nodes) != 1 else ''}"
    caches = [
        f"{cache.namespace}/{cache.name} {cache.version} ({cache.owner})"
        for cache in evidence.caches
    ]
    return ", ".join([nodes, *(caches or ["no cache"])])


def _print_table(outcome: Outcome, *, wide: bool) -> None:
    if outcome.findings:
        header = report.WIDE_HEADER if wide else report.HEADER
        rows = report.rows(outcome, wide=wide)
        print_lines(render(header, rows, [True] * len(header)))
