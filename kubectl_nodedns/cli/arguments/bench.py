"""The options of `bench`."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from kubectl_nodedns.cli.arguments.common import command, positive, probes

if TYPE_CHECKING:
    from kubectl_nodedns.cli.arguments.common import Commands

FASTEST = 1000
"""Lookups a second; one dig process does not reach more."""


def add(commands: Commands) -> argparse.ArgumentParser:
    """Add `bench`."""
    parser = command(
        commands,
        "bench",
        "measure lookups with the cache and without it",
        "Ask the same names from a pod on a node at the cache, at the kube-dns IP and at the\n"
        "service behind the cache, over UDP and TCP; show how long lookups took, what was lost,\n"
        "and how many lookups CoreDNS was spared. Nothing is changed. Keep a run with -o json,\n"
        "and lay a later one beside it with --against.",
    )
    where = parser.add_argument_group("where to ask from (the first ready node, unless said)")
    where.add_argument(
        "--node", action="append", dest="nodes", metavar="NAME", help="this node; repeatable"
    )
    where.add_argument("-l", "--selector", metavar="KEY=VALUE,...", help="nodes with these labels")
    what = parser.add_argument_group("what to ask")
    what.add_argument("--names", metavar="FILE", help="lines of a name and a record type")
    what.add_argument(
        "--external-name",
        metavar="NAME",
        help='name outside the cluster to ask for, or "none" (example.com)',
    )
    what.add_argument("--cluster-domain", metavar="DOMAIN", help="instead of the one that is found")
    what.add_argument("--dns-service", metavar="NAMESPACE/NAME", help="the cluster's DNS service")
    load = parser.add_argument_group("how much to ask: whatever comes first ends a series")
    load.add_argument(
        "--rate", type=_rate, default=100, metavar="N", help="lookups a second from a node (100)"
    )
    load.add_argument(
        "--count", type=positive, default=1000, metavar="N", help="lookups in a series (1000)"
    )
    load.add_argument("--duration", default="5s", metavar="TIME", help="length of a series (5s)")
    load.add_argument(
        "-y", "--yes", action="store_true", help="do not ask before CoreDNS is loaded"
    )
    parser.add_argument(
        "-o", "--output", choices=("table", "wide", "json"), help="output format (table)"
    )
    parser.add_argument("--against", metavar="FILE", help="show this run beside an earlier one")
    parser.add_argument(
        "--compare",
        nargs=2,
        metavar=("FILE", "FILE"),
        help="measure nothing; show two earlier runs side by side",
    )
    parser.add_argument(
        "--ascii", action="store_true", help="draw without block characters and other signs"
    )
    probes(parser)
    parser.add_argument(
        "--host-probe",
        action="store_true",
        help="start a second probe in the node's own network, to count tracked connections",
    )
    return parser


def _rate(text: str) -> int:
    """Read lookups a second."""
    rate = positive(text)
    if rate > FASTEST:
        raise argparse.ArgumentTypeError(f"{text!r} is more than {FASTEST} lookups a second")
    return rate
