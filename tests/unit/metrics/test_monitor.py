from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from kubectl_nodedns.checks.interception import Interception
from kubectl_nodedns.errors import ForbiddenError, UnreachableError
from kubectl_nodedns.metrics.detail_reader import PAUSE_SECONDS
from kubectl_nodedns.metrics.discovery import Discovery
from kubectl_nodedns.metrics.monitor import (
    CHANGED_SECONDS,
    REREAD_SECONDS,
    Monitor,
)
from kubectl_nodedns.metrics.row_severity import marks
from kubectl_nodedns.metrics.sampler import Sampler
from kubectl_nodedns.metrics.watched import Found
from tests.clock import now
from tests.unit.metrics.pages import KUBE_DNS, LOCAL
from tests.unit.metrics.test_discovery import CACHE, POD_COLUMNS, Tables, pod_row, table
from tests.unit.metrics.test_sampler import Pods

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from kubectl_nodedns.facts.caches import Cache
    from kubectl_nodedns.facts.progress import Progress


class Hands:
    """What the monitor reads again and again."""

    def __init__(self) -> None:
        self.there: Sequence[Cache] | Exception = (CACHE,)
        self.unfinished: Progress | Exception | None = None
        self.text = ""
        self.requests = self.received = 0

    async def caches(self) -> Sequence[Cache]:
        if isinstance(self.there, Exception):
            raise self.there
        return self.there

    async def progress(self, caches: Sequence[Cache]) -> Progress | None:
        if isinstance(self.unfinished, Exception):
            raise self.unfinished
        return self.unfinished

    async def corefile(self, cache: Cache) -> str:
        return self.text


