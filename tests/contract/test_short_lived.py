"""Jobs of a run are taken away again when their creation is cut off, or its answer is lost."""

from __future__ import annotations

import asyncio
import json
import threading
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web

from kubectl_nodedns.errors import ApiError
from kubectl_nodedns.install.fetching import fetch
from kubectl_nodedns.install.leftover import Leftover
from kubectl_nodedns.install.sweep import Sweep
from kubectl_nodedns.lookup.probes import Probes
from tests.contract import cluster
from tests.contract.api import Api, answers, drops

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from kubectl_nodedns.cluster.client import Client

    Work = Callable[[Client, Callable[[str], None]], Coroutine[Any, Any, object]]


async def probe(client: Client, told: Callable[[str], None]) -> object:
    async with Probes(client, told=told, timeout=30.0) as probes:
        return await probes.start(["node1"])


def sweep(client: Client, told: Callable[[str], None]) -> Sweep:
    return Sweep(
        client,
        namespace="default",
        image="cache:1",
        tools="tools:1",
        cache_ips=("169.254.20.10",),
        upstreams=(),
        note=told,
    )


async def look(client: Client, told: Callable[[str], None]) -> object:
    return await sweep(client, told).look("node1")


async def clean(client: Client, told: Callable[[str], None]) -> object:
    found = Leftover(rules=1, link=True, addresses=("169.254.20.10",))

    def left(text: str) -> None:
        if "the agent runs once more" not in text:
            told(text)

    return await sweep(client, left).clean("node1", found)


async def fetched(client: Client, told: Callable[[str], None]) -> object:
    return await fetch(
        client,
        ["node1"],
        namespace="default",
        image="cache:1",
        pull_secrets=(),
        timeout=30.0,
        note=told,
    )


async def of_top(client: Client, told: Callable[[str], None]) -> object:
    async with Probes(client, lifetime=60, timeout=30.0, told=told) as probes:
        return await probes("node1", [])


JOBS = "/apis/batch/v1/namespaces/default/jobs"
EACH = pytest.mark.parametrize("work", [probe, look, clean, fetched, of_top])


@pytest.fixture
def sound(api: Api) -> Api:
    cluster.fill(api)
    return api


async def waiting_for_its_pod(
    work: Work, sound: Api, client: Client, told: list[str]
) -> asyncio.Task[object]:
    """Start some work; return when it has its Job and looks for the pod, which never comes."""
    looked = asyncio.Event()
    loop = asyncio.get_running_loop()

    async def none_yet(_: web.Request) -> web.StreamResponse:
        loop.call_soon_threadsafe(looked.set)
        return web.json_response({"items": []})

    sound.script("GET", "/api/v1/namespaces/default/pods", none_yet)
    task = asyncio.create_task(work(client, told.append))
    await asyncio.wait_for(looked.wait(), 30)
    return task


def jobs(api: Api) -> list[str]:
    return [obj["metadata"]["name"] for plural, obj in api.state.objects if plural == "jobs"]


@EACH
async def test_a_job_whose_creation_is_interrupted_is_deleted(
    work: Work, sound: Api, client: Client
) -> None:
    asked, go_on = threading.Event(), threading.Event()

    async def late(request: web.Request) -> web.StreamResponse:
        asked.set()
        await asyncio.to_thread(go_on.wait, 30)
        return await sound.state.routes.handle(request)

    sound.script("POST", JOBS, late)
    told: list[str] = []
    task = asyncio.create_task(work(client, told.append))
    assert await asyncio.to_thread(asked.wait, 30)
    task.cancel()
    await asyncio.sleep(0)
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert [seen.method for seen in sound.state.seen if seen.method == "DELETE"] == ["DELETE"]
    assert (jobs(sound), told) == ([], [])


@EACH
async def test_a_job_whose_pod_is_waited_for_is_deleted_by_its_uid(
    work: Work, sound: Api, client: Client
) -> None:
    told: list[str] = []
    task = await waiting_for_its_pod(work, sound, client, told)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    (gone,) = (seen for seen in sound.state.seen if seen.method == "DELETE")
    assert json.loads(gone.body)["preconditions"]["uid"]
    assert (jobs(sound), told) == ([], [])


@EACH
async def test_what_may_be_left_is_told_although_the_deletion_is_interrupted_too(
    work: Work, sound: Api, client: Client
) -> None:
    asked, go_on = threading.Event(), threading.Event()

    async def stuck(_: web.Request) -> web.StreamResponse:
        asked.set()
        await asyncio.to_thread(go_on.wait, 30)
        return await answers(403, "Forbidden", "jane cannot delete")(_)

    async def create(request: web.Request) -> web.StreamResponse:
        name = json.loads(await request.read())["metadata"]["name"]
        sound.script("DELETE", f"{JOBS}/{name}", stuck)
        return await sound.state.routes.handle(request)

    sound.script("POST", JOBS, create)
    told: list[str] = []
    task = await waiting_for_its_pod(work, sound, client, told)
    task.cancel()
    assert await asyncio.to_thread(asked.wait, 30)
    task.cancel()
    await asyncio.sleep(0)
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    (said,) = told
    assert "could not be deleted: jane cannot delete; its pod ends by itself after" in said


@EACH
async def test_a_job_whose_answer_is_lost_is_looked_for_and_deleted(
    work: Work, sound: Api, client: Client
) -> None:
    async def lost(request: web.Request) -> web.StreamResponse:
        await sound.state.routes.handle(request)
        return await drops(request)

    sound.script("POST", JOBS, lost)
    told: list[str] = []
    with pytest.raises(ApiError, match="POST"):
        raise_why(await work(client, told.append))
    assert (jobs(sound), told) == ([], [])


@EACH
async def test_a_job_that_may_still_appear_is_named_with_when_it_ends(
    work: Work, sound: Api, client: Client
) -> None:
    sound.script("POST", JOBS, drops)
    told: list[str] = []
    with pytest.raises(ApiError, match="POST"):
        raise_why(await work(client, told.append))
    (said,) = told
    assert said.startswith("whether Job default/nodedns-")
    assert "was created is not known: cannot reach the API server" in said
    assert "should it appear, its pod ends by itself after" in said


@EACH
async def test_a_job_that_was_refused_is_not_looked_for(
    work: Work, sound: Api, client: Client
) -> None:
    sound.script("POST", JOBS, answers(403, "Forbidden", "no, POST is not for jane"))
    told: list[str] = []
    with pytest.raises(ApiError, match="POST"):
        raise_why(await work(client, told.append))
    assert [seen.method for seen in sound.state.seen] == ["POST"]
    assert told == []


def raise_why(result: object) -> None:
    """A look at a node answers with why it could not be had."""
    raise ApiError(str(result))
