"""Who asks for `top`: probe pods, one a node, made when a node is first asked from."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from typing import TYPE_CHECKING

from kubectl_nodedns.commands.given import probe_options
from kubectl_nodedns.errors import ApiError, NodednsError, RefusedError
from kubectl_nodedns.facts.cluster_domain import read_cluster_domain
from kubectl_nodedns.lookup.probes import Probes

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Sequence

    from kubectl_nodedns.cluster.client import Client
    from kubectl_nodedns.lookup.question import Answer, Question


class ProbeAsker:
    """Asks from probe pods, one a node, made when first needed and kept until the end.

    Args:
        client: the session to the API server.
        namespace: where the pods are made.
        image: what they run.
        lifetime: seconds after which a pod ends by itself.
    """

    def __init__(self, client: Client, *, namespace: str, image: str, lifetime: int) -> None:
        self._client = client
        self._namespace = namespace
        self._image = image
        self._lifetime = lifetime
        self._probes: dict[str, Probes] = {}
        self.left: list[str] = []
        """Probes that may be left, in words: to be told when there is no screen any more."""
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    @property
    def busy(self) -> bool:
        """Whether there are pods to remove."""
        return bool(self._probes)

    async def __call__(
        self,
        node: str,
        questions: Sequence[Question],
        *,
        answered: Callable[[Answer], None] = lambda _: None,
    ) -> Sequence[Answer]:
        """Ask from `node`; `answered` is called with each answer as soon as it is known.

        Raises:
            NodednsError: no pod can be had on the node.
        """
        async with self._turns[node]:  # a second question waits for the pod of the first
            probes = self._probes.get(node) or await self._start(node)
            answers = await probes.ask(node, questions, answered=answered)
            if not any(answer.asked for answer in answers):
                await self._forget(node)  # its pod has ended: the next question gets a new one
        return answers

    async def release(self, node: str) -> None:
        """Remove the pod on `node`, unless it is being asked."""
        async with self._turns[node]:
            await self._forget(node)

    async def close(self) -> None:
        """Remove all pods."""
        await asyncio.gather(*(self._forget(node) for node in list(self._probes)))

    async def _start(self, node: str) -> Probes:
        probes = Probes(
            self._client,
            namespace=self._namespace,
            image=self._image,
            lifetime=self._lifetime,
            told=self.left.append,
        )
        self._probes[node] = probes
        started = False
        try:
            failed = await probes.start([node])
            started = node not in failed
        finally:
            if not started:
                await self._forget(node)
        if not started:
            raise NodednsError(
                f"no probe pod runs on {node}: {failed[node]}",
                hint=failed[node].way_out,
            )
        return probes

    async def _forget(self, node: str) -> None:
        probes = self._probes.pop(node, None)
        if probes is not None:
            await probes.close()


def make_asker(client: Client, arguments: argparse.Namespace) -> ProbeAsker:
    """Return the asker that the arguments ask for; no pod is made yet."""
    return ProbeAsker(
        client,
        namespace=probe_options(arguments).namespace,
        image=probe_options(arguments).image_from(""),
        lifetime=probe_options(arguments).lifetime,
    )


async def known_domain(client: Client, given: str | None, namespace: str) -> str:
    """Return the cluster domain; empty when it is not known, and then there is no marker to ask."""
    if given:
        return given.rstrip(".")
    try:
        return (await read_cluster_domain(client, namespace, ())).name
    except (ApiError, RefusedError):
        return ""
