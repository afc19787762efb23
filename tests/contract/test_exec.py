"""Commands in pods, over both sub-protocols that API servers speak."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web

from kubectl_nodedns.cluster.client import Client
from kubectl_nodedns.errors import ApiError, ForbiddenError, NotFoundError, TimedOutError
from tests.contract.api import Api, answers, drops
from tests.contract.conftest import access
from tests.patience import until_on_loop

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kubectl_nodedns.cluster.exec import ExecResult

EXEC = "/api/v1/namespaces/default/pods/probe-1/exec"
BOTH = ("v5.channel.k8s.io", "v4.channel.k8s.io")
STDOUT, STDERR, STATUS = b"\x01", b"\x02", b"\x03"


def ended(code: int) -> bytes:
    """The closing status of a command that ended with `code`."""
    if code == 0:
        return STATUS + b'{"metadata":{},"status":"Success"}'
    causes = [{"reason": "ExitCode", "message": str(code)}]
    status = {
        "status": "Failure",
        "reason": "NonZeroExitCode",
        "message": f"command terminated with non-zero exit code: exit status {code}",
        "details": {"causes": causes},
    }
    return STATUS + json.dumps(status).encode()


def speaks(
    *messages: bytes,
    protocols: Sequence[str] = BOTH,
    then: float = 0,
    spoken: list[Any] | None = None,
) -> Any:
    """Serve one exec: send these messages, then close."""

    async def handler(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(protocols=protocols)
        await socket.prepare(request)
        if spoken is not None:
            spoken.append(socket.ws_protocol)
        for message in messages:
            await socket.send_bytes(message)
        await asyncio.sleep(then)
        await socket.close()
        return socket

    return handler


async def execute(client: Client, *, timeout: float = 10.0) -> ExecResult:
    return await client.exec("default", "probe-1", "probe", ["sh", "-c", "a b"], timeout=timeout)


@pytest.mark.parametrize("protocols", [BOTH, BOTH[:1], BOTH[1:]])
async def test_both_protocols_are_spoken_and_the_newer_one_is_preferred(
    protocols: Sequence[str], api: Api, client: Client
) -> None:
    spoken: list[Any] = []
    messages = (STDOUT + b"one ", STDERR + b"oops", STDOUT + b"two", ended(0))
    api.script("GET", EXEC, speaks(*messages, protocols=protocols, spoken=spoken))
    result = await execute(client)
    assert (result.stdout, result.stderr, result.code) == ("one two", "oops", 0)
    assert spoken == [protocols[0]]


async def test_the_command_travels_word_by_word(api: Api, client: Client) -> None:
    words: list[str] = []

    async def handler(request: web.Request) -> web.WebSocketResponse:
        words.extend(request.query.getall("command"))
        socket: web.WebSocketResponse = await speaks(ended(0))(request)
        return socket

    api.script("GET", EXEC, handler)
    await execute(client)
    assert words == ["sh", "-c", "a b"]
    assert api.state.seen[0].query["container"] == "probe"


@pytest.mark.parametrize("code", [1, 127, 137])
async def test_the_exit_code_of_the_command_is_read_from_the_closing_status(
    code: int, api: Api, client: Client
) -> None:
    api.script("GET", EXEC, speaks(STDERR + b"no\n", ended(code)))
    result = await execute(client)
    assert (result.code, result.stderr) == (code, "no\n")


async def test_a_letter_cut_between_two_messages_is_put_together(api: Api, client: Client) -> None:
    first, second = "µ".encode()[:1], "µ".encode()[1:]
    api.script("GET", EXEC, speaks(STDOUT + first, STDOUT + second, ended(0)))
    assert (await execute(client)).stdout == "µ"


async def test_output_that_is_no_text_breaks_nothing(api: Api, client: Client) -> None:
    api.script("GET", EXEC, speaks(STDOUT + b"\xff\x00", b"\x09what is this", b"", ended(0)))
    assert (await execute(client)).stdout == "\ufffd\x00"


async def test_a_command_that_could_not_be_started_is_an_error(api: Api, client: Client) -> None:
    status = {"status": "Failure", "message": 'exec: "dig": executable file not found in $PATH'}
    api.script("GET", EXEC, speaks(STATUS + json.dumps(status).encode()))
    with pytest.raises(ApiError, match="executable file not found"):
        await execute(client)


@pytest.mark.parametrize("last", [STATUS + b"<html>", STATUS + b"\xff"])
async def test_a_closing_status_that_is_no_json_is_an_error(
    last: bytes, api: Api, client: Client
) -> None:
    api.script("GET", EXEC, speaks(last))
    with pytest.raises(ApiError, match="the closing status"):
        await execute(client)


async def test_a_connection_that_ends_before_the_command_is_an_error(
    api: Api, client: Client
) -> None:
    api.script("GET", EXEC, speaks(STDOUT + b"half"))
    with pytest.raises(ApiError, match="the connection ended before the command did"):
        await execute(client)


async def test_a_handshake_without_an_answer_is_an_error(api: Api, client: Client) -> None:
    api.script("GET", EXEC, drops)
    with pytest.raises(ApiError, match="cannot reach the API server"):
        await execute(client)


async def test_a_missing_right_is_named_with_the_pod(api: Api, client: Client) -> None:
    api.script("GET", EXEC, answers(403, "Forbidden", "pods/exec is forbidden"))
    with pytest.raises(ForbiddenError, match="pods/exec") as caught:
        await execute(client)
    assert "default/probe-1" in str(caught.value)
    assert "auth can-i" in caught.value.hint
    assert caught.value.status == 403


async def test_a_pod_that_is_gone_is_told_apart(api: Api, client: Client) -> None:
    api.script("GET", EXEC, answers(404, "NotFound", "no pod"))
    with pytest.raises(NotFoundError, match="there is no pod default/probe-1"):
        await execute(client)


async def test_a_server_that_speaks_no_websocket_is_an_error(api: Api, client: Client) -> None:
    api.script("GET", EXEC, answers(500, "InternalError", "unable to upgrade"))
    with pytest.raises(ApiError, match="HTTP 500"):
        await execute(client)


async def test_a_command_that_never_ends_is_given_up(api: Api, client: Client) -> None:
    api.script("GET", EXEC, speaks(STDOUT + b"working", then=3600))
    with pytest.raises(TimedOutError, match="default/probe-1 did not end"):
        await execute(client, timeout=0.2)


async def test_a_command_may_take_longer_than_one_request(api: Api) -> None:
    """--request-timeout is about requests, and an exec is a conversation."""
    api.script("GET", EXEC, speaks(STDOUT + b"slow", ended(0), then=0.5))
    async with Client(access(api.url, request_timeout=0.2)) as client:
        assert (await execute(client)).stdout == "slow"


async def test_a_command_can_be_cancelled(api: Api, client: Client) -> None:
    spoken: list[Any] = []
    api.script("GET", EXEC, speaks(then=3600, spoken=spoken))
    task = asyncio.create_task(execute(client))
    await until_on_loop(lambda: spoken, "nobody asked")
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
