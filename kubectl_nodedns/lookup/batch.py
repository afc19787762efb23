"""Many lookups by one dig process, paced: what a bench is made of.

dig reads questions line by line from its standard input (`-f -`) and asks each when the one before
is done, from a socket of its own, as a pod's resolver does. A loop in the shell writes the lines
at the rate that is wanted. The transport is an option of the whole process: on a line `+tcp` is
ignored (dig 9.18), and a server on a line would be added to the one of the command line. One
illegal name ends the process, so names must have been checked (`names.absolute`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from math import ceil

TIMEOUT = 2
"""Seconds that a lookup waits for its response; it is asked once."""
TICK = 0.02
"""Seconds that the loop sleeps at least, so that the sleeping itself is no load."""
GRACE = 1.5
"""How much longer than planned a batch may take before it is cut off."""

# Pods' resolvers send no EDNS, no cookie and no AD bit, so dig is told not to either.
_DIG = f"-u +tries=1 +time={TIMEOUT} +nosearch +noedns +noadflag +noall +comments +stats"
_SCRIPT = f"""set -f
server=$1 transport=$2 count=$3 group=$4 pause=$5 limit=$6; shift 6
note() {{
  read -r now rest < /proc/uptime; echo ";;; $1 $now"
  cat /sys/fs/cgroup/cpu.stat 2>/dev/null || cat /sys/fs/cgroup/cpu/cpu.stat 2>/dev/null
}}
note begin
{{ i=0; while :; do for q in "$@"; do
  [ $i -lt $count ] || break 2
  echo "$q"; i=$((i+1)); [ $((i % group)) -ne 0 ] || sleep $pause
done; done; }} | timeout $limit dig {_DIG} $transport @$server -f - 2>&1
note end
exit 0"""

EACH, AROUND = 2048, 2**20
"""Bytes that dig may print of a lookup, some 400 as a rule; and what stands around them."""
_NOTE = re.compile(r"^;;; (begin|end) (\d+\.\d+)", re.MULTILINE)
_THROTTLED = re.compile(r"^nr_throttled (\d+)", re.MULTILINE)
_OUTCOME = re.compile(
    r"status: (?P<rcode>\w+), id:|^;; Query time: (?P<time>\d+) (?P<unit>[um])sec"
    r"|(?P<lost>no servers could be reached)",
    re.MULTILINE,
)


@dataclass(frozen=True, kw_only=True)
class Batch:
    """Lookups to make, one after the other."""

    server: str
    """IP address that is asked."""
    tcp: bool
    """Whether over TCP."""
    questions: tuple[tuple[str, str], ...]
    """Names, absolute and checked, with record types; asked in turn, again and again."""
    count: int
    """Lookups in all."""
    rate: float
    """Lookups a second, at most."""


@dataclass(frozen=True, kw_only=True)
class Response:
    """What became of one lookup of a batch."""

    rcode: str
    """Response code; empty when there was no response."""
    microseconds: int | None
    """From query to response, as dig measured it on the node; None without a response."""


@dataclass(frozen=True, kw_only=True)
class BatchResult:
    """What became of a batch."""

    responses: tuple[Response, ...]
    """One for each lookup that was brought to its end, in order; the n-th asked question n."""
    seconds: float
    """From the first to the last, by the node's clock."""
    throttled: int
    """Times that the kernel held the probe back for its CPU limit meanwhile."""


def command(batch: Batch) -> list[str]:
    """Return the command that makes the lookups of `batch` in a probe's container."""
    group = max(1, round(batch.rate * TICK))
    lines = [f"-q {name} -t {rtype}" for name, rtype in batch.questions]
    return [
        *("sh", "-c", _SCRIPT, "nodedns", batch.server, "+tcp" if batch.tcp else "+notcp"),
        *(str(batch.count), str(group), f"{group / batch.rate:.4f}", str(cut_off(batch))),
        *lines,
    ]


def cut_off(batch: Batch) -> int:
    """Seconds after which the batch is ended where it is, whatever it still had to ask."""
    return ceil(batch.count / batch.rate * GRACE) + TIMEOUT


def longest(batch: Batch) -> int:
    """Bytes that the output of `command` may have."""
    return AROUND + batch.count * EACH


def read(output: str) -> BatchResult:
    """Read the output of `command`.

    Raises:
        ValueError: the command did not come to its end.
    """
    clock = {which: float(at) for which, at in _NOTE.findall(output)}
    if set(clock) != {"begin", "end"}:
        raise ValueError(" ".join(output.split())[-200:] or "the probe printed nothing")
    responses, rcode = [], ""
    for found in _OUTCOME.finditer(output):
        if found["rcode"]:
            rcode = found["rcode"]
        elif found["lost"]:
            responses.append(Response(rcode="", microseconds=None))
            rcode = ""
        elif rcode:
            scale = 1000 if found["unit"] == "m" else 1
            responses.append(Response(rcode=rcode, microseconds=int(found["time"]) * scale))
            rcode = ""
    throttled = [int(number) for number in _THROTTLED.findall(output)]
    return BatchResult(
        responses=tuple(responses),
        seconds=clock["end"] - clock["begin"],
        throttled=throttled[-1] - throttled[0] if throttled else 0,
    )
