"""The client against answers that are errors, or garbage, or lost on the way."""

from __future__ import annotations

from typing import Any

import pytest

from kubectl_nodedns.cluster.access import AccessOptions, resolve
from kubectl_nodedns.cluster.client import Client
from kubectl_nodedns.cluster.transport import ATTEMPTS
from kubectl_nodedns.errors import (
    ApiError,
    ConflictError,
    ForbiddenError,
    InvalidError,
    NotFoundError,
    UnreachableError,
)
from tests.contract.api import (
    Api,
    answers,
    breaks,
    document,
    drops,
    hangs,
    text,
)
from tests.contract.conftest import access

PODS = "/api/v1/pods"
SERVICE: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"namespace": "dns", "name": "kube-dns-upstream"},
}
SERVICE_PATH = "/api/v1/namespaces/dns/services/kube-dns-upstream"


@pytest.mark.parametrize(
    ("code", "kind", "hint"),
    [
        (400, InvalidError, ""),
        (401, ForbiddenError, "log in again"),
        (403, ForbiddenError, "auth can-i"),
        (404, NotFoundError, ""),
        (409, ConflictError, ""),
        (422, InvalidError, ""),
        (500, ApiError, ""),
        (503, ApiError, ""),
    ],
)
async def test_an_error_names_what_was_asked_and_what_the_server_said(
    code: int, kind: type[ApiError], hint: str, api: Api, client: Client
) -> None:
    api.script("PATCH", SERVICE_PATH, answers(code, "Reason", "the server said this"))
    with pytest.raises(kind) as caught:
        await client.apply(SERVICE)
    assert type(caught.value) is kind
    assert str(caught.value) == f"PATCH {SERVICE_PATH}: the server said this"
    assert caught.value.status == code
    assert caught.value.reason == "Reason"
    assert hint in caught.value.hint
    assert len(api.state.seen) == 1


async def test_too_many_requests_are_repeated_when_the_server_says(
    api: Api, client: Client
) -> None:
    later = answers(429, "TooManyRequests", "later", {"Retry-After": "0"})
    api.script("GET", PODS, later, later, document({"items": [{"a": 1}]}))
    assert await client.list(PODS) == [{"a": 1}]
    assert len(api.state.seen) == 3


async def test_a_write_is_repeated_too_when_the_server_turned_it_away(
    api: Api, client: Client
) -> None:
    later = answers(429, "TooManyRequests", "later", {"Retry-After": "0"})
    api.script("PATCH", SERVICE_PATH, later, document(SERVICE))
    assert await client.apply(SERVICE) == SERVICE
    assert len(api.state.writes) == 2


@pytest.mark.parametrize("code", [500, 502, 503, 504])
async def test_a_read_that_the_server_fails_at_is_repeated(
    code: int, api: Api, client: Client
) -> None:
    failed = answers(code, "InternalError", "etcdserver: leader changed")
    api.script("GET", PODS, failed, failed, document({"items": [{"a": 1}]}))
    assert await client.list(PODS) == [{"a": 1}]
    assert len(api.state.seen) == 3


async def test_a_write_that_the_server_fails_at_is_never_repeated(api: Api, client: Client) -> None:
    """It may have happened."""
    api.script("PATCH", SERVICE_PATH, answers(503, "ServiceUnavailable", "later"))
    with pytest.raises(ApiError, match="later"):
        await client.apply(SERVICE)
    assert len(api.state.writes) == 1


@pytest.mark.parametrize(
    "path",
    [
        f"{PODS}/cache:9253/proxy/metrics",
        f"{PODS}/cache/log",
        "/api/v1/nodes/node1/proxy/configz",
    ],
)
async def test_what_a_kubelet_or_a_pod_cannot_answer_is_asked_once(
    path: str, api: Api, client: Client
) -> None:
    """Whoever reads a page each second asks again by himself."""
    api.script("GET", path, answers(503, "ServiceUnavailable", "connection refused"))
    with pytest.raises(ApiError, match="connection refused"):
        await client.get(path)
    assert len(api.state.seen) == 1


async def test_a_server_that_stays_overloaded_is_an_error_in_the_end(
    api: Api, client: Client
) -> None:
    api.script("GET", PODS, answers(429, "TooManyRequests", "later", {"Retry-After": "0"}))
    with pytest.raises(ApiError, match="later") as caught:
        await client.list(PODS)
    assert "overloaded" in caught.value.hint
    assert len(api.state.seen) == ATTEMPTS


