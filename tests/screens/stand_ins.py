"""What the screens are given in tests: a feed of fixed snapshots, and askers without a cluster."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from kubectl_nodedns.errors import NodednsError
from kubectl_nodedns.lookup.question import Answer, Question, Record

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from kubectl_nodedns.metrics.fleet import FleetSnapshot


class FixedFeed:
    """Hands out a snapshot that the test sets."""

    def __init__(self, snapshot: FleetSnapshot) -> None:
        self.now = snapshot
        self.looked_at: list[str] = []
        self.taken = 0

    def snapshot(self) -> FleetSnapshot:
        self.taken += 1
        return self.now

    def look_at(self, nodes: Collection[str]) -> None:
        self.looked_at = list(nodes)


class NoAsker:
    """Has no pod to ask from."""

    def __init__(self, error: str = "no probe pod can be had") -> None:
        self.error = error

    async def __call__(self, node: str, questions: Sequence[Question]) -> Sequence[Answer]:
        raise NodednsError(self.error, hint="use --probe-namespace")

    async def close(self) -> None:
        pass


class BrokenAsker(NoAsker):
    """Fails as only a mistake of ours would."""

    async def __call__(self, node: str, questions: Sequence[Question]) -> Sequence[Answer]:
        raise ZeroDivisionError("division by zero")


class FixedAsker:
    """Answers like a cache of ours on the node that is asked, or like CoreDNS where it is not."""

    def __init__(self, *, intercepted: bool = True, local_ip: str = "169.254.20.10") -> None:
        self.asked: list[tuple[str, tuple[Question, ...]]] = []
        self.held = asyncio.Event()
        self.held.set()
        self._intercepted = intercepted
        self._local_ip = local_ip

    async def __call__(self, node: str, questions: Sequence[Question]) -> Sequence[Answer]:
        self.asked.append((node, tuple(questions)))
        await self.held.wait()
        return [self._answer(node, question) for question in questions]

    async def close(self) -> None:
        pass

    def _answer(self, node: str, question: Question) -> Answer:
        if question.rtype != "TXT":
            return answer(question, "10.96.0.1")
        if self._intercepted or question.server == self._local_ip:
            return answer(question, f'"{node} 1b2c3d"')
        return Answer(question=question, rcode="NXDOMAIN", flags=("qr", "aa"), microseconds=900)


def answer(question: Question, data: str, *, rcode: str = "NOERROR") -> Answer:
    record = Record(name=question.name, ttl=5, rtype=question.rtype, data=data)
    return Answer(
        question=question,
        rcode=rcode,
        records=(record,),
        flags=("qr", "aa", "rd"),
        microseconds=212,
    )
