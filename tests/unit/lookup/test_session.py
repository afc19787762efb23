"""The rounds of `lookup`, with probes and a cluster that are stand-ins."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import pytest

from kubectl_nodedns.errors import Exit, ForbiddenError, NodednsError, UsageError
from kubectl_nodedns.lookup.ask import unasked
from kubectl_nodedns.lookup.events import LookupCame, NameFound, NodeDone, Report, RoundBegan
from kubectl_nodedns.lookup.question import Manner
from kubectl_nodedns.lookup.request import check_request, type_to_look_up
from kubectl_nodedns.lookup.session import Session
from kubectl_nodedns.probes.failure import failure_of
from tests.unit.lookup.samples import bad, good
from tests.unit.lookup.ways import REQUEST, WAY, Told

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Iterable, Mapping, Sequence

    from kubectl_nodedns.facts.way import Way
    from kubectl_nodedns.lookup.question import Answer, Question
    from kubectl_nodedns.probes.failure import ProbeFailure


class Client:
    """Has nothing to say."""

    access = type("Access", (), {"namespace": "default"})()


class Probes:
    """Run one after the other, and know the names of the cluster."""

    def __init__(self) -> None:
        self.failed: dict[str, ProbeFailure] = {}
        self.ended: set[str] = set()
        self.forbidden: set[str] = set()
        self.starts: list[list[str]] = []
        self.asked: list[tuple[str, str]] = []
        self.stuck: str = ""
        self.left = ""
        self._running: set[str] = set()

    def runs(self, node: str) -> bool:
        return node in self._running

    def forget(self, node: str) -> None:
        self._running.discard(node)

    async def start(
        self, nodes: Iterable[str], *, started: Callable[[str], object]
    ) -> Mapping[str, ProbeFailure]:
        self.starts.append(list(nodes))
        for node in self.starts[-1]:
            await asyncio.sleep(1)
            if node not in self.failed:
                self._running.add(node)
                started(node)
        return self.failed

    async def resolv_conf(self, node: str) -> str:
        return "nameserver 10.88.0.1\nsearch example.org\n"

    async def answers(
        self, node: str, questions: Sequence[Question]
    ) -> AsyncGenerator[Answer, None]:
        if node in self.forbidden:
            raise ForbiddenError("pods/exec", status=403)
        if node == self.stuck:
            try:
                await asyncio.sleep(3600)
            except asyncio.CancelledError:
                self.left = node
                raise
        for question in questions:
            self.asked.append((node, question.name))
            await asyncio.sleep(0.1)
            if node in self.ended:
                (answer,) = unasked([question], "it has ended")
                yield answer
            elif question.name == "web.shop.svc.cluster.local.":
                yield good(question)
            else:
                yield bad(question, "NXDOMAIN")


def session(
    probes: Probes, told: Told | None = None, way: Way = WAY, unfit: Any = None, **more: Any
) -> Session:
    return Session(
        cast("Any", Client()),
        way,
        cast("Any", probes),
        replace(REQUEST, **more),
        told or Told(),
        unfit=unfit or {},
    )


async def events(of: Session, *nodes: str) -> list[Any]:
    async with aclosing(of.rounds(nodes)) as coming:
        return [event async for event in coming]


async def test_a_round_from_one_node_is_a_beginning_a_name_rows_and_a_report() -> None:
    told = Told()
    found = await events(session(Probes(), told), "node1")
    assert [type(event) for event in found] == [
        RoundBegan, NameFound, LookupCame, LookupCame, NodeDone, Report,
    ]  # fmt: skip
    assert told.said == ["ask web.shop A over udp from node1", "start 1 probe pod"]
    report = found[-1]
    assert report.name == "web.shop.svc.cluster.local."
    assert [answer.rcode for answer in report.tried] == ["NXDOMAIN", "NOERROR"]
    assert [one.point.address for one in report.lookups] == ["10.96.0.10", "10.244.1.3"]
    assert report.exit == Exit.OK


async def test_the_search_list_is_gone_through_once_however_many_nodes_ask() -> None:
    probes = Probes()
    found = await events(session(probes), "node1", "node2")
    assert sum(isinstance(event, NameFound) for event in found) == 1
    assert [name for _, name in probes.asked].count("web.shop.default.svc.cluster.local.") == 1
    assert [(e.done, e.of) for e in found if isinstance(e, NodeDone)] == [(1, 2), (2, 2)]


async def test_a_name_that_is_absolute_is_not_searched_for() -> None:
    found = await events(session(Probes(), absolute=True), "node1")
    assert not any(isinstance(event, NameFound) for event in found)
    assert (found[-1].name, found[-1].tried) == ("web.shop.", ())


async def test_a_report_has_its_rows_in_the_order_of_the_nodes() -> None:
    report = (await events(session(Probes()), "node2", "node1"))[-1]
    assert list(dict.fromkeys(one.node for one in report.lookups)) == ["node2", "node1"]


async def test_the_nodes_own_resolvers_are_asked_for_names_outside_the_cluster_alone() -> None:
    def asked(found: list[Any]) -> set[str]:
        return {one.point.address for one in found[-1].lookups}

    inside = await events(session(Probes()), "node1")
    outside = await events(session(Probes(), name="a.test.", whole="a.test.", absolute=True), "n")
    assert "10.88.0.1" not in asked(inside)
    assert "10.88.0.1" in asked(outside)
    way = replace(WAY, forwards=("192.0.2.53",))
    named = session(Probes(), way=way, name="a.test.", whole="a.test.", absolute=True)
    assert {"192.0.2.53"} == asked(await events(named, "n")) - {"10.96.0.10", "10.244.1.3"}


async def test_a_node_whose_probe_does_not_run_is_named_and_the_others_are_asked() -> None:
    probes = Probes()
    probes.failed = {"node2": failure_of("Unschedulable: 0/3 nodes are available")}
    of = session(probes, unfit={"node3": "it is not ready"})
    report = (await events(of, "node1", "node2"))[-1]
    assert list(report.unasked) == ["node3", "node2"]
    assert report.unasked["node2"].startswith("the node stands in the way: ")
    assert report.unasked["node2"].endswith(f"({probes.failed['node2'].way_out})")
    assert report.exit == Exit.PARTIAL


async def test_where_no_probe_runs_at_all_that_is_the_end() -> None:
    probes = Probes()
    probes.failed = {"node1": failure_of("its Job made no pod")}
    with pytest.raises(NodednsError, match="no probe pod runs on node1: ") as caught:
        await events(session(probes), "node1")
    assert caught.value.hint == probes.failed["node1"].way_out


async def test_without_a_node_it_is_said_why() -> None:
    with pytest.raises(NodednsError, match="nothing can be asked from node node3: it is off"):
        await events(session(Probes(), unfit={"node3": "it is off"}))


async def test_a_failure_on_one_node_ends_the_others() -> None:
    probes = Probes()
    probes.stuck, probes.forbidden = "node1", {"node2"}
    with pytest.raises(ForbiddenError):
        await events(session(probes, absolute=True), "node1", "node2")
    assert probes.left == "node1"


async def test_rounds_follow_each_other_and_a_probe_that_has_ended_is_made_anew() -> None:
    probes = Probes()
    of = session(probes, absolute=True, interval=2.0)
    reports = []
    began = asyncio.get_running_loop().time()
    async with aclosing(of.rounds(["node1"])) as coming:
        async for event in coming:
            if isinstance(event, Report):
                reports.append(event)
                probes.ended = {"node1"} if len(reports) == 1 else set()
                if len(reports) == 3:
                    break
    assert asyncio.get_running_loop().time() - began > 4
    assert probes.starts == [["node1"], ["node1"]]
    assert [one.lookups[0].answer.asked for one in reports] == [True, False, True]


@pytest.mark.parametrize(
    ("more", "nodes", "said"),
    [
        ({}, ("node1",), "ask web.shop A over udp from node1"),
        ({}, ("node1", "node2"), "ask web.shop A over udp from 2 nodes"),
        (
            {"all_nodes": False, "protocols": ("udp", "tcp")},
            ("node1",),
            "ask web.shop A over udp and tcp from node1 (one of 2; -A asks from all)",
        ),
        ({"all_nodes": False, "nodes": ("x",)}, ("x",), "ask web.shop A over udp from x"),
    ],
)
async def test_it_is_said_from_where_is_asked(
    more: dict[str, Any], nodes: tuple[str, ...], said: str
) -> None:
    told = Told()
    await events(session(Probes(), told, **more), *nodes)
    assert told.said[0] == said


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"manner": Manner(edns=False, nsid=True)}, "--no-edns"),
        ({"manner": Manner(buffer_size=70000)}, "--bufsize: not more than 65535"),
        ({"from_pod": "pod/a"}, "--from: a pod is on one node"),
        ({"direct": True}, "--direct: this machine asks"),
        ({"direct": True, "all_nodes": False, "from_pod": "pod/a"}, "--direct: this machine asks"),
    ],
)
def test_a_request_that_contradicts_itself_is_refused(more: dict[str, Any], said: str) -> None:
    check_request(REQUEST)
    with pytest.raises(UsageError, match=said):
        check_request(replace(REQUEST, **more))


def test_zones_are_not_looked_up() -> None:
    assert type_to_look_up("aaaa") == "AAAA"
    for rtype in ("AXFR", "OPT"):
        with pytest.raises(UsageError, match=f"{rtype} is no record type to look up"):
            type_to_look_up(rtype)
