"""Probe pods that ask DNS questions, so that a question takes the way that pods' questions take."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubectl_nodedns.lookup.asking import ask_in_pod, unasked
from kubectl_nodedns.lookup.gap import LIMIT, Watch
from kubectl_nodedns.probes.pool import Pool
from kubectl_nodedns.probes.probe_job import CONTAINER

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kubectl_nodedns.lookup.question import Answer, Question


class Probes(Pool):
    """The probe pods of one run, which ask; one round of questions at a time on a node."""

    async def __call__(
        self,
        node: str,
        questions: Sequence[Question],
        *,
        answered: Callable[[Answer], None] = lambda _: None,
    ) -> Sequence[Answer]:
        """Ask from `node`; have a probe there first.

        Args:
            node: the node to ask from.
            questions: what to ask, and whom.
            answered: called with each answer as soon as it is known.

        Raises:
            NodednsError: no probe can be had there.
        """
        async with self._turns[node]:  # a second round waits for the pod of the first
            await self.need(node)
            answers = await self._ask(node, questions, answered)
            if not any(answer.asked for answer in answers):
                await self._remove(node)  # its pod has ended: the next round gets a new one
        return answers

    async def ask(
        self,
        node: str,
        questions: Sequence[Question],
        *,
        answered: Callable[[Answer], None] = lambda _: None,
    ) -> list[Answer]:
        """Ask `questions` one after the other from the probe that runs on `node`.

        Args:
            node: the node to ask from.
            questions: what to ask, and whom.
            answered: called with each answer as soon as it is known.

        Returns:
            One answer for each question, in order. A probe that is gone, or an exec that fails,
            is an error in each question that it left without an answer.

        Raises:
            ForbiddenError: the user may not exec in probes.
        """
        async with self._turns[node]:
            return await self._ask(node, questions, answered)

    async def _ask(
        self, node: str, questions: Sequence[Question], answered: Callable[[Answer], None]
    ) -> list[Answer]:
        pod = self._pods.get(node)
        if pod is None:
            return unasked(questions, "no probe runs on this node", answered)
        return await ask_in_pod(
            self._client, self._namespace, pod, CONTAINER, questions, self._gate, answered
        )

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
