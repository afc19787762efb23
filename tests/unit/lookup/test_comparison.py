"""What lookups say together: differences and the verdict."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kubectl_nodedns.lookup.comparison import compare, with_difference
from kubectl_nodedns.lookup.differences import Difference, Kind
from kubectl_nodedns.lookup.vantage import HERE, Lookup
from tests.unit.lookup.rows import (
    CORE_1,
    CORE_2,
    KUBE_DNS,
    LOCAL,
    RESOLVER,
    UPSTREAM,
    code,
    healthy,
    marked,
    row,
    silent,
)


def kinds(lookups: list[Lookup], **more: bool) -> list[Kind]:
    return [one.kind for one in compare(lookups, **more).differences]


def test_the_same_everywhere_is_one_line_with_the_answer_and_the_proof() -> None:
    outcome = compare([*healthy("node1"), *healthy("node2")])
    assert outcome.same
    assert outcome.proved is True
    assert outcome.differences == ()
    assert outcome.text == (
        "the same everywhere: NOERROR 10.7.1.20, at 5 addresses from 2 nodes, intercepted"
    )


def test_the_same_nxdomain_everywhere_is_the_same() -> None:
    outcome = compare([code(KUBE_DNS, "NXDOMAIN"), code(CORE_1, "NXDOMAIN")])
    assert outcome.same
    assert "NXDOMAIN" in outcome.text


def test_a_name_without_records_of_the_type_is_called_that() -> None:
    outcome = compare([code(KUBE_DNS, "NOERROR"), code(CORE_1, "NOERROR")])
    assert outcome.same
    assert outcome.text.startswith("the same everywhere: NOERROR without records, at 2 addresses")


def test_the_same_failure_everywhere_is_bad() -> None:
    outcome = compare([code(KUBE_DNS, "SERVFAIL"), code(CORE_1, "SERVFAIL")])
    assert not outcome.same
    assert outcome.text == "SERVFAIL everywhere"


def test_the_order_of_records_and_their_ttl_are_no_difference() -> None:
    one = row(KUBE_DNS, "10.0.0.1", "10.0.0.2")
    other = row(CORE_1, "10.0.0.2", "10.0.0.1")
    older = [replace(record, ttl=1) for record in other.answer.records]
    other = replace(other, answer=replace(other.answer, records=tuple(older)))
    assert compare([one, other]).same


def test_other_records_at_one_address_are_named_with_place_and_data() -> None:
    outcome = compare([*healthy(), row(CORE_2, "10.9.9.9", tcp=True)])
    assert not outcome.same
    [difference] = outcome.differences
    assert difference.kind == Kind.ANSWER
    assert "CoreDNS 10.244.2.3 (tcp) from node1: 10.9.9.9" in difference.text
    assert outcome.text.startswith("1 of 2 CoreDNS pods answer differently for this name")


def test_one_coredns_pod_that_fails_is_hidden_by_the_cache_and_that_is_said() -> None:
    outcome = compare([*healthy()[:4], code(CORE_2, "SERVFAIL")])
    assert outcome.text == (
        "1 of 2 CoreDNS pods fail for this name: SERVFAIL at CoreDNS 10.244.2.3 (udp) from node1; "
        "NOERROR elsewhere; the cache may hide it while its entry lives (14 s left)"
    )


def test_silence_is_said_with_place_and_reason() -> None:
    outcome = compare([*healthy()[1:], silent(LOCAL)])
    assert outcome.text == "no answer at local 169.254.20.10 (udp) from node1: no response in 2 s"


def test_nobody_answers() -> None:
    outcome = compare([silent(KUBE_DNS), silent(CORE_1)])
    assert not outcome.same
    assert outcome.proved is None
    assert kinds([silent(KUBE_DNS), silent(CORE_1)]) == [Kind.SILENT]


def test_nothing_asked_is_not_the_same_everywhere() -> None:
    assert not compare([]).same


def test_a_lost_probe_is_not_silence() -> None:
    lost = silent(KUBE_DNS, "probe: the pod is gone")
    lost = replace(lost, answer=replace(lost.answer, asked=False))
    assert kinds([*healthy(), lost]) == [Kind.UNASKED]


def test_a_cache_that_is_missed_at_the_kube_dns_ip_is_not_intercepting() -> None:
    lookups = [marked(row(LOCAL)), marked(row(KUBE_DNS), None)]
    outcome = compare(lookups)
    assert outcome.proved is False
    assert outcome.text.startswith("not intercepted: the cache answers at its own IP, but not at")


def test_where_the_cache_need_not_intercept_its_absence_is_no_difference() -> None:
    lookups = [marked(row(LOCAL)), marked(row(KUBE_DNS), None)]
    assert compare(lookups, interception=False).same


def test_a_node_without_a_cache_is_not_called_missed() -> None:
    assert kinds([marked(row(KUBE_DNS), None), row(CORE_1)]) == []


def test_the_cache_of_another_node_is_told() -> None:
    outcome = compare([marked(row(LOCAL)), marked(row(KUBE_DNS), "node9")])
    assert outcome.proved is False
    assert "the cache of another node, node9, answers" in outcome.text


def test_a_machine_that_is_no_node_may_be_answered_by_any_cache() -> None:
    outcome = compare([marked(row(KUBE_DNS, node=HERE), "node9")])
    assert outcome.same
    assert outcome.proved is True


def test_an_upstream_service_that_leads_to_a_cache_is_a_loop_and_comes_first() -> None:
    lookups = [marked(row(UPSTREAM), "node1"), silent(CORE_1), row(KUBE_DNS)]
    assert kinds(lookups)[0] == Kind.LOOP


@pytest.mark.parametrize("known", [True, False])
def test_a_resolver_of_the_node_counts_only_where_it_should_know_the_name(known: bool) -> None:
    lookups = [*healthy(), code(RESOLVER, "NXDOMAIN")]
    assert compare(lookups, resolvers_know=known).same is not known


def test_a_slow_answer_is_worth_a_note_and_makes_nothing_wrong() -> None:
    outcome = compare([*healthy(), row(CORE_2, tcp=True, microseconds=2_000_000)])
    assert outcome.same
    assert [one.kind for one in outcome.differences] == [Kind.SLOW]
    assert "up to 2000000 µs" in outcome.differences[0].text
    assert outcome.text.endswith("but not equally fast")


def test_a_slower_answer_below_what_anybody_notices_is_not_slow() -> None:
    assert kinds([*healthy(), row(CORE_2, tcp=True, microseconds=90_000)]) == []


def test_a_truncated_answer_is_a_note() -> None:
    cut = row(CORE_1)
    cut = replace(cut, answer=replace(cut.answer, truncated=True))
    outcome = compare([*healthy(), cut])
    assert outcome.same
    assert [one.kind for one in outcome.differences] == [Kind.TRUNCATED]


def test_more_differences_are_counted_behind_the_first() -> None:
    outcome = compare([*healthy()[:3], code(CORE_1, "REFUSED"), silent(CORE_2)])
    assert outcome.text.endswith("(and 1 more difference)")


def test_a_difference_from_elsewhere_goes_first() -> None:
    more = Difference(kind=Kind.BYPASS, text="pod a/b bypasses the cache")
    outcome = with_difference(compare(healthy()), more)
    assert not outcome.same
    assert outcome.text == "pod a/b bypasses the cache"
    assert outcome.differences[0] is more


def test_places_beyond_the_first_few_are_counted() -> None:
    lookups = [code(CORE_1, "SERVFAIL", node=f"node{n}") for n in range(9)]
    lookups += [row(KUBE_DNS, node=f"node{n}") for n in range(12)]
    [difference] = compare(lookups).differences
    assert "node0, node1, node2, node3 and 5 more" in difference.text
