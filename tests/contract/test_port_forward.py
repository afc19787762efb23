"""A document from a pod's port, through the kubelet, over the protocol that it speaks."""

from __future__ import annotations

import asyncio
import gzip
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web

from kubectl_nodedns.errors import ApiError, ForbiddenError, NotFoundError, TimedOutError
from tests.contract.api import Api, answers, drops
from tests.patience import PATIENCE

if TYPE_CHECKING:
    from kubectl_nodedns.cluster.client import Client

PATH = "/api/v1/namespaces/kube-system/pods/cache/portforward"
PORT = (9253).to_bytes(2, "little")
DATA, ERROR = b"\x00", b"\x01"
HEAD = b"HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n"


def speaks(*messages: bytes, then: float = 0, heard: list[Any] | None = None) -> Any:
    """Serve one port-forward: both channels' ports, these messages after the request, the end."""

    async def handler(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(protocols=("v4.channel.k8s.io",))
        await socket.prepare(request)
        await socket.send_bytes(DATA + PORT)
        await socket.send_bytes(ERROR + PORT)
        said = await socket.receive_bytes()
        if heard is not None:
            heard.extend([request.query_string, socket.ws_protocol, said])
        for message in messages:
            await socket.send_bytes(message)
        await asyncio.sleep(then)
        await socket.close()
        return socket

    return handler


async def fetch(client: Client, *, timeout: float = 10.0) -> str:
    return await client.get_forwarded("kube-system", "cache", 9253, "/metrics", timeout=timeout)


async def test_the_request_names_the_port_and_the_path(api: Api, client: Client) -> None:
    heard: list[Any] = []
    api.script("GET", PATH, speaks(DATA + HEAD + b"\r\nhello", heard=heard))
    assert await fetch(client) == "hello"
    query, protocol, said = heard
    assert (query, protocol) == ("ports=9253", "v4.channel.k8s.io")
    assert said.startswith(DATA + b"GET /metrics HTTP/1.0\r\n")
    assert client.received > 0


@pytest.mark.parametrize("size", [1, 7, 10_000])
async def test_an_answer_in_pieces_and_packed_is_put_together(
    size: int, api: Api, client: Client
) -> None:
    body = "coredns_build_info 1\n" * 500
    answer = HEAD + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(body.encode())
    pieces = [DATA + answer[i : i + size] for i in range(0, len(answer), size)]
    # It ends with the packed body, not with a connection that stays open.
    api.script("GET", PATH, speaks(*pieces, then=3600))
    assert await fetch(client, timeout=PATIENCE) == body


async def test_an_answer_ends_with_its_length(api: Api, client: Client) -> None:
    api.script("GET", PATH, speaks(DATA + HEAD + b"Content-Length: 2\r\n\r\nok", then=3600))
    assert await fetch(client, timeout=PATIENCE) == "ok"


async def test_what_the_kubelet_says_is_passed_on(api: Api, client: Client) -> None:
    said = b"error forwarding port 9253 to pod x: dial tcp4 127.0.0.1:9253: connection refused"
    api.script("GET", PATH, speaks(ERROR + said))
    with pytest.raises(ApiError, match="connection refused"):
        await fetch(client)


@pytest.mark.parametrize(
    ("messages", "words"),
    [
        ((), "ended without an answer"),
        ((DATA + b"HTTP/1.0 404 Not Found\r\n\r\nno page",), "no page"),
        ((DATA + HEAD + b"Content-Encoding: gzip\r\n\r\nnot packed",), "cannot be unpacked"),
    ],
)
async def test_an_answer_that_is_none_is_told(
    messages: tuple[bytes, ...], words: str, api: Api, client: Client
) -> None:
    api.script("GET", PATH, speaks(*messages))
    with pytest.raises(ApiError, match=words):
        await fetch(client)


async def test_a_port_that_does_not_answer_is_given_up(api: Api, client: Client) -> None:
    api.script("GET", PATH, speaks(then=30))
    with pytest.raises(TimedOutError, match="port 9253 of pod kube-system/cache did not answer"):
        await fetch(client, timeout=0.3)


@pytest.mark.parametrize(
    ("code", "kind", "words"),
    [
        (403, ForbiddenError, "takes the verb create"),
        (404, NotFoundError, "there is no pod kube-system/cache"),
    ],
)
async def test_refusals_say_what_is_missing(
    code: int, kind: type[ApiError], words: str, api: Api, client: Client
) -> None:
    api.script("GET", PATH, answers(code))
    with pytest.raises(kind, match=words):
        await fetch(client)


async def test_a_connection_that_breaks_is_told(api: Api, client: Client) -> None:
    api.script("GET", PATH, drops)
    with pytest.raises(ApiError, match="cannot reach the API server"):
        await fetch(client)
