"""Plots: sparks, curves with axes, and the past that they show."""

from __future__ import annotations

from kubectl_nodedns.metrics import units
from kubectl_nodedns.tui.columns import spark
from kubectl_nodedns.tui.plots import Curve, Plot, ceiling, draw
from kubectl_nodedns.tui.trends import MOMENTS, RECENT, REMEMBERED, SHORTEST, Trends
from tests.unit.metrics.fleets import NOW, large, row, snapshot, traffic

Point = tuple[float, float | None]


def drawn(*curves: list[Point], top: float | None = None, height: int = 4) -> list[str]:
    plot = Plot(
        title="x",
        curves=[Curve(name=f"c{n}", now="1", points=points) for n, points in enumerate(curves)],
        unit=units.number,
        top=top,
    )
    lines = draw(plot, width=40, height=height, now=NOW, gap=8.0)
    return ["".join(text for text, _ in line) for line in lines]


def dots(lines: list[str]) -> int:
    return sum((ord(sign) - 0x2800).bit_count() for line in lines for sign in line if sign >= "⠀")


def test_sparks() -> None:
    assert spark([0, 1, 2, 4], 4) == "▁▃▅█"
    assert spark([1, None, 1], 5) == "  █ █"
    assert spark([9, 1, 1], 2) == "██"
    assert spark([0.0, 0.0], 2) == "▁▁"
    assert spark([0.5], 1, top=1.0) == "▅"
    assert spark([], 3) == "   "


def test_a_plot_has_labels_on_both_axes() -> None:
    lines = drawn([(NOW - 50, 10.0), (NOW - 48, 40.0), (NOW, 12.0)], height=5)
    assert lines[0].startswith("x  ─ c0 1")
    assert lines[1].startswith("    40┤")
    assert lines[5].startswith("     0┤")
    assert lines[6].startswith("      └-60s")
    assert lines[6].endswith("now")
    assert all(len(line) == 40 for line in lines[:-1])


def test_what_is_not_known_is_a_gap_and_never_zero() -> None:
    whole = drawn([(NOW - s, 10.0) for s in range(58, -1, -2)])
    gap = drawn([(NOW - s, None if 20 < s < 40 else 10.0) for s in range(58, -1, -2)])
    late = drawn([(NOW - s, 10.0) for s in range(58, -1, -2) if not 20 < s < 40])
    assert 0 < dots(gap) < dots(whole)
    assert dots(late) == dots(gap)


def test_a_plot_of_nothing_is_empty_and_of_zero_is_a_line() -> None:
    assert dots(drawn([])) == 0
    assert dots(drawn([(NOW - s, 0.0) for s in range(58, -1, -2)])) > 20


def test_curves_differ_without_colour() -> None:
    points: list[Point] = [(NOW - s, 10.0) for s in range(58, -1, -2)]
    alone = [drawn(*[[]] * n, points) for n in range(4)]
    assert len({dots(lines) for lines in alone}) == 4
    assert drawn(points, points)[0].count("─") == 1
    assert "╌" in drawn(points, points)[0]


def test_a_limit_is_the_end_of_the_axis_unless_it_is_exceeded() -> None:
    assert drawn([(NOW, 10.0)], top=128.0)[1].startswith("   128┤")
    assert drawn([(NOW, 200.0)], top=128.0)[1].startswith("   200┤")


def test_axes_end_at_round_numbers() -> None:
    assert [ceiling(value) for value in (0, 0.03, 1, 3, 5, 7, 812)] == [1, 0.03, 1, 3, 6, 8, 1000]
    assert ceiling(33 * 2**20, 2) == 64 * 2**20


def test_trends_are_bounded_and_a_page_that_did_not_come_is_no_moment() -> None:
    trends = Trends()
    trends.look_at(["a", "b"])
    old = row("b", figures=traffic(at=NOW - 60))
    for second in range(MOMENTS + 5):
        fresh = row("a", figures=traffic(at=NOW + second)) if second < 3 else old
        trends.add(snapshot(fresh, old, at=NOW + second))
    assert len(trends.fleet) == MOMENTS
    assert [moment.at for moment in trends.node("a")] == [NOW, NOW + 1, NOW + 2]
    assert len(trends.node("b")) == 1
    assert trends.node("a")[0].lookups == 1000
    assert trends.node("a")[0].rcodes["NXDOMAIN"] == 500
    assert trends.node("c") == ()


def test_every_node_has_a_past_those_seen_last_in_full_and_together_they_are_bounded() -> None:
    trends, seen = Trends(budget=200 * 10), large(200)
    for first in range(0, 200, 50):
        trends.look_at([r.node.name for r in seen.nodes[first : first + 50]])
    for second in range(0, 40, 2):
        rows = [row(r.node.name, figures=traffic(at=NOW + second)) for r in seen.nodes]
        trends.add(snapshot(*rows, at=NOW + second))
    kept = {r.node.name: len(trends.node(r.node.name)) for r in seen.nodes}
    assert sum(count == 20 for count in kept.values()) == REMEMBERED
    assert kept["node-199"] == 20
    assert kept["node-0"] == 10  # its share
    assert trends.node("node-0")[-1].at == NOW + 38
    assert len(trends.recent("node-0")) == RECENT


def test_many_nodes_have_a_short_past_each() -> None:
    trends = Trends(budget=10)
    for second in range(SHORTEST + 3):
        rows = [row(name, figures=traffic(at=NOW + second)) for name in "abcdefgh"]
        trends.add(snapshot(*rows, at=NOW + second))
    assert len(trends.node("a")) == SHORTEST


def test_a_node_that_is_gone_is_forgotten() -> None:
    trends = Trends()
    trends.add(snapshot(row("a", figures=traffic(at=NOW)), row("b", figures=traffic(at=NOW))))
    trends.add(snapshot(row("b", figures=traffic(at=NOW + 2)), at=NOW + 2))
    assert trends.node("a") == ()
    assert len(trends.node("b")) == 2


def test_a_recording_that_goes_back_takes_the_future_away() -> None:
    trends = Trends()
    trends.look_at(["a"])
    for second in (0, 10, 20, 5):
        later = row("a", figures=traffic(at=NOW + second))
        trends.add(snapshot(later, at=NOW + second))
    assert [moment.at for moment in trends.fleet] == [NOW, NOW + 5]
    assert [moment.at for moment in trends.node("a")] == [NOW, NOW + 5]
