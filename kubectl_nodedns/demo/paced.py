"""Many lookups by one dig, paced by a loop in front of it: the one script that is taken as a whole.

    ... { a loop that writes "$@" line by line, $count lines, $group at a time, $pause between }
        | timeout $limit dig OPTIONS $transport @$server -f -

with `server transport count group pause limit` as the first arguments, and a note of /proc/uptime
and of the control group's cpu.stat before and after. A shell that could run the loop itself would
be most of a real one; what counts here is what dig prints, and when.
"""

from __future__ import annotations

import asyncio
import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kubectl_nodedns.demo import digging

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kubectl_nodedns.demo.shell import Out, Pod

_FORM = re.compile(r"timeout \$limit dig (.*?) \$transport @\$server -f -", re.DOTALL)
CALM = "nr_periods 0\nnr_throttled 0\nthrottled_usec 0\n"
"""cpu.stat of a control group that was never held back."""


@dataclass(frozen=True)
class Paced:
    """What such a script does."""

    options: str
    """dig's options."""
    server: str
    """Who is asked."""
    transport: str
    """"+tcp" or "+notcp"."""
    count: int
    """Lookups in all."""
    group: int
    """Lookups between two pauses."""
    pause: float
    """Seconds."""
    limit: float
    """Seconds after which it is cut off."""
    lines: tuple[str, ...]
    """What dig reads, in turn, again and again."""


def read(script: str, arguments: Sequence[str]) -> Paced | None:
    """Recognise a script; None when it is another."""
    found = _FORM.search(script)
    if found is None:
        return None
    server, transport, count, group, pause, limit, *lines = arguments
    return Paced(
        " ".join(found[1].split()),
        server,
        transport,
        int(count),
        int(group),
        float(pause),
        float(limit),
        tuple(lines),
    )


async def run(paced: Paced, pod: Pod, out: Out) -> None:
    """Make the lookups, and print what dig prints."""
    await out(_note("begin"))
    loop = asyncio.get_running_loop()
    start = loop.time()
    due = 0.0
    for number in range(paced.count):
        line = paced.lines[number % len(paced.lines)]
        words = f"{paced.options} {paced.transport} @{paced.server} {line}".split()
        query = digging.parse(words, pod.nameserver)
        outcome = pod.ask(query.server, query.asked)
        due += digging.waits(query, outcome)
        await out(digging.printed(query, outcome, pod.chance))
        if (number + 1) % paced.group == 0:
            due = max(due, paced.pause * (number + 1) / paced.group)
            await asyncio.sleep(max(start + due - loop.time(), 0.0))
        if loop.time() - start > paced.limit:
            break
    await out(_note("end"))


def _note(which: str) -> str:
    return f";;; {which} {time.monotonic():.2f}\n{CALM}"
