from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from kubectl_nodedns.errors import ApiError, ForbiddenError, NotFoundError, UnreachableError
from kubectl_nodedns.facts.caches import Cache
from kubectl_nodedns.metrics.discovery import (
    LASTED_SECONDS,
    PAUSE_SECONDS,
    Discovery,
    Followed,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

NODE_COLUMNS = ("Name", "Status", "Internal-IP", "OS-Image")
POD_COLUMNS = ("Name", "Ready", "Status", "Restarts", "Age", "IP", "Node")
CACHE = Cache(
    namespace="kube-system",
    name="node-local-dns",
    uid="u",
    ours=True,
    owner="kubectl nodedns",
    image="node-cache:1.26.8",
    arguments=(),
    local_ips=("169.254.20.10", "10.96.0.10"),
    selector="k8s-app=node-local-dns",
    metrics_port=9253,
    memory_limit=None,
    desired=2,
    annotations={},
)


def table(names: tuple[str, ...], *cells: tuple[str, ...], version: str = "5") -> dict[str, Any]:
    return {
        "kind": "Table",
        "metadata": {"resourceVersion": version},
        "columnDefinitions": [{"name": name} for name in names],
        "rows": [{"cells": list(row)} for row in cells],
    }


def node_row(name: str, status: str = "Ready") -> tuple[str, ...]:
    return (name, status, "10.0.0.1", "Debian")


def pod_row(name: str, node: str, status: str = "Running") -> tuple[str, ...]:
    return (name, "1/1", status, "0", "5m", "10.0.0.1", node)


class Tables:
    """A client that hands out tables, and watch events as the test puts them in."""

    def __init__(self) -> None:
        self.lists: dict[str, list[Any]] = {
            "nodes": [table(NODE_COLUMNS, node_row("n1"), node_row("n2"))],
            "pods": [table(POD_COLUMNS, pod_row("p1", "n1"))],
        }
        self.events: dict[str, asyncio.Queue[Any]] = {
            "nodes": asyncio.Queue(),
            "pods": asyncio.Queue(),
        }
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.watched: list[tuple[str, str]] = []

    async def pages(
        self, path: str, *, params: Mapping[str, str] | None = None, accept: str = ""
    ) -> AsyncIterator[Any]:
        assert "as=Table" in accept
        self.asked.append((path, dict(params or {})))
        for page in self.lists[path.rpartition("/")[2]]:
            if isinstance(page, Exception):
                raise page
            yield page

    async def watch(
        self,
        path: str,
        *,
        since: str,
        params: Mapping[str, str] | None = None,
        accept: str = "",
    ) -> AsyncIterator[dict[str, Any]]:
        kind = path.rpartition("/")[2]
        self.watched.append((kind, since))
        while True:
            event = await self.events[kind].get()
            if isinstance(event, Exception):
                raise event
            if event is None:
                return
            yield event


@pytest.fixture
def tables() -> Tables:
    return Tables()


async def settle() -> None:
    """Let everybody do what is to be done, a first try again included."""
    await asyncio.sleep(1.5 * PAUSE_SECONDS[0])


async def test_nodes_and_pods_are_listed_as_tables_without_objects(tables: Tables) -> None:
    found = Discovery(tables, [CACHE], labels="pool=a")
    await found.load()
    inventory = found.inventory()
    assert list(inventory.nodes) == ["n1", "n2"]
    assert [pod.name for pod in inventory.pods["n1"]] == ["p1"]
    assert "n2" not in inventory.pods
    assert sorted(tables.asked) == [
        (
            "/api/v1/namespaces/kube-system/pods",
            {"includeObject": "None", "labelSelector": "k8s-app=node-local-dns"},
        ),
        ("/api/v1/nodes", {"includeObject": "None", "labelSelector": "pool=a"}),
    ]


async def test_the_agents_own_port_is_the_one_of_its_arguments(tables: Tables) -> None:
    told = replace(CACHE, arguments=("-metrics-listen-address", "0.0.0.0:9354"))
    for cache, port in ((CACHE, 9353), (told, 9354)):
        found = Discovery(tables, [cache])
        await found.load()
        assert found.inventory().pods["n1"][0].agent_port == port


async def test_pages_add_up_though_only_the_first_names_the_columns(tables: Tables) -> None:
    second = table((), node_row("n3"))
    tables.lists["nodes"].append(second)
    found = Discovery(tables, [CACHE])
    await found.load()
    assert list(found.inventory().nodes) == ["n1", "n2", "n3"]


async def test_pods_of_nodes_that_are_not_selected_are_left_out(tables: Tables) -> None:
    tables.lists["pods"] = [table(POD_COLUMNS, pod_row("p1", "n1"), pod_row("p9", "n9"))]
    found = Discovery(tables, [CACHE])
    await found.load()
    assert list(found.inventory().pods) == ["n1"]


async def test_the_inventory_is_the_same_object_until_something_changes(tables: Tables) -> None:
    found = Discovery(tables, [CACHE])
    await found.load()
    assert found.inventory() is found.inventory()
    before = found.inventory()
    await found.load()
    assert found.inventory() is not before


async def test_watch_events_change_it(tables: Tables) -> None:
    found = Discovery(tables, [CACHE])
    await found.load()
    following = asyncio.create_task(found.follow())
    await settle()
    change = tables.events["pods"].put_nowait
    change({"type": "ADDED", "object": table((), pod_row("p2", "n2"))})
    change({"type": "MODIFIED", "object": table((), pod_row("p1", "n1", "CrashLoopBackOff"))})
    await settle()
    inventory = found.inventory()
    assert inventory.pods["n1"][0].status == "CrashLoopBackOff"
    assert inventory.pods["n2"][0].name == "p2"
    change({"type": "DELETED", "object": table((), pod_row("p1", "n1"))})
    await settle()
    assert "n1" not in found.inventory().pods
    following.cancel()


async def test_a_watch_that_ends_goes_on_from_the_last_bookmark(tables: Tables) -> None:
    found = Discovery(tables, [CACHE])
    await found.load()
    following = asyncio.create_task(found.follow())
    await settle()
    tables.events["pods"].put_nowait({"type": "BOOKMARK", "object": table((), version="77")})
    tables.events["pods"].put_nowait(None)
    await settle()
    assert [since for kind, since in tables.watched if kind == "pods"] == ["5", "77"]
    assert len([path for path, _ in tables.asked if path.endswith("pods")]) == 1
    following.cancel()


async def test_a_watch_that_is_too_far_behind_lists_again(tables: Tables) -> None:
    found = Discovery(tables, [CACHE])
    await found.load()
    following = asyncio.create_task(found.follow())
    await settle()
    tables.lists["pods"] = [table(POD_COLUMNS, pod_row("p7", "n2"), version="90")]
    tables.events["pods"].put_nowait(NotFoundError("too old", status=410))
    await settle()
    assert list(found.inventory().pods) == ["n2"]
    assert ("pods", "90") in tables.watched
    assert found.problems() == ()
    following.cancel()


async def test_trouble_is_shown_and_goes_away_again(tables: Tables) -> None:
    found = Discovery(tables, [CACHE])
    await found.load()
    following = asyncio.create_task(found.follow())
    await settle()
    tables.lists["pods"] = [UnreachableError("cannot reach the API server")]
    tables.events["pods"].put_nowait(UnreachableError("connection lost"))
    await settle()
    assert "cannot reach the API server" in [str(problem) for problem in found.problems()]
    assert list(found.inventory().pods) == ["n1"]  # what was known stays
    tables.lists["pods"] = [table(POD_COLUMNS, pod_row("p1", "n1"))]
    await asyncio.sleep(PAUSE_SECONDS[1])
    assert found.problems() == ()
    following.cancel()


@pytest.mark.parametrize(("stood", "again"), [(LASTED_SECONDS + 1, 0), (1.0, 1)])
async def test_pauses_grow_while_there_is_trouble_and_are_short_again_after_a_watch_that_stood(
    tables: Tables, stood: float, again: int
) -> None:
    found = Discovery(tables, [CACHE])
    await found.load()
    following = asyncio.create_task(found.follow())
    for pause in (PAUSE_SECONDS[0], PAUSE_SECONDS[again]):
        await asyncio.sleep(stood)
        tables.events["nodes"].put_nowait(UnreachableError("connection lost"))
        known = len(tables.asked)
        await asyncio.sleep(pause - 0.1)
        assert len(tables.asked) == known
        await asyncio.sleep(0.2)
        assert len(tables.asked) == known + 1
    following.cancel()


def bookmark(version: str) -> dict[str, Any]:
    return {"type": "BOOKMARK", "object": table((), version=version)}


@pytest.mark.parametrize(
    "comes",
    [
        [None],
        [bookmark("6"), None],
        [{"type": "MODIFIED", "object": table((), pod_row("p1", "n1"))}, None],
        [NotFoundError("too old", status=410)],
        [UnreachableError("connection lost")],
        [{"type": "MODIFIED", "object": {"kind": "Table", "metadata": {}, "rows": [{}]}}],
        [{"type": "MODIFIED", "object": None}],
        [{}],
        [RuntimeError("nobody expected this")],
    ],
    ids=[
        "nothing",
        "a bookmark",
        "a change",
        "410",
        "an error",
        "half a row",
        "null",
        "no event",
        "what nobody expected",
    ],
)
async def test_however_a_watch_ends_it_is_not_opened_in_a_flood(
    comes: list[Any], tables: Tables
) -> None:
    found = Discovery(tables, [CACHE])
    await found.load()

    async def watch(path: str, **_: Any) -> AsyncIterator[Any]:
        tables.watched.append((path, ""))
        for event in comes:
            if isinstance(event, Exception):
                raise event
            if event is not None:
                yield event

    tables.watch = watch  # type: ignore[method-assign, assignment]
    following = asyncio.create_task(found.follow())
    await asyncio.sleep(600)
    following.cancel()
    for kind in ("nodes", "pods"):
        opened = [path for path, _ in tables.watched if path.endswith(kind)]
        listed = [path for path, _ in tables.asked if path.endswith(kind)]
        # After 0, 1, 2, 5, 10 and then every 30 seconds; a first 410 lists at once.
        assert 600 / PAUSE_SECONDS[-1] <= len(opened) <= 600 / PAUSE_SECONDS[-1] + 6
        assert len(listed) <= len(opened) + 1


async def test_what_nobody_expected_of_a_watch_is_shown(tables: Tables) -> None:
    found = Discovery(tables, [CACHE])
    await found.load()
    following = asyncio.create_task(found.follow())
    await settle()
    tables.lists["pods"] = [RuntimeError("nobody expected this")]
    tables.events["pods"].put_nowait(RuntimeError("nobody expected this"))
    await settle()
    assert ["unexpected RuntimeError" in str(problem) for problem in found.problems()] == [True]
    following.cancel()


async def test_when_it_ends_no_watch_goes_on(tables: Tables) -> None:
    """Also one of a cache that is gone: whoever cancels has to wait until it has ended."""
    found = Discovery(tables, [CACHE])
    await found.load()
    ending: list[str] = []

    async def watch(path: str, **_: Any) -> AsyncIterator[Any]:
        try:
            await asyncio.sleep(3600)
            yield {}
        finally:
            await asyncio.sleep(0.1)
            ending.append(path.rpartition("/")[2])

    tables.watch = watch  # type: ignore[method-assign, assignment]
    following = asyncio.create_task(found.follow())
    await settle()
    found.watch([])
    await asyncio.sleep(1.5)
    assert ending == ["pods"]
    following.cancel()
    await asyncio.wait([following])
    assert ending == ["pods", "nodes"]


async def test_a_table_that_cannot_be_read_is_said(tables: Tables) -> None:
    found = Discovery(tables, [CACHE])
    tables.lists["pods"] = [{"kind": "Table", "metadata": {"resourceVersion": "1"}, "rows": [None]}]
    with pytest.raises(ApiError, match="a table that cannot be read"):
        await found.load()


async def test_who_may_not_list_nodes_sees_those_with_a_cache_pod(tables: Tables) -> None:
    tables.lists["nodes"] = [ForbiddenError("nodes is forbidden", status=403)]
    found = Discovery(tables, [CACHE])
    await found.load()
    assert list(found.inventory().nodes) == ["n1"]
    assert [str(problem) for problem in found.problems()] == ["nodes is forbidden"]


async def test_who_may_not_list_nodes_cannot_select_by_label(tables: Tables) -> None:
    tables.lists["nodes"] = [ForbiddenError("nodes is forbidden", status=403)]
    with pytest.raises(ForbiddenError):
        await Discovery(tables, [CACHE], labels="a=b").load()


async def test_a_cache_that_is_added_is_followed_and_one_that_is_removed_is_not(
    tables: Tables,
) -> None:
    found = Discovery(tables, [])
    await found.load()
    following = asyncio.create_task(found.follow())
    await settle()
    assert found.inventory().pods == {}
    found.watch([CACHE])
    await settle()
    assert list(found.inventory().pods) == ["n1"]
    found.watch([])
    assert found.inventory().pods == {}
    following.cancel()


async def test_an_answer_that_is_no_table_is_an_error() -> None:
    followed: Followed[str] = Followed(
        Tables(), "/api/v1/nodes", labels="", read=lambda r: r["Name"]
    )
    with pytest.raises(ApiError, match="no tables"):
        followed.apply({"type": "ADDED", "object": {"kind": "Pod", "metadata": {}}})


async def test_a_pod_of_the_same_name_in_another_namespace_hides_none(tables: Tables) -> None:
    tenants = replace(CACHE, namespace="tenant", ours=False, uid="v")
    discovery = Discovery(tables, [CACHE, tenants])
    await discovery.load()  # the pod of both namespaces is p1, on n1
    pods = discovery.inventory().pods["n1"]
    assert [one.where for one in pods] == ["kube-system/p1", "tenant/p1"]
