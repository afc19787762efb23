"""Plays a recording: a feed of snapshots that can be stopped, stepped and searched.

The same arithmetic as live: pages become figures, figures a snapshot. Time is the recording's own:
a snapshot is at the moment when it was recorded, and so are all ages.
"""

from __future__ import annotations

import time
from bisect import bisect_right
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from kubectl_nodedns.facts.cache_pods import CachePod
from kubectl_nodedns.facts.nodes import natural
from kubectl_nodedns.metrics import codec
from kubectl_nodedns.metrics.figures import asked_addresses, figures
from kubectl_nodedns.metrics.fleet import FleetSnapshot, totals
from kubectl_nodedns.metrics.inventory import Node
from kubectl_nodedns.metrics.node_row import NodeRow
from kubectl_nodedns.metrics.pod_details import Detail
from kubectl_nodedns.metrics.sampler import Sampled

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from kubectl_nodedns.metrics.page import Page
    from kubectl_nodedns.metrics.recording import Moment, Recording

SPEEDS = (0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0)
"""Recorded seconds that pass in a second."""


class Player:
    """A feed that shows a recording.

    Args:
        recording: what to show.
        playing: whether it runs from the start on.
        clock: tells seconds that only rise.
    """

    def __init__(
        self,
        recording: Recording,
        *,
        playing: bool = True,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.recording = recording
        self.playing = playing
        """Whether time passes; it stops by itself at the end."""
        self.speed = 1.0
        """Recorded seconds that pass in a second."""
        self._clock = clock
        self._index = 0
        self._since = (clock(), recording.moments[0].at)
        self._member = -1
        self._bodies: list[dict[str, Any]] = []
        self._state = State()
        self._shown: tuple[int, FleetSnapshot] | None = None
        self.unreadable = ""
        """Why there is nothing in the frame that is shown; empty when there is."""

    @property
    def moments(self) -> tuple[Moment, ...]:
        """All frames: their times, and how bad each was (`trouble`), for a time line."""
        return self.recording.moments

    @property
    def index(self) -> int:
        """The frame that is shown, from 0."""
        return self._index

    @property
    def at(self) -> float:
        """When the frame that is shown was recorded, in Unix seconds."""
        return self.moments[self._index].at

    def play(self) -> None:
        """Let time pass; from the start again when it is at the end."""
        if self._index == len(self.moments) - 1:
            self._go(0)
        self.playing = True
        self._since = (self._clock(), self.at)

    def pause(self) -> None:
        """Stop at the frame that is shown."""
        self._advance()
        self.playing = False

    def toggle(self) -> None:
        """Pause or play."""
        if self.playing:
            self.pause()
        else:
            self.play()

    def step(self, frames: int) -> None:
        """Pause, and go some frames on, or back when negative."""
        self.pause()
        self._go(self._index + frames)

    def skip(self, seconds: float) -> None:
        """Go some seconds on, or back when negative, at least one frame; goes on playing."""
        self._advance()
        before = self._index
        self.seek(self.at + seconds)
        if self._index == before:
            self._go(before + (1 if seconds > 0 else -1))

    def seek(self, at: float) -> None:
        """Go to the last frame that is not after `at` (Unix seconds); goes on playing."""
        self._go(bisect_right(self.moments, at, key=lambda moment: moment.at) - 1)

    def worst(self) -> None:
        """Pause at the worst moment: most nodes in trouble, then most failures; the first such."""
        self.playing = False
        self._go(max(range(len(self.moments)), key=lambda i: (self.moments[i].trouble, -i)))

    def faster(self) -> None:
        """Take the next higher speed."""
        self._set_speed(next((s for s in SPEEDS if s > self.speed), SPEEDS[-1]))

    def slower(self) -> None:
        """Take the next lower speed."""
        self._set_speed(next((s for s in reversed(SPEEDS) if s < self.speed), SPEEDS[0]))

    def look_at(self, nodes: Collection[str]) -> None:
        """Do nothing: what is recorded is there."""

    def snapshot(self) -> FleetSnapshot:
        """Return the frame that is to be shown now; an empty one where it cannot be read."""
        self._advance()
        if self._shown is None or self._shown[0] != self._index:
            self.unreadable = ""
            try:
                shown = self._read(self._index)
            except codec.UNREADABLE as error:
                self._member = -1  # what it said so far is not to be gone on with
                self.unreadable = (
                    f"frame {self._index + 1} of {self.recording.path} was not written by top "
                    f"--record: {type(error).__name__}"
                )
                shown = _nothing(self.at, self.unreadable)
            self._shown = (self._index, shown)
        return self._shown[1]

    def _set_speed(self, speed: float) -> None:
        self._advance()
        self.speed = speed
        self._since = (self._clock(), self.at)

    def _go(self, index: int) -> None:
        self._index = min(max(index, 0), len(self.moments) - 1)
        self._since = (self._clock(), self.at)

    def _advance(self) -> None:
        if not self.playing:
            return
        started, from_at = self._since
        now = from_at + (self._clock() - started) * self.speed
        index = bisect_right(self.moments, now, key=lambda moment: moment.at) - 1
        self._index = max(self._index, index)
        if self._index == len(self.moments) - 1:
            self.playing = False

    def _read(self, index: int) -> FleetSnapshot:
        moment = self.moments[index]
        if moment.member != self._member:
            self._bodies = self.recording.bodies(moment.member)
            self._member = moment.member
            self._state = State()
        elif self._state.applied > moment.ordinal:
            self._state = State()
        while self._state.applied <= moment.ordinal:
            self._state.apply(self._bodies[self._state.applied])
        return self._state.snapshot(moment.at)


class State:
    """Everything that the frames of a member have said so far.

    Figures are made when a frame is shown, not for each page on the way there.
    """

    def __init__(self) -> None:
        self.applied = 0
        """Frames taken in."""
        self._about: dict[str, Any] = {}
        self._rows: dict[str, NodeRow] = {}
        self._scraped: dict[str, tuple[str, str, float | None] | None] = {}
        self._changed: set[str] = set()
        self._counters: list[codec.Counter] = []
        self._values: dict[str, dict[codec.Counter, float]] = {}
        self._pages: dict[str, tuple[Page | None, Page]] = {}
        self._asked: dict[str, dict[str, float]] = {}
        self._since: dict[str, float] = {}

    def apply(self, body: Mapping[str, Any]) -> None:
        """Take in the next frame."""
        self._about = codec.read_about(body["about"])
        self._counters += [codec.read_counter(counter) for counter in body["counters"]]
        for pod, at, kind, values in body["pages"]:
            page = self._page(pod, codec.read_number(at), values, whole=kind != codec.CHANGED)
            self._take(pod, page, first=kind == codec.FIRST)
        for pod, asked in body.get("asked", {}).items():
            self._asked[pod] = {ip: codec.read_number(at) for ip, at in asked.items()}
        for pod, since in body.get("since", {}).items():
            self._since[pod] = codec.read_number(since)
        for name in body.get("gone", ()):
            del self._rows[name]
        for name, data in body["rows"].items():
            self._rows[name] = _row(name, data, self._rows.get(name))
            self._scraped[name] = _scraped(data.get("sampled"))
            self._changed.add(name)
        self.applied += 1

    def snapshot(self, at: float) -> FleetSnapshot:
        """Put a snapshot together."""
        for name in self._changed & self._rows.keys():
            self._rows[name] = replace(self._rows[name], sampled=self._sampled(name))
        self._changed.clear()
        about = self._about
        rows = tuple(self._rows[name] for name in sorted(self._rows, key=natural))
        fleet = totals(
            rows,
            at=at,
            interval=about["interval"],
            caches=about["caches"],
            coredns_ips=about["coredns_ips"],
        )
        return FleetSnapshot(at=at, fleet=fleet, nodes=rows, **about)

    def _page(self, pod: str, at: float, values: Mapping[str, float], *, whole: bool) -> Page:
        read = {
            self._counters[int(number)]: codec.read_number(value)
            for number, value in values.items()
        }
        if whole:
            self._values[pod] = read
        else:
            self._values[pod].update(read)
        return codec.page_of(at, self._values[pod])

    def _take(self, pod: str, page: Page, *, first: bool) -> None:
        before = None if first or pod not in self._pages else self._pages[pod][1]
        self._pages[pod] = (before, page)
        self._since[pod] = page.at if first else self._since.get(pod, page.at)
        asked = {} if first else self._asked.get(pod, {})
        self._asked[pod] = {**asked, **dict.fromkeys(asked_addresses(before, page), page.at)}

    def _sampled(self, name: str) -> Sampled | None:
        scraped = self._scraped[name]
        if scraped is None:
            return None
        pod, error, failed_at = scraped
        before, page = self._pages.get(pod, (None, None))
        return Sampled(
            pod=pod,
            figures=figures(before, page) if page else None,
            error=error,
            failed_at=failed_at,
            asked_at=self._asked.get(pod, {}),
            since=self._since.get(pod),
            page=page,
        )


def _nothing(at: float, why: str) -> FleetSnapshot:
    """Return a snapshot without a node, that says why."""
    return FleetSnapshot(
        at=at,
        caches=(),
        fleet=totals((), at=at, interval=0.0, caches=(), coredns_ips=()),
        nodes=(),
        source="recording",
        interval=0.0,
        problems=(why,),
    )


def _scraped(data: Any) -> tuple[str, str, float | None] | None:
    if not data:
        return None
    pod, error, failed_at = data
    return str(pod), str(error), _time(failed_at)


def _time(value: Any) -> float | None:
    return None if value is None else codec.read_number(value)


def _row(name: str, data: Mapping[str, Any], before: NodeRow | None) -> NodeRow:
    """Read what is other than before; what was scraped is filled in later."""
    changed: dict[str, Any] = {
        "sampled": None,
        "proved_at": _time(data.get("proved_at")),
        "refuted_at": _time(data.get("refuted_at")),
        "dark": bool(data.get("dark")),
    }
    if "pods" in data:
        changed["pods"] = tuple(codec.whole(CachePod, pod) for pod in data["pods"])
    if "detail" in data:
        changed["detail"] = codec.unflat(Detail, data["detail"])
    if "node" in data:
        changed["node"] = codec.whole(Node, data["node"])
    row = replace(before, **changed) if before else NodeRow(**changed)
    if row.node.name != name:
        raise ValueError("a row under another node's name")
    return row
