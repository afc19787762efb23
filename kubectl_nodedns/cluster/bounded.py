"""What others send, with a limit that holds while it is read, packed and unpacked.

A few packed bytes may unpack to any number, so they are unpacked in pieces, and no piece is asked
for beyond the limit. Nothing here trusts a length that was announced.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

from aiohttp import WSCloseCode

from kubectl_nodedns.errors import ApiError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import aiohttp

DOCUMENT = 64 * 2**20
"""Bytes of a JSON document of the API server's own: a page of a list that is larger is asked for
again with fewer objects."""
RELAYED = 16 * 2**20
"""Bytes of what somebody behind the API server says: a page of metrics, a log, a Prometheus."""
SETTINGS = 2**20
"""Bytes of a kubelet's configuration."""
PRINTED = 16 * 2**20
"""Bytes that a command in a container may print, unless its caller knows better."""
LINE = 16 * 2**20
"""Bytes of one event of a watch."""
ERROR = 64 * 1024
"""Bytes of an answer that is an error; what comes after them is left out."""
PIECE = 64 * 1024
"""Bytes that are unpacked at a time."""
MESSAGE = 2**20
"""Bytes of one message of a WebSocket; API servers send no more than 32 KiB at once."""
OK = 200
_GZIP = 31


class TooLargeError(ApiError):
    """An answer has more bytes than it may have."""

    def __init__(self, what: str, most: int) -> None:
        super().__init__(
            f"{what}: more than {_size(most)} came, so the rest was not read",
            hint="nothing of this kind is that large: look at who answers there",
            status=OK,  # somebody did answer
        )


class Unpacker:
    """Unpacks a body that comes in pieces.

    Args:
        encoding: its Content-Encoding; empty for none.
        what: what to call it in an error.

    Raises:
        ApiError: it is packed in a way that was not asked for.
    """

    def __init__(self, encoding: str, *, what: str) -> None:
        self._what = what
        self._zlib = None
        name = encoding.strip().lower()
        if name in ("gzip", "x-gzip"):
            self._zlib = zlib.decompressobj(wbits=_GZIP)
        elif name not in ("", "identity"):
            raise ApiError(f"{what}: the answer is packed as {name[:20]!r}", status=OK)

    @property
    def complete(self) -> bool:
        """Whether the packed body has come to its own end."""
        return self._zlib is not None and self._zlib.eof

    def pieces(self, data: bytes) -> Iterator[bytes]:
        """Yield what `data` unpacks to, `PIECE` bytes at a time; stop asking to unpack no more.

        Raises:
            ApiError: it is damaged.
        """
        if self._zlib is None:
            yield data
            return
        while data and not self._zlib.eof:
            try:
                piece = self._zlib.decompress(data, PIECE)
            except zlib.error as error:
                raise ApiError(
                    f"{self._what}: the answer is damaged: it cannot be unpacked", status=OK
                ) from error
            data = self._zlib.unconsumed_tail
            if piece:
                yield piece


class Body:
    """A body that is put together piece by piece.

    Args:
        unpacker: unpacks it.
        most: bytes that it may have, packed and unpacked.
        what: what to call it in an error.
    """

    def __init__(self, unpacker: Unpacker, *, most: int, what: str) -> None:
        self.received = 0
        """Bytes that came, as they came."""
        self._unpacker = unpacker
        self._most = most
        self._what = what
        self._content = bytearray()

    def take(self, data: bytes) -> None:
        """Take in what came, as far as there is room.

        Raises:
            TooLargeError: it is too large.
            ApiError: it is damaged.
        """
        room = self._most - self.received
        self.received += len(data)
        for piece in self._unpacker.pieces(data[:room]):
            left = self._most - len(self._content)
            self._content += piece[:left]
            if len(piece) > left:
                raise TooLargeError(self._what, self._most)
        if len(data) > room:
            raise TooLargeError(self._what, self._most)

    def content(self) -> bytes:
        """Return what there is by now."""
        return bytes(self._content)


async def read_body(answer: aiohttp.ClientResponse, *, most: int, what: str) -> tuple[bytes, int]:
    """Read an answer of a session that does not unpack by itself.

    Of an answer that is an error the beginning is enough.

    Returns:
        The body, and how many bytes came over the wire for it.

    Raises:
        TooLargeError: it is larger than `most` bytes, as it came or unpacked.
        ApiError: it is damaged.
    """
    failed = answer.status >= 400  # noqa: PLR2004 - HTTP
    unpacker = Unpacker(answer.headers.get("Content-Encoding", ""), what=what)
    body = Body(unpacker, most=ERROR if failed else most, what=what)
    try:
        async for chunk in answer.content.iter_any():
            body.take(chunk)
    except TooLargeError:
        if not failed:
            raise
    return body.content(), body.received


def broken(what: str, error: object) -> ApiError:
    """Turn what broke the stream of a WebSocket into an error.

    Args:
        what: whose stream it was.
        error: what the library says.
    """
    if getattr(error, "code", None) == WSCloseCode.MESSAGE_TOO_BIG:
        return TooLargeError(what, MESSAGE)
    return ApiError(f"{what}: what came is not understood: {type(error).__name__}", status=OK)


def _size(number: int) -> str:
    return f"{number // 2**20} MiB" if number >= 2**20 else f"{number // 1024} KiB"
