"""What `check` and `status` were asked to look at, and the probes they may start."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from kubectl_nodedns.cluster.access import duration
from kubectl_nodedns.commands.checking import Scope
from kubectl_nodedns.commands.given import probe_options, step_timeout
from kubectl_nodedns.commands.session import make_probes
from kubectl_nodedns.errors import UsageError
from kubectl_nodedns.install.options import check, selector_of

if TYPE_CHECKING:
    import argparse
    from collections.abc import AsyncIterator

    from kubectl_nodedns.cluster.client import Client
    from kubectl_nodedns.lookup.probes import Probes

SHORTEST_WINDOW = 1.0
"""Seconds; counters that are read twice within less say nothing."""


def scope_of(arguments: argparse.Namespace, shortest_window: float = SHORTEST_WINDOW) -> Scope:
    """Read the options that say what to look at.

    Args:
        arguments: the command line.
        shortest_window: the least that --window may be, in seconds.

    Raises:
        UsageError: one cannot be used.
    """
    window = duration(arguments.window, option="--window")
    if window is None or window < shortest_window:
        raise UsageError(f"--window: not less than {shortest_window:.0f} s")
    step_timeout(arguments)
    probe_options(arguments)
    labels = None
    if arguments.selector:
        labels = selector_of(check("node-selector", arguments.selector))
    domain = arguments.cluster_domain
    service = arguments.dns_service
    return Scope(
        dns_service=check("dns-service", service) if service else "",
        cluster_domain=check("cluster-domain", domain) if domain else "",
        labels=labels,
        window=window,
    )


@contextlib.asynccontextmanager
async def prober(client: Client, arguments: argparse.Namespace) -> AsyncIterator[Probes | None]:
    """Give the probes when --probe asks for them; they are deleted at the end."""
    if not arguments.probe:
        yield None
        return
    async with make_probes(client, probe_options(arguments)) as probes:
        yield probes
