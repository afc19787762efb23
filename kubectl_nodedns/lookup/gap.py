"""How long an address was without an answer: lookups from a probe, a few a second, each on its own.

One command in the probe starts a dig every quarter of a second, in the background, so that a lookup
that waits for its time-out does not hold up the next one. It prints when each lookup began and
ended, by the node's own clock (/proc/uptime, hundredths of a second), until it is told to end.
"""

from __future__ import annotations

import asyncio
import codecs
import itertools
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kubectl_nodedns.errors import ApiError, TimedOutError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence

INTERVAL = 0.25
"""Seconds between two lookups; a gap is known to within that."""
TIMEOUT = 1
"""Seconds after which a lookup is lost; it is asked once, as dig cannot wait for less."""
LIMIT = 900
"""Seconds after which the command ends by itself, whatever became of us."""
BEGIN = 15.0
"""Seconds that the command may take to begin."""
LAST = 1.2
"""Seconds from the wish to end until all lookups under way have ended."""

_SCRIPT = f"""set -f
stop=; trap 'stop=1' TERM
echo "pid $$"
one() {{
  read -r from rest < /proc/uptime
  said=$(dig +tries=1 +time={TIMEOUT} +nosearch +noall +comments "@$1" "$2" 2>&1)
  read -r to rest < /proc/uptime
  case "$said" in *"status: NOERROR"*) echo "answer $from $to" ;; *) echo "lost $from $to" ;; esac
}}
count=0
while [ -z "$stop" ] && [ $count -lt $3 ]; do
  count=$((count+1)); one "$1" "$2" & sleep {INTERVAL}
done
wait
echo end"""
_PID = re.compile(r"^pid (\d+)$", re.MULTILINE)
_LOOKUP = re.compile(r"^(answer|lost) (\d+\.\d+) (\d+\.\d+)$", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class Gap:
    """What lookups at one address met while the cache behind it was replaced."""

    node: str
    """Node they were asked from."""
    server: str
    """Address that was asked."""
    longest: int | None
    """Milliseconds of the longest time without an answer; None when not known."""
    lost: int
    """Lookups without an answer within a second."""
    sent: int
    """Lookups in all."""
    why: str = ""
    """Why it is not known."""

    def __str__(self) -> str:
        if self.longest is None:
            return f"the gap at {self.server} is not known: {self.why}"
        return (
            f"{self.server} gave no answer for {self.longest} ms, "
            f"{self.lost} of {self.sent} lookups lost"
        )


def command(server: str, name: str) -> list[str]:
    """Return the command that asks `server` for `name`, again and again."""
    return ["sh", "-c", _SCRIPT, "nodedns", server, name, str(int(LIMIT / INTERVAL))]


def read_gap(output: str, *, node: str, server: str) -> Gap:
    """Read what the command printed.

    The longest time without an answer lies between two answers, or before the first one, or after
    the last one where lookups were lost there. It is never less than the time between two lookups.
    """
    found = [(kind, float(began), float(ended)) for kind, began, ended in _LOOKUP.findall(output)]
    if not found:
        return Gap(
            node=node, server=server, longest=None, lost=0, sent=0, why="no lookup came to its end"
        )
    moments = [min(began for _, began, _ in found)]
    moments += sorted(ended for kind, _, ended in found if kind == "answer")
    lost = [ended for kind, _, ended in found if kind == "lost"]
    if lost and max(lost) > moments[-1]:
        moments.append(max(lost))
    longest = max((b - a for a, b in itertools.pairwise(moments)), default=0.0)
    return Gap(
        node=node, server=server, longest=round(longest * 1000), lost=len(lost), sent=len(found)
    )


class Watch:
    """Lookups that go on in a probe until `end`.

    Args:
        run: runs a command in the probe and hands on what it prints, as it comes.
        node: the node they are asked from.
        server: the address that is asked.
        name: what is asked for.
    """

    def __init__(
        self,
        run: Callable[[Sequence[str], Callable[[bytes], None]], Coroutine[None, None, None]],
        *,
        node: str,
        server: str,
        name: str,
    ) -> None:
        self._run = run
        self._node = node
        self._server = server
        self._name = name
        self._output = ""
        self._answered = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def begin(self) -> None:
        """Begin to ask, and return as soon as there was an answer, or there will be none."""
        decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")

        def received(piece: bytes) -> None:
            self._output += decoder.decode(piece)
            if _LOOKUP.search(self._output):
                self._answered.set()

        self._task = asyncio.ensure_future(self._run(command(self._server, self._name), received))
        answered = asyncio.ensure_future(self._answered.wait())
        try:
            await asyncio.wait(
                {self._task, answered}, timeout=BEGIN, return_when=asyncio.FIRST_COMPLETED
            )
        except asyncio.CancelledError:  # nobody will end it
            await self.cancel()
            raise
        finally:
            await _ended(answered)

    async def end(self) -> Gap:
        """Ask no more, and say what the lookups met."""
        if self._task is None:
            raise ValueError("the watch was never begun")
        why = ""
        try:
            if pid := _PID.search(self._output):
                stop = self._run(["sh", "-c", f"kill -TERM {pid[1]}"], lambda _: None)
                await asyncio.wait_for(stop, timeout=BEGIN)
            await asyncio.wait_for(asyncio.shield(self._task), timeout=LAST + BEGIN)
        except (ApiError, TimedOutError, TimeoutError) as error:
            why = str(error) or "the lookups did not end"
        await self.cancel()
        if why and not _LOOKUP.search(self._output):
            return Gap(node=self._node, server=self._server, longest=None, lost=0, sent=0, why=why)
        return read_gap(self._output, node=self._node, server=self._server)

    async def cancel(self) -> None:
        """Let go of the command; it ends by itself, with its probe at the latest."""
        if self._task is not None:
            await _ended(self._task)


async def _ended(task: asyncio.Future[Any]) -> None:
    """Cancel a task, and wait until it runs no more; whatever it came to is not asked for."""
    task.cancel()
    await asyncio.wait({task})
    if not task.cancelled():
        task.exception()
