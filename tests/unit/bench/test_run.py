"""The measuring of `bench`: slices in turns, what went wrong in a probe, and who answered."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import pytest

from kubectl_nodedns.bench.meter import Reading
from kubectl_nodedns.bench.plan import Load, Name
from kubectl_nodedns.bench.run import _by_counters, _rounds, _said, _slice
from kubectl_nodedns.bench.series import CACHE, COREDNS
from kubectl_nodedns.errors import ApiError, TimedOutError
from kubectl_nodedns.lookup.batch import Batch
from kubectl_nodedns.metrics.lookup_counts import Served
from tests.unit.bench.runs import INTERCEPTED, LOCAL, PLAIN, UPSTREAM, counted, series

if TYPE_CHECKING:
    from collections.abc import Sequence

NAMES = [Name(name="a.test.", rtype="A", label="a"), Name(name="b.test.", rtype="A", label="b")]
BATCH = Batch(
    server="10.96.0.10", tcp=False, questions=(("a.test.", "A"), ("b.test.", "A")), count=3, rate=10
)
ANSWERED = ";; ->>HEADER<<- opcode: QUERY, status: NOERROR, id: 1\n;; Query time: 212 usec\n"
LOST = ";; no servers could be reached\n"


def printed(*parts: str, throttled: int = 0) -> str:
    begin, end = f"nr_throttled {3}\n", f"nr_throttled {3 + throttled}\n"
    return f";;; begin 10.00\n{begin}{''.join(parts)};;; end 12.50\n{end}"


class Probes:
    """Print what they are told to, and remember what they were asked."""

    def __init__(self, output: str | Exception) -> None:
        self.output = output
        self.asked: list[tuple[str, str, str, int]] = []

    async def run(self, node: str, command: Sequence[str], *, timeout: float, most: int) -> str:
        self.asked.append((node, command[4], command[5], int(command[6])))
        if isinstance(self.output, Exception):
            raise self.output
        return self.output


class Meter:
    """CoreDNS serves ten lookups between two readings."""

    def __init__(self) -> None:
        self.readings = 0

    async def read(self) -> Reading:
        self.readings += 1
        served = Served(udp=10.0 * self.readings)
        return Reading(at=float(self.readings), coredns=served, caches=None, tracked=None)


class Talk:
    """Remembers what was told."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def note(self, text: str) -> None:
        self.said.append(text)


async def test_a_slice_has_a_lookup_for_each_response_under_the_name_that_was_asked() -> None:
    probes = Probes(printed(ANSWERED, LOST, ANSWERED, throttled=2))
    made, throttled = await _slice(cast("Any", probes), "node1", PLAIN, NAMES, BATCH)
    assert [(one.label, one.rcode, one.microseconds) for one in made.lookups] == [
        ("a", "NOERROR", 212), ("b", "", None), ("a", "NOERROR", 212),
    ]  # fmt: skip
    assert (made.seconds, throttled, made.tcp, made.node) == (2.5, 2, False, "node1")


@pytest.mark.parametrize(
    ("output", "said"),
    [
        ("sh: dig: not found", "the probe on node node1 did not bring its lookups to an end: sh"),
        (TimedOutError("too long"), "did not bring its lookups to an end: too long"),
        (printed("dig: bad option\n"), "the probe on node node1 made no lookup: ;;; begin 10.00"),
    ],
)
async def test_a_probe_that_does_not_ask_is_an_error(output: str | Exception, said: str) -> None:
    with pytest.raises(ApiError, match=said):
        await _slice(cast("Any", Probes(output)), "node1", PLAIN, NAMES, BATCH)


async def test_each_address_is_asked_in_turn_and_backwards_in_the_second_round() -> None:
    probes, meter, talk = Probes(printed(ANSWERED)), Meter(), Talk()
    targets = {"node1": [LOCAL, PLAIN], "node2": [PLAIN]}
    made, counts, throttled = await _rounds(
        cast("Any", probes),
        targets,
        NAMES,
        Load(rate=10, count=3, seconds=5),
        cast("Any", meter),
        cast("Any", talk),
    )
    once = [
        ("node1", LOCAL.address, "+notcp"),
        ("node1", LOCAL.address, "+tcp"),
        ("node1", PLAIN.address, "+notcp"),
        ("node2", PLAIN.address, "+notcp"),
        ("node1", PLAIN.address, "+tcp"),
        ("node2", PLAIN.address, "+tcp"),
    ]
    first, second = probes.asked[:6], probes.asked[6:]
    assert [one[:3] for one in first] == once
    assert [one[1:3] for one in second] == [one[1:] for one in reversed(once)]
    assert ({one[3] for one in first}, {one[3] for one in second}) == ({2}, {1})
    assert {(one.node, one.server.key, one.protocol): one.asked for one in made} == {
        (node, key, protocol): 2
        for node, key in (("node1", "local"), ("node1", "kube-dns"), ("node2", "kube-dns"))
        for protocol in ("udp", "tcp")
    }
    assert {(one.server, one.protocol): one.coredns_udp for one in counts} == {
        (key, protocol): 20 for key in ("local", "kube-dns") for protocol in ("udp", "tcp")
    }
    assert (meter.readings, throttled, len(talk.said)) == (16, 0, 8)


def test_a_slice_is_said_over_all_nodes() -> None:
    line = _said([series(UPSTREAM, [100, 300]), series(UPSTREAM, [200], lost=1, node="node2")])
    assert line == "upstream 10.96.77.12 udp      4 asked, 1 lost, p50 200 µs, p99 300 µs"
    assert _said([series(UPSTREAM, [], lost=2)]).endswith("2 asked, 2 lost, no response")


@pytest.mark.parametrize(("counts", "by"), [(18, CACHE), (17.9, COREDNS), (0, COREDNS), (None, "")])
def test_who_answered_is_told_by_what_the_caches_counted_of_all_nodes(
    counts: float | None, by: str
) -> None:
    unclear = replace(PLAIN, answered_by="")
    both = [series(unclear, [100] * 10), series(unclear, [100] * 10, node="node2")]
    seen = counted(both[0], cache_lookups=counts)  # type: ignore[arg-type]
    assert [one.server.answered_by for one in _by_counters(both, [seen])] == [by, by]


def test_what_the_marker_told_stands_whatever_was_counted() -> None:
    one = series(INTERCEPTED, [100])
    (found,) = _by_counters([one], [counted(one, cache_lookups=0)])
    assert found.server.answered_by == CACHE
