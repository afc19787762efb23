"""`kubectl nodedns top`: the caches of a cluster or of a recording, on a screen or printed."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from kubectl_nodedns.checks.finding import run as run_checks
from kubectl_nodedns.checks.registry import RUNNING
from kubectl_nodedns.cli.loop import run_on_loop
from kubectl_nodedns.cli.output import print_data, print_json_line, print_lines
from kubectl_nodedns.cli.streams import complain
from kubectl_nodedns.cluster.access import duration
from kubectl_nodedns.commands.given import access_options, dns_service, probe_options
from kubectl_nodedns.commands.session import connect, make_asker
from kubectl_nodedns.errors import Exit, UsageError
from kubectl_nodedns.health.gathering import gather
from kubectl_nodedns.health.scope import Scope
from kubectl_nodedns.metrics.document import document
from kubectl_nodedns.metrics.monitor import ONCE_SECONDS
from kubectl_nodedns.metrics.recording import Recording
from kubectl_nodedns.metrics.replay import Player
from kubectl_nodedns.metrics.replay_position import go_to
from kubectl_nodedns.metrics.report import summary, table
from kubectl_nodedns.top.printed import once, watch
from kubectl_nodedns.top.top_request import (
    SHORTEST_REFRESH,
    TopRequest,
    column_named,
    recording_limit,
)
from kubectl_nodedns.top.wiring import watching
from kubectl_nodedns.tui.probing import CAP

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from kubectl_nodedns.checks.finding import Finding
    from kubectl_nodedns.cluster.client import Client
    from kubectl_nodedns.metrics.fleet import FleetSnapshot


def run(arguments: argparse.Namespace, *, apart: float = ONCE_SECONDS, cap: int = CAP) -> int:
    """Show the fleet: on a screen, or printed when stdout is no terminal or a format is asked.

    Args:
        arguments: the command line.
        apart: seconds between the two scrapes that one table needs.
        cap: nodes that --probe probes at most when the table is printed.
    """
    request = _request(arguments, apart=apart, cap=cap)
    return run_on_loop(_replay(request) if request.replay else _watch(request))


def _request(arguments: argparse.Namespace, *, apart: float, cap: int) -> TopRequest:
    """Read the command line.

    Raises:
        UsageError: an option cannot be used, or two do not go together.
    """
    sort_by = column_named(arguments.sort_by)
    refresh = duration(arguments.refresh, option="--refresh")
    if refresh is None or refresh < SHORTEST_REFRESH:
        raise UsageError(f"--refresh: not less than {SHORTEST_REFRESH} s")
    if arguments.watch and arguments.output not in (None, "json"):
        raise UsageError("--watch prints lines of JSON: leave -o out, or give -o json")
    if arguments.at and not arguments.replay:
        raise UsageError("--at: this is a place in a recording: give --replay FILE too")
    if arguments.replay and arguments.probe:
        raise UsageError("--probe: nobody in a recording can be asked: leave it out")
    if arguments.replay and arguments.record:
        raise UsageError("--record: a recording is not recorded again: copy the file")
    if arguments.prometheus and arguments.source != "auto":
        raise UsageError("--source and --prometheus are two answers to one question: give one")
    return TopRequest(
        access=access_options(arguments),
        probes=probe_options(arguments),
        printed=bool(arguments.once or arguments.watch or arguments.output),
        output=arguments.output or "table",
        lines=arguments.watch,
        sort_by=sort_by,
        selector=arguments.selector or "",
        refresh=refresh,
        apart=apart,
        probe=arguments.probe,
        probe_cap=cap,
        source=arguments.source,
        prometheus=arguments.prometheus or "",
        dns_service=dns_service(arguments),
        cluster_domain=arguments.cluster_domain or "",
        record=Path(arguments.record) if arguments.record else None,
        record_limit=recording_limit(arguments.record_limit) if arguments.record else 0,
        replay=Path(arguments.replay) if arguments.replay else None,
        at=arguments.at or "",
        theme=arguments.theme or "",
        mouse=not arguments.no_mouse,
    )


def interactive(request: TopRequest) -> bool:
    """Whether to open the screen."""
    # Textual reads keys from stdin and draws on stderr.
    terminals = (sys.stdin, sys.stdout, sys.stderr)
    return not request.printed and all(stream.isatty() for stream in terminals)


async def _watch(request: TopRequest) -> int:
    """Watch a cluster: on a screen, as one table, or a line of JSON after the other."""
    on_screen = interactive(request)
    async with (
        connect(request.access, on_screen=on_screen) as client,
        watching(client, request) as watched,
    ):
        asker = make_asker(client, request.probes)
        if on_screen:
            from kubectl_nodedns.top.live_screen import show  # noqa: PLC0415 - Textual is slow

            await show(watched, asker, examine=_examine, told=complain)
            return Exit.OK
        if request.lines:
            await watch(watched, asker, shown=_print_line, told=complain)
            return Exit.OK
        snapshot, unasked = await once(watched, asker, told=complain)
        code = _print(snapshot, request)
        return Exit.PARTIAL if code == Exit.OK and unasked else code


async def _replay(request: TopRequest) -> int:
    """Show a recording: on a screen, one frame, or every frame as a line of JSON."""
    file = request.replay or Path()
    player = Player(await asyncio.to_thread(Recording, file), playing=False)
    if player.recording.damage:
        complain(f"warning: {file}: {player.recording.damage}")
    if interactive(request):
        from kubectl_nodedns.top.recorded_screen import (  # noqa: PLC0415 - Textual is slow
            show_recording,
        )

        go_to(player, request.at or "start")
        await show_recording(player, request)
        return Exit.OK
    if request.lines:
        go_to(player, request.at or "start")
        for _ in range(player.index, len(player.moments)):
            _print_line(player.snapshot())
            player.step(1)
        return Exit.OK
    go_to(player, request.at or "end")
    snapshot = player.snapshot()
    if player.unreadable:
        raise UsageError(f"--replay: {player.unreadable}", hint="--at names another moment of it")
    return _print(snapshot, request)


async def _examine(client: Client, dns_service: str, cluster_domain: str) -> Sequence[Finding]:
    """Gather evidence, without probes, and run every check over it."""
    scope = Scope(dns_service=dns_service, cluster_domain=cluster_domain)
    return run_checks(RUNNING, await gather(client, scope)).findings


def _print_line(snapshot: FleetSnapshot) -> None:
    print_json_line(document(snapshot))


def _print(snapshot: FleetSnapshot, request: TopRequest) -> int:
    """Print one snapshot: data to stdout, words about it to stderr.

    Returns:
        Exit.API when not one page could be read: what was printed has no figures.
    """
    if request.output in ("json", "yaml"):
        print_data(document(snapshot), request.output)
    else:
        print_lines(table(snapshot, wide=request.output == "wide", sort_by=request.sort_by))
    complain(*summary(snapshot))
    return Exit.API if snapshot.blind else Exit.OK
