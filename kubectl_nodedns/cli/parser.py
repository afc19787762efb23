"""What the command line accepts. Standard library only.

kubectl passes no flag on to a plugin that stands before its name, so the plugin takes kubectl's
own flags itself, before or after the subcommand: each parser gets them, and in a subcommand they
default to "not given" so that they do not undo what stood before it.
"""

from __future__ import annotations

import argparse
import os

from kubectl_nodedns import __version__
from kubectl_nodedns.cli.arguments import (
    bench,
    check,
    completion,
    demo,
    disable,
    enable,
    lookup,
    monitoring,
    status,
    top,
)
from kubectl_nodedns.cli.arguments.common import EXIT_CODES, Formatter, Parser, access, command

COMMANDS = (enable, disable, top, status, check, lookup, bench, monitoring, demo, completion)
"""In the order in which the help shows them."""
WITHOUT_CLUSTER = (demo,)
"""Commands that ask no cluster of yours, so that kubectl's own flags mean nothing to them."""


def program_name(argv0: str) -> str:
    """Return the name that usage texts show: what the person typed."""
    base = os.path.basename(argv0).removesuffix(".exe")  # noqa: PTH119 - pathlib costs start-up
    if base.startswith("kubectl-"):
        return "kubectl " + base.removeprefix("kubectl-").replace("_", "-")
    return "kubectl nodedns"


def build_parser(argv0: str = "kubectl-nodedns") -> argparse.ArgumentParser:
    """Build the parser of the whole command line."""
    prog = program_name(argv0)
    parser = Parser(
        prog=prog,
        usage=f"{prog} COMMAND [options]",
        description="Install, prove, watch and remove NodeLocal DNSCache.",
        epilog=EXIT_CODES,
        formatter_class=Formatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"kubectl-nodedns {__version__}")
    access(parser, default=None)
    commands = parser.add_subparsers(title="commands", dest="command", metavar="COMMAND", prog=prog)
    for one in COMMANDS:
        added = one.add(commands)
        if one not in WITHOUT_CLUSTER:
            access(added, default=argparse.SUPPRESS)
    text = "Print the version of this plugin. No cluster is asked."
    version = command(commands, "version", "print the version", text)
    # As `kubectl version --client` does: whoever gives them to each command can go on doing so.
    access(version, default=argparse.SUPPRESS)
    return parser