@contextlib.asynccontextmanager
async def running(monitor: Monitor) -> AsyncIterator[None]:
    """Let a monitor run meanwhile."""
    task = asyncio.create_task(monitor.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.fixture
def tables() -> Tables:
    return Tables()


@pytest.fixture
def hands() -> Hands:
    return Hands()


def make(
    tables: Tables, hands: Hands, dns_ips: Sequence[str] = (KUBE_DNS,), **more: Any
) -> Monitor:
    return Monitor(
        discovery=Discovery(tables, [CACHE], clock=now),
        sampler=Sampler(Pods(now), interval=2.0, clock=now),
        cluster=hands,
        found=Found(caches=(CACHE,), dns_ips=tuple(dns_ips)),
        **{"clock": now, **more},
    )


async def test_once_has_rates(tables: Tables, hands: Hands) -> None:
    seen = await make(tables, hands).once()
    assert [row.node.name for row in seen.nodes] == ["n1", "n2"]
    assert seen.nodes[0].traffic.lookups is not None
    assert seen.nodes[1].pod is None
    assert seen.source == "test"


@pytest.mark.parametrize(
    ("dns_ips", "local", "kube_dns"),
    [
        ((KUBE_DNS,), LOCAL, (KUBE_DNS,)),
        ((), LOCAL, (KUBE_DNS,)),  # not known: by convention the first is its own
        (("10.0.0.99",), LOCAL, ()),
    ],
)
async def test_which_address_is_whose(
    tables: Tables, hands: Hands, dns_ips: tuple[str, ...], local: str, kube_dns: tuple[str, ...]
) -> None:
    (watched,) = make(tables, hands, dns_ips).snapshot().caches
    assert (watched.local_ip, watched.kube_dns_ips) == (local, kube_dns)


async def test_rows_of_which_nothing_changed_are_the_same_objects(
    tables: Tables, hands: Hands
) -> None:
    monitor = make(tables, hands)
    await monitor.load()
    first, second = monitor.snapshot(), monitor.snapshot()
    assert all(a is b for a, b in zip(first.nodes, second.nodes, strict=True))


async def test_our_own_load_is_no_zero_between_two_waves_of_scrapes(
    tables: Tables, hands: Hands
) -> None:
    now = [100.0]
    monitor = make(tables, hands, clock=lambda: now[0])
    loads = []
    for second in range(1, 31):
        now[0] += 1.0
        hands.requests += 6 if second % 3 == 0 else 0
        loads.append(monitor.snapshot().load.requests_per_second)
    assert all(1.5 < load < 2.5 for load in loads[9:])
    now[0] += 60.0
    assert monitor.snapshot().load.requests_per_second == 0.0  # what was is forgotten


async def test_it_keeps_current_and_follows_pods(tables: Tables, hands: Hands) -> None:
    monitor = make(tables, hands)
    await monitor.load()
    async with running(monitor):
        await asyncio.sleep(5.0)
        (one, _) = monitor.snapshot().nodes
        assert one.figures is not None
        assert one.traffic.lookups is not None


async def test_a_proof_counts_until_the_pod_changes(tables: Tables, hands: Hands) -> None:
    monitor = make(tables, hands)
    await monitor.load()
    monitor.snapshot()
    monitor.note_proof("n1", intercepted=True)
    monitor.note_proof("n2", intercepted=True)  # there is no pod that could have answered
    one, two = monitor.snapshot().nodes
    assert one.proved_at is not None
    assert two.proved_at is None
    tables.lists["pods"] = [table(POD_COLUMNS, pod_row("p9", "n1"))]
    await monitor.load()
    assert monitor.snapshot().nodes[0].proved_at is None
    tables.lists["pods"] = [table(POD_COLUMNS, pod_row("p1", "n1"))]
    await monitor.load()
    monitor.snapshot()
    monitor.note_proof("n1", intercepted=False)
    seen = monitor.snapshot()
    assert seen.nodes[0].proved_at is None
    assert seen.nodes[0].refuted_at is not None
    assert seen.nodes[0].interception(["10.96.0.10"], seen.at) is Interception.NOT_INTERCEPTED
    assert (seen.fleet.proved, seen.fleet.refuted, seen.fleet.intercepting) == (0, 1, 0)
    assert "NOT intercepted" in " ".join(mark.words for mark in marks(seen.nodes[0], seen))
    monitor.note_proof("n1", intercepted=True)
    assert monitor.snapshot().nodes[0].refuted_at is None


async def test_the_capacity_comes_from_the_corefile(tables: Tables, hands: Hands) -> None:
    hands.text = ".:53 {\n cache\n}\n"
    monitor = make(tables, hands)
    await monitor.load()
    seen = monitor.snapshot()
    assert seen.capacity(seen.nodes[0]) == 2 * 9984
    assert seen.capacity(seen.nodes[1]) is None


async def test_a_cache_that_is_removed_is_said(tables: Tables, hands: Hands) -> None:
    monitor = make(tables, hands)
    await monitor.load()
    hands.there = ()
    async with running(monitor):
        await asyncio.sleep(REREAD_SECONDS + 1)
        assert monitor.snapshot().problems == ("the cache has been removed: no DaemonSet",)
        hands.there = UnreachableError("gone")
        await asyncio.sleep(REREAD_SECONDS + 1)
        assert monitor.snapshot().problems == ("gone",)
        hands.there = (CACHE,)
        await asyncio.sleep(REREAD_SECONDS + 1)
        assert monitor.snapshot().problems == ()


async def test_whatever_goes_wrong_while_watching_is_shown_and_does_not_end_it(
    tables: Tables, hands: Hands
) -> None:
    monitor = make(tables, hands)
    await monitor.load()
    async with running(monitor):
        hands.there = RuntimeError("nobody expected this")
        await asyncio.sleep(REREAD_SECONDS + 1)
        assert "unexpected RuntimeError" in " ".join(monitor.snapshot().problems)
        hands.there = (CACHE,)
        hands.unfinished = ForbiddenError("may not list pods")
        await asyncio.sleep(REREAD_SECONDS + 1)
        assert monitor.snapshot().problems == ("may not list pods",)
        hands.unfinished = None
        await asyncio.sleep(REREAD_SECONDS + 1)
        assert monitor.snapshot().problems == ()


async def test_details_that_cannot_be_read_are_said(tables: Tables, hands: Hands) -> None:
    class Broken(Told):
        async def read(self, *_: Any) -> None:
            raise RuntimeError("nobody expected this")

    monitor = make(tables, hands, details=Broken())
    await monitor.load()
    async with running(monitor):
        await asyncio.sleep(1.0)
        assert "unexpected RuntimeError" in " ".join(monitor.snapshot().problems)


class Told:
    """Details of nothing, which remember of which caches they were to be read."""

    def __init__(self) -> None:
        self.caches: Sequence[Cache] | None = None

    def get(self, node: str) -> None:
        return None

    async def read(
        self, rows: Sequence[Any], caches: Sequence[Cache], unasked: Sequence[str]
    ) -> None:
        self.caches = caches


async def test_a_cache_that_is_removed_is_not_expected_on_any_node(
    tables: Tables, hands: Hands
) -> None:
    told = Told()
    monitor = make(tables, hands, details=told)
    await monitor.load()
    async with running(monitor):
        await asyncio.sleep(1.0)
        assert told.caches == (CACHE,)
        hands.there = ()
        await asyncio.sleep(REREAD_SECONDS + PAUSE_SECONDS)
        assert told.caches == ()


def ports(monitor: Monitor) -> list[int]:
    return [pod.metrics_port for row in monitor.snapshot().nodes for pod in row.pods]


async def test_other_pods_may_listen_on_other_ports(tables: Tables, hands: Hands) -> None:
    monitor = make(tables, hands)
    await monitor.load()
    async with running(monitor):
        hands.there = (replace(CACHE, metrics_port=9254),)
        await asyncio.sleep(REREAD_SECONDS / 2)
        assert ports(monitor) == [9253]
        tables.lists["pods"] = [table(POD_COLUMNS, pod_row("p2", "n1"))]
        await monitor.load()
        await asyncio.sleep(CHANGED_SECONDS + 2)
        assert ports(monitor) == [9254]


async def test_when_no_node_s_metrics_can_be_read_it_is_said_once(
    tables: Tables, hands: Hands
) -> None:
    pods = Pods(now)
    pods.fail["p1"] = ForbiddenError("may not get pods/proxy", status=403)
    monitor = Monitor(
        discovery=Discovery(tables, [CACHE]),
        sampler=Sampler(pods, clock=now),
        cluster=hands,
        found=Found(caches=(CACHE,)),
    )
    await monitor.load()
    async with running(monitor):
        await asyncio.sleep(1.0)
        assert monitor.snapshot().problems == ("no metrics from any node: may not get pods/proxy",)
