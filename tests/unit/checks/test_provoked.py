"""Each check is provoked by a test on the real cluster, and its page names that test.

What counts is a code that a test expects: `found["ND120"]`, `sorted(found) == ["ND103", "ND104"]`,
`"ND102" in found`. One that is only ignored, or expected not to be there, does not.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import TYPE_CHECKING

from kubectl_nodedns.checks.registry import CODES

if TYPE_CHECKING:
    from collections.abc import Iterator

TESTS = Path(__file__).parents[2]
CODE = re.compile(r"ND\d{3}")
PAGES = TESTS.parent / "docs" / "findings"


def provoked(folder: str) -> dict[str, set[str]]:
    """Return the tests of a folder that expect each code, as FILE::TEST."""
    found: dict[str, set[str]] = {}
    for path in (TESTS / folder).glob("test_*.py"):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                for code in expected(node):
                    found.setdefault(code, set()).add(f"{path.name}::{node.name}")
    return found


def expected(test: ast.AST) -> Iterator[str]:
    """Yield the codes that a test expects."""
    for node in ast.walk(test):
        if isinstance(node, ast.Subscript):
            yield from codes(node.slice)
        if isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.Eq | ast.In):
            for side in (node.left, *node.comparators):
                yield from codes(side)


def codes(node: ast.AST) -> Iterator[str]:
    """Yield the codes of an expression, but for those that are handed to a call."""
    if isinstance(node, ast.Constant) and CODE.fullmatch(str(node.value)):
        yield str(node.value)
    if not isinstance(node, ast.Call):
        for child in ast.iter_child_nodes(node):
            yield from codes(child)


def test_every_check_is_provoked_on_the_real_cluster() -> None:
    assert set(CODES) - set(provoked("e2e")) == set()


def test_the_test_that_a_page_names_expects_its_finding() -> None:
    tests = {folder: provoked(folder) for folder in ("e2e", "contract")}
    for code in CODES:
        text = (PAGES / f"{code}.md").read_text()
        named = re.findall(r"pytest tests/(\w+)/(test_\w+\.py) -k (\w+)", text)
        selected = [
            test
            for folder, file, words in named
            for test in tests[folder].get(code, ())
            if test.startswith(f"{file}::") and words in test
        ]
        # A page may give the commands alone.
        assert selected or (not named and "kubectl nodedns check" in text), f"{code}: {named}"


def test_what_is_ignored_or_unexpected_does_not_count() -> None:
    text = """
def test_it():
    assert "ND001" not in found
    assert run("check", "--ignore", "ND002").code == 0
    assert "ND003" in found
    assert sorted(found) == ["ND004"]
    (one,) = found(run)["ND005"]
"""
    assert sorted(expected(ast.parse(text))) == ["ND003", "ND004", "ND005"]
