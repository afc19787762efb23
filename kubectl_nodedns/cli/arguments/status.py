"""The options of `status`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubectl_nodedns.cli.arguments.common import command, looking, probes

if TYPE_CHECKING:
    import argparse

    from kubectl_nodedns.cli.arguments.common import Commands


def add(commands: Commands) -> argparse.ArgumentParser:
    """Add `status`."""
    parser = command(
        commands,
        "status",
        "is it installed, on which nodes, and does it intercept",
        "One screen: who installed which version, in which mode, at which addresses; which nodes\n"
        "are covered, ready, intercepting; what drifted, and one verdict. Exit status 1 when\n"
        "something is wrong; what is not known is said, and is not wrong. Nothing is changed;\n"
        "with --probe interception is proved.",
    )
    parser.add_argument(
        "-o", "--output", choices=("table", "wide", "json", "yaml"), help="output format"
    )
    parser.add_argument(
        "--wait", action="store_true", help="look again until nothing is wrong, or --timeout"
    )
    looking(parser)
    probes(parser)
    return parser
