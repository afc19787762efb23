"""One HTTP request to a port of a pod, through its kubelet: what `kubectl port-forward` does.

For clusters whose API server cannot reach node ports. Speaks v4.channel.k8s.io, which API servers
pass on to the kubelet as it is: for each port two channels, data and errors, and on each first the
port's number in two bytes. Sources, as of Kubernetes 1.37: kubernetes/cri-streaming,
pkg/streaming/portforward/websocket.go; kubernetes/kubernetes, pkg/registry/core/pod/rest.
"""

from __future__ import annotations

import asyncio
import zlib
from typing import TYPE_CHECKING
from urllib.parse import quote

import aiohttp

from kubectl_nodedns.cluster.failures import failure, unreachable
from kubectl_nodedns.errors import ApiError, TimedOutError

if TYPE_CHECKING:
    from kubectl_nodedns.cluster.access import Access

PROTOCOL = "v4.channel.k8s.io"
DATA, ERROR = 0, 1
PORT_BYTES = 2
GZIP = 31
OK = 200
LARGEST = 64 * 2**20
_REFUSALS = {
    403: "forbidden: to forward a port of pod {pod} takes the verb create (before 1.35: get too) "
    "on pods/portforward there",
    404: "there is no pod {pod}, or it has ended",
}


async def get_through_kubelet(
    session: aiohttp.ClientSession,
    access: Access,
    namespace: str,
    pod: str,
    port: int,
    path: str,
    *,
    timeout: float,
) -> tuple[str, int]:
    """Read a text document; see `Client.get_forwarded`. Returns it, and the bytes received."""
    where = f"{namespace}/{pod}"
    url = f"/api/v1/namespaces/{quote(namespace)}/pods/{quote(pod)}/portforward"
    answer = _Answer()
    try:
        async with (
            asyncio.timeout(timeout),
            session.ws_connect(
                access.server + url,
                params=[("ports", str(port))],
                protocols=(PROTOCOL,),
                server_hostname=access.server_hostname,
                proxy=access.proxy,
                max_msg_size=0,
                timeout=aiohttp.ClientWSTimeout(ws_close=0.5),
            ) as socket,
        ):
            # HTTP/1.0: the body comes in one piece, and its end is the connection's.
            request = f"GET {path} HTTP/1.0\r\nHost: {pod}\r\nAccept-Encoding: gzip\r\n\r\n"
            await socket.send_bytes(bytes([DATA]) + request.encode())
            async for message in socket:
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
        raise unreachable(access.server, error) from error
    return answer.text(f"port {port} of pod {where}"), answer.received


class _Answer:
    """What has come so far."""

    def __init__(self) -> None:
        self.received = 0
        self.complete = False
        self._raw = {DATA: bytearray(), ERROR: bytearray()}
        self._skip = {DATA: PORT_BYTES, ERROR: PORT_BYTES}
        self._head: bytes | None = None
        self._body = bytearray()
        self._unpack = zlib.decompressobj(wbits=GZIP)

    def take(self, channel: int, data: bytes) -> None:
        """Take in one message."""
        if channel not in self._raw:
            return
        self.received += len(data)
        skipped = min(self._skip[channel], len(data))
        self._skip[channel] -= skipped
        self._raw[channel] += data[skipped:]
        if channel == ERROR:
            self.complete = bool(self._raw[ERROR])
        else:
            self._read()

    def text(self, where: str) -> str:
        """Return the body.

        Raises:
            ApiError: there is none, or it is an error.
        """
        if self._raw[ERROR]:
            raise ApiError(self._raw[ERROR].decode(errors="replace").strip())
        if self._head is None:
            raise ApiError(f"{where}: the connection ended without an answer")
        words = self._head.split(b"\r\n", 1)[0].decode(errors="replace").split(" ", 2)
        status = int(words[1]) if len(words) > 1 and words[1].isdigit() else 0
        if status != OK:
            raise failure("GET", where, status, bytes(self._body))
        return self._body.decode(errors="replace")

    def _read(self) -> None:
        raw = self._raw[DATA]
        if self._head is None:
            end = raw.find(b"\r\n\r\n")
            if end < 0:
                return
            self._head = bytes(raw[:end])
            del raw[: end + 4]
        if b"content-encoding: gzip" in self._head.lower():
            try:
                self._body += self._unpack.decompress(bytes(raw))
            except zlib.error as error:
                raise ApiError("the answer is damaged: it cannot be unpacked") from error
            self.complete = self._unpack.eof
        else:
            self._body += raw
            self.complete = len(self._body) >= self._length()
        raw.clear()
        if len(self._body) > LARGEST:
            raise ApiError(f"the answer is larger than {LARGEST // 2**20} MiB")

    def _length(self) -> float:
        for line in (self._head or b"").lower().split(b"\r\n"):
            name, _, value = line.partition(b":")
            if name == b"content-length" and value.strip().isdigit():
                return int(value)
        return float("inf")
