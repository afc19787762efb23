"""A recording gives the snapshots back that were live, and says what is wrong with a file."""

from __future__ import annotations

import gc
import gzip
import json
import random
import weakref
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from kubectl_nodedns.errors import ApiError, UsageError
from kubectl_nodedns.metrics.capacity import Capacity
from kubectl_nodedns.metrics.document import document
from kubectl_nodedns.metrics.fleet import FleetSnapshot, Load, totals
from kubectl_nodedns.metrics.node_row import NodeRow
from kubectl_nodedns.metrics.page import read_page
from kubectl_nodedns.metrics.pod_details import Detail
from kubectl_nodedns.metrics.record import Recorder, trouble
from kubectl_nodedns.metrics.recording import Recording
from kubectl_nodedns.metrics.replay import Player
from kubectl_nodedns.metrics.sampler import Sampler
from tests.unit.metrics import fleets
from tests.unit.metrics.fleets import NOW, node, pod
from tests.unit.metrics.pages import Load as PageLoad
from tests.unit.metrics.pages import UpstreamLoad, ZoneLoad, page

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from kubectl_nodedns.facts.cache_pods import CachePod
    from kubectl_nodedns.metrics.page import Page

CACHE = replace(
    fleets.CACHE, capacity=Capacity(total=19968, success={".": 9984}, denial={".": 9984})
)
FACTS = {"context": "prod", "mode": "iptables"}


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


class Caches:
    """A source of pods that are busy, restart, and fail now and then; the same each time."""

    name = "pod proxy"
    interval = 0.0

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.luck = random.Random(6)
        self.counts: dict[str, list[int]] = {}

    async def pages(self, pod: CachePod) -> Sequence[Page]:
        counts = self.counts.setdefault(pod.name, [0, 0, 0, int(NOW) - 500])
        if self.luck.random() < 0.1:
            counts[:] = [0, 0, 0, int(self.clock.now)]
        if self.luck.random() < 0.1:
            raise ApiError("no answer within 5 s")
        counts[0] += self.luck.randrange(100)
        counts[1] += self.luck.randrange(10)
        zone = ZoneLoad(
            name=".", fast=counts[0], slow=counts[1], hits=counts[0], servfail=counts[2]
        )
        upstreams = (UpstreamLoad(to="10.96.0.9:53", noerror=counts[1]),) if counts[1] > 9 else ()
        load = PageLoad(zones=(zone,), upstreams=upstreams, started=counts[3])
        return (read_page(page(load), at=self.clock.now),)


