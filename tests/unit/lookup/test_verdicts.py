"""Verdicts as pure functions of answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from kubectl_nodedns.errors import UsageError
from kubectl_nodedns.lookup.proof import Target, back, baseline, dark, local, silent, switched
from kubectl_nodedns.lookup.question import Answer
from tests.unit.lookup.samples import (
    KUBE_DNS,
    LOCAL,
    OLD_POD,
    POD,
    TARGET,
    bad,
    good,
    marker,
    none,
    ordinary,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kubectl_nodedns.lookup.proof import Verdict


def test_a_target_asks_for_a_cluster_a_reverse_and_an_external_name() -> None:
    asked = [(q.name, q.rtype, q.server) for q in TARGET.ordinary(KUBE_DNS)]
    assert asked == [
        ("kubernetes.default.svc.cluster.local.", "A", KUBE_DNS),
        ("10.0.96.10.in-addr.arpa.", "PTR", KUBE_DNS),
        ("example.com.", "A", KUBE_DNS),
    ]


def test_the_marker_is_asked_as_a_text_under_the_cluster_domain() -> None:
    question = TARGET.mark(LOCAL)
    assert (question.name, question.rtype) == ("id.nodedns.cluster.local.", "TXT")


def test_a_target_without_an_external_name_does_not_ask_for_one() -> None:
    target = Target.of(local_ip=LOCAL, kube_dns_ip=KUBE_DNS, domain="k8s.test", external=None)
    names = [q.name for q in target.ordinary(KUBE_DNS)]
    assert names == ["kubernetes.default.svc.k8s.test.", "10.0.96.10.in-addr.arpa."]


def test_the_reverse_name_of_an_ipv6_service_is_under_ip6_arpa() -> None:
    target = Target.of(local_ip="fd00::1", kube_dns_ip="fd00:10::a", domain="a.b", external=None)
    assert target.reverse is not None
    assert target.reverse.endswith(".ip6.arpa.")


def test_a_bad_external_name_is_refused_by_its_option() -> None:
    with pytest.raises(UsageError, match="--external-name"):
        Target.of(local_ip=LOCAL, kube_dns_ip=KUBE_DNS, domain="a.b", external="b..c")


def test_the_baseline_is_good_when_the_clusters_own_name_resolves() -> None:
    verdict = baseline("node1", ordinary(KUBE_DNS))
    assert verdict.ok
    assert "kubernetes.default.svc.cluster.local. resolves" in verdict.text
    assert len(verdict.answers) == 3


def test_an_external_name_that_fails_does_not_spoil_the_baseline() -> None:
    """Air-gapped clusters have no external names; the answer stays, so that it can be told."""
    answers = [*ordinary(KUBE_DNS)[:2], bad(TARGET.ordinary(KUBE_DNS)[2])]
    verdict = baseline("node1", answers)
    assert verdict.ok
    assert not verdict.answers[2].ok


def test_the_baseline_is_bad_when_the_clusters_own_name_fails() -> None:
    answers = [bad(TARGET.ordinary(KUBE_DNS)[0], "NXDOMAIN"), *ordinary(KUBE_DNS)[1:]]
    verdict = baseline("node1", answers)
    assert not verdict.ok
    assert verdict.text == "kubernetes.default.svc.cluster.local. at 10.96.0.10: NXDOMAIN"


def test_a_cache_that_answers_everything_is_proved_in_the_dark() -> None:
    verdict = dark("node1", POD, [marker(LOCAL), *ordinary(LOCAL)])
    assert verdict.ok
    assert verdict.text == "marker, cluster, reverse, external answered at 169.254.20.10"


def test_in_the_dark_every_ordinary_name_must_resolve_and_each_failure_is_named() -> None:
    questions = TARGET.ordinary(LOCAL)
    answers = [marker(LOCAL), bad(questions[0]), good(questions[1]), none(questions[2])]
    verdict = dark("node1", POD, answers)
    assert not verdict.ok
    assert verdict.text == (
        "kubernetes.default.svc.cluster.local. at 169.254.20.10: SERVFAIL; "
        "example.com. at 169.254.20.10: no response in 2 s"
    )


def test_a_marker_that_is_not_answered_is_no_proof() -> None:
    verdict = dark("node1", POD, [none(TARGET.mark(LOCAL)), *ordinary(LOCAL)])
    assert not verdict.ok
    assert "the marker is not answered by a cache at 169.254.20.10" in verdict.text
    assert "no response in 2 s" in verdict.text


def test_the_cache_of_another_node_is_no_proof() -> None:
    verdict = dark("node1", POD, [marker(LOCAL, node="node2"), *ordinary(LOCAL)])
    assert not verdict.ok
    assert verdict.text == "the cache of node node2 answered"


def test_the_pod_that_was_there_before_is_no_proof() -> None:
    verdict = switched("node1", POD, [marker(KUBE_DNS, uid=OLD_POD), *ordinary(KUBE_DNS)])
    assert not verdict.ok
    assert verdict.text == "the cache pod that was there before still answers"


def test_switched_is_good_when_the_nodes_own_cache_answers_at_the_kube_dns_address() -> None:
    verdict = switched("node1", POD, [marker(KUBE_DNS), *ordinary(KUBE_DNS)])
    assert verdict.ok
    assert "its own cache answers at 10.96.0.10" in verdict.text
    assert len(verdict.answers) == 4


def test_switched_is_bad_when_coredns_answers_itself() -> None:
    answers = [bad(TARGET.mark(KUBE_DNS), "NXDOMAIN"), *ordinary(KUBE_DNS)]
    verdict = switched("node1", POD, answers)
    assert not verdict.ok
    assert "(NXDOMAIN)" in verdict.text


def test_back_is_good_when_kube_dns_denies_the_marker_and_answers_the_rest() -> None:
    verdict = back("node1", [bad(TARGET.mark(KUBE_DNS), "NXDOMAIN"), *ordinary(KUBE_DNS)])
    assert verdict.ok
    assert verdict.text == "kube-dns answers at 10.96.0.10 itself"


def test_back_is_bad_while_a_cache_still_answers() -> None:
    verdict = back("node1", [marker(KUBE_DNS), *ordinary(KUBE_DNS)])
    assert not verdict.ok
    assert verdict.text == "the cache on node1 still answers at 10.96.0.10"


def test_back_is_bad_when_nobody_answers() -> None:
    answers = [none(TARGET.mark(KUBE_DNS)), *(none(q) for q in TARGET.ordinary(KUBE_DNS))]
    verdict = back("node1", answers)
    assert not verdict.ok
    assert "id.nodedns.cluster.local. at 10.96.0.10: no response in 2 s" in verdict.text


def test_back_is_bad_when_an_ordinary_name_fails() -> None:
    answers = [bad(TARGET.mark(KUBE_DNS), "NXDOMAIN"), bad(TARGET.ordinary(KUBE_DNS)[0])]
    assert not back("node1", answers).ok


def test_silence_is_good() -> None:
    verdict = silent("node1", [none(TARGET.mark(LOCAL))])
    assert verdict.ok
    assert verdict.text == "nothing answers at 169.254.20.10"


@pytest.mark.parametrize("rcode", ["NXDOMAIN", "REFUSED", "SERVFAIL"])
def test_any_response_breaks_the_silence(rcode: str) -> None:
    verdict = silent("node1", [bad(TARGET.mark(LOCAL), rcode)])
    assert not verdict.ok
    assert rcode in verdict.text


def test_a_question_that_was_never_sent_proves_no_silence() -> None:
    lost = Answer(question=TARGET.mark(LOCAL), error="probe: its pod is gone", asked=False)
    verdict = silent("node1", [lost])
    assert not verdict.ok
    assert verdict.text == "it could not be asked: probe: its pod is gone"


@pytest.mark.parametrize("judge", [baseline, local, back])
def test_an_exec_that_breaks_is_not_called_an_answer(
    judge: Callable[[str, Sequence[Answer]], Verdict],
) -> None:
    questions = [TARGET.mark(KUBE_DNS), *TARGET.ordinary(KUBE_DNS)]
    broken = [Answer(question=q, error="probe: exec broke", asked=False) for q in questions]
    verdict = judge("node1", broken)
    assert (verdict.ok, verdict.asked) == (False, False)
    assert verdict.text == "it could not be asked: probe: exec broke"


def test_a_cache_that_could_not_be_asked_is_not_called_mute() -> None:
    broken = Answer(question=TARGET.mark(LOCAL), error="probe: exec broke", asked=False)
    assert dark("node1", "uid", [broken]).text == "it could not be asked: probe: exec broke"


def test_a_baseline_of_which_a_part_was_not_asked_is_none() -> None:
    *some, last = ordinary(KUBE_DNS)
    cut = Answer(question=last.question, error="probe: exec broke", asked=False)
    verdict = baseline("node1", [*some, cut])
    assert not verdict.ok
    assert "could not be asked" in verdict.text
