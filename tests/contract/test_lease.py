"""One change at a time: the lease of whoever writes, taken, renewed, lost and given back."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from kubectl_nodedns.errors import ApiError, Exit, PartialError, RefusedError
from kubectl_nodedns.install.lease import MACHINE, NAME, PROCESS, Me, held
from kubectl_nodedns.install.objects import MANAGED_BY
from tests.contract import cluster
from tests.contract.api import Api, answers, drops

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from aiohttp import web

    from kubectl_nodedns.cluster.client import Client
    from tests.contract.conftest import Ended

    Run = Callable[..., Ended]

LEASES = "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases"
LEASE = f"{LEASES}/{NAME}"
NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)
ADA = Me(name="ada@laptop (enable, process 7)", machine="boot pid:[1]", process=7)
BOB = Me(name="bob@desk (disable, process 8)", machine="boot pid:[2]", process=8)


@pytest.fixture(autouse=True)
def sound(api: Api) -> Api:
    cluster.fill(api)
    return api


def leases(api: Api) -> list[dict[str, Any]]:
    return [obj for plural, obj in api.state.objects if plural == "leases"]


def lease(
    holder: str = ADA.name, *, renewed: datetime = NOON, machine: str = "", process: str = ""
) -> dict[str, Any]:
    """A lease of ours as somebody left it."""
    metadata = {
        "name": NAME,
        "namespace": "kube-system",
        "uid": "uid-of-another",
        "resourceVersion": "5",
        "labels": dict(MANAGED_BY),
        "annotations": {MACHINE: machine, PROCESS: process},
    }
    spec = {
        "holderIdentity": holder,
        "leaseDurationSeconds": 15,
        "acquireTime": (NOON - timedelta(seconds=60)).isoformat(),
        "renewTime": renewed.isoformat(),
    }
    return {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": metadata,
        "spec": spec,
    }


def hold(
    client: Client,
    told: list[str],
    *,
    me: Me = BOB,
    after: float = 0.0,
    renewal: float = 0.02,
) -> AbstractAsyncContextManager[None]:
    """Hold the lease at noon, and some seconds after it."""
    now = NOON + timedelta(seconds=after)
    return held(client, "kube-system", me=me, told=told.append, now=lambda: now, renewal=renewal)


async def until(done: Callable[[], bool]) -> None:
    """Wait until something is so; a test's own time limit ends it otherwise."""
    while not done():  # noqa: ASYNC110 - the server runs on a thread of its own
        await asyncio.sleep(0.005)


async def test_it_names_its_holder_is_renewed_and_nothing_is_left(api: Api, client: Client) -> None:
    async with hold(client, []):
        (there,) = leases(api)
        assert there["spec"]["holderIdentity"] == BOB.name
        assert there["metadata"]["labels"] == MANAGED_BY
        await until(lambda: len([s for s in api.state.seen if s.method == "PUT"]) > 2)
    assert leases(api) == []


@pytest.mark.parametrize("end", [ApiError("it failed"), ValueError("a bug"), KeyboardInterrupt()])
async def test_every_end_gives_it_back(end: BaseException, api: Api, client: Client) -> None:
    with pytest.raises(type(end)):
        async with hold(client, []):
            raise end
    assert leases(api) == []


async def test_an_interruption_gives_it_back(api: Api, client: Client) -> None:
    async def work() -> None:
        async with hold(client, []):
            await asyncio.sleep(3600)

    task = asyncio.create_task(work())
    await until(lambda: bool(leases(api)))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert leases(api) == []


async def test_another_run_is_refused_with_holder_age_and_how_to_break_it(
    api: Api, client: Client
) -> None:
    api.add("leases", lease())
    with pytest.raises(RefusedError) as caught:
        async with hold(client, [], after=4):
            raise AssertionError("it was not refused")
    assert str(caught.value) == (
        "another run is changing this installation: ada@laptop (enable, process 7), for 64 s, "
        "renewed 4 s ago"
    )
    assert f"kubectl -n kube-system delete lease {NAME}" in caught.value.hint
    assert "15 s after its last renewal its lease expires" in caught.value.hint
    assert [obj["metadata"]["uid"] for obj in leases(api)] == ["uid-of-another"]


