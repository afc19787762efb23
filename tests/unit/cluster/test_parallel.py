"""Which unit of tests a worker is given next."""

from __future__ import annotations

import re

from tests.cluster.layout import REPOSITORY
from tests.parallel import LONG, TOGETHER, choose, kind_of, unit_of

SHARED = re.compile(
    r"^    (?:cache: Plugin|krew_archive: Path|krew_root: Path|installed: Installed)", re.MULTILINE
)
"""How tests ask for what takes long to make and is kept for the tests that come after."""

PLAIN = ["tests/unit/a/test_a.py", "tests/unit/b/test_b.py", "tests/docs/test_c.py"]
SHORT = [
    "tests/e2e/test_x.py::test_one",
    "tests/e2e/test_y.py::test_two[iptables]",
    "tests/e2e/test_y.py::test_three[nftables]",
    "tests/e2e/test_y.py::test_four[iptables]",
]


def test_a_test_that_waits_for_a_cluster_stands_alone_and_others_stay_with_their_file() -> None:
    assert unit_of("tests/contract/test_x.py::test_y[1]") == "tests/contract/test_x.py::test_y[1]"
    assert unit_of("tests/unit/a/test_a.py::test_x[1]") == "tests/unit/a/test_a.py"
    assert unit_of("tests/e2e/test_x.py::test_one[a@b]") == "tests/e2e/test_x.py::test_one[a@b]"


def test_tests_that_share_what_takes_long_to_make_are_one_unit() -> None:
    assert unit_of("tests/e2e/test_check.py::test_one[x]") == "tests/e2e/test_check.py"
    archive = {
        unit_of(f"tests/{file}.py::test_z")
        for file in ("e2e/test_krew_archive", "packaging/test_archive")
    }
    assert archive == {"tests/e2e/@archive"}


def test_no_file_is_forgotten_whose_tests_share_a_cache_the_archive_or_the_wheel() -> None:
    found = set()
    for path in (REPOSITORY / "tests").rglob("test_*.py"):
        if len(SHARED.findall(path.read_text())) > 1:
            found.add(path.relative_to(REPOSITORY).as_posix())
    assert found - {"tests/e2e/test_bench.py"} <= set(TOGETHER)
    assert all((REPOSITORY / file).exists() for file in TOGETHER)


def test_each_name_of_what_takes_long_is_one_of_a_unit() -> None:
    files = (REPOSITORY / "tests").rglob("test_*.py")
    units = {unit_of(f"{path.relative_to(REPOSITORY).as_posix()}::test_x") for path in files}
    assert [name for name in LONG if not any(name in unit for unit in units)] == []


def test_behind_a_real_clusters_test_comes_a_file_that_takes_no_time() -> None:
    assert choose(SHORT + PLAIN, [SHORT[0]], ready=True) == PLAIN[0]


def test_a_worker_that_is_free_is_given_a_real_clusters_test() -> None:
    for given in ([], PLAIN[:1], [SHORT[1], PLAIN[0]]):
        assert choose(PLAIN + SHORT[:1], given, ready=True) == SHORT[0]


def test_what_takes_long_comes_first_in_the_order_of_the_list() -> None:
    long = [f"tests/e2e/{name}.py::test_it" for name in reversed(LONG)]
    assert LONG[0] in choose(SHORT + long, PLAIN[:1], ready=True)
    assert choose([*SHORT, long[0]], SHORT[3:], ready=True) == long[0]


def test_a_worker_goes_on_with_the_kind_of_cluster_that_it_has() -> None:
    assert kind_of(SHORT[1]) == kind_of(SHORT[3]) != kind_of(SHORT[2])
    assert choose([SHORT[0], SHORT[2], SHORT[3]], [SHORT[1], PLAIN[0]], ready=True) == SHORT[3]


def test_while_programs_are_built_there_is_work_that_needs_none() -> None:
    assert choose(SHORT[:2] + PLAIN, [], ready=False) == PLAIN[0]
    # So many are kept as there are real ones, for each to be followed by one.
    assert choose(SHORT + PLAIN, [], ready=False) == SHORT[0]


def test_when_only_one_kind_is_left_it_is_given() -> None:
    assert choose(SHORT[:1], SHORT[1:2], ready=True) == SHORT[0]
    assert choose(PLAIN[:1], PLAIN[1:2], ready=True) == PLAIN[0]
