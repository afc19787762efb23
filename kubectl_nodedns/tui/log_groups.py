"""Log lines that say the same put together: how often, when last, and the newest of them. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_TIME = re.compile(r"^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.\d+)?(Z|[+-]\d\d:\d\d)? ?")
_LEVEL = re.compile(r"^\[(ERROR|WARNING|INFO|FATAL|PANIC|DEBUG)\]")
_KLOG = re.compile(r"^([IWEF])\d{4} \d\d:\d\d:\d\d\.\d+ +\d+ ([\w.-]+:\d+)\] ?")
_GO = re.compile(r"^\d{4}/\d\d/\d\d \d\d:\d\d:\d\d ")
_VARYING = re.compile(
    r"""
    "[^"]*"                                              # what is quoted
    | \b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b    # UIDs
    | \b\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?\b               # IPv4, with a port
    | \[?[0-9a-f]*:[0-9a-f:]*:[0-9a-f]*\]?(?::\d+)?      # IPv6
    | \b(?:[\w-]+\.)+[\w-]*\.(?=\s|$)                    # absolute names
    | \b0x[0-9a-f]+\b | \b\d+(?:\.\d+)?(?:ms|µs|us|s|m|h)?\b   # numbers and durations
    """,
    re.VERBOSE | re.IGNORECASE,
)
_BAD = {"ERROR", "FATAL", "PANIC", "E", "F"}
_NOTE = {"WARNING", "W"}


@dataclass(frozen=True, kw_only=True)
class Group:
    """Lines that differ in numbers, names and addresses only."""

    count: int
    """How many."""
    first: str
    """Time of the oldest, as the log has it; empty where lines have none."""
    last: str
    """Time of the newest."""
    text: str
    """The newest, without its time."""
    level: str
    """"bad" for errors, "note" for warnings, else empty."""


def group(lines: Iterable[str]) -> list[Group]:
    """Put like lines together, the group with the newest line last, as in a log."""
    found: dict[str, Group] = {}
    for line in lines:
        at, text = split(line)
        if not text:
            continue
        shape = _VARYING.sub("*", _GO.sub("", _KLOG.sub(r"\1 \2 ", text)))
        before = found.pop(shape, None)
        found[shape] = Group(
            count=before.count + 1 if before else 1,
            first=before.first if before else at,
            last=at,
            text=text,
            level=level(text),
        )
    return list(found.values())


def split(line: str) -> tuple[str, str]:
    """Return the time of day that the API server put before a line, and the line."""
    match = _TIME.match(line)
    text = (line[match.end() :] if match else line).rstrip()
    return (match[1].partition("T")[2] if match else ""), text


def level(text: str) -> str:
    """Return "bad" for an error, "note" for a warning, else nothing."""
    found = _LEVEL.match(_GO.sub("", text)) or _KLOG.match(text)
    if found is None:
        return "bad" if text.startswith("panic:") else ""
    return "bad" if found[1] in _BAD else "note" if found[1] in _NOTE else ""