async def test_of_two_at_once_one_is_refused(api: Api, client: Client) -> None:
    async def work(me: Me) -> str:
        async with hold(client, [], me=me):
            await until(lambda: len([s for s in api.state.seen if s.method == "POST"]) == 2)
            await until(lambda: len([s for s in api.state.seen if s.method == "GET"]) == 1)
            return "done"

    ended = await asyncio.gather(work(ADA), work(BOB), return_exceptions=True)
    assert sorted(type(one) for one in ended if one != "done") == [RefusedError]
    assert "done" in ended
    assert leases(api) == []


async def test_the_lease_of_a_dead_client_expires(api: Api, client: Client) -> None:
    api.add("leases", lease())
    told: list[str] = []
    async with hold(client, told, after=16):
        assert [obj["spec"]["holderIdentity"] for obj in leases(api)] == [BOB.name]
    assert told[0].startswith("waiting whether ada@laptop (enable, process 7) is dead: ")
    assert "its lease is taken over" in told[1]
    assert leases(api) == []


async def test_a_holder_whose_clock_is_behind_is_alive_where_it_renews(
    api: Api, client: Client
) -> None:
    before = lease()
    after = lease()
    after["metadata"]["resourceVersion"] = "6"
    api.add("leases", before)
    replies = iter([before, after])

    async def renewed(_: web.Request) -> web.Response:
        from aiohttp import web

        return web.json_response(next(replies))

    api.script("GET", LEASE, renewed)
    with pytest.raises(RefusedError, match="another run"):
        async with hold(client, [], after=3600):
            raise AssertionError("it was not refused")
    assert not [seen for seen in api.state.seen if seen.method == "DELETE"]


async def test_a_killed_run_of_this_machine_is_known_to_be_dead_at_once(
    api: Api, client: Client
) -> None:
    ended = await asyncio.create_subprocess_exec(sys.executable, "-c", "")
    await ended.wait()
    me = Me(name="me", machine="this boot", process=os.getpid())
    api.add("leases", lease(machine="this boot", process=str(ended.pid)))
    async with hold(client, [], me=me):
        assert [obj["spec"]["holderIdentity"] for obj in leases(api)] == ["me"]


@pytest.mark.parametrize(
    ("machine", "process"),
    [
        pytest.param("this boot", str(os.getpid()), id="this process"),
        ("this boot", "1"),
        ("this boot", "²"),
        ("this boot", "9" * 5000),
        ("this boot", "-1"),
        ("this boot", ""),
        ("another boot", "999999999"),
        ("", "999999999"),
    ],
)
async def test_one_that_may_live_is_left_alone(
    machine: str, process: str, api: Api, client: Client
) -> None:
    me = Me(name="me", machine="this boot", process=os.getpid())
    api.add("leases", lease(machine=machine, process=process))
    with pytest.raises(RefusedError, match="another run"):
        async with hold(client, [], me=me):
            raise AssertionError("it was not refused")


@pytest.mark.parametrize(
    "spec",
    [
        {"holderIdentity": "x", "renewTime": "yesterday", "leaseDurationSeconds": "9" * 5000},
        {"holderIdentity": "x", "renewTime": None},
        {"holderIdentity": "x", "renewTime": [], "acquireTime": {}, "leaseDurationSeconds": -3},
    ],
)
async def test_a_lease_that_cannot_be_read_is_held(
    spec: dict[str, Any], api: Api, client: Client
) -> None:
    api.add("leases", {**lease(), "spec": spec})
    with pytest.raises(RefusedError) as caught:
        async with hold(client, [], after=3600):
            raise AssertionError("it was not refused")
    assert "delete lease" in caught.value.hint


async def test_an_empty_one_is_free(api: Api, client: Client) -> None:
    api.add("leases", {**lease(), "spec": {}})
    async with hold(client, []):
        assert [obj["spec"]["holderIdentity"] for obj in leases(api)] == [BOB.name]


async def test_one_that_is_not_ours_is_never_touched(api: Api, client: Client) -> None:
    other = lease()
    other["metadata"]["labels"] = {}
    api.add("leases", other)
    with pytest.raises(RefusedError, match="that is not ours"):
        async with hold(client, [], after=3600):
            raise AssertionError("it was not refused")
    assert leases(api)


