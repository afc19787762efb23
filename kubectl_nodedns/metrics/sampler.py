"""When which pod is scraped, and the newest figures of each.

The API server does not protect itself against requests through pods/proxy: they bypass its
fairness and its limit of requests in flight. So there is a cap here, and nothing goes around it.
Rows that a person looks at come first, the rest in rotation; a pod that fails is left alone for a
while; nothing that goes wrong with one pod touches another.
"""

from __future__ import annotations

import asyncio
import random
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from kubectl_nodedns.errors import NodednsError
from kubectl_nodedns.metrics.exposition import ExpositionError
from kubectl_nodedns.metrics.figures import figures
from kubectl_nodedns.metrics.source import SCRAPES_PER_SECOND

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from kubectl_nodedns.facts.cache_pods import CachePod
    from kubectl_nodedns.metrics.page import Page
    from kubectl_nodedns.metrics.source import Source
    from kubectl_nodedns.metrics.traffic import Figures

IN_FLIGHT = 24
"""Scrapes at the same time."""
BACK_OFF_SECONDS = 60.0
"""Longest pause before a failing pod is tried again."""
TICK_SECONDS = 0.1
"""How often due scrapes are looked for."""


@dataclass(frozen=True, kw_only=True)
class Sampled:
    """What is known of one pod from its pages."""

    pod: str
    """The pod, as NAMESPACE/NAME."""
    figures: Figures | None = None
    """From the newest good page; None before the first one."""
    error: str = ""
    """Why the last scrape failed; empty when it did not."""
    failed_at: float | None = None
    """When it failed, in Unix seconds."""
    asked_at: Mapping[str, float] = field(default_factory=dict)
    """When lookups to each listen address were last seen to come in, in Unix seconds."""
    since: float | None = None
    """When its first page came, in Unix seconds; None before that."""
    page: Page | None = field(default=None, compare=False, repr=False)
    """The newest good page itself: counters since process start."""

    def after(self, before: Page | None, page: Page) -> Sampled:
        """Return what is known when `page` came after `before`."""
        new = figures(before, page)
        asked = {ip: page.at for ip, rate in new.address_rates.items() if rate > 0}
        return Sampled(
            pod=self.pod,
            figures=new,
            asked_at={**self.asked_at, **asked},
            since=page.at if self.since is None else self.since,
            page=page,
        )


@dataclass
class _Track:
    """The sampler's book on one pod."""

    pod: CachePod
    sampled: Sampled
    due: float = 0.0
    failures: int = 0
    running: bool = False


