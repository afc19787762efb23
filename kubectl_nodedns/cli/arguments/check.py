"""The options of `check`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubectl_nodedns.cli.arguments.common import command, looking, probes
from kubectl_nodedns.cli.arguments.installation import installation

if TYPE_CHECKING:
    import argparse

    from kubectl_nodedns.cli.arguments.common import Commands


def add(commands: Commands) -> argparse.ArgumentParser:
    """Add `check`."""
    parser = command(
        commands,
        "check",
        "find what is wrong, and say the way out",
        "Read the caches, their metrics and what is around them, and say what is not as it should\n"
        "be: a code, what was seen, why it matters, the way out. Nothing is changed. Interception\n"
        "is judged by counters; with --probe a short-lived pod on each node proves it.",
    )
    parser.add_argument(
        "-o", "--output", choices=("table", "wide", "short", "json"), help="output format"
    )
    parser.add_argument(
        "--ignore", action="append", metavar="CODE,...", help="leave these checks out, repeatable"
    )
    parser.add_argument(
        "--fail-on",
        choices=("error", "warning", "info"),
        help="exit 1 from this severity on (from what makes status wrong)",
    )
    parser.add_argument(
        "--pre",
        action="store_true",
        help="say what stands in the way of enable, with the options that it is to have",
    )
    looking(parser)
    probes(parser)
    there = ("dns-service", "cluster-domain")
    before = "with --pre, as for enable"
    added = installation(parser, there=there, title=before + ": {}", whole=before)
    parser.set_defaults(installation=added)
    return parser
