"""Lists that come in pages, and watches that go on from them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from kubectl_nodedns.errors import (
    ApiError,
    NotFoundError,
    UnreachableError,
)
from tests.contract.api import (
    Api,
    answers,
    document,
    drops,
    lines,
    text,
)

if TYPE_CHECKING:
    from kubectl_nodedns.cluster.client import Client

PODS = "/api/v1/pods"


def numbered(*numbers: int) -> list[dict[str, int]]:
    """Items that can be told apart."""
    return [{"number": number} for number in numbers]


async def test_a_long_list_is_read_page_by_page(api: Api, client: Client) -> None:
    api.script(
        "GET",
        PODS,
        document({"metadata": {"continue": "more"}, "items": numbered(1, 2)}),
        document({"metadata": {"continue": "still"}, "items": numbered(3)}),
        document({"metadata": {}, "items": numbered(4)}),
    )
    assert await client.list(PODS, labels="a=b") == numbered(1, 2, 3, 4)
    asked = [(s.query.get("continue"), s.query["labelSelector"]) for s in api.state.seen]
    assert asked == [(None, "a=b"), ("more", "a=b"), ("still", "a=b")]
    assert {s.query["limit"] for s in api.state.seen} == {"500"}


async def test_a_list_whose_continuation_expired_is_read_again_whole(
    api: Api, client: Client
) -> None:
    api.script(
        "GET",
        PODS,
        document({"metadata": {"continue": "old"}, "items": numbered(1, 2)}),
        answers(410, "Expired", "The provided continue parameter is too old"),
        document({"metadata": {}, "items": numbered(1, 2, 3)}),
    )
    assert await client.list(PODS) == numbered(1, 2, 3)
    assert api.state.seen[2].query.get("continue") is None


async def test_a_list_that_expires_every_time_is_an_error(api: Api, client: Client) -> None:
    first = document({"metadata": {"continue": "old"}, "items": numbered(1)})
    expired = answers(410, "Expired", "too old")
    api.script("GET", PODS, *[first, expired] * 10)
    with pytest.raises(NotFoundError, match="too old"):
        await client.list(PODS)


async def test_a_watch_yields_events_and_bookmarks_from_where_it_was_told(
    api: Api, client: Client
) -> None:
    events = [
        {"type": "ADDED", "object": {"metadata": {"resourceVersion": "8"}}},
        {"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": "9"}}},
    ]
    api.script("GET", PODS, lines(*events))
    assert [event async for event in client.watch(PODS, since="7")] == events
    query = api.state.seen[0].query
    assert (query["watch"], query["resourceVersion"]) == ("1", "7")
    assert query["allowWatchBookmarks"] == "true"


async def test_a_watch_that_is_too_old_is_told_apart_in_the_stream(
    api: Api, client: Client
) -> None:
    gone = {"kind": "Status", "code": 410, "reason": "Expired", "message": "too old"}
    first = {"type": "ADDED", "object": {}}
    api.script("GET", PODS, lines(first, {"type": "ERROR", "object": gone}))
    watch = client.watch(PODS, since="7")
    assert await anext(watch) == first
    with pytest.raises(NotFoundError, match="too old") as caught:
        await anext(watch)
    assert caught.value.status == 410


async def test_a_watch_that_is_too_old_is_told_apart_at_once(api: Api, client: Client) -> None:
    api.script("GET", PODS, answers(410, "Expired", "too old"))
    with pytest.raises(NotFoundError, match="too old"):
        await anext(client.watch(PODS, since="7"))


async def test_a_watch_that_breaks_is_an_error_after_what_came(api: Api, client: Client) -> None:
    first = {"type": "ADDED", "object": {}}
    api.script("GET", PODS, lines(first, then=drops))
    watch = client.watch(PODS, since="7")
    assert await anext(watch) == first
    with pytest.raises(UnreachableError):
        await anext(watch)


async def test_garbage_in_a_watch_is_an_error_in_words(api: Api, client: Client) -> None:
    api.script("GET", PODS, text("<html>login</html>\n"))
    with pytest.raises(ApiError, match="is not JSON"):
        await anext(client.watch(PODS, since="7"))
