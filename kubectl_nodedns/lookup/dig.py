"""Questions to dig's command line, and dig's output to answers.

One command in the probe pod asks a whole round of questions, one dig process for each, so that a
question that makes dig give up never ends the round. A separator line of ours stands before each
output and after the last; everything between two separators belongs to one question, so an answer
can be read as soon as the next separator has come. Times are dig's own, taken on the node in
microseconds (`dig -u`, BIND 9.10 and later).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from kubectl_nodedns.lookup.question import Answer, Question, Record
from kubectl_nodedns.numbers import whole
from kubectl_nodedns.printable import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

# Words are split on purpose and names come in presentation format, which has no white space.
# `set -f` keeps an asterisk in a name from becoming a list of files.
_SCRIPT = 'set -f; for q in "$@"; do echo ";;; nodedns"; dig $q 2>&1; done; echo ";;; nodedns"'
_SEPARATOR = re.compile(r"^;;; nodedns\n", re.MULTILINE)
_HEADER = re.compile(r"status: (\S+), id:")
_FLAGS = re.compile(r"^;; flags:([^;]*);", re.MULTILINE)
_TIME = re.compile(r"^;; Query time: (\d+) (usec|msec)", re.MULTILINE)
_SIZE = re.compile(r"^;; MSG SIZE +rcvd: (\d+)", re.MULTILINE)
_OPT = re.compile(r"^;; OPT PSEUDOSECTION:\n((?:; .*\n)+)", re.MULTILINE)
_TRUNCATED = re.compile(r"^;; Truncated, retrying in TCP mode", re.MULTILINE)
_WRONG_ID = re.compile(r"^;; Warning: ID mismatch", re.MULTILINE)
_ERROR = re.compile(
    r"^(?:;; |dig: )(.*(?:error|timed out|no servers|refused|invalid|mismatch).*)", re.MULTILINE
)
_FIELDS = 5


def command(questions: Sequence[Question]) -> list[str]:
    """Return the command that asks `questions` one after the other in a probe's container."""
    return ["sh", "-c", _SCRIPT, "nodedns", *(_arguments(q) for q in questions)]


def limit(questions: Sequence[Question]) -> float:
    """Seconds after which `command` must have ended, even if no server answers."""
    return 10.0 + sum(2 * question.manner.timeout + 0.5 for question in questions)


def answers(questions: Sequence[Question], output: str) -> list[Answer]:
    """Read the whole output of `command`: one answer for each question, in order."""
    reader = Reader(questions)
    return [*reader.feed(output), *reader.end()]


class Reader:
    """Reads the output of `command` while it comes.

    Args:
        questions: what the command asks.
    """

    def __init__(self, questions: Sequence[Question]) -> None:
        self._due = list(questions)
        self._text = ""
        self._begun = False

    def feed(self, text: str) -> list[Answer]:
        """Take the next piece of output; return the answers that it makes complete."""
        self._text += text
        blocks = _SEPARATOR.split(self._text)
        self._text = blocks.pop()
        # What stands before the first separator belongs to no question.
        complete = blocks if self._begun else blocks[1:]
        self._begun = self._begun or bool(blocks)
        return [self._next(block) for block in complete if self._due]

    def end(self) -> list[Answer]:
        """Return the answers that are left when the output has ended, most likely errors."""
        left = [self._next(self._text)] if self._begun and self._due else []
        self._text = ""
        return left + [self._next("") for _ in list(self._due)]

    def _next(self, block: str) -> Answer:
        return _answer(self._due.pop(0), block)


def _arguments(question: Question) -> str:
    # +nosearch: the name is absolute. +tries=1: a repeated query would hide a lost one.
    manner = question.manner
    words = ["-u", "+tries=1", f"+time={manner.timeout}", "+nosearch"]
    words += ["+tcp" if question.tcp else "+notcp"]
    words += ["+noedns"] if not manner.edns else []
    words += [f"+bufsize={manner.buffer_size}"] if manner.edns and manner.buffer_size else []
    words += ["+dnssec"] if manner.dnssec else []
    words += ["+cdflag"] if manner.checking_disabled else []
    words += ["+nsid"] if manner.nsid else []
    words += ["+norecurse"] if not manner.recursion else []
    return " ".join([*words, f"@{question.server}", "-q", question.name, "-t", question.rtype])


def _answer(question: Question, block: str) -> Answer:
    header = _HEADER.search(block)
    if header is None:
        return Answer(question=question, error=printable(_why(question, block)))
    flags = _FLAGS.search(block)
    time = _TIME.search(block)
    size = _SIZE.search(block)
    opt = _OPT.search(block)
    return Answer(
        question=question,
        rcode=printable(header[1]),
        records=_section(block, "ANSWER"),
        flags=tuple(flags[1].split()) if flags else (),
        microseconds=int(time[1]) * (1000 if time[2] == "msec" else 1) if time else None,
        measured=f"{time[1]} {time[2]}" if time else "",
        size=int(size[1]) if size else None,
        truncated=_TRUNCATED.search(block) is not None,
        opt=tuple(printable(line[2:]) for line in opt[1].splitlines()) if opt else (),
    )


def _section(block: str, name: str) -> tuple[Record, ...]:
    """Read the records of one section; lines end at the first blank one."""
    _, found, rest = block.partition(f";; {name} SECTION:\n")
    if not found:
        return ()
    records = []
    for line in rest.splitlines():
        if not line.strip():
            break
        fields = line.split(None, _FIELDS - 1)
        if line.startswith(";") or len(fields) < _FIELDS or whole(fields[1], most=2**32) is None:
            continue
        owner, ttl, _, rtype, data = fields
        records.append(
            Record(name=printable(owner), ttl=int(ttl), rtype=rtype, data=printable(data))
        )
    return tuple(records)


def _why(question: Question, block: str) -> str:
    """Say in dig's own words why there was no response."""
    found = _ERROR.findall(block)
    if _WRONG_ID.search(block):
        return f"only a response with a wrong ID in {question.manner.timeout} s"
    if any("timed out" in line for line in found):
        return f"no response in {question.manner.timeout} s"
    if found:
        return str(found[0]).strip()
    text = " ".join(block.split())
    return text[:200] or "dig printed nothing"
