"""A person in front of the screen: looks at it and presses keys; snapshots and clock are fixed."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from kubectl_nodedns.tui.app import TopApp
from kubectl_nodedns.tui.node_table import NodeTable
from kubectl_nodedns.tui.ports import Place
from tests.patience import PATIENCE
from tests.screens.stand_ins import FixedFeed, ports
from tests.unit.metrics.fleets import NOW, mixed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from textual.pilot import Pilot

    from kubectl_nodedns.metrics.fleet import FleetSnapshot
    from kubectl_nodedns.tui.ports import Asker, Examiner, Playback, Reader

PLACE = Place(
    context="prod-eu-1", mode="iptables", kube_dns_ip="10.96.0.10", cluster_domain="cluster.local"
)


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


class Person:
    """Looks at the screen and presses keys."""

    def __init__(self, app: TopApp, pilot: Pilot[None], feed: FixedFeed, clock: Clock) -> None:
        self.app = app
        self.pilot = pilot
        self.feed = feed
        self.clock = clock
        self.noted: list[tuple[str, bool]] = []

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)
        await self.pilot.pause()

    async def tick(self) -> None:
        self.app.tick()
        await self.pilot.pause()

    async def see(self, seen: FleetSnapshot) -> None:
        self.feed.now = seen
        await self.tick()

    async def until(self, wanted: str) -> None:
        """Wait until the screen says `wanted`."""
        for _ in range(int(PATIENCE / 0.05)):
            if wanted in self.text():
                return
            await self.pilot.pause(0.05)
        pytest.fail(f"{wanted!r} did not appear in:\n{self.text()}")

    async def until_not(self, unwanted: str) -> None:
        """Wait until the screen no longer says `unwanted`."""
        for _ in range(int(PATIENCE / 0.05)):
            if unwanted not in self.text():
                return
            await self.pilot.pause(0.05)
        pytest.fail(f"{unwanted!r} stays in:\n{self.text()}")

    def text(self) -> str:
        """Return what is on the screen."""
        strips = self.app.screen._compositor.render_strips()
        return "\n".join("".join(segment.text for segment in strip) for strip in strips)

    def line(self, wanted: str) -> str:
        return next(line for line in self.text().splitlines() if wanted in line)

    def later(self, seconds: float) -> FleetSnapshot:
        """The same rows, seen some seconds later."""
        return replace(self.feed.now, at=self.feed.now.at + seconds)

    @property
    def table(self) -> NodeTable:
        return self.app.screen_stack[1].query_one(NodeTable)

    def names(self) -> list[str]:
        return self.table.in_view()


@asynccontextmanager
async def open_top(
    size: tuple[int, int] = (80, 24),
    *,
    seen: FleetSnapshot | None = None,
    asker: Asker | None = None,
    reader: Reader | None = None,
    examiner: Examiner | None = None,
    playback: Playback | None = None,
    place: Place = PLACE,
    theme: str = "",
    probing: bool = False,
) -> AsyncIterator[Person]:
    feed, clock = FixedFeed(seen or mixed()), Clock()
    noted: list[tuple[str, bool]] = []
    app = TopApp(
        ports=ports(
            feed,
            asker=asker,
            reader=reader,
            examiner=examiner,
            playback=playback,
            note_proof=lambda node, proved: noted.append((node, proved)),
        ),
        place=place,
        theme=theme,
        probing=probing,
        clock=clock,
    )
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        await pilot.pause()
        person = Person(app, pilot, feed, clock)
        person.noted = noted
        yield person
