"""The heat map: a cell for each node, what it shows, and its cursor."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kubectl_nodedns.tui import heat
from kubectl_nodedns.tui.heat_map import HeatMap
from kubectl_nodedns.tui.node_screen import NodeScreen
from tests.screens.person import Person, open_top
from tests.unit.metrics.fleets import NOW, large, mixed, row, snapshot, traffic, unasked


def cells(person: Person) -> str:
    map_ = person.app.screen.query_one(HeatMap)
    height = map_.size.height
    return "".join("".join(s.text for s in map_.render_line(y)) for y in range(height))


async def test_the_map_opens_and_closes_and_the_cursor_stays_on_its_node(
    size: tuple[int, int],
) -> None:
    async with open_top(size) as person:
        await person.press("down", "h")
        map_ = person.app.screen.query_one(HeatMap)
        assert map_.cursor == "ip-10-0-2-44"
        assert "hit ratio: · 90 % or more" in person.text()
        assert "ip-10-0-2-44: hit ratio 89.9 %" in person.text()
        await person.press("right", "h")
        assert person.table.cursor == "ip-10-0-2-51"


async def test_each_kind_of_node_has_its_sign() -> None:
    async with open_top() as person:
        await person.press("h")
        assert "".join(cells(person).split()) == "░░x░?x-w"
        await person.press("F")
        assert "".join(cells(person).split()) == "··x▓?x-w"
        await person.press("A")
        assert "".join(cells(person).split()) == "··x·▒x·w"


async def test_enter_opens_the_node_under_the_cursor() -> None:
    async with open_top() as person:
        await person.press("h", "end", "left", "enter")
        assert isinstance(person.app.screen, NodeScreen)
        assert person.app.screen.node == "ip-10-0-3-20"


async def test_five_thousand_nodes_fit_on_100_by_50_cells() -> None:
    async with open_top((102, 58), seen=large(5000)) as person:
        await person.press("h")
        map_ = person.app.screen.query_one(HeatMap)
        await person.pilot.pause()
        assert len(map_.in_view()) == 5000
        await person.press("down", "down", "right")
        assert map_.cursor == "node-201"
        await person.press("up")
        assert map_.cursor == "node-101"
        await person.press("end")
        assert map_.cursor == "node-4999"
        await person.press("home")
        assert map_.cursor == "node-0"
        await person.press("G")
        assert map_.cursor == "node-4999"


async def test_filter_and_faults_apply_to_the_map() -> None:
    async with open_top() as person:
        await person.press("h", "slash", *"3-1", "enter")
        assert len(cells(person).split()) == 3
        await person.press("z")
        assert len(cells(person).split()) == 3
        await person.press("escape")
        assert len(cells(person).split()) == 8


async def test_a_click_moves_the_cursor() -> None:
    async with open_top() as person:
        await person.press("h")
        await person.pilot.click(HeatMap, offset=(5, 0))
        assert person.app.screen.query_one(HeatMap).cursor == "ip-10-0-2-51"


@pytest.mark.parametrize(
    ("figure", "failing", "step"),
    [("failures", 0.0, 0), ("failures", 0.02, 2), ("failures", 0.05, 3), ("failures", 0.5, 4)],
)
def test_the_worse_the_figure_the_darker_the_cell(figure: str, failing: float, step: int) -> None:
    seen = snapshot(row(figures=traffic(failing=failing)))
    found = heat.glyph(seen.nodes[0], seen, heat.BY_KEY[figure])
    assert found == (heat.GLYPHS[step], f"heat-{step}")


def test_a_cache_that_is_not_asked_has_a_sign() -> None:
    seen = snapshot(unasked(), row("node2", figures=traffic()))
    assert [heat.glyph(one, seen, heat.BY_KEY["hit"])[0] for one in seen.nodes] == ["!", "·"]


def test_the_age_of_a_stale_node_is_its_figure() -> None:
    seen = replace(mixed(), at=NOW + 400)
    assert heat.glyph(seen.nodes[0], seen, heat.BY_KEY["age"])[0] == "█"
    assert heat.glyph(seen.nodes[0], seen, heat.BY_KEY["hit"])[0] == "?"


@pytest.mark.parametrize(
    ("nodes", "width", "height", "shape"),
    [(8, 80, 20, (40, 2)), (5000, 100, 50, (100, 1)), (1000, 100, 20, (50, 2)), (0, 9, 9, (4, 2))],
)
def test_cells_stand_apart_where_all_fit_so(
    nodes: int, width: int, height: int, shape: tuple[int, int]
) -> None:
    assert heat.shape(["n"] * nodes, width, height) == shape
