"""The client against answers that are errors, or no answers at all."""

from __future__ import annotations

import socket
import subprocess
from typing import TYPE_CHECKING

import pytest

from kubectl_nodedns.cluster.access import AccessOptions, resolve
from kubectl_nodedns.cluster.client import ATTEMPTS, Client
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
    lines,
    text,
)
from tests.contract.conftest import access

if TYPE_CHECKING:
    from pathlib import Path

PODS = "/api/v1/pods"
SERVICE = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"namespace": "dns", "name": "kube-dns-upstream"},
}
SERVICE_PATH = "/api/v1/namespaces/dns/services/kube-dns-upstream"


@pytest.fixture
def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def test_a_refused_connection_names_the_address_and_asks_about_the_cluster(
    closed_port: int,
) -> None:
    url = f"https://127.0.0.1:{closed_port}"
    async with Client(access(url)) as client:
        with pytest.raises(UnreachableError) as caught:
            await client.get(PODS)
    assert str(caught.value) == f"cannot reach the API server at {url}: connection refused"
    assert "is the cluster up?" in caught.value.hint


async def test_a_name_that_does_not_resolve_says_so() -> None:
    async with Client(access("https://no-such-host.invalid:6443")) as client:
        with pytest.raises(UnreachableError, match="its name does not resolve"):
            await client.get(PODS)


def certificate(folder: Path, name: str) -> Path:
    """Make a certificate for `name` that nobody has signed but itself, and its key."""
    pair = folder / "pair.pem"
    done = subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
            *("-nodes", "-days", "2", "-subj", f"/CN={name}", "-addext", f"subjectAltName={name}"),
            *("-keyout", str(folder / "key.pem"), "-out", str(folder / "certificate.pem")),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    pair.write_text((folder / "certificate.pem").read_text() + (folder / "key.pem").read_text())
    return pair


@pytest.fixture
def tls_api(tmp_path: Path) -> Api:
    import ssl

    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate(tmp_path, "IP:127.0.0.1"))
    return Api(context)


async def test_a_certificate_that_is_not_trusted_is_an_error_with_a_way_out(tls_api: Api) -> None:
    with tls_api as api:
        async with Client(resolve(AccessOptions(server=api.url))) as client:
            with pytest.raises(UnreachableError, match="its certificate is not trusted") as caught:
                await client.get(PODS)
    assert "--certificate-authority" in caught.value.hint


async def test_a_certificate_of_the_given_authority_is_trusted(
    tls_api: Api, tmp_path: Path
) -> None:
    with tls_api as api:
        api.add("pods")
        options = AccessOptions(
            server=api.url, certificate_authority=str(tmp_path / "certificate.pem")
        )
        async with Client(resolve(options)) as client:
            assert await client.list(PODS) == []


async def test_a_certificate_for_another_name_is_not_trusted(tls_api: Api, tmp_path: Path) -> None:
    with tls_api as api:
        options = AccessOptions(
            server=api.url,
            certificate_authority=str(tmp_path / "certificate.pem"),
            tls_server_name="kubernetes.example.com",
        )
        async with Client(resolve(options)) as client:
            with pytest.raises(UnreachableError, match="not trusted"):
                await client.get(PODS)


async def test_plain_http_where_tls_is_spoken_is_an_error_in_words(tls_api: Api) -> None:
    with tls_api as api:
        url = api.url.replace("https", "http")
        async with Client(access(url)) as client:
            with pytest.raises(ApiError, match=r"cannot reach|HTTP 400"):
                await client.get(PODS)


async def test_tls_where_plain_http_is_spoken_is_an_error_in_words(api: Api) -> None:
    options = AccessOptions(server=api.url.replace("http", "https"))
    async with Client(resolve(options)) as client:
        with pytest.raises(UnreachableError, match="TLS failed"):
            await client.get(PODS)


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


async def test_a_long_list_is_read_page_by_page(api: Api, client: Client) -> None:
    api.script(
        "GET",
        PODS,
        document({"metadata": {"continue": "more"}, "items": [1, 2]}),
        document({"metadata": {"continue": "still"}, "items": [3]}),
        document({"metadata": {}, "items": [4]}),
    )
    assert await client.list(PODS, labels="a=b") == [1, 2, 3, 4]
    asked = [(s.query.get("continue"), s.query["labelSelector"]) for s in api.state.seen]
    assert asked == [(None, "a=b"), ("more", "a=b"), ("still", "a=b")]
    assert {s.query["limit"] for s in api.state.seen} == {"500"}


async def test_a_list_whose_continuation_expired_is_read_again_whole(
    api: Api, client: Client
) -> None:
    api.script(
        "GET",
        PODS,
        document({"metadata": {"continue": "old"}, "items": [1, 2]}),
        answers(410, "Expired", "The provided continue parameter is too old"),
        document({"metadata": {}, "items": [1, 2, 3]}),
    )
    assert await client.list(PODS) == [1, 2, 3]
    assert api.state.seen[2].query.get("continue") is None


async def test_a_list_that_expires_every_time_is_an_error(api: Api, client: Client) -> None:
    first = document({"metadata": {"continue": "old"}, "items": [1]})
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


async def test_a_delete_is_bound_to_the_object_that_was_seen(api: Api, client: Client) -> None:
    assert await client.delete(SERVICE_PATH, uid="the-one")
    [seen] = api.state.writes
    assert b'"preconditions": {"uid": "the-one"}' in seen.body


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
