"""Time a frame of node table and heat map, and a snapshot, at 50, 500 and 5,000 nodes.

A frame draws every visible line of a snapshot that was not drawn before; moving the cursor draws it
again with two lines changed. A show is what happens each second before that: filter, sort and hand
over a new snapshot; totals are its sums, and trends what is remembered of it. Run: python
benchmarks/table.py
"""

from __future__ import annotations

import asyncio
import sys
import time
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parent.parent))

from kubectl_nodedns.metrics.fleet import totals
from kubectl_nodedns.tui.app import TopApp
from kubectl_nodedns.tui.fleet_screen import FleetScreen
from kubectl_nodedns.tui.heat_map import HeatMap
from kubectl_nodedns.tui.node_table import NodeTable
from kubectl_nodedns.tui.ports import Place
from tests.screens.stand_ins import FixedFeed, ports
from tests.unit.metrics import fleets

if TYPE_CHECKING:
    from collections.abc import Callable

SIZE = (160, 50)


def milliseconds(work: Callable[[], object], times: int = 20) -> float:
    """Return the median of some runs, in milliseconds of CPU: other programs do not count."""
    spent = []
    for _ in range(times):
        start = time.process_time()
        work()
        spent.append(1000 * (time.process_time() - start))
    return median(spent)


async def measure(nodes: int) -> list[float]:
    """Time frame, cursor, heat map, show, totals and trends."""
    snapshot = fleets.large(nodes)
    app = TopApp(
        ports=ports(FixedFeed(snapshot)),
        place=Place(context="bench", mode="iptables", kube_dns_ip="", cluster_domain=""),
        sort_by="lookups",
        clock=lambda: fleets.NOW,
    )
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        screen = app.screen
        assert isinstance(screen, FleetScreen)
        table = screen.query_one(NodeTable)
        height = table.size.height

        def draw() -> None:
            for y in range(height):
                table.render_line(y)

        def draw_anew() -> None:
            table.on_resize()
            draw()

        def move() -> None:
            table.action_move(1)
            draw()

        frame, cursor, show = (
            milliseconds(draw_anew),
            milliseconds(move),
            milliseconds(screen.show, 5),
        )
        await pilot.press("h")
        await pilot.pause()
        heat_map = screen.query_one(HeatMap)

        def draw_map() -> None:
            heat_map.on_resize()
            for y in range(heat_map.size.height):
                heat_map.render_line(y)

        mapped = milliseconds(draw_map)
        trends = app.session.trends
        later = (replace(snapshot, at=snapshot.at + n) for n in range(1, 100))
        remembered = milliseconds(lambda: trends.add(next(later)), 5)
    rows = snapshot.nodes
    summed = milliseconds(
        lambda: totals(rows, at=snapshot.at, interval=2.0, kube_dns_ips=snapshot.kube_dns_ips), 5
    )
    return [frame, cursor, mapped, show, summed, remembered]


def main() -> None:
    print(f"{SIZE[0]}x{SIZE[1]} cells, milliseconds of CPU")
    heads = ("nodes", "frame", "cursor", "heat map", "show", "totals", "trends")
    print("{:>6}{:>10}{:>10}{:>10}{:>10}{:>10}{:>10}".format(*heads))
    for nodes in (50, 500, 5000):
        print(f"{nodes:6}" + "".join(f"{spent:10.2f}" for spent in asyncio.run(measure(nodes))))


if __name__ == "__main__":
    main()
