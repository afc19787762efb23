"""`kubectl nodedns status`: the one-screen answer."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from kubectl_nodedns.checks.status import HEADER, Status, document, lines, rows
from kubectl_nodedns.cli.loop import run_on_loop
from kubectl_nodedns.cli.output import print_data, print_lines
from kubectl_nodedns.cli.talk import Talk
from kubectl_nodedns.commands.given import access_options, probe_options, scope, step_timeout
from kubectl_nodedns.commands.session import connect, make_probes, terminal_question
from kubectl_nodedns.errors import Exit, TimedOutError
from kubectl_nodedns.health.looking import StatusRequest, look
from kubectl_nodedns.health.scope import SHORTEST_WINDOW
from kubectl_nodedns.metrics.table import render

if TYPE_CHECKING:
    import argparse

    from kubectl_nodedns.cluster.access import AccessOptions
    from kubectl_nodedns.probes.probe_job import ProbeOptions


def run(arguments: argparse.Namespace, *, shortest_window: float = SHORTEST_WINDOW) -> int:
    """Print the status; exit 1 when something is wrong."""
    request = StatusRequest(
        scope=scope(arguments, shortest_window),
        probe=arguments.probe,
        patience=step_timeout(arguments) if arguments.wait else None,
    )
    access, probes = access_options(arguments), probe_options(arguments)
    return run_on_loop(_status(access, request, probes, arguments.output))


async def _status(
    access: AccessOptions, request: StatusRequest, probes: ProbeOptions, output: str | None
) -> int:
    talk = Talk()
    async with connect(access) as client:
        evidence, status = await look(
            client,
            request,
            partial(make_probes, client, probes),
            confirm=terminal_question() if output in (None, "wide") else None,
            waiting=lambda verdict: talk.step(f"waiting: {verdict}"),
        )
    talk.lines(f"not read: {what}" for what in evidence.unread)
    _print(status, output or "table")
    if request.patience is not None and not status.ok:
        raise TimedOutError(
            f"not well after {request.patience:.0f} s: {status.verdict}",
            hint="kubectl nodedns check says why and what to do",
        )
    return Exit.OK if status.ok else Exit.FINDING


def _print(status: Status, output: str) -> None:
    if output in ("json", "yaml"):
        print_data(document(status), output)
        return
    print_lines(f"{name:<14} {text}" for name, text in lines(status))
    if output == "wide" and status.nodes:
        print_lines(["", *render(HEADER, rows(status), [True] * len(HEADER))])
