"""Raw samples of a Prometheus become pages; no server is needed for this."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from kubectl_nodedns.errors import ApiError, NotFoundError, UsageError
from kubectl_nodedns.metrics.prometheus import Prometheus, ThroughApiServer, read_matrix
from kubectl_nodedns.metrics.series import Series
from tests.unit.metrics.fleets import pod

if TYPE_CHECKING:
    from collections.abc import Mapping

LOOKUPS = "coredns_dns_requests_total"


def one(*values: tuple[float, str], name: str = LOOKUPS, **labels: str) -> dict[str, Any]:
    return {"metric": {"__name__": name, **labels}, "values": [list(value) for value in values]}


def test_samples_of_one_time_are_one_page() -> None:
    before, after = read_matrix(
        [
            one((10, "5"), (25, "9"), server="s", zone="."),
            one((10, "1"), (25, "2"), server="t", zone="."),
            one((25, "7"), name="process_resident_memory_bytes"),
        ]
    )
    assert (before.at, after.at) == (10, 25)
    assert before.total(Series.LOOKUPS) == 6
    assert after.total(Series.LOOKUPS) == 11
    assert before.single(Series.MEMORY) is None
    assert after.single(Series.MEMORY) == 7


def test_a_label_that_was_moved_aside_is_taken_back() -> None:
    (page,) = read_matrix([one((1, "5"), server="s", exported_zone="a.", zone="eu-west-1a")])
    assert page.get(Series.LOOKUPS) == {("s", "a.", "", ""): 5}


def test_two_jobs_that_scrape_the_same_cache_do_not_add_up() -> None:
    pages = read_matrix(
        [
            one((1, "5"), (16, "6"), job="a", server="s"),
            one((2, "5"), (17, "8"), job="b", server="s"),
        ]
    )
    assert [(page.at, page.total(Series.LOOKUPS)) for page in pages] == [(2, 5), (17, 8)]


def test_nothing_is_no_page() -> None:
    assert read_matrix([]) == ()


class Answers:
    """A Prometheus that knows pods under one label."""

    def __init__(self, label: str) -> None:
        self.label = label
        self.asked: list[str] = []

    async def get(
        self, path: str, *, params: Mapping[str, str] | None = None, timeout: float | None = None
    ) -> Any:
        assert params is not None
        self.asked.append(params["query"])
        found = [one((10, "5"), (40, "9"), server="s")] if self.label in params["query"] else []
        return {"status": "success", "data": {"result": found}}


@pytest.mark.parametrize("label", ['instance="10.0.0.1:9253"', 'pod="p"', 'node="node1"'])
async def test_the_way_in_which_pods_are_named_is_found_and_remembered(label: str) -> None:
    answers = Answers(label)
    source = Prometheus(answers, "x")
    assert len(await source.pages(pod(name="p"))) == 2
    assert source.interval == 30
    answers.asked.clear()
    await source.pages(pod(name="p"))
    (query,) = answers.asked
    assert label in query
    assert query.endswith("[91s]")  # three scrape intervals


async def test_an_address_of_ipv6_stands_in_brackets() -> None:
    answers = Answers('instance="[fd00::1]:9253"')
    assert await Prometheus(answers, "x").pages(pod(ip="fd00::1"))


async def test_a_pod_that_has_no_samples_is_told() -> None:
    with pytest.raises(NotFoundError, match="Prometheus x has no metrics of this pod"):
        await Prometheus(Answers("nothing"), "x").pages(pod())


async def test_an_answer_that_is_an_error_is_passed_on() -> None:
    class Failing:
        async def get(self, path: str, **options: Any) -> Any:
            return {"status": "error", "error": "query timed out"}

    with pytest.raises(ApiError, match="Prometheus x: query timed out"):
        await Prometheus(Failing(), "x").check()


@pytest.mark.parametrize("target", ["prometheus", "a/b/c", "a/b:", "/b", "a/"])
def test_a_service_has_a_namespace_and_a_name(target: str) -> None:
    with pytest.raises(UsageError, match="neither a URL nor"):
        ThroughApiServer(Answers(""), target)


async def test_another_namespaces_pod_of_the_same_name_is_not_asked_for() -> None:
    answers = Answers("nothing")
    with pytest.raises(NotFoundError):
        await Prometheus(answers, "x").pages(pod(name="p"))
    own = 'namespace=~"|kube-system",kubernetes_namespace=~"|kube-system"'
    assert len(answers.asked) == 6
    assert all(own in query for query in answers.asked)


class Says:
    """What calls itself a Prometheus, and answers whatever it likes."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer

    async def get(self, path: str, **options: Any) -> Any:
        return self.answer


def result(*series: Any) -> dict[str, Any]:
    return {"status": "success", "data": {"result": list(series)}}


@pytest.mark.parametrize(
    "answer",
    [
        None,
        [],
        "success",
        {},
        {"status": "success"},
        {"status": "success", "data": []},
        {"status": "success", "data": {"result": {}}},
        result(None),
        result({}),
        result({"metric": [], "values": []}),
        result({"metric": {"__name__": LOOKUPS}, "values": 1}),
        result({"metric": {"__name__": LOOKUPS}, "values": [[1]]}),
        result(one((1, "many"))),
        result(one((float("nan"), "1"))),
        result(one((1e300, "1"))),
        result(one((-1, "1"))),
        result({"metric": {"__name__": LOOKUPS}, "values": [[10**400, "1"]]}),
        result({"metric": {"__name__": LOOKUPS}, "values": [["1", None]]}),
    ],
    ids=repr,
)
async def test_what_no_prometheus_says_is_an_error_and_no_traceback(answer: Any) -> None:
    with pytest.raises(ApiError, match="Prometheus x: its answer is no result"):
        await Prometheus(Says(answer), "x").pages(pod())


async def test_its_own_words_are_harmless_and_short() -> None:
    answer = {"status": "error", "error": "\x1b[2J\u202egone" + "!" * 10_000}
    with pytest.raises(ApiError) as raised:
        await Prometheus(Says(answer), "x").check()
    assert str(raised.value).isprintable()
    assert len(str(raised.value)) < 300


def test_numbers_that_are_none_and_names_that_were_not_asked_for_are_left_out() -> None:
    (page,) = read_matrix(
        [
            one((1, "+Inf"), server="s", zone="."),
            one((1, "NaN"), server="t", zone="."),
            one((1, "5"), server="u", zone=7),  # type: ignore[arg-type]
            one((1, "9"), name="up"),
        ]
    )
    assert page.get(Series.LOOKUPS) == {("u", "7", "", ""): 5}
    assert read_matrix([one((1, "+Inf"), server="s")]) == ()
