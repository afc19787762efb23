"""The mutants that `scripts/mutate.py` makes, the sample it takes and the tests it chooses."""

from __future__ import annotations

import os
import signal
import time
from typing import TYPE_CHECKING

import pytest

from scripts.mutants import Mutant, mutants_of
from scripts.mutate import (
    HUNG,
    KILLED,
    SURVIVED,
    UNREACHED,
    Outcome,
    Reach,
    forked,
    importers_of,
    met_by,
    sampled,
    summary,
    totals,
)

if TYPE_CHECKING:
    from pathlib import Path

PLAN = "kubectl_nodedns/install/plan.py"


def changes(source: str) -> set[str]:
    return {one.after for one in mutants_of(PLAN, source)}


def mutant(path: str = PLAN, line: int = 1, function: int = 1) -> Mutant:
    return Mutant(path, line, function, start=line, end=line + 1, before="a", after="b")


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("x = a < b", {"(a <= b)", "(a >= b)"}),
        ("x = a == b", {"(a != b)"}),
        ("x = a is None", {"(a is not None)"}),
        ("x = a in b", {"(a not in b)"}),
        ("x = a < b < c", {"(a <= b < c)", "(a >= b < c)", "(a < b <= c)", "(a < b >= c)"}),
        ("x = a == 'yes'", {"(a != 'yes')", "(a == 'yes~')"}),
        ("x = a in {'yes', 'no'}", {"(a not in {'yes', 'no'})", "(a in {'yes~', 'no'})"}),
        ("x = a and b", {"(a or b)"}),
        ("x = not a", {"(a)"}),
        ("x = 3", {"4"}),
        ("x = 0.5", {"1.5"}),
        ("x = True", {"False"}),
        ("x = a + b", {"(a - b)"}),
        ("x += y", {"x -= y"}),
        ("tell(x)", {"pass"}),
        ("raise Error(x == 1)", {"pass"}),
        ("x = [a for a in b if a]", {"True", "False"}),
    ],
)
def test_each_kind_of_change(source: str, expected: set[str]) -> None:
    assert changes(source) == expected


def test_what_returns_returns_nothing_or_the_contrary() -> None:
    assert changes("def f():\n    return a == b") == {
        "return None",
        "return not (a == b)",
        "(a != b)",
    }
    assert changes("def f():\n    return None") == set()


def test_conditions_are_forced_but_those_that_name_a_value() -> None:
    assert changes("if a:\n    x = b\nwhile c:\n    x = d") == {"True", "False"}
    assert changes("if (a := b):\n    x = c") == set()


@pytest.mark.parametrize(
    "source",
    [
        '"""Text."""',
        "x = 'a text that is not compared'",
        "x: Literal[1]",
        "def f(a: Literal[1]) -> Literal[2]:\n    x = a",
        "@dataclass(frozen=True)\nclass A:\n    x: int",
        "if TYPE_CHECKING:\n    x = 1",
        "x = f'{a + 1}'",
        "x = 'a' + b",
        "x = [a, *b] + c",
        "x = zip(a, b, strict=True)",
        "x = None",
    ],
)
def test_what_is_no_behaviour_is_left_alone(source: str) -> None:
    assert changes(source) == set()


def test_a_change_replaces_its_own_bytes_and_nothing_else() -> None:
    source = "# é\ndef f(a):\n    return 'é' if a > 1 else b  # as ever\n"
    found = {one.after: one for one in mutants_of(PLAN, source)}
    assert found["(a >= 1)"].applied(source) == source.replace("a > 1", "(a >= 1)")
    assert found["2"].applied(source) == source.replace("1", "2")


def test_every_mutant_is_python_and_says_where_it_is() -> None:
    source = "@cached\ndef f(a):\n    if a:\n        tell(\n  a\n  )\n    return a > 1\nB = 2"
    found = mutants_of(PLAN, source)
    for one in found:
        compile(one.applied(source), PLAN, "exec")
    assert {(one.line, one.function) for one in found} == {(3, 1), (4, 1), (7, 1), (8, 0)}
    assert f"{PLAN}:4: tell( a ) -> pass" in {one.shown for one in found}


