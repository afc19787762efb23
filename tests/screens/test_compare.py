"""A node beside another, or beside the middle of the fleet."""

from __future__ import annotations

import pytest

from kubectl_nodedns.tui.compare_lines import (
    Cell,
    compare_lines,
    difference,
    median_cells,
    node_cells,
    upstream_lines,
)
from kubectl_nodedns.tui.compare_screen import CompareScreen
from kubectl_nodedns.tui.node_screen import NodeScreen
from tests.screens.person import open_top
from tests.screens.test_node_screen import BAD, open_node
from tests.unit.metrics.fleets import large, mixed, row, snapshot, traffic


@pytest.mark.parametrize(
    ("here", "there", "words", "far"),
    [
        (100.0, 100.0, "the same", False),
        (105.0, 100.0, "much the same", False),
        (150.0, 100.0, "50% more", False),
        (60.0, 100.0, "40% less", False),
        (300.0, 100.0, "3 times as much", True),
        (100.0, 250.0, "2.5 times less", True),
        (0.0, 5.0, "none here", True),
        (5.0, 0.0, "none there", True),
        (0.0, 0.0, "the same", False),
        (None, 5.0, "known of one only", False),
        (None, None, "", False),
    ],
)
def test_amounts_differ_by_times(
    here: float | None, there: float | None, words: str, far: bool
) -> None:
    assert difference(Cell(here, ""), Cell(there, "")) == (words, far)


@pytest.mark.parametrize(
    ("here", "there", "words", "far"),
    [
        (0.905, 0.9, "much the same", False),
        (0.9, 0.9, "the same", False),
        (0.5, 0.93, "43 points less", True),
        (0.05, 0.0, "5 points more", False),
    ],
)
def test_ratios_differ_by_points(here: float, there: float, words: str, far: bool) -> None:
    assert difference(Cell(here, "", far=0.1), Cell(there, "", far=0.1)) == (words, far)


def test_failures_are_marked_sooner() -> None:
    one, two = (
        row(name, figures=traffic(failing=share)) for name, share in (("a", 0.02), ("b", 0))
    )
    seen = snapshot(one, two)
    cells = [node_cells(found, seen, "/s")["", "failures %"] for found in (one, two)]
    words, far = difference(*cells)
    assert words.endswith("points more")
    assert far


def test_the_median_is_a_figure_that_some_node_has() -> None:
    rows = [row(f"n{n}", figures=traffic(lookups=100 * n)) for n in (1, 2, 9)]
    seen = snapshot(*rows)
    cells = median_cells([node_cells(one, seen, "/s") for one in rows])
    assert cells["", "lookups/s"].text == "400"  # of 200, 400 and 1,800: two addresses
    assert cells["", "p50"].text == "<0.25ms"


def test_figures_stand_side_by_side_and_what_is_far_apart_is_marked_by_a_sign() -> None:
    one = row("one", figures=traffic(lookups=1000, upstream_seconds=0.3))
    two = row("two", figures=traffic(lookups=100))
    seen = snapshot(one, two)
    lines = compare_lines(("one", "two"), node_cells(one, seen, "/s"), node_cells(two, seen, "/s"))
    text = ["".join(piece for piece, _ in line) for line in lines]
    [lookups, *_] = [line for line in text if "lookups/s" in line]
    assert lookups.split() == ["!", "lookups/s", "2.0k", "200", "10", "times", "as", "much"]
    [hit, *_] = [line for line in text if "hit %" in line]
    assert not hit.startswith(" !")
    assert " zone cluster.local." in text
    ups = upstream_lines(("one", "two"), (one, two))
    said = "".join(piece for line in ups for piece, _ in line)
    assert "one: slow" in said
    assert "two: ok" in said


@pytest.mark.parametrize("size", [(80, 24), (200, 60)])
async def test_c_compares_with_the_median_and_arrows_with_others(size: tuple[int, int]) -> None:
    async with open_top(size) as person:
        await open_node(person)
        await person.press("c")
        assert isinstance(person.app.screen, CompareScreen)
        assert f"{BAD} beside the fleet's median" in person.text()
        await person.press("right")
        first = person.app.screen.other
        assert first
        assert first != BAD
        assert f"{BAD} beside {first}" in person.text()
        await person.press("left")
        assert person.app.screen.other not in {first, BAD}
        await person.press("m")
        assert "median" in person.text()
        await person.press("escape")
        assert isinstance(person.app.screen, NodeScreen)


async def test_another_node_is_chosen_by_a_part_of_its_name() -> None:
    async with open_top() as person:
        await open_node(person)
        await person.press("c", "slash", *"2-44", "enter")
        assert isinstance(person.app.screen, CompareScreen)
        assert person.app.screen.other == "ip-10-0-2-44"
        await person.press("slash", *"nobody", "enter")
        assert person.app.screen.other == "ip-10-0-2-44"
        await person.press("slash", "escape")
        assert isinstance(person.app.screen, CompareScreen)
        await person.press("y")
        assert "LOOKUP" not in person.app.clipboard
        assert "hit %" in person.app.clipboard


async def test_a_node_that_goes_is_said() -> None:
    async with open_top() as person:
        await open_node(person)
        await person.press("c")
        await person.see(snapshot(row("another", figures=traffic())))
        assert f"{BAD} is no longer in the cluster" in person.text()


async def test_the_median_of_thousands_is_one_of_some_and_that_is_said() -> None:
    async with open_top(seen=large(2000)) as person:
        await person.press("enter", "c")
        assert "of 286 of 2000 nodes" in person.text()


def test_a_node_without_figures_compares_to_nothing() -> None:
    seen = mixed()
    for one in seen.nodes:
        cells = node_cells(one, seen, "/s")
        assert compare_lines(("a", "b"), cells, cells)
