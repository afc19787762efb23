"""The options of `disable`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubectl_nodedns.cli.arguments.common import change, command

if TYPE_CHECKING:
    import argparse

    from kubectl_nodedns.cli.arguments.common import Commands


def add(commands: Commands) -> argparse.ArgumentParser:
    """Add `disable`."""
    parser = command(
        commands,
        "disable",
        "take the cache out again, without a lost lookup",
        "Give lookups back to kube-dns node by node, prove it, then delete what enable made.",
    )
    parser.add_argument(
        "--now",
        action="store_true",
        help="skip every gate and delete at once, for the day when the cache is the outage",
    )
    parser.add_argument(
        "--orphans",
        action="store_true",
        help="where nothing is installed, look at every node for what a killed cache left, and "
        "take it away",
    )
    change(parser)
    return parser
