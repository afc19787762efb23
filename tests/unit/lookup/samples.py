"""Answers and a target for the tests about proofs."""

from __future__ import annotations

from kubectl_nodedns.lookup.proof import Target
from kubectl_nodedns.lookup.question import Answer, Question, Record

LOCAL = "169.254.20.10"
KUBE_DNS = "10.96.0.10"
POD = "1f0c6b1e-6a65-4c1e-9d33-3e1d6a2f7c11"
OLD_POD = "99999999-6a65-4c1e-9d33-3e1d6a2f7c11"
TARGET = Target.of(
    local_ip=LOCAL, kube_dns_ip=KUBE_DNS, domain="cluster.local", external="example.com"
)


def good(question: Question, data: str = "192.0.2.1", *, microseconds: int = 300) -> Answer:
    """A response with one record."""
    record = Record(name=question.name, ttl=5, rtype=question.rtype, data=data)
    return Answer(
        question=question, rcode="NOERROR", records=(record,), microseconds=microseconds, size=60
    )


def bad(question: Question, rcode: str = "SERVFAIL") -> Answer:
    """A response without a record."""
    return Answer(question=question, rcode=rcode, microseconds=300, size=60)


def none(question: Question, error: str = "no response in 2 s") -> Answer:
    """No response."""
    return Answer(question=question, error=error)


def marker(server: str, node: str = "node1", uid: str = POD) -> Answer:
    """The marker as a cache of ours answers it."""
    return good(TARGET.mark(server), f'"{node} {uid}"')


def ordinary(server: str) -> list[Answer]:
    """Good answers to the questions about real names."""
    return [good(question) for question in TARGET.ordinary(server)]
