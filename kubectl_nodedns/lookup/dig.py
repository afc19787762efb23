"""Questions to dig's command line, and dig's output to answers.

One command in the probe pod asks a whole round of questions, one dig process for each, so that a
question that makes dig give up never ends the round. A separator line of ours stands before each
output; everything between two separators belongs to one question. Times are dig's own, taken on
the node in microseconds (`dig -u`, BIND 9.10 and later).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from kubectl_nodedns.lookup.question import Answer, Question, Record

if TYPE_CHECKING:
    from collections.abc import Sequence

TIMEOUT = 2
"""Seconds that one question waits for its response; it is asked once."""

# Words are split on purpose and names come in presentation format, which has no white space.
# `set -f` keeps an asterisk in a name from becoming a list of files.
_SCRIPT = 'set -f; for q in "$@"; do echo ";;; nodedns"; dig $q 2>&1; done; exit 0'
_SEPARATOR = re.compile(r"^;;; nodedns\n", re.MULTILINE)
_HEADER = re.compile(r"status: (\S+), id:")
_FLAGS = re.compile(r"^;; flags:([^;]*);", re.MULTILINE)
_TIME = re.compile(r"^;; Query time: (\d+) (usec|msec)", re.MULTILINE)
_SIZE = re.compile(r"^;; MSG SIZE +rcvd: (\d+)", re.MULTILINE)
_ERROR = re.compile(
    r"^(?:;; |dig: )(.*(?:error|timed out|no servers|refused|invalid|mismatch).*)", re.MULTILINE
)
_FIELDS = 5


def command(questions: Sequence[Question]) -> list[str]:
    """Return the command that asks `questions` one after the other in a probe's container."""
    return ["sh", "-c", _SCRIPT, "nodedns", *(_arguments(q) for q in questions)]


def limit(questions: Sequence[Question]) -> float:
    """Seconds after which `command` must have ended, even if no server answers."""
    return 10.0 + len(questions) * (TIMEOUT + 0.5)


def answers(questions: Sequence[Question], output: str) -> list[Answer]:
    """Read the output of `command`: one answer for each question, in order."""
    blocks = _SEPARATOR.split(output)[1:]
    blocks += [""] * (len(questions) - len(blocks))
    return [_answer(q, block) for q, block in zip(questions, blocks, strict=False)]


def _arguments(question: Question) -> str:
    # +nosearch: the name is absolute. +tries=1: a repeated query would hide a lost one.
    transport = "+tcp" if question.tcp else "+notcp"
    return (
        f"-u +tries=1 +time={TIMEOUT} +nosearch {transport} "
        f"@{question.server} -q {question.name} -t {question.rtype}"
    )


def _answer(question: Question, block: str) -> Answer:
    header = _HEADER.search(block)
    if header is None:
        return Answer(question=question, error=_why(block))
    flags = _FLAGS.search(block)
    time = _TIME.search(block)
    size = _SIZE.search(block)
    return Answer(
        question=question,
        rcode=header[1],
        records=_section(block, "ANSWER"),
        flags=tuple(flags[1].split()) if flags else (),
        microseconds=int(time[1]) * (1000 if time[2] == "msec" else 1) if time else None,
        size=int(size[1]) if size else None,
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
        if line.startswith(";") or len(fields) < _FIELDS or not fields[1].isdigit():
            continue
        owner, ttl, _, rtype, data = fields
        records.append(Record(name=owner, ttl=int(ttl), rtype=rtype, data=data))
    return tuple(records)


def _why(block: str) -> str:
    """Say in dig's own words why there was no response."""
    found = _ERROR.findall(block)
    if any("timed out" in line for line in found):
        return f"no response in {TIMEOUT} s"
    if found:
        return str(found[0]).strip()
    text = " ".join(block.split())
    return text[:200] or "dig printed nothing"
