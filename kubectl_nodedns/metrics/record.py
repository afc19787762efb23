"""Writes snapshots to a file, to be looked at again later (`replay`).

Pages are written as they came, so a replay goes through the same arithmetic as the live screen. The
file is compressed, flushed with each frame, and bounded: at its limit the recording ends, and says
so. The format is in `codec`.
"""

from __future__ import annotations

import asyncio
import json
import threading
import zlib
from typing import TYPE_CHECKING, Any

from kubectl_nodedns import __version__
from kubectl_nodedns.errors import UsageError
from kubectl_nodedns.metrics import codec
from kubectl_nodedns.metrics.row_severity import Severity, severity

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from kubectl_nodedns.metrics.fleet import FleetSnapshot
    from kubectl_nodedns.metrics.node_row import NodeRow
    from kubectl_nodedns.metrics.page import Page

Heard = tuple[str, "Page | None", "Page"]
"""A pod (NAMESPACE/NAME), the page before, and the page."""
LIMIT = 100 * 2**20
"""Bytes at which a recording ends, unless another limit is given."""
LARGEST = 2**30
"""The largest limit that can be given; no more of a file is read."""
MEMBER_FRAMES = 30
"""Frames of a member at least; a replay that jumps reads one member."""
MEMBER_PAGES = 4
"""Pages of each pod in a member at least: its first frame holds two, and is that much larger."""
GZIP = 31
"""zlib's word for "deflate with a gzip header"."""


