"""Measure what clients of the local IP meet while the cache pod of their node is replaced."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from kubectl_nodedns.errors import NodednsError
from kubectl_nodedns.install.plan import nodes_text
from kubectl_nodedns.together import together

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection, Iterable, Sequence

    from kubectl_nodedns.install.proof import Proof, Report, Watch
    from kubectl_nodedns.verdict import Gap


class Gaps:
    """The gaps of one run.

    Args:
        proof: begins and ends the lookups on a node.
        report: told each gap.
        nodes: nodes that serve clients of the local IP; others have no gap.
    """

    def __init__(self, proof: Proof, report: Report, nodes: Collection[str]) -> None:
        self._proof = proof
        self._report = report
        self._nodes = nodes
        self._watched: set[str] = set()
        self.measured: list[Gap] = []
        """Every gap so far; a node that is put back can have two."""

    @contextlib.asynccontextmanager
    async def over(self, nodes: Iterable[str]) -> AsyncIterator[None]:
        """Ask the local IP on those of `nodes` that serve clients, until all is done or fails.

        A node that is put back within is measured up to there: it is the same clients that wait.
        """
        new = [node for node in nodes if node in self._nodes and node not in self._watched]
        self._watched |= set(new)
        watches: Sequence[Watch] = await together(map(self._proof.watch, new))
        try:
            yield
        except NodednsError:
            await self._say(watches)
            raise
        except BaseException:
            await together(watch.cancel() for watch in watches)
            raise
        finally:
            self._watched -= set(new)
        await self._say(watches)

    async def _say(self, watches: Sequence[Watch]) -> None:
        for gap in await together(watch.end() for watch in watches):
            self.measured.append(gap)
            self._report.note(f"{gap.node}: {gap}")


def gaps_text(gaps: Sequence[Gap]) -> str:
    """Say what the gaps came to: the longest one, and all lookups that were lost."""
    known = {gap.longest: gap for gap in gaps if gap.longest is not None}
    if not known:
        return "the gaps could not be measured"
    worst = known[max(known)]
    lost, sent = sum(gap.lost for gap in gaps), sum(gap.sent for gap in gaps)
    text = f"longest gap {worst.longest} ms (node {worst.node}), {lost} of {sent} lookups lost"
    unknown = sum(gap.longest is None for gap in gaps)
    return f"{text}, not measured on {nodes_text(unknown)}" if unknown else text
