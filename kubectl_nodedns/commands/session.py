"""What every command that speaks to a cluster needs: a client, and probes."""

from __future__ import annotations

import sys
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from kubectl_nodedns.cli.talk import Talk
from kubectl_nodedns.cluster.access import AccessOptions, resolve
from kubectl_nodedns.cluster.client import Client
from kubectl_nodedns.lookup.probes import Probes

if TYPE_CHECKING:
    from collections.abc import Callable

    from kubectl_nodedns.probes.probe_job import ProbeOptions


def connect(access: AccessOptions, *, on_screen: bool = False) -> Client:
    """Return a client for a cluster; open it with `async with`.

    When its credentials expire it logs in again.

    Args:
        access: which cluster, and as whom.
        on_screen: whether a screen is drawn from then on, and has the terminal for itself.
    """
    log_in = partial(resolve, replace(access, interactive=not on_screen))
    return Client(resolve(access), log_in=log_in)


def terminal_question() -> Callable[[str], bool] | None:
    """Return what asks a person a yes-or-no question; None where all is not on a terminal."""
    if not all(stream.isatty() for stream in (sys.stdin, sys.stdout, sys.stderr)):
        return None
    return partial(Talk().confirm, yes=False)


def make_probes(
    client: Client,
    options: ProbeOptions,
    registry: str = "",
    *,
    dns_policy: str = "ClusterFirst",
    host_network: bool = False,
) -> Probes:
    """Return the probes that the options ask for; none is started yet."""
    return Probes(
        client,
        namespace=options.namespace,
        image=options.image_from(registry),
        timeout=options.start,
        lifetime=options.lifetime,
        dns_policy=dns_policy,
        host_network=host_network,
        told=Talk().note,
    )


def make_asker(client: Client, options: ProbeOptions) -> Probes:
    """Return probes that are made when a node is first asked from; for whoever has the screen.

    What may be left of them stands in their `left`: it is to be told when the screen is gone.
    """
    return Probes(
        client,
        namespace=options.namespace,
        image=options.image_from(""),
        lifetime=options.lifetime,
    )
