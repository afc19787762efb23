"""The options of `check`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubectl_nodedns.cli.arguments.common import command, looking, probes

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
        default="error",
        help="exit 1 from this severity on (error)",
    )
    before = parser.add_argument_group("before an install")
    before.add_argument(
        "--pre",
        action="store_true",
        help="say what stands in the way of enable, with the options that it is to have",
    )
    before.add_argument(
        "--mode",
        choices=("iptables", "nftables", "ipvs"),
        help="with --pre, instead of the one found",
    )
    before.add_argument(
        "--local-ip", metavar="IP", help="with --pre, address of the cache (169.254.20.10)"
    )
    before.add_argument("--image", metavar="IMAGE", help="with --pre, image of the cache")
    looking(parser)
    probes(parser)
    return parser
