"""What the screens are given in tests: a feed of fixed snapshots, and askers without a cluster."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kubectl_nodedns.errors import NodednsError
from kubectl_nodedns.lookup.question import Answer, Question, Record
from kubectl_nodedns.lookup.vantage import VantagePoint, vantage_points
from kubectl_nodedns.metrics.node_row import NodeRow
from kubectl_nodedns.metrics.page import read_page
from kubectl_nodedns.metrics.sampler import Sampled
from kubectl_nodedns.tui.ports import Configuration, Event, Ports
from tests.unit.metrics import pages
from tests.unit.metrics.fleets import NOW, node
from tests.unit.metrics.fleets import pod as cache_pod

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from kubectl_nodedns.facts.cache_pods import CachePod
    from kubectl_nodedns.metrics.fleet import FleetSnapshot
    from kubectl_nodedns.tui.ports import Asker, Examiner, Feed, Playback, Reader

COREFILE = """\
cluster.local:53 {
    errors
    cache {
        success 9984 30
        denial 9984 5
    }
    forward . 10.96.77.12 {
        force_tcp
    }
}
.:53 {
    # everything else
    cache 30
    forward . 10.0.0.2
}
"""
LOG = """\
2023-11-14T22:10:01.000000001Z [INFO] plugin/reload: Running configuration SHA512 = 9f3a
2023-11-14T22:11:07Z [ERROR] plugin/errors: 2 a.example. A: 10.0.0.1:4711->10.0.0.2:53: timeout
2023-11-14T22:11:09Z [ERROR] plugin/errors: 2 b.example. AAAA: 10.0.0.1:4712->10.0.0.2:53: timeout
2023-11-14T22:12:30.300000000Z [WARNING] No files matching import glob pattern: custom/*.override
2023-11-14T22:13:11Z [ERROR] plugin/errors: 2 c.example. A: 10.0.0.1:999->10.0.0.2:53: timeout
"""
EVENTS = (
    Event(
        at=NOW - 90,
        warning=True,
        reason="BackOff",
        message="Back-off restarting failed container node-cache in pod node-local-dns-x2k4z",
        count=12,
        about="pod/node-local-dns-x2k4z",
    ),
    Event(
        at=NOW - 400,
        warning=False,
        reason="Pulled",
        message="Container image is already present on the machine",
        count=1,
        about="pod/node-local-dns-x2k4z",
    ),
)


class FixedFeed:
    """Hands out a snapshot that the test sets."""

    def __init__(self, snapshot: FleetSnapshot) -> None:
        self.now = snapshot
        self.looked_at: list[str] = []
        self.taken = 0

    def snapshot(self) -> FleetSnapshot:
        self.taken += 1
        return self.now

    def look_at(self, nodes: Collection[str]) -> None:
        self.looked_at = list(nodes)


class NoAsker:
    """Has no pod to ask from."""

    def __init__(self, error: str = "no probe pod can be had") -> None:
        self.error = error
        self.released: list[str] = []

    async def __call__(self, node: str, questions: Sequence[Question]) -> Sequence[Answer]:
        raise NodednsError(self.error, hint="use --probe-namespace")

    async def release(self, node: str) -> None:
        self.released.append(node)

    async def close(self) -> None:
        pass


class BrokenAsker(NoAsker):
    """Fails as only a mistake of ours would."""

    async def __call__(self, node: str, questions: Sequence[Question]) -> Sequence[Answer]:
        raise ZeroDivisionError("division by zero")


class FixedAsker:
    """Answers like a cache of ours on the node that is asked, or like CoreDNS where it is not."""

    def __init__(
        self, *, intercepted: bool = True, local_ip: str = "169.254.20.10", failing: str = ""
    ) -> None:
        self.asked: list[tuple[str, tuple[Question, ...]]] = []
        self.released: list[str] = []
        self.held = asyncio.Event()
        self.held.set()
        self._intercepted = intercepted
        self._local_ip = local_ip
        self._failing = failing

    async def __call__(self, node: str, questions: Sequence[Question]) -> Sequence[Answer]:
        self.asked.append((node, tuple(questions)))
        await self.held.wait()
        return [self._answer(node, question) for question in questions]

    async def release(self, node: str) -> None:
        self.released.append(node)

    async def close(self) -> None:
        pass

    def _answer(self, node: str, question: Question) -> Answer:
        if question.server == self._failing:
            return Answer(question=question, rcode="SERVFAIL", microseconds=2_000_000)
        if question.rtype != "TXT":
            return answer(question, "10.96.0.1")
        cached = (self._local_ip, "10.96.0.10") if self._intercepted else (self._local_ip,)
        if question.server in cached:
            return answer(question, f'"{node} 1b2c3d"')
        return Answer(question=question, rcode="NXDOMAIN", flags=("qr", "aa"), microseconds=900)


def answer(question: Question, data: str, *, rcode: str = "NOERROR") -> Answer:
    record = Record(name=question.name, ttl=5, rtype=question.rtype, data=data)
    return Answer(
        question=question,
        rcode=rcode,
        records=(record,),
        flags=("qr", "aa", "rd"),
        microseconds=212,
    )


class FixedReader:
    """Has fixed events, log and ConfigMap; or none of them, when it has an error."""

    def __init__(self, *, error: str = "") -> None:
        self.error = error
        self.previous: list[bool] = []
        self.log: list[str] = LOG.splitlines()
        self.happened: list[Event] = list(EVENTS)

    async def events(self, node: str, pod: CachePod | None) -> Sequence[Event]:
        self._fail()
        return self.happened

    async def logs(self, pod: CachePod, *, previous: bool) -> Sequence[str]:
        self._fail()
        self.previous.append(previous)
        return ["[ERROR] plugin/errors: it was this"] if previous else self.log

    async def configuration(self, pod: CachePod) -> Configuration:
        self._fail()
        return Configuration(
            name="kube-system/node-local-dns-5b35e2c516",
            files={"Corefile": COREFILE},
            arguments=("-localip", "169.254.20.10,10.96.0.10", "-upstreamsvc", "kube-dns-upstream"),
        )

    async def points(self) -> Sequence[VantagePoint]:
        self._fail()
        return vantage_points(
            local_ips=["169.254.20.10"],
            kube_dns_ips=["10.96.0.10"],
            upstream_ips=["10.96.77.12"],
            endpoints=[("10.244.1.3", "coredns-a on node1"), ("10.244.2.3", "coredns-b on node2")],
        )

    def _fail(self) -> None:
        if self.error:
            raise NodednsError(self.error, hint="ask for the right")


@dataclass(frozen=True)
class Found:
    """A finding, as the panel needs it."""

    code: str = "ND012"
    severity: str = "warning"
    subject: str = "node ip-10-0-3-17"
    seen: str = "5.0% of lookups fail"
    matters: str = "pods there see SERVFAIL"
    way_out: str = "look at the upstreams of that node"


class FixedExaminer:
    """Finds what the test sets."""

    def __init__(self, *found: Found, error: str = "") -> None:
        self.found = found
        self.error = error
        self.looked = 0

    async def __call__(self, snapshot: FleetSnapshot) -> Sequence[Found]:
        self.looked += 1
        if self.error:
            raise NodednsError(self.error, hint="look again")
        return self.found


def ports(
    feed: Feed,
    *,
    asker: Asker | None = None,
    reader: Reader | None = None,
    examiner: Examiner | None = None,
    playback: Playback | None = None,
    note_proof: Callable[[str, bool], None] = lambda _node, _intercepted: None,
) -> Ports:
    """All that the screen is handed, with nothing behind what is not named."""
    return Ports(
        feed=feed,
        asker=asker or NoAsker(),
        reader=reader or FixedReader(),
        examiner=examiner or FixedExaminer(),
        playback=playback,
        note_proof=note_proof,
    )


def counted(name: str, *, seconds: float = 200.0, fast: int = 10_000) -> NodeRow:
    """A row of a cache that started `seconds` ago and had `fast` lookups on each address since."""
    zone = pages.ZoneLoad(name="cluster.local.", fast=fast, hits=fast // 2)
    idle = pages.ZoneLoad(name="cluster.local.")
    loads = [pages.Load(zones=(z,), started=NOW - seconds) for z in (idle, zone)]
    first, second = (pages.page(load) for load in loads)
    pod = cache_pod(name)
    known = Sampled(pod=pod.name).after(None, read_page(first, at=NOW - 2))
    after = known.after(known.page, read_page(second, at=NOW))
    return NodeRow(node=node(name), pods=(pod,), sampled=after)
