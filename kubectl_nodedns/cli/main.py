"""The entry point: parse, run the command, turn every end into an exit code.

What takes time to import is imported inside `main`, so that Ctrl-C ends in words from then on.
"""

from __future__ import annotations

import errno
import signal
import sys
from importlib import import_module
from typing import Any

from kubectl_nodedns.cli import streams
from kubectl_nodedns.errors import Exit, NodednsError, UsageError

COMPLETE = "__complete"
"""What shells ask with; it is no command for people, so help does not show it."""
UNWRITABLE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF)
"""What a stream says that takes nothing more."""


def main(argv: list[str] | tuple[str, ...] | None = None, **handed: Any) -> int:
    """Run one command; return its exit code (see `errors.Exit`).

    Args:
        argv: the command line; this process's own when it is not given.
        handed: what the command's `run` has a default for, such as how long it waits.
    """
    try:
        streams.prepare()
        if argv is None and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            # While modules are imported, an exception of a signal may come where Python drops it.
            signal.signal(signal.SIGINT, streams.leave)
        return _flushed(_run(sys.argv[1:] if argv is None else argv, handed))
    except KeyboardInterrupt:
        streams.complain("interrupted")
        return Exit.INTERRUPTED


def _run(words: list[str] | tuple[str, ...], handed: dict[str, Any]) -> int:
    try:
        if tuple(words[:1]) == (COMPLETE,):
            return int(import_module("kubectl_nodedns.cli.complete").main(words[1:]))
        return _command(words, handed)
    except SystemExit as end:  # argparse's, with an int
        raise SystemExit(_flushed(int(end.code or 0))) from end
    except NodednsError as error:
        return _told(error)
    except BrokenPipeError:
        return Exit.OK  # the reader went away (| head)
    except Exception as error:  # noqa: BLE001 - the last one: nobody is shown a traceback
        if isinstance(error, OSError) and error.filename is None and error.errno in UNWRITABLE:
            return _unwritable(error)
        from kubectl_nodedns.cli.fault import unexpected  # noqa: PLC0415 - takes time

        return _told(unexpected(error))


def _command(words: list[str] | tuple[str, ...], handed: dict[str, Any]) -> int:
    from kubectl_nodedns.cli.parser import build_parser  # noqa: PLC0415 - takes time

    parser = build_parser(sys.argv[0])
    arguments = parser.parse_args(words)
    if not arguments.command:
        parser.print_help()
        return Exit.OK
    command = import_module(f"kubectl_nodedns.commands.{arguments.command}")
    if signal.getsignal(signal.SIGINT) is streams.leave:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    return int(command.run(arguments, **handed))


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
    # What went wrong may be in somebody else's words, and those make no lines of their own.
    what = " ".join(line.strip() for line in str(error).splitlines())
    lines = [f"error: {what}", *(f"  {line}" for line in error.hint.split("\n") if line)]
    streams.complain(*lines)
    return error.exit


def _unwritable(error: OSError) -> int:
    streams.silence(sys.stdout)
    return _told(
        UsageError(
            f"standard output cannot be written: {error.strerror}",
            hint="make room there, or send it elsewhere; what was done in the cluster is done",
        )
    )
