from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from kubectl_nodedns.errors import ApiError
from kubectl_nodedns.metrics.page import Page, read_page
from kubectl_nodedns.metrics.sampler import Sampler
from tests.clock import now
from tests.unit.metrics.fleets import pod
from tests.unit.metrics.pages import KUBE_DNS, LOCAL, Load, ZoneLoad, page

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kubectl_nodedns.facts.cache_pods import CachePod

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
    first = sampler.sampled("kube-system/a")
    assert first is not None
    assert first.figures is not None
    assert first.figures.traffic.lookups is None
    await sampler.scrape_all()
    second = sampler.sampled("kube-system/a")
    assert second is not None
    assert second.figures is not None
    assert second.figures.traffic.lookups == pytest.approx(10 / second.figures.seconds)  # type: ignore[operator]
    assert sampler.scrapes == 2


async def test_the_time_of_the_last_lookup_to_each_address_is_kept(pods: Pods) -> None:
    sampler = Sampler(pods, clock=pods.clock)
    sampler.follow([pod(name="a")])
    await sampler.scrape_all()
    await sampler.scrape_all()
    sampled = sampler.sampled("kube-system/a")
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
    failed, other = sampler.sampled("kube-system/a"), sampler.sampled("kube-system/b")
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
    sampled = sampler.sampled("kube-system/a")
    assert sampled is not None
    assert sampled.error == ""
    assert sampled.failed_at is None


async def test_pods_that_go_are_forgotten(pods: Pods) -> None:
    sampler = Sampler(pods)
    sampler.follow([pod(name="a")])
    await sampler.scrape_all()
    sampler.follow([pod(name="b")])
    assert sampler.sampled("kube-system/a") is None
    assert sampler.sampled("kube-system/b") is not None


@pytest.fixture
def running() -> Pods:
    """A source by the clock of the loop."""
    return Pods(now)


async def run_for(sampler: Sampler, seconds: float) -> None:
    task = asyncio.create_task(sampler.run())
    await asyncio.sleep(seconds)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_the_cap_holds(running: Pods) -> None:
    sampler = Sampler(running, interval=0.01, per_second=50, clock=now)
    sampler.follow([pod(name=f"p{n}") for n in range(200)])
    await run_for(sampler, 10.0)
    assert 0.9 * 50 * 10 < len(running.read_pods) <= 50 * 10 + 10 + 1


async def test_no_more_than_so_many_at_once(running: Pods) -> None:
    sampler = Sampler(running, interval=0.01, per_second=1000, in_flight=3, clock=now)
    sampler.follow([pod(name=f"p{n}") for n in range(50)])
    await run_for(sampler, 10.0)
    assert running.most == 3


async def test_what_is_looked_at_comes_first(running: Pods) -> None:
    sampler = Sampler(running, interval=10, per_second=30, clock=now)
    sampler.follow([pod(name=f"p{n:03}") for n in range(100)])
    sampler.look_at(["kube-system/p098", "kube-system/p099"])
    await run_for(sampler, 0.5)
    assert set(running.read_pods[:2]) == {"p098", "p099"}


async def test_a_failing_pod_is_left_alone_for_longer_and_longer(running: Pods) -> None:
    sampler = Sampler(running, interval=1.0, per_second=1000, clock=now)
    sampler.follow([pod(name="bad"), pod(name="good")])
    running.fail["bad"] = ApiError("refused")
    await run_for(sampler, 70.0)
    # After 0, 2, 6, 14, 30 and 62 seconds, each spread out by a tenth.
    assert running.read_pods.count("bad") in {5, 6}
    assert 70 / 1.3 < running.read_pods.count("good") < 70 / 0.9
    await run_for(sampler, 600.0)
    assert 600 / 70 - 2 < running.read_pods.count("bad") - 6 < 600 / 50  # never given up


async def test_what_nobody_expected_of_a_page_is_shown_and_left_alone_for_longer_and_longer(
    running: Pods,
) -> None:
    sampler = Sampler(running, interval=1.0, per_second=1000, clock=now)
    sampler.follow([pod(name="bad"), pod(name="good")])
    running.fail["bad"] = KeyError("secret words of a page")
    await run_for(sampler, 70.0)
    assert running.read_pods.count("bad") in {5, 6}
    bad, good = sampler.sampled("kube-system/bad"), sampler.sampled("kube-system/good")
    assert bad is not None
    assert bad.error == "the metrics page cannot be read: unexpected KeyError"
    assert good is not None
    assert good.error == ""


async def test_pods_of_one_name_in_two_namespaces_are_two_pods(running: Pods) -> None:
    sampler = Sampler(running, clock=now)
    sampler.follow([pod("node1", name="a"), replace(pod("node2", name="a"), namespace="tenant")])
    await sampler.scrape_all()
    ours, theirs = sampler.sampled("kube-system/a"), sampler.sampled("tenant/a")
    assert ours is not None
    assert theirs is not None
    assert (ours.pod, theirs.pod) == ("kube-system/a", "tenant/a")