@pytest.mark.parametrize("garbage", ["<html>login</html>", "", "{", "\x00\x01"])
async def test_an_answer_that_is_no_json_is_an_error_in_words(
    garbage: str, api: Api, client: Client
) -> None:
    api.script("GET", PODS, text(garbage))
    with pytest.raises(ApiError, match="is not JSON") as caught:
        await client.list(PODS)
    assert PODS in str(caught.value)
    assert caught.value.hint


@pytest.mark.parametrize("content", [[], None, "text", 7])
async def test_an_answer_that_is_json_of_another_shape_is_an_error_in_words(
    content: object, api: Api, client: Client
) -> None:
    api.script("GET", PODS, document(content))
    with pytest.raises(ApiError, match="is not"):
        await client.list(PODS)


async def test_garbage_after_a_write_is_an_error_in_words(api: Api, client: Client) -> None:
    api.script("PATCH", SERVICE_PATH, text("<html>ok</html>"))
    with pytest.raises(ApiError, match="is not JSON"):
        await client.apply(SERVICE)


async def test_a_read_that_is_lost_is_repeated(api: Api, client: Client) -> None:
    api.script("GET", PODS, drops, breaks, document({"items": [{"a": 1}]}))
    assert await client.list(PODS) == [{"a": 1}]
    assert len(api.state.seen) == 3


async def test_a_read_that_is_lost_every_time_is_an_error(api: Api, client: Client) -> None:
    api.script("GET", PODS, breaks)
    with pytest.raises(UnreachableError, match="cannot reach the API server") as caught:
        await client.list(PODS)
    assert caught.value.hint
    assert len(api.state.seen) == ATTEMPTS


async def test_a_write_that_is_lost_is_never_repeated(api: Api, client: Client) -> None:
    """It may have happened."""
    api.script("PATCH", SERVICE_PATH, drops)
    with pytest.raises(UnreachableError):
        await client.apply(SERVICE)
    assert len(api.state.writes) == 1


async def test_a_slow_answer_ends_at_the_request_timeout(api: Api) -> None:
    api.script("GET", PODS, hangs)
    async with Client(access(api.url, request_timeout=0.1)) as client:
        with pytest.raises(UnreachableError, match="no answer in time") as caught:
            await client.get(PODS)
    assert "--request-timeout" in caught.value.hint


async def test_one_request_can_have_its_own_limit(api: Api, client: Client) -> None:
    api.script("GET", PODS, hangs)
    with pytest.raises(UnreachableError, match="no answer in time"):
        await client.get(PODS, timeout=0.1)


async def test_a_delete_is_bound_to_the_object_that_was_seen(api: Api, client: Client) -> None:
    api.add("services", {**SERVICE, "metadata": {**SERVICE["metadata"], "uid": "the-one"}})
    assert await client.delete(SERVICE_PATH, uid="the-one")
    [seen] = api.state.writes
    assert b'"preconditions": {"uid": "the-one"}' in seen.body
    assert api.state.objects == []


async def test_a_delete_leaves_an_object_that_was_made_anew(api: Api, client: Client) -> None:
    api.add("services", {**SERVICE, "metadata": {**SERVICE["metadata"], "uid": "another"}})
    assert await client.delete(SERVICE_PATH, uid="the-one") is False
    assert len(api.state.objects) == 1


@pytest.mark.parametrize("code", [404, 409])
async def test_a_delete_of_what_is_gone_or_another_by_now_is_no_error(
    code: int, api: Api, client: Client
) -> None:
    api.script("DELETE", SERVICE_PATH, answers(code, "Gone", "not that one"))
    assert await client.delete(SERVICE_PATH, uid="the-one") is False


async def test_an_apply_goes_under_our_field_manager_and_does_not_force(
    api: Api, client: Client
) -> None:
    await client.apply(SERVICE, dry_run=True)
    [seen] = api.state.seen
    assert seen.query == {"fieldManager": "kubectl-nodedns", "force": "false", "dryRun": "All"}
    assert seen.headers["Content-Type"] == "application/apply-patch+yaml"


async def test_impersonation_travels_in_headers(api: Api) -> None:
    options = AccessOptions(server=api.url, as_user="jane", as_uid="7", as_groups=("a", "b"))
    async with Client(resolve(options)) as client:
        await client.list(PODS)
    headers = api.state.seen[0].headers
    assert (headers["Impersonate-User"], headers["Impersonate-Uid"]) == ("jane", "7")
