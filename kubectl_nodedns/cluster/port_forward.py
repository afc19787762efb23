"""One HTTP request to a port of a pod, through its kubelet: what `kubectl port-forward` does.

For clusters whose API server cannot reach node ports. Speaks v4.channel.k8s.io, which API servers
pass on to the kubelet as it is: for each port two channels, data and errors, and on each first the
port's number in two bytes. Sources, as of Kubernetes 1.37: kubernetes/cri-streaming,
pkg/streaming/portforward/websocket.go; kubernetes/kubernetes, pkg/registry/core/pod/rest.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from urllib.parse import quote

import aiohttp

from kubectl_nodedns.cluster import bounded
from kubectl_nodedns.cluster.bounded import (
    MESSAGE,
    RELAYED,
    Body,
    TooLargeError,
    Unpacker,
    broken,
)
from kubectl_nodedns.cluster.failures import failure, unreachable
from kubectl_nodedns.errors import ApiError, TimedOutError
from kubectl_nodedns.numbers import whole

if TYPE_CHECKING:
    from kubectl_nodedns.cluster.access import Access

PROTOCOL = "v4.channel.k8s.io"
DATA, ERROR = 0, 1
PORT_BYTES = 2
OK = 200
LONGEST_HEAD = 64 * 1024
"""Bytes of the headers of an answer."""
MOST_LENGTH = 10**18 - 1
"""Bytes that a body can be announced to have; it is read to its limit whatever was announced."""
_REFUSALS = {
    403: "forbidden: to forward a port of pod {pod} takes the verb create (before 1.35: get too) "
    "on pods/portforward there",
    404: "there is no pod {pod}, or it has ended",
}


def port_forward_path(namespace: str, pod: str) -> str:
    """Return the path at which ports of a pod are forwarded."""
    return f"/api/v1/namespaces/{quote(namespace)}/pods/{quote(pod)}/portforward"


async def get_through_kubelet(
    session: aiohttp.ClientSession,
    access: Access,
    namespace: str,
    pod: str,
    port: int,
    path: str,
    *,
    timeout: float,
) -> PortAnswer:
    """Ask for a text document, and return what the pod answered; see `Client.get_forwarded`."""
    where = f"{namespace}/{pod}"
    url = port_forward_path(namespace, pod)
    answer = PortAnswer(f"port {port} of pod {where}")
    try:
        async with (
            asyncio.timeout(timeout),
            session.ws_connect(
                access.server + url,
                params=[("ports", str(port))],
                protocols=(PROTOCOL,),
                server_hostname=access.server_hostname,
                max_msg_size=MESSAGE,
                timeout=aiohttp.ClientWSTimeout(ws_close=0.5),
            ) as socket,
        ):
            # HTTP/1.0: the body comes in one piece, and its end is the connection's.
            request = f"GET {path} HTTP/1.0\r\nHost: {pod}\r\nAccept-Encoding: gzip\r\n\r\n"
            await socket.send_bytes(bytes([DATA]) + request.encode())
            async for message in socket:
                if message.type is aiohttp.WSMsgType.ERROR:
                    raise broken(f"port {port} of pod {where}", message.data)
                if message.type is aiohttp.WSMsgType.BINARY and message.data:
                    answer.take(message.data[0], message.data[1:])
                if answer.complete:
                    break
    except TimeoutError as error:
        raise TimedOutError(f"port {port} of pod {where} did not answer in {timeout:.0f} s") from (
            error
        )
    except aiohttp.WSServerHandshakeError as error:
        # The library throws the body away, and with it the server's own words.
        said = _REFUSALS.get(error.status, f"HTTP {error.status}").format(pod=where)
        raise failure("portforward", url, error.status, said.encode()) from error
    except (aiohttp.ClientError, OSError) as error:
        raise unreachable(access.server, error, request=f"port-forward {url}") from error
    return answer


class PortAnswer:
    """What has come so far of what a port of a pod answers.

    Args:
        where: what to call its sender in an error.
    """

    def __init__(self, where: str) -> None:
        self.received = 0
        """Bytes of it."""
        self.complete = False
        self._where = where
        self._raw = {DATA: bytearray(), ERROR: bytearray()}
        self._skip = {DATA: PORT_BYTES, ERROR: PORT_BYTES}
        self._head: bytes | None = None
        self._length: int | None = None
        self._unpacker = Unpacker("", what=where)
        self._body = Body(self._unpacker, most=RELAYED, what=where)

    def take(self, channel: int, data: bytes) -> None:
        """Take in one message.

        Raises:
            TooLargeError: what came is larger than any answer.
            ApiError: it is damaged.
        """
        if channel not in self._raw:
            return
        self.received += len(data)
        skipped = min(self._skip[channel], len(data))
        self._skip[channel] -= skipped
        if channel == ERROR:
            self._raw[ERROR] += data[skipped:][: bounded.ERROR]
            self.complete = bool(self._raw[ERROR])
        elif self._head is None:
            self._read_head(data[skipped:])
        else:
            self._read(data[skipped:])

    def text(self) -> str:
        """Return the body.

        Raises:
            ApiError: there is none, or it is an error.
        """
        if self._raw[ERROR]:
            raise ApiError(self._raw[ERROR].decode(errors="replace").strip())
        if self._head is None:
            raise ApiError(f"{self._where}: the connection ended without an answer")
        words = self._head.split(b"\r\n", 1)[0].decode(errors="replace").split(" ", 2)
        status = (whole(words[1], most=999) if len(words) > 1 else None) or 0
        if status != OK:
            raise failure("GET", self._where, status, self._body.content())
        return self._body.content().decode(errors="replace")

    def _read_head(self, data: bytes) -> None:
        raw = self._raw[DATA]
        raw += data
        end = raw.find(b"\r\n\r\n")
        if (end if end >= 0 else len(raw)) > LONGEST_HEAD:
            raise TooLargeError(f"{self._where}: headers", LONGEST_HEAD)
        if end < 0:
            return
        self._head = bytes(raw[:end])
        encoding, length = (self._header(name) for name in ("content-encoding", "content-length"))
        self._length = whole(length, most=MOST_LENGTH)
        self._unpacker = Unpacker(encoding, what=self._where)
        self._body = Body(self._unpacker, most=RELAYED, what=self._where)
        self._read(bytes(raw[end + 4 :]))
        raw.clear()

    def _read(self, data: bytes) -> None:
        self._body.take(data)
        announced = self._length is not None and self._body.received >= self._length
        self.complete = self._unpacker.complete or announced

    def _header(self, name: str) -> str:
        for line in (self._head or b"").decode(errors="replace").split("\r\n"):
            key, _, value = line.partition(":")
            if key.strip().lower() == name:
                return value.strip()
        return ""
