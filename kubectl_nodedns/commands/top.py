"""`kubectl nodedns top`: finds the caches, then hands their monitor to a screen or prints it."""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

from kubectl_nodedns.cli.loop import run_on_loop
from kubectl_nodedns.cluster.access import AccessOptions, duration, resolve
from kubectl_nodedns.cluster.client import Client
from kubectl_nodedns.commands.session import access_options
from kubectl_nodedns.errors import ApiError, Exit, NodednsError, RefusedError, UsageError
from kubectl_nodedns.facts.caches import Cache, read_caches
from kubectl_nodedns.facts.dns_service import USUAL_NAMESPACE, read_dns_service, split_name
from kubectl_nodedns.metrics.columns import BY_KEY, Column
from kubectl_nodedns.metrics.discovery import Discovery
from kubectl_nodedns.metrics.document import document
from kubectl_nodedns.metrics.monitor import Monitor
from kubectl_nodedns.metrics.report import summary, table
from kubectl_nodedns.metrics.sampler import Sampler
from kubectl_nodedns.metrics.source import PodProxy, Scraped

if TYPE_CHECKING:
    import argparse

    from kubectl_nodedns.metrics.fleet import FleetSnapshot

SHORTEST_REFRESH = 0.5
"""Seconds; more often is load without news."""


def run(arguments: argparse.Namespace) -> int:
    """Show the fleet: on a screen, or printed when stdout is no terminal or a format is asked."""
    sort_by = _column(arguments.sort_by)
    refresh = duration(arguments.refresh, option="--refresh")
    if refresh is None or refresh < SHORTEST_REFRESH:
        raise UsageError(f"--refresh: not less than {SHORTEST_REFRESH} s")
    if arguments.watch and arguments.output not in (None, "json"):
        raise UsageError("--watch prints lines of JSON: leave -o out, or give -o json")
    options = access_options(arguments)
    return run_on_loop(_top(arguments, options, sort_by, refresh))


def interactive(arguments: argparse.Namespace) -> bool:
    """Whether to open the screen."""
    printed = arguments.once or arguments.watch or arguments.output
    # Textual reads keys from stdin and draws on stderr.
    terminals = (sys.stdin, sys.stdout, sys.stderr)
    return not printed and all(stream.isatty() for stream in terminals)


async def _top(
    arguments: argparse.Namespace, options: AccessOptions, sort_by: Column, refresh: float
) -> int:
    async with Client(resolve(options)) as client:
        caches, dns_ips = await asyncio.gather(
            _caches(client, arguments), _dns_ips(client, arguments.dns_service)
        )

        async def renew() -> None:
            """Log in again without the terminal, and go on with what that gave."""
            await client.renew(
                await asyncio.to_thread(resolve, replace(options, interactive=False))
            )

        monitor = Monitor(
            discovery=Discovery(client, caches, labels=arguments.selector or ""),
            sampler=Sampler(Scraped(PodProxy(client)), interval=refresh),
            caches=caches,
            dns_ips=dns_ips,
            reread=lambda: read_caches(client, _namespace(arguments)),
            renew=renew,
            meter=client,
        )
        if interactive(arguments):
            from kubectl_nodedns.commands.screen import show  # noqa: PLC0415 - Textual is slow

            kube_dns_ip = next(iter(dns_ips or caches[0].local_ips[1:]), "")
            return await show(
                client,
                monitor,
                arguments,
                sort_by=sort_by.key,
                kube_dns_ip=kube_dns_ip,
                namespace=_namespace(arguments),
            )
        if arguments.watch:
            return await _print_lines(monitor, refresh)
        return _print(await monitor.once(), arguments.output or "table", sort_by)


async def _caches(client: Client, arguments: argparse.Namespace) -> tuple[Cache, ...]:
    """Find the caches to watch, ours or not.

    Raises:
        NodednsError: there is none.
    """
    caches = await read_caches(client, _namespace(arguments))
    if not caches:
        raise NodednsError(
            "this cluster has no node-local DNS cache to watch",
            hint="install one with: kubectl nodedns enable",
        )
    return caches


def _namespace(arguments: argparse.Namespace) -> str:
    """Return the DNS service's namespace."""
    return split_name(arguments.dns_service)[0] if arguments.dns_service else USUAL_NAMESPACE


async def _dns_ips(client: Client, given: str | None) -> tuple[str, ...]:
    """Read the DNS service's addresses; none where that is not possible, unless it was named."""
    try:
        return (await read_dns_service(client, given or "")).ips
    except (ApiError, RefusedError):
        if given:
            raise
        return ()


async def _print_lines(monitor: Monitor, refresh: float) -> int:
    """Print a snapshot a line, until interrupted or the reader goes away."""
    await monitor.load()
    watching = asyncio.create_task(monitor.run())
    try:
        while not watching.done():
            await asyncio.sleep(refresh)
            print(json.dumps(document(monitor.snapshot()), separators=(",", ":")), flush=True)
        await watching
    finally:
        watching.cancel()
    return Exit.OK


def _print(snapshot: FleetSnapshot, output: str, sort_by: Column) -> int:
    """Print one snapshot: data to stdout, words about it to stderr.

    Returns:
        Exit.API when not one page could be read: what was printed has no figures.
    """
    if output == "json":
        print(json.dumps(document(snapshot), indent=2))
    elif output == "yaml":
        import yaml  # noqa: PLC0415 - only here

        print(yaml.safe_dump(document(snapshot), sort_keys=False), end="")
    else:
        print(table(snapshot, wide=output == "wide", sort_by=sort_by))
        sys.stdout.flush()
    for line in summary(snapshot):
        print(line, file=sys.stderr)
    return Exit.API if snapshot.blind else Exit.OK


def _column(name: str | None) -> Column:
    if name is None:
        return BY_KEY["node"]
    if name not in BY_KEY:
        raise UsageError(
            f"--sort-by: there is no column {name!r}", hint=f"there are: {', '.join(BY_KEY)}"
        )
    return BY_KEY[name]
