"""The emulated API server keeps to what Kubernetes promises its clients."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from kubectl_nodedns.cluster.client import TABLE
from kubectl_nodedns.cluster.paths import collection, named
from kubectl_nodedns.errors import ApiError, ConflictError, NotFoundError
from tests.patience import PATIENCE

if TYPE_CHECKING:
    from kubectl_nodedns.cluster.client import Client
    from tests.contract.api import Api

MAPS = collection("v1", "configmaps", "lab")


def configmap(name: str, namespace: str = "lab", **data: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": namespace, "labels": {"odd": str(len(name) % 2)}},
        "data": data,
    }


async def test_a_list_comes_in_pages_in_the_order_of_names(api: Api, client: Client) -> None:
    for number in range(25):
        await client.create(MAPS, configmap(f"map-{number:02}"))
    pages = [page async for page in client.pages(MAPS, params={"limit": "10"})]
    names = [[item["metadata"]["name"] for item in page["items"]] for page in pages]
    assert [len(page) for page in names] == [10, 10, 5]
    flat = [name for page in names for name in page]
    assert flat == sorted(flat)
    assert pages[0]["metadata"].keys() == {"resourceVersion", "continue"}


async def test_selectors_select(api: Api, client: Client) -> None:
    for name in ("a", "bb", "c", "dd"):
        await client.create(MAPS, configmap(name))
    for labels, expected in (
        ("odd=1", ["a", "c"]),
        ("odd!=1", ["bb", "dd"]),
        ("odd in (0,7)", ["bb", "dd"]),
        ("odd notin (0)", ["a", "c"]),
        ("odd", ["a", "bb", "c", "dd"]),
        ("!odd", []),
    ):
        found = await client.list(MAPS, labels=labels)
        assert [item["metadata"]["name"] for item in found] == expected, labels
    found = await client.list(collection("v1", "configmaps"), fields="metadata.name=bb")
    assert [item["metadata"]["name"] for item in found] == ["bb"]


async def test_a_watch_tells_what_happens_to_what_is_selected(api: Api, client: Client) -> None:
    first = await client.create(MAPS, configmap("a"))
    since = (await client.get(MAPS))["metadata"]["resourceVersion"]
    events: list[tuple[str, str]] = []

    async def follow() -> None:
        async for event in client.watch(MAPS, since=since, params={"labelSelector": "odd=1"}):
            events.append((event["type"], event["object"]["metadata"].get("name", "")))
            if event["type"] == "DELETED":
                return

    watching = asyncio.create_task(follow())
    await client.create(MAPS, configmap("bb"))
    await client.apply(configmap("ccc", key="1"))
    await client.apply(configmap("ccc", key="2"))
    await client.delete(named("v1", "configmaps", "lab", "a"), uid=first["metadata"]["uid"])
    await asyncio.wait_for(watching, PATIENCE)
    assert events == [("ADDED", "ccc"), ("MODIFIED", "ccc"), ("DELETED", "a")]


async def test_a_watch_goes_on_from_where_another_stopped(api: Api, client: Client) -> None:
    since = (await client.get(MAPS))["metadata"]["resourceVersion"]
    await client.create(MAPS, configmap("a"))
    async for event in client.watch(MAPS, since=since):
        assert (event["type"], event["object"]["metadata"]["name"]) == ("ADDED", "a")
        assert event["object"]["kind"] == "ConfigMap"
        break


async def test_a_watch_that_is_too_far_behind_is_told_so(
    api: Api, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    import collections

    api.state.store._history = collections.deque(maxlen=2)
    for name in ("a", "b", "c"):
        await client.create(MAPS, configmap(name))
    with pytest.raises(NotFoundError, match="too old resource version") as caught:
        async for _ in client.watch(MAPS, since="1000"):
            pass
    assert caught.value.status == 410


async def test_tables_have_the_columns_that_kubectl_prints(api: Api, client: Client) -> None:
    api.add("pods", {"metadata": {"name": "p", "namespace": "lab"}, "spec": {"nodeName": "n1"}})
    params = {"includeObject": "None"}
    table = await client.get(collection("v1", "pods"), params=params, accept=TABLE)
    names = [column["name"] for column in table["columnDefinitions"]]
    assert names[:7] == ["Name", "Ready", "Status", "Restarts", "Age", "IP", "Node"]
    [row] = table["rows"]
    assert row["object"] is None
    assert dict(zip(names, row["cells"], strict=True))["Node"] == "n1"


async def test_an_apply_takes_back_what_it_no_longer_says(api: Api, client: Client) -> None:
    await client.apply(configmap("a", one="1", two="2"))
    after = await client.apply(configmap("a", one="1"))
    assert after["data"] == {"one": "1"}
    again = await client.apply(configmap("a", one="1"))
    assert again["metadata"]["resourceVersion"] == after["metadata"]["resourceVersion"]


async def test_another_managers_field_is_a_conflict_unless_it_is_forced(
    api: Api, client: Client
) -> None:
    made = await client.create(MAPS, configmap("a", one="1"))
    assert made["metadata"]["managedFields"]
    path = named("v1", "configmaps", "lab", "a")
    await client.send(
        "PATCH",
        path,
        params={"fieldManager": "somebody"},
        body={"data": {"one": "theirs"}},
        content_type="application/merge-patch+json",
    )
    with pytest.raises(ConflictError, match='conflict with "somebody"'):
        await client.apply(configmap("a", one="2"))
    after = await client.apply(configmap("a", one="2"), force=True)
    assert after["data"] == {"one": "2"}


async def test_a_body_in_protobuf_is_refused_in_words(api: Api, client: Client) -> None:
    with pytest.raises(ApiError, match="unknown format: only JSON and YAML are spoken"):
        await client.send(
            "POST", MAPS, body=configmap("a"), content_type="application/vnd.kubernetes.protobuf"
        )


async def test_a_dry_run_changes_nothing(api: Api, client: Client) -> None:
    made = await client.create(MAPS, configmap("a", one="1"))
    await client.apply(configmap("b"), dry_run=True)
    await client.apply(configmap("a", one="2"), dry_run=True, force=True)
    path = named("v1", "configmaps", "lab", "a")
    await client.delete(path, uid=made["metadata"]["uid"], dry_run=True)
    [left] = await client.list(MAPS)
    assert left["data"] == {"one": "1"}


async def test_the_same_name_twice_is_a_conflict(api: Api, client: Client) -> None:
    await client.create(MAPS, configmap("a"))
    with pytest.raises(ConflictError, match='configmaps "a" already exists'):
        await client.create(MAPS, configmap("a"))


async def test_it_says_which_kubernetes_it_is(api: Api, client: Client) -> None:
    assert (await client.get("/version"))["gitVersion"].startswith("v1.")
    resources = (await client.get("/apis/apps/v1"))["resources"]
    assert "daemonsets" in {resource["name"] for resource in resources}
