"""Frozen moments of the screen: what the picture tests compare and the documents show.

A fleet with a node of each kind, and a past: the same figures, the same clock, on every machine.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from kubectl_nodedns.tui.app import TopApp
from kubectl_nodedns.tui.ports import Place
from tests.screens.stand_ins import FixedAsker, FixedExaminer, FixedFeed, Found, ports
from tests.unit.metrics.fleets import NOW, large, mixed, snapshot, traffic

if TYPE_CHECKING:
    from kubectl_nodedns.metrics.fleet import FleetSnapshot
    from kubectl_nodedns.metrics.node_row import NodeRow

PLACE = Place(
    context="prod-eu-1", mode="iptables", kube_dns_ip="10.96.0.10", cluster_domain="cluster.local"
)
PAST_SECONDS = 110
STEP_SECONDS = 2
BAD = "ip-10-0-3-17"
FOUND = (
    Found(
        code="ND021",
        severity="error",
        subject=f"node {BAD}",
        seen="5.0 % of its lookups fail (SERVFAIL)",
        matters="pods on that node see errors for names that resolve elsewhere",
        way_out="look at the cache's log there (4), and at the upstream 10.96.77.12",
    ),
    Found(
        code="ND012",
        severity="warning",
        subject="node ip-10-0-2-44",
        seen="the cache uses 119 of 128 Mi",
        matters="a cache that is killed for memory leaves its rules behind",
        way_out="raise the limit: kubectl nodedns enable --memory-limit 256Mi",
    ),
)


@dataclass(frozen=True, kw_only=True)
class Picture:
    """One picture."""

    name: str
    """Its name."""
    size: tuple[int, int]
    """Columns and lines."""
    keys: tuple[str, ...] = ()
    """What is pressed before it is taken."""
    theme: str = "dark"
    """Short name of the theme."""
    nodes: int = 0
    """Nodes of a large fleet; 0 for the one with a node of each kind."""


PICTURES = (
    Picture(name="fleet", size=(120, 30)),
    Picture(name="fleet-80x24", size=(80, 24)),
    Picture(name="fleet-light", size=(120, 30), theme="colour-blind-light"),
    Picture(name="node", size=(160, 48), keys=("down", "down", "down", "enter")),
    Picture(name="logs", size=(120, 24), keys=("down", "down", "down", "enter", "4")),
    Picture(name="lookup", size=(120, 30), keys=("t",)),
    Picture(name="findings", size=(120, 24), keys=("f",)),
    Picture(name="heat-map", size=(102, 40), keys=("h", "F"), nodes=2500),
)


async def take(picture: Picture) -> tuple[str, str]:
    """Return what a person sees, as text and as SVG."""
    feed = FixedFeed(large(picture.nodes) if picture.nodes else past(0))
    app = TopApp(
        ports=ports(feed, asker=FixedAsker(failing="10.244.2.3"), examiner=FixedExaminer(*FOUND)),
        place=PLACE,
        theme=picture.theme,
        clock=lambda: NOW + PAST_SECONDS if not picture.nodes else NOW,
    )
    async with app.run_test(size=picture.size) as pilot:
        await pilot.pause()
        # Whether the screen's own timer has struck meanwhile must not show.
        app.session.tick()
        if not picture.nodes:
            app.session.trends.look_at([BAD])
            for second in range(0, PAST_SECONDS + 1, STEP_SECONDS):
                feed.now = past(second)
                app.session.tick()
        for key in picture.keys:
            await pilot.press(key)
            await pilot.pause()
        for _ in range(3):
            app.show()
            await app.workers.wait_for_complete()
            await pilot.pause()
        app.screen.set_focus(None)
        await pilot.pause()
        strips = app.screen._compositor.render_strips()
        text = "\n".join("".join(piece.text for piece in strip).rstrip() for strip in strips)
        return text, app.export_screenshot(title="kubectl nodedns top")


def past(second: int) -> FleetSnapshot:
    """The fleet as it was some seconds after it all began; the upstream gets slow half-way."""
    swing = math.sin(second / 17)
    slow = second > PAST_SECONDS // 2

    def moved(found: NodeRow) -> NodeRow:
        if found.sampled is None or found.figures is None or found.node.name.endswith("3-18"):
            return found
        name = found.node.name
        bad = name == BAD
        figures = traffic(
            lookups=0 if name.endswith("3-20") else int(400 + 30 * len(name) + 90 * swing),
            failing=0.05 if bad and slow else 0.0,
            at=NOW + second,
            memory=found.figures.memory_bytes or 0.0,
            upstream_seconds=0.3 if bad and slow else 0.0015,
        )
        sampled = replace(
            found.sampled,
            figures=figures,
            asked_at=dict.fromkeys(found.sampled.asked_at, NOW + second),
        )
        return replace(found, sampled=sampled)

    rows = [moved(found) for found in mixed().nodes]
    return snapshot(*rows, at=NOW + second)
