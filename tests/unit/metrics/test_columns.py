from __future__ import annotations

from dataclasses import replace

import pytest

from kubectl_nodedns.facts.nodes import natural
from kubectl_nodedns.metrics.columns import BY_KEY, COLUMNS, INTERCEPTION, PRINTED, ordered
from kubectl_nodedns.metrics.node_row import NodeRow
from tests.unit.metrics.fleets import mixed, node, row, snapshot, traffic


def cells(found: NodeRow) -> dict[str, str]:
    seen = snapshot(found)
    return {column.key: column.text(found, seen) for column in COLUMNS}


def test_a_row() -> None:
    assert cells(row("node1", figures=traffic(lookups=401))) == {
        "node": "node1",
        "pod": "node-local-dns-node1",
        "state": "Ready",
        "restarts": "0",
        "uptime": "3d",
        "lookups": "802",
        "hit": "89.9",
        "denial": "60.0",
        "p50": "<0.25ms",
        "p99": "3.8ms",
        "upstream-p99": "2.0ms",
        "failures": "0",
        "entries": "529",
        "memory": "61/128Mi",
        "kube-dns": "401",
        "age": "0s",
    }


def test_what_is_not_known_is_a_dash() -> None:
    found = cells(NodeRow(node=node(), pods=(), sampled=None))
    assert found["state"] == "no pod"
    assert set(found.values()) == {"node1", "no pod", "–"}


def test_zero_is_not_a_dash() -> None:
    found = cells(row(figures=traffic(lookups=0)))
    assert (found["lookups"], found["hit"]) == ("0", "–")


@pytest.mark.parametrize("column", PRINTED, ids=lambda column: column.key)
@pytest.mark.parametrize("reverse", [False, True])
def test_each_column_sorts_and_what_is_not_known_comes_last(column: object, reverse: bool) -> None:
    seen = mixed()
    found = ordered(seen.nodes, seen, column, reverse=reverse)  # type: ignore[arg-type]
    assert sorted(r.node.name for r in found) == sorted(r.node.name for r in seen.nodes)
    values = [column.sort(r, seen) for r in found]  # type: ignore[attr-defined]
    known = [value for value in values if value is not None]
    assert values[: len(known)] == known
    falling = column.rising == reverse  # type: ignore[attr-defined]
    assert known == sorted(known, reverse=falling)


def test_the_busiest_comes_first_and_the_worst_hit_ratio_does() -> None:
    seen = snapshot(
        row("a", figures=traffic(lookups=10)),
        row("b", figures=traffic(lookups=30)),
        row("c"),
    )
    names = [r.node.name for r in ordered(seen.nodes, seen, BY_KEY["lookups"])]
    assert names == ["b", "a", "c"]
    turned = ordered(seen.nodes, seen, BY_KEY["lookups"], reverse=True)
    assert [r.node.name for r in turned] == ["a", "b", "c"]


def test_sorting_by_state_puts_the_worst_first() -> None:
    seen = mixed()
    first = ordered(seen.nodes, seen, BY_KEY["state"])[0]
    assert first.node.name in {"ip-10-0-2-51", "ip-10-0-3-17", "ip-10-0-3-19"}


def test_numbers_in_names_sort_as_numbers() -> None:
    names = ["node-10", "node-2", "a", "10", "node-2b"]
    assert sorted(names, key=natural) == ["10", "a", "node-2", "node-2b", "node-10"]


def test_keys_and_letters_are_unique() -> None:
    letters = [column.letter for column in PRINTED if column.letter]
    assert len(letters) == len(set(letters))
    assert len(BY_KEY) == len(PRINTED)


def test_how_interception_is_known_and_how_old_that_is() -> None:
    seen = snapshot()
    at = seen.at - 5

    def said(**more: float) -> str:
        return INTERCEPTION.text(replace(row(figures=traffic()), **more), seen)

    assert said(proved_at=at) == "proved 5s"
    assert said(refuted_at=at) == "not intercepted 5s"
    assert said().startswith("by counters ")
    unknown = NodeRow(node=node(), pods=(), sampled=None)
    assert INTERCEPTION.text(unknown, seen) == "not known"