async def test_a_holders_name_does_not_reach_a_terminal_raw(api: Api, client: Client) -> None:
    api.add("leases", lease("\x1b[2Jowned\n" + "x" * 9000))
    with pytest.raises(RefusedError) as caught:
        async with hold(client, []):
            raise AssertionError("it was not refused")
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize("taken", [None, lease()])
async def test_a_run_whose_lease_was_broken_stops(
    taken: dict[str, Any] | None, api: Api, client: Client
) -> None:
    async def work() -> None:
        async with hold(client, []):
            api.remove("leases")
            if taken:
                api.add("leases", taken)
            await asyncio.sleep(3600)

    with pytest.raises(PartialError, match="its lease was taken away") as caught:
        await work()
    said = "held by ada@laptop" if taken else f"Lease kube-system/{NAME} was deleted"
    assert said in str(caught.value)
    assert len(leases(api)) == (taken is not None), "another's lease is not given back"


async def test_a_renewal_that_fails_is_tried_again(api: Api, client: Client) -> None:
    served = api.state.routes.handle
    api.script("PUT", LEASE, drops, answers(500), answers(409, "Conflict"), served)
    async with hold(client, []):
        await until(lambda: len([s for s in api.state.seen if s.method == "PUT"]) > 5)
    assert leases(api) == []


async def test_one_whose_creation_lost_its_answer_is_held_and_given_back(
    api: Api, client: Client
) -> None:
    async def lost(request: web.Request) -> web.StreamResponse:
        await api.state.routes.handle(request)
        return await drops(request)

    api.script("POST", LEASES, lost)
    async with hold(client, []):
        assert len(leases(api)) == 1
    assert leases(api) == []


async def test_one_that_cannot_be_given_back_is_told(api: Api, client: Client) -> None:
    api.script("DELETE", LEASE, answers(500, "InternalError", "etcd is away"))
    told: list[str] = []
    async with hold(client, told):
        pass
    assert "the lease could not be given back" in told[0]
    assert "it expires 15 s after" in told[0]


# By the commands.


@pytest.mark.parametrize(
    "words",
    [
        ("enable", "--yes"),
        ("disable", "--yes"),
        ("disable", "--yes", "--now"),
        ("disable", "--yes", "--orphans"),
    ],
)
def test_whoever_writes_is_refused_while_another_run_is_at_work(
    words: tuple[str, ...], api: Api, config: Path, run: Run
) -> None:
    if words[0] == "disable" and "--orphans" not in words:
        labels = {**MANAGED_BY, "app.kubernetes.io/name": "node-local-dns"}
        found = cluster.configmap("node-local-dns-1")
        found["metadata"]["labels"] = labels
        api.add("configmaps", found)
    api.add("leases", lease(renewed=datetime.now(UTC) + timedelta(days=1)))
    ended = run(*words)
    assert ended.code == Exit.REFUSED, ended.err
    assert "another run is changing this installation: ada@laptop" in ended.err
    assert [seen for seen in api.state.writes if seen.path != LEASES] == []


@pytest.mark.parametrize("kind", ["client", "server"])
def test_a_dry_run_takes_none(kind: str, api: Api, config: Path, run: Run) -> None:
    api.add("leases", lease(renewed=datetime.now(UTC) + timedelta(days=1)))
    ended = run("enable", f"--dry-run={kind}")
    assert ended.code == Exit.OK, ended.err
    assert not [seen for seen in api.state.seen if seen.path.startswith(LEASES)]


def test_the_rights_for_it_are_asked_for_before_anything_is_written(
    api: Api, config: Path, run: Run
) -> None:
    reviews = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"

    async def judged(request: web.Request) -> web.Response:
        from aiohttp import web

        asked = json.loads(await request.read())["spec"]["resourceAttributes"]
        return web.json_response({"status": {"allowed": asked["resource"] != "leases"}})

    api.script("POST", reviews, judged)
    ended = run("enable", "--yes")
    assert ended.code == Exit.API, ended.err
    for verb in ("create", "get", "update", "delete"):
        assert f"{verb} leases.coordination.k8s.io in kube-system" in ended.err
    assert api.state.writes == []


def test_what_was_changed_after_the_plan_is_refused(api: Api, config: Path, run: Run) -> None:
    """Another run came to its end while this one waited for its lease, or for its answer."""

    async def changed(request: web.Request) -> web.StreamResponse:
        labels = {**MANAGED_BY, "app.kubernetes.io/name": "node-local-dns"}
        found = cluster.configmap("node-local-dns-1")
        found["metadata"]["labels"] = labels
        api.add("configmaps", found)
        return await api.state.routes.handle(request)

    api.script("POST", LEASES, changed)
    ended = run("enable", "--yes")
    assert ended.code == Exit.REFUSED, ended.err
    assert "ConfigMap node-local-dns-1 was changed after the plan was made" in ended.err
    assert leases(api) == []
