"""The entry point: parse, run the command, turn every end into an exit code."""

from __future__ import annotations

import os
import sys
from importlib import import_module
from typing import TYPE_CHECKING

from kubectl_nodedns.cli.parser import build_parser
from kubectl_nodedns.errors import Exit, NodednsError

if TYPE_CHECKING:
    from collections.abc import Sequence

COMPLETE = "__complete"
"""What shells ask with; it is no command for people, so help does not show it."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; return its exit code (see `errors.Exit`)."""
    try:
        try:
            return _run(argv)
        finally:
            sys.stdout.flush()
    except BrokenPipeError:
        # The reader went away (| head). Python would complain once more while it shuts down.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.OK


def _run(argv: Sequence[str] | None) -> int:
    words = sys.argv[1:] if argv is None else argv
    if words[:1] == [COMPLETE]:
        from kubectl_nodedns.cli.complete import main as complete  # noqa: PLC0415 - costs start-up

        return complete(words[1:])
    parser = build_parser(sys.argv[0])
    arguments = parser.parse_args(argv)
    if not arguments.command:
        parser.print_help()
        return Exit.OK
    try:
        command = import_module(f"kubectl_nodedns.commands.{arguments.command}")
        return int(command.run(arguments))
    except NodednsError as error:
        print(f"error: {error}", file=sys.stderr)
        for line in error.hint.splitlines():
            print(f"  {line}", file=sys.stderr)
        return error.exit
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return Exit.INTERRUPTED
