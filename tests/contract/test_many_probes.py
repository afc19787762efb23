"""A hundred probes: side by side, and a slow one holds up nobody. Judged by events, not by a clock.

The server holds requests back until a certain number of them wait at once, and lets those go
together: each time is one delay. A client that does less side by side never gets an answer.
"""

from __future__ import annotations

import asyncio
import json
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web

from kubectl_nodedns.lookup.probes import Probes
from kubectl_nodedns.lookup.question import Question
from tests.contract.cluster import owned_by
from tests.contract.test_exec import BOTH, STDOUT, ended

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from kubectl_nodedns.cluster.client import Client
    from kubectl_nodedns.lookup.question import Answer
    from tests.contract.api import Api

JOBS = "/apis/batch/v1/namespaces/default/jobs"
PODS = "/api/v1/namespaces/default/pods"
NODES = [f"node{number}" for number in range(100)]
QUESTION = Question(name="a.test.", server="10.96.0.10")
OUTPUT = """;;; nodedns
;; ->>HEADER<<- opcode: QUERY, status: NOERROR, id: 1
;; flags: qr rd ra; QUERY: 1, ANSWER: 1, AUTHORITY: 0, ADDITIONAL: 0

;; ANSWER SECTION:
a.test.\t5\tIN\tA\t192.0.2.1

;; Query time: 212 usec
;;; nodedns
"""


class Delay:
    """Holds requests back until as many wait as `sizes` says, one size after the other."""

    def __init__(self, *sizes: int) -> None:
        self.sizes = list(sizes)
        self.passed = 0
        self._waiting = 0
        self._go = asyncio.Event()

    async def wait(self) -> None:
        self._waiting += 1
        if self._waiting == self.sizes[self.passed]:
            self.passed += 1
            self._waiting = 0
            self._go.set()
            self._go = asyncio.Event()
            return
        await self._go.wait()


class Fleet:
    """An API server with a node for each of `NODES`, whose delays are injected."""

    def __init__(self, api: Api, *, create: Delay | None = None, ask: Delay | None = None) -> None:
        self.create, self.ask = create, ask
        self.stuck: asyncio.Event | None = None
        self.made: dict[str, str] = {}
        api.script("POST", JOBS, self._made)
        api.script("GET", PODS, self._pods)
        for node in NODES:
            api.script("GET", f"{PODS}/pod-of-{node}/exec", self._exec)

    async def _made(self, request: web.Request) -> web.Response:
        job = json.loads(await request.read())
        if self.create is not None:
            await self.create.wait()
        node = job["metadata"]["annotations"]["kubectl-nodedns/node"]
        self.made[node] = job["metadata"]["name"]
        job["metadata"]["uid"] = f"uid-of-{node}"
        return web.json_response(job)

    async def _pods(self, _: web.Request) -> web.Response:
        status = {"phase": "Running", "containerStatuses": [{"state": {"running": {"at": "x"}}}]}
        items = [
            {"metadata": {"name": f"pod-of-{node}", **owned_by(f"uid-of-{node}")}, "status": status}
            for node in self.made
        ]
        return web.json_response({"items": items})

    async def _exec(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(protocols=BOTH)
        await socket.prepare(request)
        if self.ask is not None:
            await self.ask.wait()
        if self.stuck is not None and request.path.endswith("/pod-of-node7/exec"):
            await self.stuck.wait()
        with suppress(ConnectionError):
            await socket.send_bytes(STDOUT + OUTPUT.encode())
            await socket.send_bytes(ended(0))
            await socket.close()
        return socket


@pytest.fixture
async def probes(client: Client) -> AsyncIterator[Probes]:
    async with Probes(client) as found:
        yield found


async def ask_all(probes: Probes) -> list[Answer]:
    """Ask from each node as soon as its probe runs."""
    tasks: list[asyncio.Task[list[Answer]]] = []
    failed = await probes.start(
        NODES,
        started=lambda node: tasks.append(asyncio.create_task(probes.ask(node, [QUESTION]))),
    )
    assert failed == {}
    return [answer for answers in await asyncio.gather(*tasks) for answer in answers]


async def test_a_hundred_probes_take_at_most_three_times_the_slowest(
    api: Api, probes: Probes
) -> None:
    """Each number is how many delays pass one after the other: 3 to start them all, 2 to ask."""
    create, ask = Delay(1, 50, 49), Delay(50, 50)
    Fleet(api, create=create, ask=ask)
    answers = await ask_all(probes)
    assert len(answers) == 100
    assert all(answer.ok for answer in answers)
    assert (create.passed, ask.passed) == (3, 2)


async def test_a_probe_that_is_stuck_holds_up_no_other(api: Api, probes: Probes) -> None:
    fleet = Fleet(api)
    fleet.stuck = asyncio.Event()
    came: list[Answer] = []
    others = asyncio.Event()

    async def ask(node: str) -> None:
        async for answer in probes.answers(node, [QUESTION]):
            came.append(answer)
            if len(came) == len(NODES) - 1:
                others.set()

    assert await probes.start(NODES) == {}
    tasks = [asyncio.create_task(ask(node)) for node in NODES]
    await others.wait()
    assert not tasks[7].done()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_an_answer_is_handed_on_before_the_round_has_ended(api: Api, probes: Probes) -> None:
    """The server ends the round only after the first answer has been handed on."""
    first = threading.Event()

    async def slowly(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(protocols=BOTH)
        await socket.prepare(request)
        await socket.send_bytes(STDOUT + OUTPUT.encode())
        await asyncio.to_thread(first.wait)
        rest = OUTPUT.removeprefix(";;; nodedns\n")
        await socket.send_bytes(STDOUT + rest.encode())
        await socket.send_bytes(ended(0))
        await socket.close()
        return socket

    Fleet(api)
    api.state.scripts.pop(("GET", f"{PODS}/pod-of-node0/exec"))
    api.script("GET", f"{PODS}/pod-of-node0/exec", slowly)
    await probes.start(NODES[:1])
    came: list[Answer] = []

    async for answer in probes.answers("node0", [QUESTION, QUESTION]):
        came.append(answer)
        first.set()
    assert [answer.ok for answer in came] == [True, True]


async def test_every_probe_is_deleted_by_its_uid(api: Api, client: Client) -> None:
    Fleet(api)
    async with Probes(client) as probes:
        await probes.start(NODES)
    deleted = [seen for seen in api.state.seen if seen.method == "DELETE"]
    uids = {json.loads(seen.body)["preconditions"]["uid"] for seen in deleted}
    assert uids == {f"uid-of-{node}" for node in NODES}


async def test_probes_are_reused_within_a_run_until_one_is_known_to_be_gone(
    api: Api, probes: Probes
) -> None:
    def made() -> int:
        return sum(seen.method == "POST" for seen in api.state.seen)

    Fleet(api)
    await probes.start(NODES[:3])
    await probes.start(NODES[:3])
    assert made() == 3
    probes.forget(NODES[0])
    answers: list[Any] = await probes.ask(NODES[0], [QUESTION])
    assert [answer.asked for answer in answers] == [False]
    await probes.start(NODES[:3])
    assert made() == 4
    assert probes.runs(NODES[0])
