"""What does not depend on each other is asked together: counted in round trips, not in time."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from kubectl_nodedns.errors import Exit
from tests.contract import cluster
from tests.contract.api import Api, document
from tests.contract.test_preflight import kubelet

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from aiohttp import web

    from tests.contract.conftest import Ended

QUIET = 0.4
"""Seconds without another request after which those that wait are answered."""


class InRounds(Api):
    """An API server that answers when nobody asks any more: each round trip is one round."""

    def __init__(self) -> None:
        self.rounds: list[list[str]] = []
        self._waiting: list[tuple[str, asyncio.Event]] = []
        super().__init__()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        turn = asyncio.Event()
        self._waiting.append((f"{request.method} {request.path_qs}", turn))
        if len(self._waiting) == 1:
            answering = asyncio.create_task(self._answer())
            await asyncio.gather(answering, turn.wait())
        else:
            await turn.wait()
        return await super()._handle(request)

    async def _answer(self) -> None:
        known = 0
        while known != len(self._waiting):
            known = len(self._waiting)
            await asyncio.sleep(QUIET)
        waiting, self._waiting = self._waiting, []
        self.rounds.append([asked for asked, _ in waiting])
        for _, turn in waiting:
            turn.set()


@pytest.fixture
def api() -> Iterator[InRounds]:
    with InRounds() as running:
        yield running


def test_check_pre_is_no_deeper_than_what_it_reads_depends_on_each_other(
    api: InRounds, config: Path, run: Callable[..., Ended]
) -> None:
    cluster.fill(api)
    kubelet(api, clusterDNS=["10.96.0.10"])
    api.script("GET", "/apis", document({"groups": []}))
    ended = run("check", "--pre", "-o", "json")
    assert ended.code == Exit.OK, ended.err
    alone = [asked for [asked] in (one for one in api.rounds if len(one) == 1)]
    assert len(api.rounds) <= 9, api.rounds
    assert len(alone) <= 4, alone
