"""Which question a node is asked, by what its cache listens on and whether it has the marker."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

import pytest

from kubectl_nodedns.facts.corefile_reader import read_corefile
from kubectl_nodedns.health.proofs import MOST, offer_proofs, prove
from kubectl_nodedns.lookup.question import Answer
from tests.unit.checks.evidence import CACHE, DNS, LOCAL, cache_pod, counters, evidence, node
from tests.unit.lookup.samples import TARGET, bad, good, marker, none

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any

    from kubectl_nodedns.checks.evidence import Evidence
    from kubectl_nodedns.lookup.probes import Probes
    from kubectl_nodedns.lookup.question import Question

MARKED = read_corefile(
    TARGET.mark(LOCAL).name.rstrip(".")
    + ':53 {\n  template IN TXT {\n    answer "{{ .Name }} 0 IN TXT {$POD_UID}"\n  }\n}\n'
    + "cluster.local:53 {\n  forward . __PILLAR__CLUSTER__DNS__\n}\n"
)
UNMARKED = read_corefile("cluster.local:53 {\n  forward . __PILLAR__CLUSTER__DNS__\n}\n")


@dataclass
class Asked:
    """Probes that answer as they are told, and remember the servers that they asked."""

    answer: Callable[[Question], Answer]
    failed: dict[str, str] = field(default_factory=dict)
    servers: set[str] = field(default_factory=set)
    started: list[str] = field(default_factory=list)

    async def start(self, nodes: Iterable[str]) -> dict[str, str]:
        self.started = list(nodes)
        return self.failed

    async def ask(self, _node: str, questions: Sequence[Question]) -> list[Answer]:
        self.servers |= {question.server for question in questions}
        return [self.answer(question) for question in questions]


def own(question: Question) -> Answer:
    """As the cache of node1 answers."""
    if question.rtype == "TXT":
        return marker(question.server, uid="uid-of-cache-1")
    return good(question)


def seen(*local_ips: str, marked: bool = True, **more: Any) -> Evidence:
    one = node(pods=(cache_pod(local_ips=local_ips),))
    corefile = MARKED if marked else UNMARKED
    return evidence(one, domain="cluster.local", corefiles={CACHE: corefile.blocks}, **more)


async def proved(of: Evidence, probes: Asked) -> tuple[dict[str, bool], dict[str, str]]:
    verdicts, failed = await prove(of, cast("Probes", probes))
    return {name: verdict.ok for name, verdict in verdicts.items()}, dict(failed)


@pytest.mark.parametrize(
    ("local_ips", "server"), [((LOCAL, DNS), DNS), ((DNS,), DNS), ((LOCAL,), LOCAL)]
)
async def test_a_marked_cache_is_asked_at_the_dns_address_if_it_listens_there(
    local_ips: tuple[str, ...], server: str
) -> None:
    probes = Asked(own)
    assert await proved(seen(*local_ips), probes) == ({"node1": True}, {})
    assert probes.servers == {server}


async def test_the_marker_of_another_pod_is_a_bad_verdict() -> None:
    probes = Asked(
        lambda question: marker(question.server) if question.rtype == "TXT" else good(question)
    )
    assert await proved(seen(LOCAL, DNS), probes) == ({"node1": False}, {})


async def test_a_cache_without_the_marker_can_only_be_refuted() -> None:
    assert await proved(seen(LOCAL, DNS, marked=False), Asked(own)) == ({}, {})
    broken = Asked(lambda question: bad(question, "SERVFAIL"))
    assert await proved(seen(LOCAL, DNS, marked=False), broken) == ({"node1": False}, {})
    assert broken.servers == {DNS}


async def test_a_probe_that_no_question_left_proves_nothing() -> None:
    mute = Asked(lambda question: Answer(question=question, asked=False, error="no exec"))
    verdicts, failed = await proved(seen(LOCAL, DNS), mute)
    assert verdicts == {}
    assert failed == {"node1": "it could not be asked: no exec"}


async def test_silence_is_an_answer_of_a_kind() -> None:
    assert await proved(seen(LOCAL, DNS), Asked(none)) == ({"node1": False}, {})


async def test_a_node_whose_probe_does_not_start_is_not_asked() -> None:
    probes = Asked(own, failed={"node1": "no image"})
    assert await proved(seen(LOCAL, DNS), probes) == ({}, {"node1": "no image"})
    assert probes.servers == set()


async def test_no_more_nodes_are_offered_than_can_be_proved_at_once() -> None:
    names = [f"node{number:02}" for number in range(MOST + 3)]
    silent = counters(lookups_by_address={DNS: 1e6})
    busy = counters(lookups_by_address={DNS: 1e6}, lately={DNS: 1000.0})
    served = (node(f"served{number:02}", counters=busy) for number in range(MOST + 6))
    doubtful = (node(name, counters=silent) for name in names)
    whole = evidence(*served, *doubtful, domain="cluster.local")
    said: list[str] = []

    def confirm(question: str) -> bool:
        said.append(question)
        return False

    await offer_proofs(whole, cast("Any", None), confirm)
    assert str(MOST) in said[0]
    assert str(MOST + 3) not in said[0]
