"""Probe pods that ask DNS questions, so that a question takes the way that pods' questions take."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING

from kubectl_nodedns.lookup.ask import answers_in_pod, unasked
from kubectl_nodedns.lookup.gap import LIMIT, Watch
from kubectl_nodedns.probes.pool import Pool
from kubectl_nodedns.probes.probe_job import CONTAINER

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Sequence

    from kubectl_nodedns.lookup.question import Answer, Question


class Probes(Pool):
    """The probe pods of one run, which ask; one round of questions at a time on a node."""

    async def __call__(self, node: str, questions: Sequence[Question]) -> list[Answer]:
        """Ask from `node`; have a probe there first.

        Raises:
            NodednsError: no probe can be had there.
        """
        async with self._turns[node]:  # a second round waits for the pod of the first
            await self.need(node)
            async with aclosing(self._answers(node, questions)) as coming:
                answers = [answer async for answer in coming]
            if not any(answer.asked for answer in answers):
                await self._remove(node)  # its pod has ended: the next round gets a new one
        return answers

    async def ask(self, node: str, questions: Sequence[Question]) -> list[Answer]:
        """Ask as `answers` does; return all of them."""
        async with aclosing(self.answers(node, questions)) as answers:
            return [answer async for answer in answers]

    async def answers(
        self, node: str, questions: Sequence[Question]
    ) -> AsyncGenerator[Answer, None]:
        """Ask `questions` one after the other from the probe that runs on `node`.

        Args:
            node: the node to ask from.
            questions: what to ask, and whom.

        Yields:
            One answer for each question, in order, as soon as it is known. A probe that is gone,
            or an exec that fails, is an error in each question that it left without an answer.

        Raises:
            ForbiddenError: the user may not exec in probes.
        """
        async with self._turns[node], aclosing(self._answers(node, questions)) as answers:
            async for answer in answers:
                yield answer

    async def _answers(
        self, node: str, questions: Sequence[Question]
    ) -> AsyncGenerator[Answer, None]:
        pod = self._pods.get(node)
        if pod is None:
            for answer in unasked(questions, "no probe runs on this node"):
                yield answer
            return
        found = answers_in_pod(self._client, self._namespace, pod, CONTAINER, questions)
        async with self._gate, aclosing(found) as answers:
            async for answer in answers:
                yield answer

    async def watch(self, node: str, server: str, name: str) -> Watch:
        """Ask `server` for `name` from the probe on `node`, until the watch is ended."""
        pod = self._pods[node]

        async def run(command: Sequence[str], received: Callable[[bytes], None]) -> None:
            await self._client.exec(
                self._namespace, pod, CONTAINER, command, timeout=LIMIT, received=received
            )

        watch = Watch(run, node=node, server=server, name=name)
        await watch.begin()
        return watch
