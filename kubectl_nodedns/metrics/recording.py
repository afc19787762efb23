"""A recording that was written by `record`, opened for reading.

Opening reads through the whole file once, for the time and the trouble of each frame; the frames
themselves are read a member at a time. A file that breaks off, because its writer was killed or the
disk was full, can be read up to there, and says so. What a file holds is believed of none: it may
come from anybody.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from kubectl_nodedns.errors import UsageError
from kubectl_nodedns.files import read_file
from kubectl_nodedns.metrics import codec
from kubectl_nodedns.metrics.page import LATEST
from kubectl_nodedns.metrics.record import GZIP, LARGEST

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

FRAME = b'{"frame":'
MAGIC = b"\x1f\x8b"
PIECE = 2**16
"""Bytes that are unpacked at a time."""
GROWTH = 2**20
"""Bytes that come of them at a time."""
LONGEST_HEADER = 2**20
LARGEST_MEMBER = 2**28
"""Bytes that a member may have when it is unpacked; those of 5,000 nodes have a fourth of it."""


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
        self._data = read_file(path, option="--replay", most=LARGEST, begins=MAGIC)
        start, header = _header(path, self._data)
        self.facts: Mapping[str, str] = _facts(header)
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
        text, _, _ = _unpack(self._data, start, end, LARGEST_MEMBER)
        lines = text.split(b"\n")[:-1]
        return [codec.read_line(line) for line in lines[1::2]]

    def _scan(self, start: int) -> tuple[Moment, ...]:
        moments: list[Moment] = []
        while start < len(self._data):
            text, end, whole = _unpack(self._data, start, len(self._data), LARGEST_MEMBER)
            lines = text.split(b"\n")[:-1]  # what stands after the last line end is cut off
            for ordinal in range(len(lines) // 2):
                moment = _moment(lines[2 * ordinal], len(self._members), ordinal)
                if moment is None:
                    whole = False
                    break
                moments.append(moment)
            self._members.append((start, end))
            start = end
            if not whole:
                self.damage = "it breaks off"
                if moments:
                    last = datetime.fromtimestamp(moments[-1].at, UTC)
                    self.damage += f" after {last:%Y-%m-%d %H:%M:%S} UTC"
                break
        return tuple(moments)


def _moment(line: bytes, member: int, ordinal: int) -> Moment | None:
    """Read the first line of a frame; None when it is none."""
    if not line.startswith(FRAME):
        return None
    try:
        head = codec.read_line(line)
        at = codec.read_number(head["frame"])
        trouble = tuple(codec.read_number(one) for one in head["worst"])
    except codec.UNREADABLE:
        return None
    return Moment(at, trouble, member, ordinal) if 0 <= at < LATEST else None


def _facts(header: Mapping[str, Any]) -> dict[str, str]:
    facts = header.get("facts")
    return {str(k): str(v) for k, v in facts.items()} if isinstance(facts, dict) else {}


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
        header = codec.read_line(text.partition(b"\n")[0])
    except (ValueError, RecursionError) as error:
        raise foreign from error
    if header.get("recording") != codec.KIND:
        raise foreign
    if header.get("version") != codec.VERSION:
        found, by = (str(header.get(key))[:20] for key in ("version", "written_by"))
        raise UsageError(
            f"--replay: {path} has format {found}, and this version reads {codec.VERSION}",
            hint=f"it was written by kubectl-nodedns {by}: use that",
        )
    return start, header


def _unpack(data: bytes, start: int, end: int, most: int) -> tuple[bytes, int, bool]:
    """Unpack one member: its text as far as it goes, where the next begins, whether it is whole.

    No more of it is unpacked than `most` bytes, and what is left of a member is then no member.
    """
    unpacker = zlib.decompressobj(wbits=GZIP)
    parts: list[bytes] = []
    position = start
    size = 0
    drained = True
    while not unpacker.eof and size <= most:
        piece = unpacker.unconsumed_tail
        if not piece and drained:
            if position >= end:
                break
            piece = data[position : min(position + PIECE, end)]
            position += len(piece)
        try:
            parts.append(unpacker.decompress(piece, GROWTH))
        except zlib.error:
            return b"".join(parts), end, False
        drained = len(parts[-1]) < GROWTH
        size += len(parts[-1])
    if not unpacker.eof or size > most:
        return b"".join(parts), end, False
    return b"".join(parts), position - len(unpacker.unused_data), True
