"""Which unit of tests a worker is given next."""

from __future__ import annotations

from tests.parallel import LONG, choose, kind_of, unit_of

PLAIN = ["tests/unit/a/test_a.py", "tests/unit/b/test_b.py", "tests/docs/test_c.py"]
SHORT = [
    "tests/e2e/test_x.py::test_one",
    "tests/e2e/test_y.py::test_two[iptables]",
    "tests/e2e/test_y.py::test_three[nftables]",
    "tests/e2e/test_y.py::test_four[iptables]",
]


def test_a_test_of_a_real_cluster_stands_alone_and_others_stay_with_their_file() -> None:
    assert unit_of("tests/unit/a/test_a.py::test_x[1]") == "tests/unit/a/test_a.py"
    assert unit_of("tests/e2e/test_x.py::test_one[a@b]") == "tests/e2e/test_x.py::test_one[a@b]"


def test_a_group_is_one_unit_wherever_its_tests_stand() -> None:
    assert unit_of("tests/e2e/test_check.py::test_one[x]@check") == "tests/e2e/@check"
    assert unit_of("tests/e2e/test_other.py::test_two@check") == "tests/e2e/@check"
    assert unit_of("tests/packaging/test_a.py::test_z@archive") == "@archive"


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
