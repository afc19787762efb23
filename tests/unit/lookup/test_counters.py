"""The counters of a cache without a marker say whether it may have answered; that is no proof."""

from __future__ import annotations

from kubectl_nodedns.lookup.counters import received, with_evidence
from kubectl_nodedns.lookup.vantage import VantagePoint, Where
from tests.unit.lookup.rows import CORE_1, KUBE_DNS, row

PAGE = """
coredns_dns_requests_total{server="dns://10.96.0.10:53",type="A"} 5
coredns_dns_requests_total{server="dns://10.96.0.10:53",type="AAAA"} 2
coredns_dns_requests_total{server="dns://[fd00::10]:53",type="A"} 1
coredns_dns_request_count_total{server="dns://169.254.20.10:53"} 4
coredns_dns_responses_total{server="dns://10.96.0.10:53"} 100
"""


def test_lookups_are_counted_by_the_address_they_came_in_at() -> None:
    assert received(PAGE) == {"10.96.0.10": 7, "fd00::10": 1, "169.254.20.10": 4}


def test_a_counter_that_grew_by_what_was_asked_may_have_answered() -> None:
    other = VantagePoint(where=Where.KUBE_DNS, address="10.96.0.99")
    asked = [row(KUBE_DNS), row(KUBE_DNS, tcp=True), row(other), row(CORE_1)]
    before, after = {KUBE_DNS.address: 5, other.address: 3}, {KUBE_DNS.address: 7, other.address: 3}
    found, said = with_evidence(asked, before, after)
    of = "the counter of node1's cache for"
    there, proof = "lookups were asked there:", "(evidence, no proof)"
    assert said == [
        f"{of} 10.96.0.10 grew by 2 while 2 {there} it may have answered {proof}",
        f"{of} 10.96.0.99 grew by 0 while 1 {there} it did not answer them all {proof}",
    ]
    assert [one.evidence for one in found] == [said[0], said[0], said[1], ""]


def test_an_address_that_was_never_counted_before_counts_from_nothing() -> None:
    _, (said,) = with_evidence([row(KUBE_DNS)], {}, {KUBE_DNS.address: 1})
    assert "grew by 1 while 1 lookups were asked there: it may have answered" in said
