"""A round of questions, asked by dig in a container that runs, with answers as they come."""

from __future__ import annotations

import codecs
from typing import TYPE_CHECKING, Any

from kubectl_nodedns.errors import ApiError, ForbiddenError, TimedOutError
from kubectl_nodedns.lookup import dig
from kubectl_nodedns.lookup.question import Answer, Question

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from contextlib import AbstractAsyncContextManager

    from kubectl_nodedns.cluster.client import Client


async def ask_in_pod(
    client: Client,
    namespace: str,
    pod: str,
    container: str,
    questions: Sequence[Question],
    gate: AbstractAsyncContextManager[Any],
    answered: Callable[[Answer], None] = lambda _: None,
) -> list[Answer]:
    """Ask `questions` one after the other.

    Args:
        client: an open client.
        namespace: the pod's namespace.
        pod: the pod's name.
        container: a container of it that has dig and sh.
        questions: what to ask, and whom.
        gate: held while the command runs.
        answered: called with each answer as soon as it is known.

    Returns:
        One answer for each question, in order. An exec that fails is an error in each question
        that it left without an answer.

    Raises:
        ForbiddenError: the user may not exec there.
    """
    reader = dig.Reader(questions)
    decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
    answers: list[Answer] = []

    def received(piece: bytes) -> None:
        take(reader.feed(decoder.decode(piece)))

    def take(new: Iterable[Answer]) -> None:
        for answer in new:
            answers.append(answer)
            answered(answer)

    async with gate:
        try:
            await client.exec(
                namespace,
                pod,
                container,
                dig.command(questions),
                timeout=dig.limit(questions),
                received=received,
            )
        except ForbiddenError:
            raise
        except (ApiError, TimedOutError) as error:
            left = questions[len(answers) :]
            return answers + unasked(left, f"probe: {error}", answered)
    take(reader.end())
    return answers


def unasked(
    questions: Sequence[Question], why: str, answered: Callable[[Answer], None]
) -> list[Answer]:
    """Return answers to questions that were never sent."""
    answers = [Answer(question=question, error=why, asked=False) for question in questions]
    for answer in answers:
        answered(answer)
    return answers
