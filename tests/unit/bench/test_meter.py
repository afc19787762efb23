"""Counters around each series: what they rose by, and when that is not known."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any, cast

import pytest

from kubectl_nodedns.bench.meter import Meter, Reading, _pages, between, summed
from kubectl_nodedns.bench.plan import Load
from kubectl_nodedns.errors import ApiError, SilentError
from kubectl_nodedns.metrics.lookup_counts import Served

BEFORE = Reading(at=1.0, coredns=Served(udp=10, tcp=5), caches=Served(udp=3), tracked=50.0)


def test_counters_are_compared_between_two_readings() -> None:
    after = Reading(at=4.0, coredns=Served(udp=17, tcp=6), caches=Served(udp=9), tracked=40.0)
    rise = between(BEFORE, after)
    assert (rise.seconds, rise.coredns_udp, rise.coredns_tcp, rise.coredns) == (3.0, 7, 1, 8)
    assert (rise.cache_lookups, rise.tracked) == (6, -10.0)


def test_a_process_that_began_anew_is_not_known() -> None:
    rise = between(BEFORE, replace(BEFORE, coredns=Served(udp=2)))
    assert rise.coredns is None
    assert rise.cache_lookups == 0


def test_what_one_slice_does_not_know_the_series_does_not_know() -> None:
    one = replace(between(BEFORE, replace(BEFORE, at=3.0)), server="local", protocol="udp")
    [both] = summed([one, replace(one, coredns_udp=4, tracked=None)])
    assert (both.seconds, both.coredns_udp, both.tracked) == (4.0, 4, None)


def test_a_series_is_bounded_by_count_and_by_time() -> None:
    assert Load(rate=100, count=1000, seconds=5).lookups == 500
    assert Load(rate=100, count=30, seconds=5).lookups == 30
    assert Load(rate=1, count=30, seconds=0.1).lookups == 1
    assert Load(rate=100, count=5, seconds=5).slices() == [3, 2]
    assert Load(rate=1, count=1, seconds=1).slices() == [1]


def page(udp: int, tcp: int = 0) -> str:
    return (
        f'coredns_dns_requests_total{{proto="udp"}} {udp}\n'
        f'coredns_dns_requests_total{{proto="tcp"}} {tcp}\n'
    )


class Cluster:
    """Has pages of metrics, and pods; kernels track connections."""

    def __init__(self, pages: dict[str, str | Exception]) -> None:
        self.pages = pages
        self.asked: list[str] = []
        self.pods: list[dict[str, Any]] = []
        self.tracked: dict[str, str | Exception] = {}

    async def get_text(self, path: str, *, timeout: float) -> str:
        self.asked.append(path)
        return said(self.pages[path])

    async def run(self, node: str, command: list[str], *, timeout: float) -> str:
        assert command == ["cat", "/proc/sys/net/netfilter/nf_conntrack_count"]
        return said(self.tracked[node])

    async def list(self, path: str, *, labels: str) -> list[dict[str, Any]]:
        self.asked.append(f"{path}?{labels}")
        return self.pods


def said(what: str | Exception) -> str:
    if isinstance(what, Exception):
        raise what
    return what


def meter(cluster: Cluster, *, coredns: tuple[str, ...] = ("a", "b"), host: bool = False) -> Meter:
    return Meter(
        cast("Any", cluster),
        coredns=coredns,
        caches=(),
        nodes=tuple(cluster.tracked),
        host_probes=cast("Any", cluster) if host else None,
    )


async def test_pages_of_all_pods_are_added_up() -> None:
    found = await meter(Cluster({"a": page(3, 1), "b": page(4)})).read()
    assert found.coredns == Served(udp=7, tcp=1)
    assert (found.caches, found.tracked) == (None, None)


@pytest.mark.parametrize("other", [ApiError("no", status=403), "no metrics", "{", ""])
async def test_what_one_page_does_not_tell_is_not_known(other: str | Exception) -> None:
    found = await meter(Cluster({"a": page(3), "b": other})).read()
    assert found.coredns is None


async def test_a_page_that_never_came_is_not_waited_for_again() -> None:
    cluster = Cluster({"a": page(3), "b": SilentError("no answer in time")})
    asked = meter(cluster)
    for _ in range(3):
        assert (await asked.read()).coredns is None
    assert (cluster.asked.count("a"), cluster.asked.count("b")) == (3, 1)


async def test_connections_of_all_nodes_are_added_up_where_all_can_be_read() -> None:
    cluster = Cluster({})
    cluster.tracked = {"node1": "7\n", "node2": "35\n"}
    assert (await meter(cluster, coredns=(), host=True).read()).tracked == 42
    assert (await meter(cluster, coredns=()).read()).tracked is None
    for wrong in ("x", ApiError("gone")):
        cluster.tracked["node2"] = wrong
        assert (await meter(cluster, coredns=(), host=True).read()).tracked is None


async def test_others_are_counted_for_so_long_as_is_said() -> None:
    cluster = Cluster({"a": page(3)})
    asked = asyncio.create_task(meter(cluster, coredns=("a",)).idle(2.0))
    await asyncio.sleep(1)
    cluster.pages["a"] = page(10)
    found = await asked
    assert (found.seconds, found.coredns_udp) == (2.0, 7)


async def test_pages_are_those_of_pods_that_run_at_the_port_that_they_name() -> None:
    def pod(name: str, phase: str = "Running", **more: Any) -> dict[str, Any]:
        ports = [{"name": "dns", "containerPort": 53}, *more.pop("ports", [])]
        spec = {"containers": [{"ports": ports}, {}]}
        return {"metadata": {"name": name, **more}, "spec": spec, "status": {"phase": phase}}

    cluster = Cluster({})
    cluster.pods = [
        pod("usual"),
        pod("named", ports=[{"name": "metrics", "containerPort": 9999}]),
        pod("pending", "Pending"),
        pod("going", deletionTimestamp="now"),
    ]
    found = await _pages(cast("Any", cluster), "kube-system", "a=b")
    assert [path.split("/")[6] for path in found] == ["usual:9153", "named:9999"]
    assert cluster.asked == ["/api/v1/namespaces/kube-system/pods?a=b"]
