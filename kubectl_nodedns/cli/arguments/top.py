"""The options of `top`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubectl_nodedns.cli.arguments.common import command, probes

if TYPE_CHECKING:
    import argparse

    from kubectl_nodedns.cli.arguments.common import Commands


def add(commands: Commands) -> argparse.ArgumentParser:
    """Add `top`."""
    parser = command(
        commands,
        "top",
        "watch the cache of each node, live",
        "Show a row per node: its cache pod, lookups, hit ratio, latency, failures, memory.\n"
        "Piped, or with --once, print the table. Nothing is installed and nothing is changed;\n"
        "only a lookup, asked for with the key t, starts a probe pod.",
    )
    parser.add_argument("--once", action="store_true", help="print one table and end")
    parser.add_argument(
        "-o", "--output", choices=("table", "wide", "json", "yaml"), help="print it in this format"
    )
    parser.add_argument(
        "-w", "--watch", action="store_true", help="print one line of JSON after the other"
    )
    parser.add_argument("--sort-by", metavar="COLUMN", help="node, lookups, hit, p99, memory, ...")
    parser.add_argument("-l", "--selector", metavar="KEY=VALUE,...", help="only nodes like these")
    parser.add_argument(
        "--refresh", default="2s", metavar="TIME", help="time between two scrapes of a pod (2s)"
    )
    parser.add_argument("--no-mouse", action="store_true", help="leave the mouse to the terminal")
    parser.add_argument("--dns-service", metavar="NAMESPACE/NAME", help="the cluster's DNS service")
    parser.add_argument(
        "--cluster-domain", metavar="DOMAIN", help="instead of the one that is found"
    )
    probes(parser)
    return parser
