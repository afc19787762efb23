"""The threat model of docs/security.md: each line of it has tests that hold it."""

from __future__ import annotations

import ast
import re
from functools import cache
from typing import NamedTuple

import pytest

from tests.docs.documents import ROOT

TEST = re.compile(r"`([\w/]+\.py)::(\w+)`")
WRITERS = {"tenant", "node", "pod", "DNS answer", "API server", "file", "environment"}


class Line(NamedTuple):
    """One line of the table."""

    who: str
    writes: str
    does: str
    held_by: str


def lines() -> list[Line]:
    """The lines of the table."""
    text = (ROOT / "docs" / "security.md").read_text()
    section = text.partition("\n## Threat model\n")[2].partition("\n## ")[0]
    rows = [row for row in section.splitlines() if row.startswith("| ")][1:]
    return [Line(*(cell.strip() for cell in row.strip("| ").split(" | "))) for row in rows]


@cache
def functions_of(file: str) -> frozenset[str]:
    """The tests that a file below `tests` has."""
    tree = ast.parse((ROOT / "tests" / file).read_text())
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return frozenset(one.name for one in ast.walk(tree) if isinstance(one, kinds))


def test_everybody_who_may_write_is_in_it() -> None:
    assert {line.who for line in lines()} >= WRITERS


@pytest.mark.parametrize("line", lines(), ids=lambda line: f"{line.who}: {line.writes}"[:60])
def test_each_line_names_tests_that_are_there(line: Line) -> None:
    assert line.writes
    assert line.does
    named = TEST.findall(line.held_by)
    assert named, "no test holds this"
    assert TEST.sub("", line.held_by).strip(", ") == "", "something else stands beside the tests"
    for file, test in named:
        assert test.startswith("test_"), test
        assert test in functions_of(file), f"tests/{file} has no {test}"
