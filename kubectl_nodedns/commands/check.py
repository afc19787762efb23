"""`kubectl nodedns check`: gather, run the checks, print the findings."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from kubectl_nodedns.checks import report
from kubectl_nodedns.checks.finding import Severity
from kubectl_nodedns.checks.registry import CODES, codes_of
from kubectl_nodedns.checks.status import status_of
from kubectl_nodedns.cli.loop import run_on_loop
from kubectl_nodedns.cli.output import print_data, print_lines
from kubectl_nodedns.cli.talk import Talk
from kubectl_nodedns.commands.given import (
    access_options,
    installation_options,
    probe_options,
    scope,
    step_timeout,
)
from kubectl_nodedns.commands.session import connect, make_probes, terminal_question
from kubectl_nodedns.errors import Exit, UsageError
from kubectl_nodedns.health.before_install import PreflightRequest, look_before_install
from kubectl_nodedns.health.looking import CheckRequest, check
from kubectl_nodedns.health.scope import SHORTEST_WINDOW
from kubectl_nodedns.install.option_checks import check as check_option
from kubectl_nodedns.metrics.table import render

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from kubectl_nodedns.checks.finding import Outcome
    from kubectl_nodedns.cluster.access import AccessOptions
    from kubectl_nodedns.probes.probe_job import ProbeOptions


def run(arguments: argparse.Namespace, *, shortest_window: float = SHORTEST_WINDOW) -> int:
    """Print the findings; exit 1 from --fail-on on, or when the status is wrong."""
    output, access = arguments.output, access_options(arguments)
    fail_on = Severity(arguments.fail_on) if arguments.fail_on else None
    if arguments.pre:
        return run_on_loop(_check_before(access, before_request(arguments), output, fail_on))
    request = check_request(arguments, shortest_window)
    return run_on_loop(_check(access, request, probe_options(arguments), output, fail_on))


def check_request(arguments: argparse.Namespace, shortest_window: float) -> CheckRequest:
    """Read what is to be checked.

    Raises:
        UsageError: an option cannot be used, or goes with --pre.
    """
    ignore = _codes(arguments.ignore or ())
    given = vars(arguments)
    if stray := [name for name, unset in arguments.installation.items() if given[name] != unset]:
        raise UsageError(
            f"--{stray[0].replace('_', '-')}: goes with --pre",
            hint="without it the cache is looked at as it is",
        )
    return CheckRequest(
        scope=scope(arguments, shortest_window), probe=arguments.probe, ignore=ignore
    )


def before_request(arguments: argparse.Namespace) -> PreflightRequest:
    """Read what is to be looked at before an install.

    Raises:
        UsageError: an option cannot be used, or not together with another.
    """
    ignore = _codes(arguments.ignore or ())
    given = installation_options(arguments)
    if arguments.selector and arguments.node_selector:
        raise UsageError("-l and --node-selector: with --pre both are the nodes of the cache")
    if arguments.selector:
        given["node-selector"] = check_option("node-selector", arguments.selector)
    step_timeout(arguments)
    return PreflightRequest(
        given=given,
        whole=arguments.config is not None,
        upgrade=arguments.upgrade,
        force=arguments.force_conflicts,
        probes=probe_options(arguments),
        probe=arguments.probe,
        ignore=ignore,
    )


def _codes(given: Sequence[str]) -> frozenset[str]:
    """Read --ignore.

    Raises:
        UsageError: there is no such check.
    """
    found = codes_of(given)
    if unknown := sorted(found - set(CODES)):
        raise UsageError(
            f"--ignore: there is no check {unknown[0]}",
            hint=f"there are {', '.join(CODES)}; docs/findings has a page for each",
        )
    return found


async def _check_before(
    access: AccessOptions, request: PreflightRequest, output: str | None, fail_on: Severity | None
) -> int:
    """Print what stands in the way of an install."""
    async with connect(access) as client:
        looked = await look_before_install(
            client, request, partial(make_probes, client, request.probes)
        )
    remarks = [] if request.probe else ["resolvers of nodes: --probe reads them"]
    _print(looked.outcome, output, looked.about, looked.unread, remarks)
    return Exit.FINDING if looked.outcome.failed(fail_on) else Exit.OK


async def _check(
    access: AccessOptions,
    request: CheckRequest,
    probes: ProbeOptions,
    output: str | None,
    fail_on: Severity | None,
) -> int:
    confirm = terminal_question() if output in (None, "wide") else None
    async with connect(access) as client:
        evidence, outcome = await check(
            client, request, partial(make_probes, client, probes), confirm=confirm
        )
    remarks = [f"verdict: {status_of(evidence, outcome).verdict}"]
    if outcome.skipped and evidence.caches:
        remarks.append(f"could not look: {', '.join(outcome.skipped)}")
    remarks += [f"not read: {what}" for what in evidence.unread]
    if evidence.caches and not any(one.proof for one in evidence.nodes):
        remarks.append("interception was judged by counters; --probe proves it")
    _print(outcome, output, report.about(evidence), evidence.unread, remarks)
    return Exit.FINDING if outcome.failed(fail_on) else Exit.OK


def _print(
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
        return
    if output == "short":
        print_lines([report.short(outcome, about)])
        return
    wide = output == "wide"
    talk = Talk()
    if outcome.findings:
        header = report.WIDE_HEADER if wide else report.HEADER
        rows = report.rows(outcome, wide=wide)
        print_lines(render(header, rows, [True] * len(header)))
        if not wide:
            talk.lines(["", *report.explanations(outcome, CODES), ""])
    talk.lines([f"{report.totals(outcome)}: {len(outcome.asked)} checks on {about}", *remarks])
