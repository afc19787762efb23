"""`kubectl nodedns status`: the one-screen answer."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from kubectl_nodedns.checks.finding import run as run_checks
from kubectl_nodedns.checks.registry import RUNNING
from kubectl_nodedns.checks.status import HEADER, Status, document, lines, rows, status_of
from kubectl_nodedns.cli.loop import run_on_loop
from kubectl_nodedns.cli.output import print_data, print_lines
from kubectl_nodedns.cli.talk import Talk
from kubectl_nodedns.commands.checking import Scope, gather
from kubectl_nodedns.commands.given import access_options, step_timeout
from kubectl_nodedns.commands.proving import prove_on_request
from kubectl_nodedns.commands.scoping import SHORTEST_WINDOW, prober, scope_of
from kubectl_nodedns.commands.session import connect
from kubectl_nodedns.errors import Exit, TimedOutError
from kubectl_nodedns.metrics.table import render

if TYPE_CHECKING:
    import argparse

    from kubectl_nodedns.cluster.client import Client
    from kubectl_nodedns.lookup.probes import Probes

PAUSE = 1.0
"""Seconds between two looks of --wait; each look takes its window besides."""


def run(arguments: argparse.Namespace, *, shortest_window: float = SHORTEST_WINDOW) -> int:
    """Print the status; exit 1 when something is wrong."""
    scope = scope_of(arguments, shortest_window)
    return run_on_loop(_status(arguments, scope))


async def _status(arguments: argparse.Namespace, scope: Scope) -> int:
    talk = Talk()
    timeout = step_timeout(arguments) if arguments.wait else 0.0
    async with connect(access_options(arguments)) as client, prober(client, arguments) as probes:
        status = await _look(client, arguments, scope, probes, talk, timeout=timeout)
    _print(status, arguments.output or "table")
    if arguments.wait and not status.ok:
        raise TimedOutError(
            f"not well after {timeout:.0f} s: {status.verdict}",
            hint="kubectl nodedns check says why and what to do",
        )
    return Exit.OK if status.ok else Exit.FINDING


async def _look(
    client: Client,
    arguments: argparse.Namespace,
    scope: Scope,
    probes: Probes | None,
    talk: Talk,
    *,
    timeout: float,
) -> Status:
    """Look once, or with a timeout until nothing is wrong; return the last look.

    It sees all that `check` sees. Meanwhile it looks briefly: it may look hundreds of times.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + timeout
    said = ""
    brief = arguments.wait
    while True:
        evidence = await gather(client, replace(scope, brief=brief), probes=probes)
        if arguments.output in (None, "wide") and not arguments.wait:
            evidence = await prove_on_request(client, arguments, evidence)
        status = status_of(evidence, run_checks(RUNNING, evidence))
        late = loop.time() >= deadline
        if brief and (status.ok or late):
            brief = False
            continue
        if status.ok or late:
            talk.lines(f"not read: {what}" for what in evidence.unread)
            return status
        if status.verdict != said:
            said = status.verdict
            talk.step(f"waiting: {said}")
        brief = arguments.wait
        await asyncio.sleep(PAUSE)


def _print(status: Status, output: str) -> None:
    if output in ("json", "yaml"):
        print_data(document(status), output)
        return
    print_lines(f"{name:<14} {text}" for name, text in lines(status))
    if output == "wide" and status.nodes:
        print_lines(["", *render(HEADER, rows(status), [True] * len(HEADER))])
