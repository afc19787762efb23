"""A recording that was written by `record`, opened for reading.

Opening reads through the whole file once, for the time and the trouble of each frame; the frames
themselves are read a member at a time. A file that breaks off, because its writer was killed or the
disk was full, can be read up to there, and says so.
"""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from kubectl_nodedns.errors import UsageError
from kubectl_nodedns.metrics import codec
from kubectl_nodedns.metrics.record import GZIP

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

FRAME = b'{"frame":'
MAGIC = b"\x1f\x8b"
PIECE = 2**16
LONGEST_HEADER = 2**20


@dataclass(frozen=True)
class Moment:
    """One frame, as far as it is known without reading it."""

    at: float
    """When it was, in Unix seconds."""
    trouble: tuple[float, ...]
    """How bad it was; compares."""
    member: int
    """Which of the file's members holds it."""
    ordinal: int
    """Its place in the member, from 0."""


class Recording:
    """An opened recording.

    Args:
        path: the file.

    Raises:
        UsageError: it cannot be read, is something else, or holds no frame.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._data = path.read_bytes()
        except OSError as error:
            raise UsageError(f"--replay: {path} cannot be read: {error.strerror}") from error
        start, header = _header(path, self._data)
        self.facts: Mapping[str, str] = header.get("facts") or {}
        """What the heading shows and snapshots do not hold, such as the context."""
        self.damage = ""
        """Where it breaks off, in words; empty when it is whole."""
        self._members: list[tuple[int, int]] = []
        self.moments = self._scan(start)
        """All frames, by time."""
        if not self.moments:
            raise UsageError(f"--replay: {path} holds no frame: {self.damage or 'it is empty'}")

    def bodies(self, member: int) -> list[dict[str, Any]]:
        """Read the frames of a member."""
        start, end = self._members[member]
        text, _, _ = _unpack(self._data, start, end)
        lines = text.split(b"\n")[:-1]
        return [json.loads(line) for line in lines[1::2]]

    def _scan(self, start: int) -> tuple[Moment, ...]:
        moments: list[Moment] = []
        while start < len(self._data):
            text, end, whole = _unpack(self._data, start, len(self._data))
            lines = text.split(b"\n")[:-1]  # what stands after the last line end is cut off
            for ordinal in range(len(lines) // 2):
                if not lines[2 * ordinal].startswith(FRAME):
                    whole = False
                    break
                head = json.loads(lines[2 * ordinal])
                trouble = tuple(head["worst"])
                moments.append(Moment(head["frame"], trouble, len(self._members), ordinal))
            self._members.append((start, end))
            start = end
            if not whole:
                self.damage = "it breaks off"
                if moments:
                    last = datetime.fromtimestamp(moments[-1].at, UTC)
                    self.damage += f" after {last:%Y-%m-%d %H:%M:%S} UTC"
                break
        return tuple(moments)


def _header(path: Path, data: bytes) -> tuple[int, dict[str, Any]]:
    """Return where the frames begin, and the header."""
    foreign = UsageError(
        f"--replay: {path} is no recording",
        hint="recordings are made with: kubectl nodedns top --record FILE",
    )
    if not data.startswith(MAGIC):
        raise foreign
    text, start, _ = _unpack(data, 0, len(data), LONGEST_HEADER)
    try:
        header = json.loads(text.partition(b"\n")[0])
    except ValueError as error:
        raise foreign from error
    if not isinstance(header, dict) or header.get("recording") != codec.KIND:
        raise foreign
    if header.get("version") != codec.VERSION:
        raise UsageError(
            f"--replay: {path} has format {header.get('version')}, and this version reads "
            f"{codec.VERSION}",
            hint=f"it was written by kubectl-nodedns {header.get('written_by')}: use that",
        )
    return start, header


def _unpack(data: bytes, start: int, end: int, most: int = 0) -> tuple[bytes, int, bool]:
    """Unpack one member: its text as far as it goes, where the next begins, whether it is whole."""
    unpacker = zlib.decompressobj(wbits=GZIP)
    parts: list[bytes] = []
    position = start
    size = 0
    while position < end and not unpacker.eof:
        try:
            parts.append(unpacker.decompress(data[position : min(position + PIECE, end)]))
        except zlib.error:
            return b"".join(parts), end, False
        position += PIECE
        size += len(parts[-1])
        if most and size > most:
            break
    if not unpacker.eof:
        return b"".join(parts), end, False
    return b"".join(parts), min(position, end) - len(unpacker.unused_data), True
