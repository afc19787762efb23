"""The entry point: parse, run the command, turn every end into an exit code.

What takes time to import is imported inside `main`, so that Ctrl-C ends in words from then on.
"""

from __future__ import annotations

import errno
import signal
import sys
from importlib import import_module

from kubectl_nodedns.cli import streams
from kubectl_nodedns.errors import Exit, NodednsError, UsageError

COMPLETE = "__complete"
"""What shells ask with; it is no command for people, so help does not show it."""
UNWRITABLE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF)
"""What a stream says that takes nothing more."""


def main(argv: list[str] | tuple[str, ...] | None = None) -> int:
    """Run one command; return its exit code (see `errors.Exit`)."""
    try:
        streams.prepare()
        if argv is None and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            # While modules are imported, an exception of a signal may come where Python drops it.
            signal.signal(signal.SIGINT, streams.leave)
        return _flushed(_run(sys.argv[1:] if argv is None else argv))
    except KeyboardInterrupt:
        streams.complain("interrupted")
        return Exit.INTERRUPTED


def _run(words: list[str] | tuple[str, ...]) -> int:
    try:
        if tuple(words[:1]) == (COMPLETE,):
            return int(import_module("kubectl_nodedns.cli.complete").main(words[1:]))
        return _command(words)
    except SystemExit as end:  # argparse's, with an int
        raise SystemExit(_flushed(int(end.code or 0))) from end
    except NodednsError as error:
        return _told(error)
    except BrokenPipeError:
        return Exit.OK  # the reader went away (| head)
    except OSError as error:
        if error.filename is not None or error.errno not in UNWRITABLE:
            raise
        return _unwritable(error)


def _command(words: list[str] | tuple[str, ...]) -> int:
    from kubectl_nodedns.cli.parser import build_parser  # noqa: PLC0415 - takes time

    parser = build_parser(sys.argv[0])
    arguments = parser.parse_args(words)
    if not arguments.command:
        parser.print_help()
        return Exit.OK
    command = import_module(f"kubectl_nodedns.commands.{arguments.command}")
    if signal.getsignal(signal.SIGINT) is streams.leave:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    return int(command.run(arguments))


def _flushed(code: int) -> int:
    """Write what is left to be written; return `code`, unless that fails."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        streams.silence(sys.stdout)
    except OSError as error:
        return _unwritable(error)
    return code


def _told(error: NodednsError) -> int:
    streams.complain(f"error: {error}", *(f"  {line}" for line in error.hint.splitlines()))
    return error.exit


def _unwritable(error: OSError) -> int:
    streams.silence(sys.stdout)
    return _told(
        UsageError(
            f"standard output cannot be written: {error.strerror}",
            hint="make room there, or send it elsewhere; what was done in the cluster is done",
        )
    )
