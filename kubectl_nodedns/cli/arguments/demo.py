"""The options of `demo`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubectl_nodedns.cli.arguments.common import command, positive

if TYPE_CHECKING:
    import argparse

    from kubectl_nodedns.cli.arguments.common import Commands


def add(commands: Commands) -> argparse.ArgumentParser:
    """Add `demo`."""
    parser = command(
        commands,
        "demo",
        "try everything on a cluster that is only emulated",
        "Start an emulated cluster inside this process, enable the cache on it, open the screen,\n"
        "and disable the cache when you leave. Other commands run against it from a second\n"
        "terminal meanwhile. It needs no cluster, no network and no rights, and leaves nothing.",
    )
    parser.add_argument(
        "--serve", action="store_true", help="only start the cluster, and keep it until Ctrl-C"
    )
    group = parser.add_argument_group("the cluster")
    group.add_argument("--nodes", type=positive, default=12, metavar="N", help="nodes it has (12)")
    group.add_argument(
        "--fault",
        default="all",
        metavar="NAME,...",
        help="what goes wrong: oom, bypass, slow-upstream, search-storm, all or none (all)",
    )
    group.add_argument(
        "--coredns-version",
        default="1.13.2",
        metavar="VERSION",
        help="CoreDNS inside the caches, 1.6.0 or later: metrics have its names (1.13.2)",
    )
    group.add_argument(
        "--seed", type=int, default=1, metavar="N", help="what chance begins with (1)"
    )
    group.add_argument(
        "--speed",
        type=float,
        default=1.0,
        metavar="FACTOR",
        help="how much faster than the clock lookups, lifetimes and faults go (1)",
    )
    group.add_argument(
        "--port", type=int, default=0, metavar="PORT", help="of the API server (any that is free)"
    )
    return parser
