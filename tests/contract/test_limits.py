"""What others send without an end, or packed to next to nothing: each read stops at its limit."""

from __future__ import annotations

import contextlib
import json
import zlib
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web

from kubectl_nodedns.cluster import bounded
from kubectl_nodedns.cluster.bounded import DOCUMENT, LINE, RELAYED, TooLargeError
from kubectl_nodedns.cluster.web import Web
from kubectl_nodedns.errors import ApiError, Exit, NotFoundError
from tests.contract import cluster
from tests.contract.api import Api, document
from tests.contract.test_exec import EXEC, STATUS, STDERR, STDOUT, ended, execute, speaks
from tests.contract.test_lookup import NAME, output
from tests.contract.test_port_forward import DATA, ERROR, HEAD, fetch
from tests.contract.test_port_forward import PATH as FORWARD
from tests.contract.test_port_forward import speaks as forwards
from tests.patience import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from kubectl_nodedns.cluster.client import Client
    from tests.contract.conftest import Ended

PODS = "/api/v1/pods"
PROXY = "/api/v1/namespaces/kube-system/pods/cache:9253/proxy/metrics"
SERVICE = "/api/v1/namespaces/monitoring/services/prometheus/proxy/api/v1/query"
LOG = "/api/v1/namespaces/kube-system/pods/cache/log"
CONFIGZ = "/api/v1/nodes/node1/proxy/configz"
CHUNK = 64 * 1024
GIVEN_UP = 6 * DOCUMENT
"""Bytes after which a flood ends by itself, so that a reader without a limit fails, and no more."""


