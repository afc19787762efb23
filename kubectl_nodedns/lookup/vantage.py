"""Vantage points: the addresses that one question is asked at, and what comes back from them. Pure.

`plan` makes the questions, whoever asks them hands back answers in the same order, `pair` puts the
two together, and `comparison.compare` judges the lookups.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from kubectl_nodedns.lookup.marker import Marker, read_marker
from kubectl_nodedns.lookup.question import Answer, Manner, Question
from kubectl_nodedns.names import marker_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


HERE = "here"
"""The node of a lookup that was asked from this machine, where that is none of the cluster's."""


class Where(StrEnum):
    """What an address is, on the way of a lookup from a pod to whoever knows the answer."""

    LOCAL = "local"
    """The cache's own address on each node."""
    KUBE_DNS = "kube-dns"
    """The cluster IP of the DNS service: what pods ask."""
    UPSTREAM = "upstream"
    """The cluster IP of the service by which the cache reaches CoreDNS."""
    COREDNS = "CoreDNS"
    """One endpoint of the DNS service."""
    RESOLVER = "resolver"
    """A resolver of the node, which is asked for names outside the cluster."""
    SERVER = "server"
    """Another address: given by the person, or named in a pod's resolv.conf."""


MARKED = frozenset({Where.LOCAL, Where.KUBE_DNS, Where.UPSTREAM, Where.SERVER})
"""Where the marker is asked too: a cache may answer there."""


@dataclass(frozen=True, kw_only=True)
class VantagePoint:
    """One address to ask at."""

    where: Where
    """What it is."""
    address: str
    """The IP address."""
    target: str = ""
    """Who is behind it, such as "coredns-5d4 on node2"; empty when that is not known."""

    def __str__(self) -> str:
        return f"{self.where} {self.address}"


@dataclass(frozen=True, kw_only=True)
class Ask:
    """One row to be: a question at a vantage point, and the marker beside it."""

    point: VantagePoint
    """Where it is asked."""
    question: Question
    """The question."""
    marker: Question | None = None
    """The question for the marker, same address and transport; None where none is asked."""

    @property
    def questions(self) -> tuple[Question, ...]:
        """What is sent, in order: the marker comes first, so that a row is whole at once."""
        return (self.marker, self.question) if self.marker else (self.question,)


@dataclass(frozen=True, kw_only=True)
class Lookup:
    """One row: what came back at one vantage point, over one transport, from one node."""

    node: str
    """Name of the node that it was asked from."""
    point: VantagePoint
    """Where it was asked."""
    answer: Answer
    """The answer."""
    marker: Answer | None = None
    """The answer to the marker; None where it was not asked."""
    evidence: str = ""
    """What the counters of a cache without a marker say about who answered, in words. Evidence
    only; empty when there is none."""

    @property
    def answered_by(self) -> Marker | None:
        """The cache that answered, proved by the marker; None when no cache of ours did."""
        return read_marker(self.marker) if self.marker else None


def vantage_points(
    *,
    local_ips: Iterable[str] = (),
    kube_dns_ips: Iterable[str] = (),
    upstream_ips: Iterable[str] = (),
    endpoints: Iterable[tuple[str, str]] = (),
    resolvers: Iterable[str] = (),
    servers: Iterable[str] = (),
) -> tuple[VantagePoint, ...]:
    """Return the points in the order of a lookup's way; an address appears only once.

    Args:
        local_ips: addresses of the cache, the DNS service's own left out.
        kube_dns_ips: cluster IPs of the DNS service.
        upstream_ips: cluster IPs of the upstream service.
        endpoints: address and description of each endpoint of the DNS service.
        resolvers: resolvers of the node.
        servers: other addresses.
    """
    dns_ips = set(kube_dns_ips := tuple(kube_dns_ips))
    points = [
        *((Where.LOCAL, ip, "") for ip in local_ips if ip not in dns_ips),
        *((Where.KUBE_DNS, ip, "") for ip in kube_dns_ips),
        *((Where.UPSTREAM, ip, "") for ip in upstream_ips),
        *((Where.COREDNS, ip, target) for ip, target in endpoints),
        *((Where.RESOLVER, ip, "") for ip in resolvers),
        *((Where.SERVER, ip, "") for ip in servers),
    ]
    found: dict[str, VantagePoint] = {}
    for where, address, target in points:
        found.setdefault(address, VantagePoint(where=where, address=address, target=target))
    return tuple(found.values())


def plan(
    points: Iterable[VantagePoint],
    *,
    name: str,
    rtype: str,
    marker: str = "",
    protocols: Sequence[str] = ("udp", "tcp"),
    manner: Manner | None = None,
) -> tuple[Ask, ...]:
    """Return what to ask at each point: the name over each protocol, and the marker beside it.

    Args:
        points: where to ask.
        name: domain name, absolute.
        rtype: record type.
        marker: the marker's domain name; empty when it is not known.
        protocols: "udp", "tcp", or both.
        manner: EDNS, header bits and patience.
    """
    how = manner or Manner()
    return tuple(
        Ask(
            point=point,
            question=Question(
                name=name, rtype=rtype, server=point.address, tcp=protocol == "tcp", manner=how
            ),
            marker=Question(
                name=marker,
                rtype="TXT",
                server=point.address,
                tcp=protocol == "tcp",
                manner=Manner(timeout=how.timeout),
            )
            if marker and point.where in MARKED
            else None,
        )
        for point in points
        for protocol in protocols
    )


def questions(asks: Iterable[Ask]) -> list[Question]:
    """Return every question of a plan, in the order in which `pair` wants the answers."""
    return [question for ask in asks for question in ask.questions]


def pair(node: str, asks: Iterable[Ask], answers: Iterable[Answer]) -> tuple[Lookup, ...]:
    """Put answers to the asks that they belong to; an ask without all its answers is left out."""
    rest = iter(answers)
    lookups = []
    for ask in asks:
        got = [answer for _, answer in zip(ask.questions, rest, strict=False)]
        if len(got) < len(ask.questions):
            break
        marker = got[0] if ask.marker else None
        lookups.append(Lookup(node=node, point=ask.point, answer=got[-1], marker=marker))
    return tuple(lookups)


def interception_asks(
    *, local_ips: Iterable[str], kube_dns_ips: Iterable[str], domain: str
) -> tuple[Ask, ...]:
    """Return a name that every cluster has, at each address, with the marker beside it.

    Args:
        local_ips: addresses of the caches.
        kube_dns_ips: cluster IPs of the DNS service.
        domain: the cluster domain; empty when not known, and then nothing can be proved.
    """
    return plan(
        vantage_points(local_ips=local_ips, kube_dns_ips=kube_dns_ips),
        name=f"kubernetes.default.svc.{domain or 'cluster.local'}.",
        rtype="A",
        marker=marker_name(domain) if domain else "",
        protocols=("udp",),
    )
