"""Standard streams that are closed, broken, full, or of an encoding that lacks our signs.

Imports next to nothing that the interpreter has not loaded by itself.
"""

from __future__ import annotations

import codecs
import os
import sys

from kubectl_nodedns.errors import Exit

PLAIN = {
    "✓": "ok",
    "✗": "failed",
    "‼": "!!",
    "·": "-",
    "–": "-",
    "…": "...",
    "µ": "u",
    "↻": "*",
    "×": "x",
    "→": "->",
    "▁▂▃▄▅▆▇█": "#",
    "╵": "'",
}
"""What our own signs are where they cannot be written, by sign or by signs."""
_PLAIN = {sign: plain for signs, plain in PLAIN.items() for sign in signs}


def prepare() -> None:
    """Make the standard streams fit to be written to, whatever this process was started with.

    A stream that is closed (`>&-`) is one that nobody wants to read, so it leads nowhere; left
    closed, its number would go to the first file or socket that is opened.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            nowhere = open(os.devnull, mode, encoding="utf-8")  # noqa: SIM115, PTH123 - to the end
            setattr(sys, name, nowhere)
    codecs.register_error("nodedns", _plain)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # half a character is written in no encoding
            stream.reconfigure(errors="nodedns")


def _plain(error: UnicodeError) -> tuple[str, int]:
    """Write a sign plainly, and a character of somebody else's as its number, as JSON does."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    written = []
    for character in error.object[error.start : error.end]:
        number = f"\\u{ord(character):04x}" if ord(character) < 1 << 16 else "?"
        written.append(_PLAIN.get(character, number))
    return "".join(written), error.end


def silence(stream: object) -> None:
    """Lead a stream that cannot be written to nowhere: Python writes to it once more at the end."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())  # type: ignore[attr-defined]
    except (OSError, ValueError):  # it is no file
        return


def complain(*lines: str) -> None:
    """Write lines to standard error, if that is possible; each as printable text."""
    from kubectl_nodedns.printable import printable  # noqa: PLC0415 - most runs have no complaint

    try:
        for line in lines:
            print(printable(line), file=sys.stderr)
        sys.stderr.flush()
    except OSError:
        silence(sys.stderr)


def leave(*_: object) -> None:
    """End the process at once: a signal's handler for as long as there is nothing to clean up."""
    complain("interrupted")
    os._exit(Exit.INTERRUPTED)