class Recorder:
    """A recording that is being written.

    Args:
        path: the file; it must not exist.
        facts: what a replay's heading shows and snapshots do not hold, such as the context.
        limit: bytes at which it ends.
        member_frames: frames of a member at least.

    Raises:
        UsageError: the file cannot be made.
    """

    def __init__(
        self,
        path: Path,
        facts: Mapping[str, str],
        *,
        limit: int = LIMIT,
        member_frames: int = MEMBER_FRAMES,
    ) -> None:
        try:
            self._file = path.open("xb")
        except FileExistsError as error:
            raise UsageError(
                f"--record: {path} exists already", hint="give another name, or remove it"
            ) from error
        except OSError as error:
            raise UsageError(f"--record: {path} cannot be written: {error.strerror}") from error
        self.frames = 0
        """Frames written so far."""
        self.problem = ""
        """Why it ended early; empty while it goes on."""
        self._path = path
        self._limit = limit
        self._member_frames = member_frames
        self._turn = threading.RLock()  # a frame may still be written when the end comes
        self._member: Any = None
        self._numbers: dict[codec.Counter, int] = {}
        self._pages: list[Heard] = []
        self._in_member = [0, 0]  # frames and pages
        self._newest: dict[str, tuple[Page | None, Page]] = {}
        self._rows: dict[str, NodeRow] = {}
        header = {
            "recording": codec.KIND,
            "version": codec.VERSION,
            "written_by": __version__,
            "facts": dict(facts),
        }
        packer = zlib.compressobj(wbits=GZIP)
        self._file.write(packer.compress(_line(header)) + packer.flush())

    def heard(self, pod: str, before: Page | None, page: Page) -> None:
        """Take in a page; the sampler calls this for each one that it reads."""
        if not self._ended:
            self._pages.append((pod, before, page))

    async def frame(self, snapshot: FleetSnapshot) -> None:
        """Write a snapshot that was made this moment; nothing once the recording has ended."""
        pages, self._pages = self._pages, []
        if not self._ended:
            await asyncio.to_thread(self._write, snapshot, pages)
        if self._ended:
            self._forget()

    def _write(self, snapshot: FleetSnapshot, pages: list[Heard]) -> None:
        with self._turn:
            if not self._file.closed:
                self._write_frame(snapshot, pages)

    def _write_frame(self, snapshot: FleetSnapshot, pages: list[Heard]) -> None:
        for pod, before, page in pages:
            self._newest[pod] = (before, page)
        frames, written = self._in_member
        full = frames >= self._member_frames and written >= MEMBER_PAGES * len(snapshot.nodes)
        first = self._member is None or full
        self._in_member = [1, 0] if first else [frames + 1, written + len(pages)]
        body = self._whole(snapshot) if first else self._change(snapshot, pages)
        try:
            if first:
                self._finish()
                self._member = zlib.compressobj(wbits=GZIP)
            head = {"frame": snapshot.at, "worst": trouble(snapshot)}
            data = self._member.compress(_line(head) + _line(body))
            self._file.write(data + self._member.flush(zlib.Z_SYNC_FLUSH))
            self._file.flush()
        except OSError as error:
            self.problem = f"the recording has ended: {self._path}: {error.strerror}"
            return
        self.frames += 1
        if self._file.tell() >= self._limit:
            self.problem = (
                f"the recording has ended: {self._path} has reached {self._limit // 2**20} MiB"
            )
            self.close()

    def close(self) -> None:
        """End the file."""
        with self._turn:
            self._forget()
            if self._file.closed:
                return
            try:
                self._finish()
                self._file.close()
            except OSError as error:
                self.problem = f"the recording has ended: {self._path}: {error.strerror}"

    @property
    def _ended(self) -> bool:
        return bool(self.problem) or self._file.closed

    def _forget(self) -> None:
        """Keep no page of what is not written any more: the watching may go on for days."""
        self._pages, self._newest, self._rows = [], {}, {}

    def _finish(self) -> None:
        if self._member is not None:
            self._file.write(self._member.flush(zlib.Z_FINISH))
            self._member = None

    def _whole(self, snapshot: FleetSnapshot) -> dict[str, Any]:
        """Write everything, and the page before the newest, so that rates can be had again."""
        self._numbers = {}
        rows = {row.node.name: row for row in snapshot.nodes}
        sampled = [row.sampled for row in snapshot.nodes if row.sampled]
        self._newest = {s.pod: self._newest[s.pod] for s in sampled if s.pod in self._newest}
        self._rows = rows
        return {
            "about": codec.about(snapshot),
            "rows": {name: _row(row) for name, row in rows.items()},
            "asked": {s.pod: dict(s.asked_at) for s in sampled if s.asked_at},
            "since": {s.pod: s.since for s in sampled if s.since is not None},
            **self._numbered(
                [
                    (pod, base, page)
                    for pod, (before, newest) in self._newest.items()
                    for base, page in ((None, before), (before, newest))
                    if page is not None
                ]
            ),
        }

    def _change(self, snapshot: FleetSnapshot, pages: list[Heard]) -> dict[str, Any]:
        """Write what is other than in the frame before."""
        rows = {row.node.name: row for row in snapshot.nodes}
        changed = {
            name: _row(row, self._rows.get(name))
            for name, row in rows.items()
            if row is not self._rows.get(name)
        }
        gone = [name for name in self._rows if name not in rows]
        self._rows = rows
        return {
            "about": codec.about(snapshot),
            "rows": changed,
            "gone": gone,
            **self._numbered(pages),
        }

    def _numbered(self, pages: list[Heard]) -> dict[str, Any]:
        """Write pages by the numbers of their counters, and the numbers that are new."""
        new: list[list[Any]] = []
        written: list[list[Any]] = []
        for pod, before, page in pages:
            values = codec.counters(page)
            earlier = codec.counters(before) if before else {}
            kind = codec.FIRST if not before else codec.CHANGED
            if not earlier.keys() <= values.keys():
                kind = codec.WHOLE
            changed: dict[str, float] = {}
            for counter, value in values.items():
                if kind != codec.CHANGED or earlier.get(counter) != value:
                    if counter not in self._numbers:
                        self._numbers[counter] = len(self._numbers)
                        new.append([counter[0].name, *counter[1]])
                    changed[str(self._numbers[counter])] = codec.number(value)
            written.append([pod, page.at, kind, changed])
        return {"counters": new, "pages": written}


def trouble(snapshot: FleetSnapshot) -> list[float]:
    """Say how bad a moment is, to compare: bad rows, failures/s, rows of note, p99 in seconds."""
    found = [severity(row, snapshot) for row in snapshot.nodes]
    p99 = snapshot.fleet.traffic.p99
    return [
        found.count(Severity.BAD),
        round(snapshot.fleet.traffic.failures or 0.0, 3),
        found.count(Severity.NOTE),
        round(p99.seconds, 6) if p99 else 0.0,
    ]


def _row(row: NodeRow, before: NodeRow | None = None) -> dict[str, Any]:
    """Write a row without its figures: what is other than before, or everything."""
    written: dict[str, Any] = {}
    if before is None or row.node != before.node:
        written["node"] = codec.flat(row.node)
    if before is None or row.pods != before.pods:
        written["pods"] = [codec.flat(pod) for pod in row.pods]
    if before is None or row.detail != before.detail:
        written["detail"] = codec.flat(row.detail)
    written["proved_at"] = row.proved_at
    written["refuted_at"] = row.refuted_at
    written["dark"] = row.dark
    if row.sampled is not None:
        written["sampled"] = [row.sampled.pod, row.sampled.error, row.sampled.failed_at]
    return written


def _line(data: dict[str, Any]) -> bytes:
    return json.dumps(data, separators=(",", ":")).encode() + b"\n"