def test_a_sample_is_spread_evenly_and_the_same_for_the_same_seed() -> None:
    whole = [
        mutant(f"kubectl_nodedns/install/{name}.py", line) for name in "abcd" for line in range(25)
    ]
    sample = sampled(whole, 8, 3)
    assert [sum(f"/{name}.py" in one.path for one in sample) for name in "abcd"] == [2, 2, 2, 2]
    assert sampled(whole[::-1], 8, 3) == sample
    assert sampled(whole, 8, 4) != sample
    assert sorted(sampled(whole, None, 3), key=repr) == sorted(whole, key=repr)


REACHED = {
    "tests/unit/health/test_a.py::test": Reach("", 0.1, [f"{PLAN}:1"]),
    "tests/unit/install/test_b.py::test_slow": Reach("", 0.9, [f"{PLAN}:1", f"{PLAN}:9"]),
    "tests/unit/install/test_b.py::test_fast": Reach("", 0.2, [f"{PLAN}:1"]),
    "tests/contract/test_c.py::test": Reach("", 2.0, ["kubectl_nodedns/commands/enable.py:5"]),
    "tests/screens/test_d.py::test": Reach("", 2.0, [f"{PLAN}:1"]),
}


def test_a_mutant_meets_the_tests_of_its_function_those_of_its_room_and_fast_ones_first() -> None:
    assert met_by(mutant(function=1), REACHED, {}) == {
        "tests/unit": [
            "tests/unit/install/test_b.py::test_fast",
            "tests/unit/install/test_b.py::test_slow",
            "tests/unit/health/test_a.py::test",
        ],
        "tests/contract": [],
    }
    assert met_by(mutant(function=30), REACHED, {}) == {"tests/unit": [], "tests/contract": []}


def test_a_constant_meets_the_tests_of_all_that_import_it() -> None:
    importers = {PLAN: {"kubectl_nodedns/commands/enable.py"}}
    met = met_by(mutant(function=0), REACHED, importers)
    assert len(met["tests/unit"]) == 3
    assert met["tests/contract"] == ["tests/contract/test_c.py::test"]


def test_who_imports_a_module() -> None:
    sources = {
        PLAN: "import ast",
        "kubectl_nodedns/install/a.py": "from kubectl_nodedns.install.plan import x",
        "kubectl_nodedns/install/b.py": "from kubectl_nodedns.install import plan",
    }
    assert importers_of(sources) == {
        PLAN: {"kubectl_nodedns/install/a.py", "kubectl_nodedns/install/b.py"}
    }


def test_hung_mutants_count_as_killed_and_unreached_ones_do_not() -> None:
    outcomes = [
        Outcome(mutant(), KILLED, "tests/unit"),
        Outcome(mutant(), HUNG, "tests/unit"),
        Outcome(mutant(), SURVIVED, ""),
        Outcome(mutant("kubectl_nodedns/bench/run.py"), UNREACHED, ""),
    ]
    assert list(totals(outcomes)) == ["bench", "install", "all"]
    assert totals(outcomes)["install"] == {KILLED: 1, HUNG: 1, SURVIVED: 1, UNREACHED: 0}
    assert summary(outcomes).splitlines()[-1].endswith("50.0 % killed")


def wait_for_ever() -> int:
    time.sleep(3600)
    return 0


def end_by_a_signal() -> int:
    os.kill(os.getpid(), signal.SIGTERM)
    return 0


def test_a_child_ends_with_its_exit_code_or_is_killed_when_it_hangs(tmp_path: Path) -> None:
    log = tmp_path / "log"
    assert forked(lambda: 0, log, limit=60) == 0
    assert forked(lambda: 1, log, limit=60) == 1
    assert forked(end_by_a_signal, log, limit=60) == signal.SIGTERM
    assert forked(wait_for_ever, log, limit=0.2) is None
