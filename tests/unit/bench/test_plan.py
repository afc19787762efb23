"""What `bench` asks, where, how much, and whether somebody must be asked before."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import pytest

from kubectl_nodedns.bench.plan import (
    LIGHT_RATE,
    LIGHT_TOTAL,
    BenchRequest,
    Burden,
    Load,
    Name,
    addresses_of,
    agreed,
    choose_names,
    choose_nodes,
    choose_targets,
)
from kubectl_nodedns.bench.series import CACHE, COREDNS, KUBE_DNS, LOCAL, UPSTREAM, Server
from kubectl_nodedns.cluster.access import Access, AccessOptions
from kubectl_nodedns.errors import RefusedError, UsageError
from kubectl_nodedns.facts.cluster_domain import ClusterDomain
from kubectl_nodedns.facts.dataplane import Dataplane
from kubectl_nodedns.facts.dns_service import DnsService
from kubectl_nodedns.facts.inspection import Inspection
from kubectl_nodedns.facts.production import production_word
from kubectl_nodedns.probes.probe_job import ProbeOptions
from tests.unit.lookup.samples import bad, good, marker, none

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kubectl_nodedns.facts.caches import Cache
    from kubectl_nodedns.lookup.question import Answer, Question

from tests.unit.lookup.ways import cache, node

IP, CACHE_IP, UP = "10.96.0.10", "169.254.20.10", "10.96.77.12"
ADDRESSES = [(LOCAL, CACHE_IP), (KUBE_DNS, IP), (UPSTREAM, UP)]
NAMES = [Name(name="a.test.", rtype="A", label="a"), Name(name="b.test.", rtype="A", label="b")]


SEEN = Inspection(
    dns=DnsService(
        namespace="kube-system", name="kube-dns", ips=(IP,), selector={}, ready=1, target_ports={}
    ),
    domain=ClusterDomain(name="cluster.local", evidence=""),
    dataplane=Dataplane(mode="iptables", evidence=""),
    nodes=(node("windows", system="windows"), node("off", ready=False), node("b"), node("c")),
    caches=(),
)
REQUEST = BenchRequest(
    access=AccessOptions(),
    probes=ProbeOptions(),
    host_probe=False,
    given={},
    nodes=(),
    selector="",
    names=(),
    load=Load(rate=100, count=1000, seconds=5),
    yes=False,
    terminal=False,
)


class Client:
    """Lists nodes that are there."""

    async def list(self, _: str, *, labels: str) -> list[dict[str, Any]]:
        ready = {"type": "Ready", "status": "True"}
        names = {"pool=a": ("z", "y")}.get(labels, ())
        system = {"nodeInfo": {"operatingSystem": "linux"}, "conditions": [ready]}
        return [{"metadata": {"name": name}, "spec": {}, "status": system} for name in names]


async def nodes(**more: Any) -> list[str]:
    return await choose_nodes(cast("Any", Client()), SEEN, replace(REQUEST, **more))


async def test_the_first_ready_linux_node_is_asked_from_unless_others_are_chosen() -> None:
    assert await nodes() == ["b"]
    assert await nodes(nodes=("c", "b", "c")) == ["c", "b"]
    assert await nodes(selector="pool=a") == ["y", "z"]


async def test_nodes_that_are_not_there_cannot_be_asked_from() -> None:
    with pytest.raises(UsageError, match="--node: there is no node 'x'"):
        await nodes(nodes=("b", "x"))
    with pytest.raises(UsageError, match="there is no ready Linux node to ask from, or -l"):
        await nodes(selector="pool=none")


def test_the_caches_own_address_is_asked_and_those_that_it_takes_over_once() -> None:
    assert addresses_of(SEEN, "") == [(KUBE_DNS, IP)]
    assert addresses_of(replace(SEEN, caches=(cache(IP, CACHE_IP),)), UP) == ADDRESSES
    assert addresses_of(replace(SEEN, caches=(cache(IP),)), "") == [(KUBE_DNS, IP)]


def test_a_burden_is_over_all_nodes_and_addresses_and_both_transports() -> None:
    burden = Burden.of(REQUEST.load, nodes=3, addresses=2, context="lab")
    assert (burden.rate, burden.total, burden.production) == (300, 500 * 3 * 2 * 2, False)


def test_what_no_coredns_notices_is_light_unless_it_is_production() -> None:
    light = Burden(rate=LIGHT_RATE, total=LIGHT_TOTAL, production=False)
    assert light.light
    assert not replace(light, rate=LIGHT_RATE + 1).light
    assert not replace(light, total=LIGHT_TOTAL + 1).light
    assert not replace(light, production=True).light


@pytest.mark.parametrize(
    ("context", "word"),
    [("eu-prod-1", "prod"), ("PRD", "PRD"), ("products", ""), ("live2", "live"), ("olive", "")],
)
def test_a_context_looks_like_production_by_a_word_of_its_own(context: str, word: str) -> None:
    assert production_word(context) == word


class Talk:
    """Answers yes or no."""

    def __init__(self, *, answer: bool = True) -> None:
        self.answer = answer
        self.said: list[str] = []
        self.asked: list[str] = []

    def step(self, text: str) -> None:
        self.said.append(text)

    note = step

    def lines(self, lines: Any) -> None:
        self.said += lines

    def confirm(self, question: str, *, yes: bool) -> bool:
        self.asked.append(question)
        return yes or self.answer


ACCESS = Access(server="https://192.0.2.1", context="lab", namespace="", tls=True, headers={})
HEAVY = Burden(rate=1000, total=60_000, production=False)


def test_a_light_load_is_said_and_not_asked_for() -> None:
    talk = Talk(answer=False)
    assert agreed(Burden(rate=100, total=4000, production=False), REQUEST, ACCESS, talk)
    assert talk.said == ["up to 100 lookups/s at CoreDNS and 4000 lookups in all, UDP and TCP"]
    assert talk.asked == []


@pytest.mark.parametrize("answer", [True, False])
def test_a_heavy_load_is_asked_for(answer: bool) -> None:
    talk = Talk(answer=answer)
    assert agreed(HEAVY, replace(REQUEST, terminal=True), ACCESS, talk) is answer
    assert talk.asked == ["Load the DNS of lab so?"]
    nameless = replace(ACCESS, context="")
    agreed(HEAVY, replace(REQUEST, yes=True), nameless, talk)
    assert talk.asked[1] == "Load the DNS of https://192.0.2.1 so?"


def test_where_nobody_can_be_asked_a_heavy_load_is_refused() -> None:
    with pytest.raises(UsageError, match=r"1000 times a second \(that is a load\), and there is"):
        agreed(HEAVY, REQUEST, ACCESS, Talk())
    light = Burden(rate=1, total=1, production=True)
    with pytest.raises(UsageError, match=r"\(the context 'lab' looks like production\)"):
        agreed(light, REQUEST, ACCESS, Talk())
    assert agreed(HEAVY, replace(REQUEST, yes=True), ACCESS, Talk(answer=False))


class Asked:
    """Answers by a rule."""

    def __init__(self, rule: Callable[[Question], Answer]) -> None:
        self.rule = rule
        self.questions: list[tuple[str, Question]] = []

    async def ask(self, node: str, questions: Sequence[Question]) -> list[Answer]:
        self.questions += [(node, question) for question in questions]
        return [self.rule(question) for question in questions]


async def names(rule: Callable[[Question], Answer], **more: Any) -> tuple[list[str], Any, Asked]:
    asked, notes = Asked(rule), list[str]()
    found = await choose_names(
        cast("Any", asked), ["b", "c"], SEEN, replace(REQUEST, **more), ADDRESSES, notes
    )
    return [one.name for one in found], notes, asked


async def test_names_are_tried_at_coredns_alone_so_that_no_cache_is_warm() -> None:
    found, notes, asked = await names(good, names=tuple(NAMES))
    assert (found, notes) == (["a.test.", "b.test."], [])
    assert {(node, question.server) for node, question in asked.questions} == {("b", UP)}


async def test_a_name_that_fails_is_left_out_and_one_that_does_not_exist_is_not() -> None:
    def rule(question: Question) -> Answer:
        return bad(question, "SERVFAIL" if question.name == "a.test." else "NXDOMAIN")

    found, notes, _ = await names(rule, names=tuple(NAMES))
    assert (found, notes) == (["b.test."], ["a.test. A is left out: SERVFAIL"])


async def test_with_no_name_left_there_is_nothing_to_measure() -> None:
    with pytest.raises(RefusedError, match="from node b: SERVFAIL"):
        await names(bad, names=tuple(NAMES))


async def test_the_usual_names_have_one_outside_the_cluster_unless_it_is_none() -> None:
    assert "example.com." in (await names(good))[0]
    assert "a.example." in (await names(good, given={"external-name": "a.example"}))[0]
    usual = (await names(good, given={"external-name": "none"}))[0]
    assert usual
    assert not any("example" in name for name in usual)


async def targets(
    rule: Callable[[Question], Answer], *caches: Cache
) -> tuple[dict[str, list[Server]], list[str]]:
    notes: list[str] = []
    found = await choose_targets(
        cast("Any", Asked(rule)), ["b"], replace(SEEN, caches=caches), ADDRESSES, NAMES, notes
    )
    return found, notes


def by(found: dict[str, list[Server]]) -> list[str]:
    return [server.answered_by for server in found["b"]]


async def test_the_marker_tells_who_answers() -> None:
    def rule(question: Question) -> Answer:
        if question.rtype == "TXT":
            return marker(IP) if question.server == IP else bad(question, "NXDOMAIN")
        return good(question)

    ours = cache(CACHE_IP, IP)
    assert by((await targets(rule, ours))[0]) == [CACHE, CACHE, COREDNS]
    assert by((await targets(lambda q: bad(q, "NXDOMAIN"), ours))[0]) == [CACHE, COREDNS, COREDNS]


async def test_a_cache_without_a_marker_leaves_it_to_the_counters() -> None:
    found, _ = await targets(lambda q: bad(q, "NXDOMAIN"), cache(CACHE_IP, IP, ours=False))
    assert by(found) == [CACHE, "", COREDNS]


async def test_a_silent_address_is_left_out_and_that_of_the_dns_service_never() -> None:
    found, notes = await targets(none)
    assert [server.key for server in found["b"]] == [KUBE_DNS]
    assert notes == [
        "169.254.20.10 (local) is left out on node b: no response in 2 s",
        "10.96.77.12 (upstream) is left out on node b: no response in 2 s",
    ]