class Sampler:
    """Scrapes pods and keeps the newest figures.

    Args:
        source: where pages come from.
        interval: seconds between two scrapes of a pod that is looked at.
        per_second: cap on scrapes per second.
        in_flight: cap on scrapes at the same time.
        clock: tells Unix seconds.
        heard: is told of each new page: the pod (NAMESPACE/NAME), the page before, the page.
    """

    def __init__(
        self,
        source: Source,
        *,
        interval: float = 2.0,
        per_second: float = SCRAPES_PER_SECOND,
        in_flight: int = IN_FLIGHT,
        clock: Callable[[], float] = time.time,
        heard: Callable[[str, Page | None, Page], None] | None = None,
    ) -> None:
        self.source = source
        self.scrapes = 0
        """Scrapes tried so far."""
        self._interval = interval
        self._heard = heard
        self._per_second = per_second
        self._clock = clock
        self._tracks: dict[str, _Track] = {}
        self._looked_at: frozenset[str] = frozenset()
        self._in_flight = in_flight
        self._slots = asyncio.Semaphore(in_flight)
        self._running: set[asyncio.Task[None]] = set()

    @property
    def interval(self) -> float:
        """Seconds between two pages of a pod, when all goes well."""
        return max(self._interval, self.source.interval)

    def sampled(self, pod: str) -> Sampled | None:
        """Return what is known of a pod (NAMESPACE/NAME); None when it is not scraped."""
        track = self._tracks.get(pod)
        return track.sampled if track else None

    def follow(self, pods: Iterable[CachePod]) -> None:
        """Scrape these pods from now on, and forget all others."""
        known = self._tracks
        self._tracks = {}
        for pod in pods:
            track = known.get(pod.where) or _Track(pod=pod, sampled=Sampled(pod=pod.where))
            track.pod = pod
            self._tracks[pod.where] = track

    def look_at(self, pods: Collection[str]) -> None:
        """Scrape these pods before all others."""
        self._looked_at = frozenset(pods)

    async def scrape_all(self) -> None:
        """Scrape each pod once, within the cap."""
        async with asyncio.TaskGroup() as tasks:
            for track in list(self._tracks.values()):
                tasks.create_task(self._scrape(track))
                await asyncio.sleep(1 / self._per_second)

    async def run(self) -> None:
        """Scrape for ever, until cancelled."""
        loop = asyncio.get_running_loop()
        credit = 1.0
        last = loop.time()
        async with asyncio.TaskGroup() as tasks:
            while True:
                now = loop.time()
                # What was not used is not saved up: a cap, not an average.
                credit = min(credit + (now - last) * self._per_second, self._burst())
                last = now
                for track in self._due(int(credit)):
                    credit -= 1
                    track.running = True
                    task = tasks.create_task(self._scrape(track))
                    self._running.add(task)
                    task.add_done_callback(self._running.discard)
                await asyncio.sleep(TICK_SECONDS)

    def _burst(self) -> float:
        return max(1.0, 2 * TICK_SECONDS * self._per_second)

    def _due(self, most: int) -> Sequence[_Track]:
        """Choose what to scrape now: what is looked at first, then what is longest overdue."""
        free = min(most, self._in_flight - len(self._running))
        if free < 1:
            return ()
        now = self._clock()
        due = [t for t in self._tracks.values() if t.due <= now and not t.running]
        due.sort(key=lambda t: (t.pod.where not in self._looked_at, t.due))
        return due[:free]

    async def _scrape(self, track: _Track) -> None:
        """Read one page; whatever goes wrong ends up in the pod's own book."""
        self.scrapes += 1
        track.running = True
        try:
            async with self._slots:
                pages = await self.source.pages(track.pod)
            self._read(track, pages)
        except NodednsError as error:
            self._failed(track, str(error))
        except ExpositionError as error:
            self._failed(track, f"the metrics page cannot be read: {error}")
        except Exception as error:  # noqa: BLE001 - what is on one page ends no other's reading
            self._failed(track, f"the metrics page cannot be read: unexpected {_kind(error)}")
        finally:
            track.running = False

    def _read(self, track: _Track, pages: Sequence[Page]) -> None:
        track.failures = 0
        if track.sampled.error:
            track.sampled = replace(track.sampled, error="", failed_at=None)
        for page in pages:
            before = track.sampled.page
            if before is None or page.at > before.at:
                track.sampled = track.sampled.after(before, page)
                if self._heard:
                    self._heard(track.pod.where, before, page)
        # A source with an interval of its own is asked soon after it should have a new page.
        newest = pages[-1].at + self.source.interval if pages else 0.0
        track.due = max(newest, self._clock()) + self._jittered(self._interval)

    def _failed(self, track: _Track, error: str) -> None:
        now = self._clock()
        track.failures += 1
        pause = min(self._interval * 2**track.failures, BACK_OFF_SECONDS)
        track.due = now + self._jittered(pause)
        track.sampled = replace(track.sampled, error=error, failed_at=now)

    def _jittered(self, seconds: float) -> float:
        """Spread scrapes out, so that a fleet found in one instant is not asked in one."""
        return seconds * random.uniform(0.9, 1.1)  # noqa: S311 - not cryptography


def _kind(error: Exception) -> str:
    return type(error).__name__
