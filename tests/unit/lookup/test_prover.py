"""The prover's patience: it asks until a verdict is good or time is up."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from kubectl_nodedns.lookup.proof import PAUSE, Prover
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
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kubectl_nodedns.lookup.question import Answer, Question

PATIENT = 30.0
"""Seconds that nobody waits for."""


class Script:
    """An asker that gives one prepared round after the other, and the last one for ever."""

    def __init__(self, *rounds: Sequence[Answer]) -> None:
        self.rounds = list(rounds)
        self.asked: list[tuple[str, list[Question]]] = []

    async def ask(self, node: str, questions: Sequence[Question]) -> Sequence[Answer]:
        self.asked.append((node, list(questions)))
        answers = self.rounds.pop(0) if len(self.rounds) > 1 else self.rounds[0]
        return answers[: len(questions)]


def whole(server: str, uid: str = POD) -> list[Answer]:
    return [marker(server, uid=uid), *(good(q) for q in TARGET.ordinary(server))]


async def test_the_marker_is_asked_alone_first_and_then_one_good_round_is_enough() -> None:
    script = Script(whole(LOCAL))
    verdict = await Prover(script, TARGET).dark("node1", POD, timeout=PATIENT)
    assert verdict.ok
    assert [len(questions) for _, questions in script.asked] == [1, 4]
    assert len(verdict.answers) == 4


async def test_a_marker_without_ordinary_names_is_no_proof() -> None:
    answers = [marker(LOCAL), *(bad(q, "SERVFAIL") for q in TARGET.ordinary(LOCAL))]
    verdict = await Prover(Script(answers), TARGET).dark("node1", POD, timeout=0.0)
    assert not verdict.ok
    assert "SERVFAIL" in verdict.text


async def test_it_asks_again_until_the_new_pod_answers() -> None:
    script = Script(
        [none(q) for q in [TARGET.mark(KUBE_DNS), *TARGET.ordinary(KUBE_DNS)]],
        whole(KUBE_DNS, uid=OLD_POD),
        whole(KUBE_DNS),
    )
    verdict = await Prover(script, TARGET).switched("node1", POD, timeout=PATIENT)
    assert verdict.ok
    assert [len(questions) for _, questions in script.asked] == [1, 1, 1, 4]


async def test_when_time_is_up_the_last_verdict_says_why() -> None:
    script = Script(whole(KUBE_DNS, uid=OLD_POD))
    verdict = await Prover(script, TARGET).switched("node1", POD, timeout=3 * PAUSE)
    assert not verdict.ok
    assert verdict.text == "the cache pod that was there before still answers"
    assert len(script.asked) == 4


async def test_without_any_time_it_still_asks_once() -> None:
    script = Script(whole(LOCAL))
    verdict = await Prover(script, TARGET).dark("node1", POD, timeout=0.0)
    assert verdict.ok


async def test_dark_asks_at_the_local_address_and_switched_at_the_kube_dns_address() -> None:
    script = Script(whole(LOCAL), whole(LOCAL), whole(KUBE_DNS))
    prover = Prover(script, TARGET)
    await prover.dark("node1", POD, timeout=PATIENT)
    await prover.switched("node2", POD, timeout=0.0)
    assert [node for node, _ in script.asked] == ["node1", "node1", "node2"]
    assert {q.server for _, questions in script.asked[:2] for q in questions} == {LOCAL}
    assert {q.server for _, questions in script.asked[2:] for q in questions} == {KUBE_DNS}
    assert script.asked[0][1][0] == TARGET.mark(LOCAL)


async def test_the_baseline_asks_for_ordinary_names_only_and_gives_a_slow_one_another_try() -> None:
    questions = TARGET.ordinary(KUBE_DNS)
    script = Script([none(q) for q in questions], [good(q) for q in questions])
    verdict = await Prover(script, TARGET).baseline("node1")
    assert verdict.ok
    assert len(script.asked) == 2
    assert script.asked[0][1] == questions


async def test_back_waits_for_the_cache_to_let_go() -> None:
    script = Script(
        whole(KUBE_DNS),
        [bad(TARGET.mark(KUBE_DNS), "NXDOMAIN"), *(good(q) for q in TARGET.ordinary(KUBE_DNS))],
    )
    verdict = await Prover(script, TARGET).back("node1", timeout=PATIENT)
    assert verdict.ok
    assert len(script.asked) == 2


async def test_silence_asks_one_question_and_waits_for_the_end_of_answers() -> None:
    script = Script([marker(LOCAL)], [none(TARGET.mark(LOCAL))])
    verdict = await Prover(script, TARGET).silent("node1", timeout=PATIENT)
    assert verdict.ok
    assert [len(questions) for _, questions in script.asked] == [1, 1]


async def test_it_can_be_cancelled_while_it_waits() -> None:
    script = Script(whole(KUBE_DNS, uid=OLD_POD))
    task = asyncio.create_task(Prover(script, TARGET).switched("node1", POD, timeout=PATIENT))
    await asyncio.sleep(0)  # until it has asked once
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert script.asked
