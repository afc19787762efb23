"""`kubectl nodedns top`: finds the caches, then hands their monitor to a screen or prints it."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kubectl_nodedns.cli.loop import run_on_loop
from kubectl_nodedns.cli.output import print_data, print_json_line, print_lines
from kubectl_nodedns.cli.streams import complain
from kubectl_nodedns.cluster.access import duration
from kubectl_nodedns.commands.given import access_options
from kubectl_nodedns.commands.session import connect
from kubectl_nodedns.commands.settling import with_remembered
from kubectl_nodedns.commands.top_probing import CAP, PrintedProbing
from kubectl_nodedns.commands.watching import (
    dns_namespace,
    make_monitor,
    make_recorder,
    make_source,
    recording,
)
from kubectl_nodedns.errors import Exit, UsageError
from kubectl_nodedns.metrics.columns import BY_KEY, Column
from kubectl_nodedns.metrics.document import document
from kubectl_nodedns.metrics.monitor import ONCE_SECONDS
from kubectl_nodedns.metrics.report import summary, table

if TYPE_CHECKING:
    import argparse
    from collections.abc import Coroutine

    from kubectl_nodedns.metrics.fleet import FleetSnapshot
    from kubectl_nodedns.metrics.monitor import Monitor
    from kubectl_nodedns.metrics.replay import Player

SHORTEST_REFRESH = 0.5
"""Seconds; more often is load without news."""


def run(arguments: argparse.Namespace, *, apart: float = ONCE_SECONDS, cap: int = CAP) -> int:
    """Show the fleet: on a screen, or printed when stdout is no terminal or a format is asked.

    Args:
        arguments: the command line.
        apart: seconds between the two scrapes that one table needs.
        cap: nodes that --probe probes at most.
    """
    sort_by = _column(arguments.sort_by)
    refresh = duration(arguments.refresh, option="--refresh")
    if refresh is None or refresh < SHORTEST_REFRESH:
        raise UsageError(f"--refresh: not less than {SHORTEST_REFRESH} s")
    if arguments.watch and arguments.output not in (None, "json"):
        raise UsageError("--watch prints lines of JSON: leave -o out, or give -o json")
    if arguments.replay:
        return run_on_loop(_replay(arguments, sort_by))
    if arguments.at:
        raise UsageError("--at: this is a place in a recording: give --replay FILE too")
    return run_on_loop(_top(arguments, sort_by, refresh, apart, cap))


def interactive(arguments: argparse.Namespace) -> bool:
    """Whether to open the screen."""
    printed = arguments.once or arguments.watch or arguments.output
    # Textual reads keys from stdin and draws on stderr.
    terminals = (sys.stdin, sys.stdout, sys.stderr)
    return not printed and all(stream.isatty() for stream in terminals)


async def _top(
    arguments: argparse.Namespace,
    sort_by: Column,
    refresh: float,
    apart: float,
    cap: int,
) -> int:
    client = connect(access_options(arguments), on_screen=interactive(arguments))
    async with client, make_source(client, arguments) as source:
        arguments = await with_remembered(client, arguments)
        recorder = await make_recorder(client, arguments)
        monitor = await make_monitor(
            client, arguments, source=source, refresh=refresh, recorder=recorder
        )
        if interactive(arguments):
            from kubectl_nodedns.commands.screen import show  # noqa: PLC0415 - Textual is slow

            async with recording(monitor, recorder, refresh):
                return await show(
                    client,
                    monitor,
                    arguments,
                    sort_by=sort_by.key,
                    kube_dns_ip=monitor.kube_dns_ip,
                    namespace=dns_namespace(arguments),
                )
        async with PrintedProbing(client, monitor, arguments, sort_by, cap=cap) as probing:
            if arguments.watch:
                async with recording(monitor, recorder, refresh):
                    return await _print_lines(
                        monitor, refresh, probing.again() if arguments.probe else None
                    )
            snapshot = await monitor.once(apart)
            if arguments.probe:  # rows must be there to be in an order, and fresh when printed
                await probing.once()
                snapshot = await monitor.once(apart)
            if recorder:
                await recorder.frame(snapshot)
                recorder.close()
            code = _print(snapshot, arguments.output or "table", sort_by)
            return Exit.PARTIAL if code == Exit.OK and probing.failed else code


async def _replay(arguments: argparse.Namespace, sort_by: Column) -> int:
    """Show a recording: on a screen, one frame, or every frame as a line of JSON."""
    from kubectl_nodedns.metrics.moments import go_to  # noqa: PLC0415 - only here
    from kubectl_nodedns.metrics.recording import Recording  # noqa: PLC0415
    from kubectl_nodedns.metrics.replay import Player  # noqa: PLC0415

    if arguments.probe:
        raise UsageError("--probe: nobody in a recording can be asked: leave it out")
    if arguments.record:
        raise UsageError("--record: a recording is not recorded again: copy the file")
    player = Player(await asyncio.to_thread(Recording, Path(arguments.replay)), playing=False)
    if player.recording.damage:
        complain(f"warning: {arguments.replay}: {player.recording.damage}")
    if interactive(arguments):
        from kubectl_nodedns.commands.replaying import show_recording  # noqa: PLC0415 - as above

        go_to(player, arguments.at or "start")
        return await show_recording(player, arguments, sort_by=sort_by.key)
    if arguments.watch:
        go_to(player, arguments.at or "start")
        return _print_recorded(player)
    go_to(player, arguments.at or "end")
    snapshot = player.snapshot()
    if player.unreadable:
        raise UsageError(f"--replay: {player.unreadable}", hint="--at names another moment of it")
    return _print(snapshot, arguments.output or "table", sort_by)


def _print_recorded(player: Player) -> int:
    """Print each frame from here on, without waiting."""
    for _ in range(player.index, len(player.moments)):
        print_json_line(document(player.snapshot()))
        player.step(1)
    return Exit.OK


async def _print_lines(
    monitor: Monitor, refresh: float, beside: Coroutine[Any, Any, None] | None
) -> int:
    """Print a snapshot a line, until interrupted or the reader goes away.

    Args:
        monitor: where snapshots come from.
        refresh: seconds between two lines.
        beside: what goes on meanwhile; None for nothing.
    """
    await monitor.load()
    tasks = [asyncio.create_task(monitor.run())]
    if beside is not None:
        tasks.append(asyncio.create_task(beside))
    try:
        while not any(task.done() for task in tasks):
            await asyncio.sleep(refresh)
            print_json_line(document(monitor.snapshot()))
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            if task.done():
                task.result()
    finally:
        for task in tasks:
            task.cancel()
    return Exit.OK


def _print(snapshot: FleetSnapshot, output: str, sort_by: Column) -> int:
    """Print one snapshot: data to stdout, words about it to stderr.

    Returns:
        Exit.API when not one page could be read: what was printed has no figures.
    """
    if output in ("json", "yaml"):
        print_data(document(snapshot), output)
    else:
        print_lines(table(snapshot, wide=output == "wide", sort_by=sort_by).split("\n"))
    complain(*summary(snapshot))
    return Exit.API if snapshot.blind else Exit.OK


def _column(name: str | None) -> Column:
    if name is None:
        return BY_KEY["node"]
    if name not in BY_KEY:
        raise UsageError(
            f"--sort-by: there is no column {name!r}", hint=f"there are: {', '.join(BY_KEY)}"
        )
    return BY_KEY[name]
