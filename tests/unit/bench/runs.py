"""Runs of `bench` as plain values, for tests."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from kubectl_nodedns.bench.result import Counted, Result
from kubectl_nodedns.bench.series import CACHE, COREDNS, Lookup, Series, Server

if TYPE_CHECKING:
    from collections.abc import Sequence

LOCAL = Server(key="local", address="169.254.20.10", answered_by=CACHE)
INTERCEPTED = Server(key="kube-dns", address="10.96.0.10", answered_by=CACHE)
PLAIN = Server(key="kube-dns", address="10.96.0.10", answered_by=COREDNS)
UPSTREAM = Server(key="upstream", address="10.96.77.12", answered_by=COREDNS)
QUIET = Counted(
    server="", protocol="", seconds=2.0, coredns_udp=0, coredns_tcp=0, cache_lookups=0,
    cache_hits=0, cache_denial_hits=0, tracked=0,
)  # fmt: skip
"""Counters of a cluster in which nobody else asks."""


def series(
    server: Server, times: Sequence[int], *, tcp: bool = False, lost: int = 0, node: str = "node1"
) -> Series:
    """A series that took these microseconds; every second name does not exist."""
    lookups = [
        Lookup("missing", "NXDOMAIN", time) if number % 2 else Lookup("cluster", "NOERROR", time)
        for number, time in enumerate(times)
    ]
    lookups += [Lookup("cluster", "", None)] * lost
    return Series(node=node, server=server, tcp=tcp, lookups=tuple(lookups), seconds=2.0)


def counted(one: Series, **values: float) -> Counted:
    """What counters rose by during a series; zero unless said."""
    return replace(QUIET, server=one.server.key, protocol=one.protocol, **values)  # type: ignore[arg-type]


def run(*parts: Series, counts: Sequence[Counted] = (), others: Counted | None = QUIET) -> Result:
    """A run."""
    return Result(
        at="2026-11-22T22:00:00Z",
        place={
            "cluster": "test",
            "machines": ["node1: 2 CPUs"],
            "cache": "image:1, us",
            "coredns": "",
        },
        options={"rate": 100, "lookups": 4, "names": ["a. A", "b. A"]},
        series=parts,
        counted=tuple(counts),
        others=others,
        notes=("something to know",),
    )
