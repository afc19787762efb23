"""What the product waits for is handed to it: no test patches a constant of it, or a clock."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

TESTS = Path(__file__).parents[1]
PACKAGE = "kubectl_nodedns"
WAITING = {"sleep", "timeout", "timeout_at", "wait_for", "time", "monotonic", "perf_counter"}
"""Functions that wait or tell the time, of `asyncio` and `time`."""


def patches(source: str) -> list[str]:
    """Return which constants of the package, and which clocks, a test's source sets."""
    tree = ast.parse(source)
    known = dict(_imported(tree))
    found = []
    for node in ast.walk(tree):
        for owner, name in _set_by(node):
            first, dot, rest = owner.partition(".")
            whole = f"{known.get(first, first)}{dot}{rest}"
            ours = whole.partition(".")[0] == PACKAGE
            clock = name in WAITING and (ours or whole in {"asyncio", "time"})
            if clock or (ours and name.isupper()):
                found.append(f"{whole}.{name}")
    return found


def _imported(tree: ast.AST) -> Iterator[tuple[str, str]]:
    """Yield each name that an import gives, and the whole name of what it stands for."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((one.asname, one.name) for one in node.names if one.asname)
        elif isinstance(node, ast.ImportFrom):
            yield from ((one.asname or one.name, f"{node.module}.{one.name}") for one in node.names)


def _set_by(node: ast.AST) -> Iterator[tuple[str, str]]:
    """Yield owner and name of each attribute that is set there."""
    match node:
        case ast.Assign(targets=targets):
            yield from _attributes(targets)
        case ast.AugAssign(target=target) | ast.AnnAssign(target=target):
            yield from _attributes([target])
        case ast.Call(func=func, args=args) if _patches(func):
            match args:
                case [ast.Constant(value=str(whole)), *_]:
                    owner, _, name = whole.rpartition(".")
                    yield owner, name
                case [owner, ast.Constant(value=str(name)), *_]:
                    yield ast.unparse(owner), name


def _attributes(targets: list[ast.expr]) -> Iterator[tuple[str, str]]:
    for target in targets:
        if isinstance(target, ast.Attribute):
            yield ast.unparse(target.value), target.attr


def _patches(function: ast.expr) -> bool:
    """Whether it is pytest's, Python's or the mock library's way to set an attribute."""
    match function:
        case ast.Name(id=name) | ast.Attribute(attr=name) if name in {
            "setattr",
            "delattr",
            "patch",
        }:
            return True
        case ast.Attribute(value=ast.Name(id="patch") | ast.Attribute(attr="patch"), attr="object"):
            return True
    return False


def test_no_test_patches_a_constant_or_a_clock() -> None:
    found = {path: patches(path.read_text()) for path in TESTS.rglob("*.py")}
    assert len(found) > 200
    assert {str(path): names for path, names in found.items() if names} == {}


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("from kubectl_nodedns.tui import trends as t\nm.setattr(t, 'BUDGET', 1)", ["tui.trends"]),
        ("import kubectl_nodedns.cli.talk as t\nm.setattr(t, '_WAIT', 1)", ["cli.talk"]),
        ("import kubectl_nodedns.names\nkubectl_nodedns.names.POLL = 1", ["names"]),
        ("from kubectl_nodedns import names\nnames.POLL += 1", ["names"]),
        ("def f(m):\n  from kubectl_nodedns import names\n  m.delattr(names, 'POLL')", ["names"]),
        ("m.setattr('kubectl_nodedns.names.POLL', 1)", ["names"]),
        ("with patch('kubectl_nodedns.names.POLL', 1): ...", ["names"]),
        ("with mock.patch.object(names, 'POLL', 1): ...", []),  # somebody else's
        ("from kubectl_nodedns import names\nmock.patch.object(names, 'POLL', 1)", ["names"]),
        ("from kubectl_nodedns.cli import end\nm.setattr(end, 'import_module', f)", []),
        ("import asyncio\nm.setattr(asyncio, 'run', f)", []),
    ],
)
def test_what_counts_as_patching_a_constant(source: str, found: list[str]) -> None:
    assert [one.removeprefix(f"{PACKAGE}.").rpartition(".")[0] for one in patches(source)] == found


@pytest.mark.parametrize(
    "source",
    [
        "import asyncio\nm.setattr(asyncio, 'sleep', f)",
        "m.setattr('time.monotonic', f)",
        "from kubectl_nodedns.demo import clock\nm.setattr(clock.time, 'monotonic', f)",
        "from kubectl_nodedns.demo import clock\nm.setattr(clock, 'sleep', f)",
    ],
)
def test_what_counts_as_patching_a_clock(source: str) -> None:
    assert len(patches(source)) == 1