class Live:
    """What is recorded: three nodes, and one that comes and goes."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.sampler = Sampler(Caches(self.clock), clock=self.clock, per_second=1e6)
        self.luck = random.Random(7)
        self.rows: dict[str, NodeRow] = {}

    async def tick(self) -> FleetSnapshot:
        self.clock.now += 2.0
        names = ["node1", "node2", "node10"] + (["node3"] if self.luck.random() < 0.5 else [])
        pods = {name: (pod(name, restarts=self.luck.randrange(2)),) for name in names[:-1]}
        self.sampler.follow(some[0] for some in pods.values())
        await self.sampler.scrape_all()
        rows = []
        for name in names:
            row = NodeRow(
                node=node(name, ready=self.luck.random() < 0.9),
                pods=pods.get(name, ()),
                sampled=self.sampler.sampled(pods[name][0].where) if name in pods else None,
                detail=Detail(reason="tainted") if name not in pods else None,
                proved_at=self.clock.now if self.luck.random() < 0.2 else None,
            )
            known = self.rows.get(name)
            self.rows[name] = known if known == row else row
            rows.append(self.rows[name])
        at = self.clock.now + 0.5
        ips = ("10.96.0.9",)
        return FleetSnapshot(
            at=at,
            caches=(CACHE,),
            fleet=totals(rows, at=at, interval=2.0, caches=(CACHE,), coredns_ips=ips),
            nodes=tuple(sorted(rows, key=lambda r: int(r.node.name[4:]))),
            source="pod proxy",
            interval=2.0,
            load=Load(requests_per_second=1.5, bytes_per_second=at),
            problems=("one",) if self.luck.random() < 0.3 else (),
            coredns_ips=ips,
        )


async def recorded(path: Path, frames: int, **options: Any) -> list[FleetSnapshot]:
    """Record some frames; return what was live."""
    live = Live()
    recorder = Recorder(path, FACTS, member_frames=7, **options)
    live.sampler._heard = recorder.heard
    seen = []
    for _ in range(frames):
        seen.append(await live.tick())
        await recorder.frame(seen[-1])
    recorder.close()
    return seen


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "top.rec"


def size(path: Path) -> int:
    return path.stat().st_size


def cut(path: Path, kept: float) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * kept)])


def scratch(path: Path) -> None:
    data = bytearray(path.read_bytes())
    half = len(data) // 2
    data[half : half + 40] = bytes(40)
    path.write_bytes(data)


def same(one: FleetSnapshot, other: FleetSnapshot) -> None:
    assert document(one) == document(other)
    assert one == other


async def test_a_replay_gives_every_snapshot_back(path: Path) -> None:
    seen = await recorded(path, 40)
    player = Player(Recording(path), playing=False)
    assert player.recording.facts == FACTS
    assert player.recording.damage == ""
    for index, live in enumerate(seen):
        same(player.snapshot(), live)
        assert player.index == index
        player.step(1)
    assert sum(any(row.sampled and row.sampled.error for row in one.nodes) for one in seen) > 3


async def test_any_frame_can_be_jumped_to(path: Path) -> None:
    seen = await recorded(path, 40)
    player = Player(Recording(path), playing=False)
    luck = random.Random(8)
    for index in (luck.randrange(40) for _ in range(30)):
        player.seek(seen[index].at + 0.1)
        same(player.snapshot(), seen[index])


async def test_what_was_recorded_since_the_start_is_there_too(path: Path) -> None:
    seen = await recorded(path, 10)
    player = Player(Recording(path), playing=False)
    player.seek(seen[-1].at)
    for ours, live in zip(player.snapshot().nodes, seen[-1].nodes, strict=True):
        assert ours.since_start == live.since_start


async def test_time_passes_at_the_speed_that_is_chosen_and_stops_at_the_end(path: Path) -> None:
    seen = await recorded(path, 20)
    clock = Clock()
    player = Player(Recording(path), clock=clock)
    assert player.snapshot().at == seen[0].at
    clock.now += 4.0
    assert player.snapshot().at == seen[2].at
    player.faster()
    assert player.speed == 2.0
    clock.now += 4.0
    assert player.snapshot().at == seen[6].at
    player.pause()
    clock.now += 100.0
    assert player.snapshot().at == seen[6].at
    player.play()
    player.slower()
    clock.now += 2.0
    assert player.snapshot().at == seen[7].at
    player.skip(-4.0)
    assert player.snapshot().at == seen[5].at
    player.skip(0.5)
    assert player.snapshot().at == seen[6].at
    clock.now += 1000.0
    assert player.snapshot().at == seen[-1].at
    assert not player.playing
    player.toggle()
    assert player.snapshot().at == seen[0].at
    player.step(-1)
    assert player.snapshot().at == seen[0].at


async def test_the_worst_moment_is_found(path: Path) -> None:
    seen = await recorded(path, 40)
    player = Player(Recording(path))
    player.worst()
    most = max(trouble(one) for one in seen)
    assert trouble(player.snapshot()) == most
    assert player.at == next(one.at for one in seen if trouble(one) == most)
    assert not player.playing


async def test_a_recording_ends_at_its_limit(path: Path) -> None:
    live = Live()
    recorder = Recorder(path, FACTS, limit=2000)
    for _ in range(200):
        await recorder.frame(await live.tick())
    assert "has reached" in recorder.problem
    assert size(path) < 6000
    assert len(Recording(path).moments) == recorder.frames


@pytest.mark.parametrize("end", ["the limit", "a full disk", "closed"])
async def test_no_page_is_kept_when_the_recording_has_ended(path: Path, end: str) -> None:
    live = Live()
    recorder = Recorder(path, FACTS, limit=2000)
    live.sampler._heard = recorder.heard
    if end == "the limit":
        while not recorder.problem:
            await recorder.frame(await live.tick())
    elif end == "a full disk":
        recorder._file = open("/dev/full", "wb", buffering=0)  # noqa: SIM115, PTH123, ASYNC230
        await recorder.frame(await live.tick())
        assert "has ended" in recorder.problem
    else:
        await recorder.frame(await live.tick())
        recorder.close()
    for _ in range(3):
        seen = await live.tick()
    kept = [weakref.ref(row.sampled.page) for row in seen.nodes if row.sampled]
    del seen
    for _ in range(3):
        await live.tick()
    gc.collect()
    assert kept
    assert [page for page in kept if page() is not None] == []


async def test_a_recording_is_small(path: Path) -> None:
    seen = await recorded(path, 40)
    plain = sum(len(json.dumps(document(one))) for one in seen)
    assert size(path) * 10 < plain


async def test_a_writer_that_was_killed_leaves_what_it_has_seen(path: Path) -> None:
    live = Live()
    recorder = Recorder(path, FACTS)
    live.sampler._heard = recorder.heard
    seen = []
    for _ in range(10):
        seen.append(await live.tick())
        await recorder.frame(seen[-1])
    player = Player(Recording(path), playing=False)
    assert "breaks off after" in player.recording.damage
    player.step(100)
    same(player.snapshot(), seen[-1])


@pytest.mark.parametrize("kept", [0.3, 0.5, 0.9, 0.99])
async def test_a_file_that_is_cut_is_read_up_to_there(path: Path, kept: float) -> None:
    seen = await recorded(path, 40)
    cut(path, kept)
    player = Player(Recording(path), playing=False)
    assert "breaks off" in player.recording.damage
    count = len(player.moments)
    assert 0 < count < 40
    player.step(100)
    same(player.snapshot(), seen[count - 1])


async def test_a_damaged_file_is_read_up_to_there(path: Path) -> None:
    await recorded(path, 40)
    scratch(path)
    recording = Recording(path)
    assert recording.damage
    assert 0 < len(recording.moments) < 40


def foreign(content: bytes) -> Callable[[Path], None]:
    return lambda path: path.write_bytes(content) and None


def packed(**header: Any) -> bytes:
    return gzip.compress(json.dumps(header).encode() + b"\n")


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda path: None, "cannot be read: No such file"),
        (foreign(b""), "is no recording"),
        (foreign(b"hello"), "is no recording"),
        (foreign(gzip.compress(b"hello")), "is no recording"),
        (foreign(gzip.compress(b"[1]\n")), "is no recording"),
        (foreign(b"\x1f\x8b garbage"), "is no recording"),
        (foreign(packed(recording="kubectl-nodedns/top", version=9)), "has format 9"),
        (foreign(packed(recording="kubectl-nodedns/top", version=1)), "holds no frame"),
    ],
)
def test_a_file_that_is_something_else_is_told(
    path: Path, make: Callable[[Path], None], words: str
) -> None:
    make(path)
    with pytest.raises(UsageError, match=words):
        Recording(path)


def test_a_file_is_never_overwritten(path: Path) -> None:
    path.write_text("mine")
    with pytest.raises(UsageError, match="exists already"):
        Recorder(path, FACTS)
    with pytest.raises(UsageError, match="cannot be written"):
        Recorder(path.parent / "none" / "x", FACTS)
    assert path.read_text() == "mine"