def packed(size: int, *, begin: bytes = b"", fill: bytes = b" ") -> bytes:
    """Pack `begin` and `size` bytes of `fill`: a thousandth of it comes over the wire."""
    packer = zlib.compressobj(wbits=31)
    whole = packer.compress(begin)
    piece = fill * CHUNK
    return whole + b"".join(packer.compress(piece) for _ in range(size // CHUNK)) + packer.flush()


def bomb(size: int, **more: Any) -> Any:
    """Answer with a body that unpacks to `size` bytes."""
    body = packed(size, **more)

    async def handler(_: web.Request) -> web.Response:
        return web.Response(body=body, headers={"Content-Encoding": "gzip"})

    return handler


def floods(chunk: bytes = b" " * CHUNK, **headers: str) -> Any:
    """Answer with a body that does not end."""

    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers=headers)
        await response.prepare(request)
        with contextlib.suppress(ConnectionError):
            for _ in range(GIVEN_UP // len(chunk)):
                await response.write(chunk)
        return response

    return handler


async def watched(client: Client) -> None:
    async for _ in client.watch(PODS, since="1"):
        pass


READS: list[tuple[str, Any, int]] = [
    (PODS, lambda client: client.get(PODS), DOCUMENT),
    (PROXY, lambda client: client.get_text(PROXY, timeout=PATIENCE), RELAYED),
    (LOG, lambda client: client.get_text(LOG, timeout=PATIENCE), RELAYED),
    (SERVICE, lambda client: client.get(SERVICE, timeout=PATIENCE), RELAYED),
    (PODS, watched, LINE),
]
NAMES = ["a document", "a page of metrics", "a log", "a Prometheus", "an event of a watch"]


@pytest.mark.parametrize(("path", "read", "most"), READS, ids=NAMES)
async def test_an_answer_without_an_end_is_read_to_its_limit(
    path: str, read: Any, most: int, api: Api, client: Client
) -> None:
    api.script("GET", path, floods())
    with pytest.raises(TooLargeError, match=f"more than {most // 2**20} MiB came"):
        await read(client)
    assert client.received <= most + 2**20


@pytest.mark.parametrize(("path", "read", "most"), READS, ids=NAMES)
async def test_an_answer_that_unpacks_to_too_much_is_unpacked_to_its_limit(
    path: str, read: Any, most: int, api: Api, client: Client
) -> None:
    api.script("GET", path, bomb(most + CHUNK))
    with pytest.raises(TooLargeError, match=f"more than {most // 2**20} MiB came"):
        await read(client)


async def test_what_is_within_the_limit_is_read_packed_or_not(api: Api, client: Client) -> None:
    text = "coredns_build_info 1\n" * 10_000
    api.script("GET", PROXY, bomb(RELAYED - 8 * CHUNK, begin=text.encode()))
    assert (await client.get_text(PROXY)).startswith(text)


@pytest.mark.parametrize(
    ("encoding", "words"), [("br", "is packed as 'br'"), ("gzip", "it cannot be unpacked")]
)
async def test_what_is_packed_in_another_way_or_damaged_is_told(
    encoding: str, words: str, api: Api, client: Client
) -> None:
    async def handler(_: web.Request) -> web.Response:
        return web.Response(body=b"not packed at all", headers={"Content-Encoding": encoding})

    api.script("GET", PROXY, handler)
    with pytest.raises(ApiError, match=words):
        await client.get_text(PROXY)


async def test_of_an_error_the_beginning_is_enough(api: Api, client: Client) -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(status=404)
        await response.prepare(request)
        with contextlib.suppress(ConnectionError):
            for _ in range(GIVEN_UP // CHUNK):
                await response.write(b"x" * CHUNK)
        return response

    api.script("GET", PROXY, handler)
    with pytest.raises(NotFoundError, match="xxx") as caught:
        await client.get_text(PROXY)
    assert len(str(caught.value)) < 1000


@pytest.mark.parametrize("text", ["[" * 200_000, '{"a":' * 200_000, "9" * 5000, "[]", '"x"', ""])
async def test_json_that_nests_too_deep_or_is_no_object_is_told(
    text: str, api: Api, client: Client
) -> None:
    async def handler(_: web.Request) -> web.Response:
        return web.Response(text=text)

    api.script("GET", PODS, handler)
    with pytest.raises(ApiError, match="the answer is not"):
        await client.get(PODS)


async def test_a_list_of_large_objects_is_read_in_smaller_pages(api: Api, client: Client) -> None:
    """A tenant may fill objects of his own; that must not keep anybody from reading the list."""
    names = [f"pod-{number}" for number in range(100)]
    asked: list[int] = []

    async def handler(request: web.Request) -> web.Response:
        limit = int(request.query["limit"])
        start = int(request.query.get("continue", 0))
        asked.append(limit)
        if min(limit, len(names) - start) > 20:
            return await floods()(request)  # type: ignore[no-any-return]
        chosen = names[start : start + limit]
        end = start + limit
        token = {"continue": str(end)} if end < len(names) else {}
        items = [{"metadata": {"name": name}} for name in chosen]
        return web.json_response({"items": items, "metadata": token})

    api.script("GET", PODS, handler)
    found = await client.list(PODS)
    assert [item["metadata"]["name"] for item in found] == names
    assert asked[:3] == [500, 62, 7]


async def test_one_object_that_is_too_large_is_an_error(api: Api, client: Client) -> None:
    api.script("GET", PODS, floods())
    with pytest.raises(TooLargeError):
        await client.list(PODS)
    assert [seen.query["limit"] for seen in api.state.seen] == ["500", "62", "7", "1"]


async def test_a_watch_goes_on_for_ever_as_long_as_its_events_are_small(
    api: Api, client: Client
) -> None:
    event = json.dumps({"type": "ADDED", "object": {"metadata": {"name": "x" * 1000}}}) + "\n"
    number = 2 * LINE // len(event)

    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(number):
            await response.write(event.encode())
        return response

    api.script("GET", PODS, handler)
    assert len([seen async for seen in client.watch(PODS, since="1")]) == number


@pytest.mark.parametrize("channel", [STDOUT, STDERR, STATUS, b"\x07"])
async def test_a_command_that_prints_without_an_end_is_given_up(
    channel: bytes, api: Api, client: Client
) -> None:
    message = channel + b"x" * CHUNK
    many = [message] * (2 * bounded.PRINTED // CHUNK)
    api.script("GET", EXEC, speaks(*many, ended(0)))
    with pytest.raises(TooLargeError, match="a command in pod default/probe-1: more than 16 MiB"):
        await execute(client, timeout=PATIENCE)


async def test_one_message_of_a_command_that_is_too_large_is_told(api: Api, client: Client) -> None:
    api.script("GET", EXEC, speaks(STDOUT + b"x" * (2 * bounded.MESSAGE), ended(0)))
    with pytest.raises(TooLargeError, match="more than 1 MiB"):
        await execute(client, timeout=PATIENCE)


@pytest.mark.parametrize(
    "last",
    [
        "[]",
        "null",
        "[" * 100_000,
        '{"details": []}',
        '{"details": {"causes": [null]}}',
        '{"details": {"causes": [{"reason": "ExitCode", "message": "\u00b2"}]}}',
        '{"details": {"causes": [{"reason": "ExitCode", "message": "%s"}]}}' % ("9" * 5000),
        '{"details": {"causes": [{"reason": "ExitCode", "message": 7}]}}',
    ],
)
async def test_a_closing_status_of_another_shape_is_an_error(
    last: str, api: Api, client: Client
) -> None:
    api.script("GET", EXEC, speaks(STATUS + last.encode()))
    with pytest.raises(ApiError, match="exec "):
        await execute(client)


@pytest.mark.parametrize(
    "messages",
    [
        [DATA + HEAD + b"Content-Encoding: gzip\r\n\r\n" + packed(RELAYED + CHUNK)],
        [DATA + HEAD + b"\r\n", *([DATA + b"x" * CHUNK] * (2 * RELAYED // CHUNK))],
        [DATA + b"HTTP/1.0 200 OK\r\n", *([DATA + b"x" * CHUNK] * 32)],
        [DATA + HEAD + b"\r\n", DATA + b"x" * (2 * bounded.MESSAGE)],
    ],
    ids=["packed", "without an end", "headers without an end", "one message"],
)
async def test_a_forwarded_answer_is_read_to_its_limit(
    messages: list[bytes], api: Api, client: Client
) -> None:
    api.script("GET", FORWARD, forwards(*messages))
    with pytest.raises(TooLargeError, match="port 9253 of pod kube-system/cache"):
        await fetch(client, timeout=PATIENCE)


async def test_of_a_forwarded_error_the_beginning_is_enough(api: Api, client: Client) -> None:
    api.script("GET", FORWARD, forwards(ERROR + b"x" * (bounded.MESSAGE // 2)))
    with pytest.raises(ApiError, match="xxx") as caught:
        await fetch(client, timeout=PATIENCE)
    assert len(str(caught.value)) <= bounded.ERROR


@pytest.mark.parametrize("handler", [floods(), bomb(RELAYED + CHUNK)], ids=["flood", "packed"])
async def test_a_prometheus_by_its_address_is_read_to_the_same_limit(
    handler: Any, api: Api
) -> None:
    api.script("GET", "/api/v1/query", handler)
    async with Web(api.url) as web_client:
        with pytest.raises(TooLargeError, match="more than 16 MiB came"):
            await web_client.get("/api/v1/query", timeout=PATIENCE)


@pytest.fixture
def pod(api: Api) -> str:
    """A pod that somebody may ask from; its exec is left to the test."""
    cluster.fill(api)
    spec = {
        "nodeName": "node1",
        "containers": [{"name": "web"}],
        "dnsPolicy": "None",
        "dnsConfig": {"nameservers": ["10.96.0.10"]},
    }
    status = {"phase": "Running"}
    path = "/api/v1/namespaces/default/pods/web"
    metadata = {"name": "web", "namespace": "default", "uid": "u"}
    api.script("GET", path, document({"metadata": metadata, "spec": spec, "status": status}))
    return f"{path}/exec"


def test_lookup_from_a_pod_that_floods_computes_its_resolv_conf(
    pod: str, api: Api, config: Path, run: Callable[..., Ended]
) -> None:
    async def execute_there(request: web.Request) -> web.WebSocketResponse:
        words = request.query.getall("command")
        printed = [STDOUT + b"x" * CHUNK] * 100
        if words[0] != "cat":
            found = "/usr/bin/dig" if words[-1].endswith("dig") else output(words[4:])
            printed = [STDOUT + found.encode()]
        return await speaks(*printed, ended(0))(request)  # type: ignore[no-any-return]

    api.script("GET", pod, execute_there)
    asked = run("lookup", NAME, "--from", "pod/web")
    said = "computed from dnsPolicy None, because it cannot be read in the pod (more than 64 KiB"
    assert said in asked.out + asked.err
    assert asked.code == Exit.OK, asked.err
