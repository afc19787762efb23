from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from kubectl_nodedns.errors import ApiError
from kubectl_nodedns.metrics import sampler as module
from kubectl_nodedns.metrics.page import Page, read_page
from kubectl_nodedns.metrics.sampler import Sampler
from tests.unit.metrics.fleets import pod
from tests.unit.metrics.pages import KUBE_DNS, LOCAL, Load, ZoneLoad, page

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kubectl_nodedns.metrics.inventory import CachePod

ZONE = ZoneLoad(name=".", fast=100)


class Pods:
    """A source whose counters grow by 10 with each scrape."""

    name = "test"
    interval = 0.0

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self.clock = clock
        self.read_pods: list[str] = []
        self.fail: dict[str, Exception | str] = {}
        self.at_once = 0
        self.most = 0

    async def pages(self, pod: CachePod) -> Sequence[Page]:
        self.read_pods.append(pod.name)
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        await asyncio.sleep(0.001)
        self.at_once -= 1
        failure = self.fail.get(pod.name)
        if isinstance(failure, Exception):
            raise failure
        if failure is not None:
            return (read_page(failure, at=self.clock()),)
        count = self.read_pods.count(pod.name)
        text = page(Load(zones=(replace(ZONE, fast=100 + 10 * count),), servers=(LOCAL,)))
        return (read_page(text, at=self.clock()),)


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        self.now += 0.5
        return self.now


@pytest.fixture
def pods() -> Pods:
    return Pods(Clock())


async def test_two_scrapes_make_a_rate(pods: Pods) -> None:
    sampler = Sampler(pods, clock=pods.clock)
    sampler.follow([pod(name="a")])
    await sampler.scrape_all()
    first = sampler.sampled("a")
    assert first is not None
    assert first.figures is not None
    assert first.figures.traffic.lookups is None
    await sampler.scrape_all()
    second = sampler.sampled("a")
    assert second is not None
    assert second.figures is not None
    assert second.figures.traffic.lookups == pytest.approx(10 / second.figures.seconds)  # type: ignore[operator]
    assert sampler.scrapes == 2


async def test_the_time_of_the_last_lookup_to_each_address_is_kept(pods: Pods) -> None:
    sampler = Sampler(pods, clock=pods.clock)
    sampler.follow([pod(name="a")])
    await sampler.scrape_all()
    await sampler.scrape_all()
    sampled = sampler.sampled("a")
    assert sampled is not None
    assert sampled.figures is not None
    assert sampled.asked_at == {LOCAL: sampled.figures.at}
    assert KUBE_DNS not in sampled.asked_at


@pytest.mark.parametrize(
    ("failure", "words"),
    [(ApiError("connection refused"), "refused"), ("<html>", "cannot be read")],
)
async def test_a_failure_keeps_the_last_good_figures(
    pods: Pods, failure: Exception | str, words: str
) -> None:
    sampler = Sampler(pods, clock=pods.clock)
    sampler.follow([pod(name="a"), pod(name="b")])
    await sampler.scrape_all()
    pods.fail["a"] = failure
    await sampler.scrape_all()
    failed, other = sampler.sampled("a"), sampler.sampled("b")
    assert failed is not None
    assert other is not None
    assert failed.figures is not None
    assert words in failed.error
    assert failed.failed_at is not None
    assert other.error == ""


async def test_a_success_clears_the_error(pods: Pods) -> None:
    sampler = Sampler(pods, clock=pods.clock)
    sampler.follow([pod(name="a")])
    pods.fail["a"] = ApiError("refused")
    await sampler.scrape_all()
    del pods.fail["a"]
    await sampler.scrape_all()
    sampled = sampler.sampled("a")
    assert sampled is not None
    assert sampled.error == ""
    assert sampled.failed_at is None


async def test_pods_that_go_are_forgotten(pods: Pods) -> None:
    sampler = Sampler(pods)
    sampler.follow([pod(name="a")])
    await sampler.scrape_all()
    sampler.follow([pod(name="b")])
    assert sampler.sampled("a") is None
    assert sampler.sampled("b") is not None


async def run_for(sampler: Sampler, seconds: float) -> None:
    task = asyncio.create_task(sampler.run())
    await asyncio.sleep(seconds)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_the_cap_holds(pods: Pods) -> None:
    sampler = Sampler(pods, interval=0.01, per_second=50)
    sampler.follow([pod(name=f"p{n}") for n in range(200)])
    await run_for(sampler, 1.0)
    assert 20 <= len(pods.read_pods) <= 50 + 10 + 1


async def test_no_more_than_so_many_at_once(pods: Pods, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "IN_FLIGHT", 3)
    sampler = Sampler(pods, interval=0.01, per_second=1000)
    sampler.follow([pod(name=f"p{n}") for n in range(50)])
    await run_for(sampler, 0.4)
    assert 1 <= pods.most <= 3


async def test_what_is_looked_at_comes_first(pods: Pods) -> None:
    sampler = Sampler(pods, interval=10, per_second=30)
    sampler.follow([pod(name=f"p{n:03}") for n in range(100)])
    sampler.look_at(["p098", "p099"])
    await run_for(sampler, 0.5)
    assert set(pods.read_pods[:2]) == {"p098", "p099"}


async def test_a_failing_pod_is_left_alone_for_longer_and_longer(pods: Pods) -> None:
    sampler = Sampler(pods, interval=0.05, per_second=1000)
    sampler.follow([pod(name="bad"), pod(name="good")])
    pods.fail["bad"] = ApiError("refused")
    await run_for(sampler, 1.0)
    assert pods.read_pods.count("bad") <= 5
    assert pods.read_pods.count("good") >= 6
