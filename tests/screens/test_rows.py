"""Rows of the node table: which columns fit, and what each cell says."""

from __future__ import annotations

import pytest

from kubectl_nodedns.lookup.question import Answer, Question
from kubectl_nodedns.metrics.columns import BY_KEY, COLUMNS
from kubectl_nodedns.tui.columns import Probed, columns
from kubectl_nodedns.tui.filter import faulty, keep
from kubectl_nodedns.tui.rows import Cell, fit, fit_name, header, layout, layout_wide, line
from tests.screens.stand_ins import answer
from tests.unit.metrics.fleets import NOW, mixed, row, snapshot, traffic


def text(pieces: list[tuple[str, str]] | list[Cell]) -> str:
    return "".join(piece[0] for piece in pieces)


@pytest.mark.parametrize("width", [40, 80, 100, 120, 160, 200, 300])
@pytest.mark.parametrize("longest", [3, 14, 30, 63])
def test_a_line_never_exceeds_the_width(width: int, longest: int) -> None:
    slots = layout(width, longest, COLUMNS)
    seen = snapshot(row("n" * longest, figures=traffic()))
    if width >= 80:
        assert len(text(line(seen.nodes[0], seen, slots))) <= width
        assert len(text(header(slots, BY_KEY["node"], reverse=False))) <= width


def test_80_cells_hold_what_matters() -> None:
    keys = [slot.column.key for slot in layout(80, 10, COLUMNS)]
    wanted = "node state restarts lookups hit p99 failures entries memory"
    assert keys == wanted.split()


def test_160_cells_hold_everything() -> None:
    assert [slot.column for slot in layout(160, 20, COLUMNS)] == list(COLUMNS)


@pytest.mark.parametrize("width", range(60, 200, 7))
def test_columns_find_room_in_the_order_of_their_rank(width: int) -> None:
    slots = layout(width, 20, COLUMNS)
    chosen = {slot.column.key for slot in slots}
    highest = max(slot.column.rank for slot in slots)
    missing = [c for c in COLUMNS if c.key not in chosen]
    assert all(column.rank >= highest for column in missing)


def test_long_node_names_are_cut_in_the_middle() -> None:
    assert fit_name("gke-prod-pool-1-abcdef-x1z2", 13) == "gke-pr…f-x1z2"
    assert fit_name("n1", 5) == "n1   "
    assert fit("CrashLoopBackOff", 8, left=True) == "CrashLo…"
    assert fit("123456", 5, left=False) == "    …"


def test_each_kind_of_row() -> None:
    seen = mixed()
    slots = layout(80, 12, COLUMNS)
    lines = {r.node.name: text(line(r, seen, slots)) for r in seen.nodes}
    assert "no cache pod on this node" in lines["ip-10-0-2-51"]
    assert "the cache pod is CrashLoopBackOff" in lines["ip-10-0-3-19"]
    assert "40s old" in lines["ip-10-0-3-18"]
    assert "(500)" in lines["ip-10-0-3-18"]
    assert lines["ip-10-0-3-17"].startswith("‼ ")
    assert lines["ip-10-0-2-44"].startswith("! ")
    assert lines["ip-10-0-1-9"].startswith("  ")
    assert "Windows" in lines["win-1"]


def test_the_cell_that_is_wrong_is_marked_too() -> None:
    seen = mixed()
    slots = layout(80, 12, COLUMNS)
    cells = line(seen.nodes[3], seen, slots)
    assert [cell.text.strip() for cell in cells if cell.style == "bad"] == ["‼", "5.0"]


def test_a_row_whose_scrape_fails_says_why() -> None:
    seen = snapshot(row(error="connection refused"))
    assert "connection refused" in text(line(seen.nodes[0], seen, layout(80, 12, COLUMNS)))


def test_a_row_without_a_sample_yet_says_so() -> None:
    seen = snapshot(row())
    assert "no sample yet" in text(line(seen.nodes[0], seen, layout(80, 12, COLUMNS)))


@pytest.mark.parametrize(
    ("key", "reverse", "arrow"),
    [("node", False, "NODE▲"), ("lookups", False, "LOOKUP/▼"), ("lookups", True, "LOOKUP/▲")],
)
def test_the_heading_shows_the_order(key: str, reverse: bool, arrow: str) -> None:
    assert arrow in text(header(layout(120, 12, COLUMNS), BY_KEY[key], reverse=reverse))


def test_totals_have_another_heading() -> None:
    said = text(header(layout(120, 12, COLUMNS), BY_KEY["node"], reverse=False, total=True))
    assert "LOOKUPS" in said
    assert "LOOKUP/S" not in said


@pytest.mark.parametrize("first", range(len(COLUMNS)))
def test_wide_rows_begin_at_any_column_and_keep_the_name(first: int) -> None:
    slots = layout_wide(80, 12, COLUMNS, first)
    others = [column for column in COLUMNS if column.key != "node"]
    assert slots[0].column.key == "node"
    assert slots[1].column is others[min(first, len(others) - 1)]
    assert sum(slot.width + 1 for slot in slots) <= 80


def probed(**changes: object) -> Probed:
    question = Question(name="a.b.", server="10.96.0.10")
    values = {"pod": "p", "at": NOW, "proved": True, "local": answer(question, "10.0.0.1")}
    return Probed(**{**values, "kube_dns": answer(question, "10.0.0.1"), **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("found", "cells"),
    [
        (None, ["–", "–"]),
        (probed(), ["0.21ms", "0.21ms"]),
        (probed(proved=False), ["0.21ms", "not intercepted"]),
        (probed(at=NOW - 90), ["(0.21ms)", "(0.21ms)"]),
        (probed(kube_dns=None), ["0.21ms", "–"]),
        (probed(kube_dns=Answer(question=Question(name="a.", server="b"))), ["0.21ms", "timeout"]),
    ],
)
def test_what_a_probe_said_stands_in_its_columns(found: Probed | None, cells: list[str]) -> None:
    seen = snapshot(row("n", figures=traffic()))
    both = columns(lambda _: (), lambda _: found)[-2:]
    assert [column.text(seen.nodes[0], seen) for column in both] == cells


@pytest.mark.parametrize(
    ("typed", "names"),
    [
        ("", 8),
        ("3-1[79]", 2),
        ("!ip-", 1),
        ("crash", 1),
        ("NO POD", 2),
        ("[", 0),
        ("!", 8),
        ("nothing like it", 0),
        ("^ip-10-0-3-17$", 1),
        ("^Ready$", 5),
        ("^node-local-dns-", 6),
    ],
)
def test_filter(typed: str, names: int) -> None:
    assert len(keep(mixed().nodes, typed)) == names


def test_faults_only_keeps_what_has_a_mark() -> None:
    seen = mixed()
    assert len(faulty(seen.nodes, seen)) == 5
