"""Lookups for the tests about comparing them."""

from __future__ import annotations

from typing import Any

from kubectl_nodedns.lookup.question import Answer, Question, Record
from kubectl_nodedns.lookup.vantage import Lookup, VantagePoint, Where

NAME = "api.internal.corp."
UID = "1f0c6b1e-6a65-4c1e-9d33-3e1d6a2f7c11"
LOCAL = VantagePoint(where=Where.LOCAL, address="169.254.20.10")
KUBE_DNS = VantagePoint(where=Where.KUBE_DNS, address="10.96.0.10")
UPSTREAM = VantagePoint(where=Where.UPSTREAM, address="10.96.77.12")
CORE_1 = VantagePoint(where=Where.COREDNS, address="10.244.1.3", target="coredns-1 on node1")
CORE_2 = VantagePoint(where=Where.COREDNS, address="10.244.2.3", target="coredns-2 on node2")
RESOLVER = VantagePoint(where=Where.RESOLVER, address="10.88.0.1")


def answer(
    point: VantagePoint, *data: str, rcode: str = "NOERROR", tcp: bool = False, **more: Any
) -> Answer:
    question = Question(name=NAME, server=point.address, tcp=tcp)
    records = tuple(Record(name=NAME, ttl=14, rtype="A", data=one) for one in data)
    more = {"microseconds": 212, **more}
    return Answer(question=question, rcode=rcode, records=records, **more)


def row(point: VantagePoint, *data: str, node: str = "node1", **more: Any) -> Lookup:
    """A lookup that was answered."""
    return Lookup(node=node, point=point, answer=answer(point, *(data or ("10.7.1.20",)), **more))


def code(point: VantagePoint, rcode: str, *, node: str = "node1", **more: Any) -> Lookup:
    """A lookup with a response code and no records."""
    return Lookup(node=node, point=point, answer=answer(point, rcode=rcode, **more))


def silent(point: VantagePoint, error: str = "no response in 2 s", **more: Any) -> Lookup:
    """A lookup without a response."""
    lost = answer(point, rcode="", error=error, microseconds=None)
    return Lookup(node=more.pop("node", "node1"), point=point, answer=lost, **more)


def marked(lookup: Lookup, by: str | None = "node1") -> Lookup:
    """The same, with the marker answered by the cache of a node, or denied."""
    question = Question(name="id.nodedns.x.", rtype="TXT", server=lookup.point.address)
    record = Record(name="id.nodedns.x.", ttl=0, rtype="TXT", data=f'"{by} {UID}"')
    marker = (
        Answer(question=question, rcode="NOERROR", records=(record,))
        if by
        else Answer(question=question, rcode="NXDOMAIN")
    )
    return Lookup(node=lookup.node, point=lookup.point, answer=lookup.answer, marker=marker)


def healthy(node: str = "node1") -> list[Lookup]:
    """Every vantage point gives the same answer, and the node's cache intercepts."""
    return [
        marked(row(LOCAL, node=node), node),
        marked(row(KUBE_DNS, node=node), node),
        marked(row(UPSTREAM, node=node), None),
        row(CORE_1, node=node),
        row(CORE_2, node=node),
    ]
