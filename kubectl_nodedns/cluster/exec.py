"""Run a command in a container, over a WebSocket.

Speaks v5.channel.k8s.io and falls back to v4: each binary message starts with a byte that names
its channel (0 stdin, 1 stdout, 2 stderr, 3 the closing Status). The exit code is in that Status.
Source: kubernetes/apimachinery, pkg/util/remotecommand/constants.go.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import aiohttp

from kubectl_nodedns.cluster.bounded import MESSAGE, PRINTED, TooLargeError, broken
from kubectl_nodedns.cluster.failures import failure, unreachable
from kubectl_nodedns.documents import read_json
from kubectl_nodedns.errors import ApiError, TimedOutError
from kubectl_nodedns.numbers import whole

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kubectl_nodedns.cluster.access import Access

PROTOCOLS = ("v5.channel.k8s.io", "v4.channel.k8s.io")
STDOUT, STDERR, STATUS = 1, 2, 3
SAID = 1000
"""Characters of the closing status that are told."""
HIGHEST = 2**31
_REFUSALS = {
    403: "forbidden: to run a command in pod {pod} takes the verb create (before 1.35: get too) on "
    "pods/exec there",
    404: "there is no pod {pod}, or it has ended",
}


@dataclass(frozen=True)
class ExecResult:
    """What a command in a container printed, and how it ended."""

    stdout: str
    """Standard output."""
    stderr: str
    """Standard error."""
    code: int
    """Exit code of the command."""


def exec_path(namespace: str, pod: str) -> str:
    """Return the path at which commands in a pod are run."""
    return f"/api/v1/namespaces/{quote(namespace)}/pods/{quote(pod)}/exec"


async def run_in_pod(
    session: aiohttp.ClientSession,
    access: Access,
    namespace: str,
    pod: str,
    container: str,
    command: Sequence[str],
    *,
    timeout: float,
    received: Callable[[bytes], None] = lambda _: None,
    most: int = PRINTED,
) -> ExecResult:
    """Run `command`; see `Client.exec`."""
    path = exec_path(namespace, pod)
    params = [("container", container), ("stdout", "1"), ("stderr", "1")]
    params += [("command", word) for word in command]
    what = f"a command in pod {namespace}/{pod}"
    printed = 0
    streams: dict[int, bytearray] = {STDOUT: bytearray(), STDERR: bytearray(), STATUS: bytearray()}
    try:
        async with (
            asyncio.timeout(timeout),
            session.ws_connect(
                access.server + path,
                params=params,
                protocols=PROTOCOLS,
                server_hostname=access.server_hostname,
                max_msg_size=MESSAGE,
                timeout=aiohttp.ClientWSTimeout(ws_close=2.0),
            ) as socket,
        ):
            async for message in socket:
                if message.type is aiohttp.WSMsgType.ERROR:
                    raise broken(what, message.data)
                if message.type is aiohttp.WSMsgType.BINARY and message.data:
                    printed += len(message.data)
                    if printed > most:
                        raise TooLargeError(what, most)
                    if message.data[0] == STDOUT:
                        received(message.data[1:])
                    streams.get(message.data[0], bytearray()).extend(message.data[1:])
    except TimeoutError as error:
        raise TimedOutError(f"{what} did not end in {timeout:.0f} s") from error
    except aiohttp.WSServerHandshakeError as error:
        # The library throws the body away, and with it the server's own words.
        said = _REFUSALS.get(error.status, f"HTTP {error.status}").format(pod=f"{namespace}/{pod}")
        raise failure("exec", path, error.status, said.encode()) from error
    except (aiohttp.ClientError, OSError) as error:
        raise unreachable(access.server, error, request=f"exec {path}") from error
    return _result(path, streams)


def _result(path: str, streams: dict[int, bytearray]) -> ExecResult:
    if not streams[STATUS]:
        raise ApiError(f"exec {path}: the connection ended before the command did")
    try:
        status: dict[str, Any] = read_json(bytes(streams[STATUS]))
        code = _code(status)
        said = str(status.get("message") or "failed")[:SAID]
    except (ValueError, AttributeError, TypeError) as error:
        raise ApiError(f"exec {path}: the closing status is not what it should be") from error
    if code is None:
        raise ApiError(f"exec {path}: {said}")
    return ExecResult(
        streams[STDOUT].decode(errors="replace"), streams[STDERR].decode(errors="replace"), code
    )


def _code(status: dict[str, Any]) -> int | None:
    """Return the exit code of a closing status; None where the command did not run to its end."""
    if status.get("status") == "Success":
        return 0
    causes = (status.get("details") or {}).get("causes") or []
    codes = (whole(c.get("message"), most=HIGHEST) for c in causes if c.get("reason") == "ExitCode")
    return next(codes, None)
