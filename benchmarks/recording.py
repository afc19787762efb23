"""What a recording costs: milliseconds a frame, bytes an hour, and a jump while it is played.

A made-up fleet under load, all pods read every two seconds or as fast as the cap of 100 pages a
second allows. CPU is this process's own. Run: python benchmarks/recording.py
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).parent.parent))

from kubectl_nodedns.metrics.page import Page, read_page
from kubectl_nodedns.metrics.record import Recorder
from kubectl_nodedns.metrics.recording import Recording
from kubectl_nodedns.metrics.replay import Player
from kubectl_nodedns.metrics.sampler import Sampled
from kubectl_nodedns.metrics.source import SCRAPES_PER_SECOND
from tests.unit.metrics import fleets, pages

FRAMES = 60
REFRESH = 2.0


def page(count: int, at: float) -> Page:
    """A page of four zones after `count` lookups of each."""
    zones = tuple(
        pages.ZoneLoad(name=name, fast=count, slow=count // 50, hits=count // 2, entries=40)
        for name in ("cluster.local.", "in-addr.arpa.", "ip6.arpa.", ".")
    )
    upstream = pages.UpstreamLoad(to="10.96.77.12:53", noerror=count // 3)
    return read_page(pages.page(pages.Load(zones=zones, upstreams=(upstream,))), at=at)


async def record(path: Path, nodes: int, series: list[Page]) -> list[float]:
    """Record; return the CPU milliseconds of each frame."""
    snapshot = fleets.large(nodes)
    rows = list(snapshot.nodes)
    recorder = Recorder(path, {}, limit=2**40)
    newest: dict[int, Page] = {}
    each = min(nodes, int(SCRAPES_PER_SECOND * REFRESH))
    spent = []
    for frame in range(FRAMES):
        for turn in range(each):
            number = (frame * each + turn) % nodes
            new, row = series[frame], rows[number]
            name = f"pod-{number}"
            recorder.heard(name, newest.get(number), new)
            known = Sampled(pod=name).after(newest.get(number), new)
            newest[number] = new
            rows[number] = replace(row, sampled=known)
        shown = replace(snapshot, at=fleets.NOW + REFRESH * frame, nodes=tuple(rows))
        start = time.process_time()
        await recorder.frame(shown)
        spent.append(1000 * (time.process_time() - start))
    recorder.close()
    return spent


def main() -> None:
    print(f"{FRAMES} frames, one each {REFRESH:g} s")
    print("{:>6}{:>12}{:>12}{:>12}{:>12}".format("nodes", "frame", "longest", "MiB/hour", "jump"))
    series = [page(400 * n, fleets.NOW + REFRESH * n) for n in range(FRAMES + 1)]
    for nodes in (3, 100, 500):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "top.rec"
            spent = asyncio.run(record(path, nodes, series))
            size = path.stat().st_size / (FRAMES * REFRESH) * 3600 / 2**20
            player = Player(Recording(path), playing=False)
            jumps = []
            for part in (0.9, 0.1, 0.6, 0.3):
                start = time.process_time()
                player.seek(fleets.NOW + part * FRAMES * REFRESH)
                player.snapshot()
                jumps.append(1000 * (time.process_time() - start))
        print(
            f"{nodes:6}{median(spent):9.1f} ms{max(spent):9.1f} ms{size:12.1f}"
            f"{median(jumps):9.0f} ms"
        )


if __name__ == "__main__":
    main()
