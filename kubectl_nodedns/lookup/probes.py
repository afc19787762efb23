"""Probe pods: one a node, so that a question takes the way that pods' questions take.

Each is a Job of one pod that sleeps until its deadline (see `probe_job`), and questions are asked
by exec. Probes start in parallel, are used for every question of a run, and are deleted at its end.
"""

from __future__ import annotations

import asyncio
import secrets
from typing import TYPE_CHECKING, Any, Self

from kubectl_nodedns.cluster.bounded import PRINTED
from kubectl_nodedns.cluster.jobs import ShortLived
from kubectl_nodedns.cluster.whole import whole
from kubectl_nodedns.errors import ApiError, NotFoundError, UsageError
from kubectl_nodedns.lookup.asking import ask_in_pod, unasked
from kubectl_nodedns.lookup.gap import LIMIT, Watch
from kubectl_nodedns.lookup.obstacle import Obstacle, obstacle_of
from kubectl_nodedns.lookup.probe_job import (
    CONTAINER,
    IMAGE,
    LIFETIME,
    NAMESPACE,
    RUN_LABEL,
    job_for,
)
from kubectl_nodedns.lookup.starting import Made, Starting

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence

    from kubectl_nodedns.cluster.client import Client
    from kubectl_nodedns.lookup.question import Answer, Question

AT_ONCE = 50
"""Probe pods started, and commands run in them, at the same time."""


class Probes:
    """The probe pods of one run. Use it as an async context manager; leaving it deletes them.

    Args:
        client: an open client.
        namespace: an existing namespace to make the pods in; kube-system is refused.
        image: an image with dig, sh and sleep.
        timeout: seconds that the pods may take to start.
        lifetime: seconds after which a pod ends by itself.
        dns_policy: "ClusterFirst" gives pods their usual resolv.conf, "Default" the node's.
        host_network: whether they live in their node's network instead of one of their own.
        told: called with a sentence about probes that may be left.
    """

    def __init__(
        self,
        client: Client,
        *,
        namespace: str = NAMESPACE,
        image: str = IMAGE,
        timeout: float = 120.0,
        lifetime: int = LIFETIME,
        dns_policy: str = "ClusterFirst",
        host_network: bool = False,
        told: Callable[[str], None] = lambda _: None,
    ) -> None:
        check_namespace(namespace)
        self._client = client
        self._namespace = namespace
        self._image = image
        self._timeout = timeout
        self._lifetime = lifetime
        self._dns_policy = dns_policy
        self._host_network = host_network
        self._told = told
        self._run = secrets.token_hex(4)
        self._count = 0
        self._jobs: dict[str, ShortLived] = {}
        self._pods: dict[str, str] = {}
        self._gate = asyncio.Semaphore(AT_ONCE)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.close()

    async def start(
        self, nodes: Iterable[str], *, started: Callable[[str], None] = lambda _: None
    ) -> Mapping[str, Obstacle]:
        """Start a probe on each node that has none yet, and wait until they run.

        Args:
            nodes: names of the nodes.
            started: called with a node's name as soon as its probe runs.

        Returns:
            For each node whose probe does not run: why.

        Raises:
            ApiError: the API server does not let us make the first Job.
        """
        wanted = [node for node in nodes if node not in self._pods]
        failed: dict[str, Obstacle] = {}

        async def create(node: str) -> None:
            async with self._gate:
                try:
                    await self._create(node)
                except ApiError as error:
                    if not any(job.uid for job in self._jobs.values()):
                        raise
                    failed[node] = obstacle_of(error)

        # The first alone: a missing right or namespace is then one error, not one a node.
        if wanted:
            await create(wanted[0])
            await asyncio.gather(*(create(node) for node in wanted[1:]))

        def running(node: str, pod: str) -> None:
            self._pods[node] = pod
            started(node)

        starting = Starting(
            self._client,
            self._namespace,
            selector=f"{RUN_LABEL}={self._run}",
            jobs={
                node: Made(name=self._jobs[node].name, uid=self._jobs[node].uid)
                for node in wanted
                if node not in failed
            },
            timeout=self._timeout,
        )
        return failed | await starting.wait(running)

    async def ask(
        self,
        node: str,
        questions: Sequence[Question],
        *,
        answered: Callable[[Answer], None] = lambda _: None,
    ) -> list[Answer]:
        """Ask `questions` one after the other from the probe on `node`.

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
        pod = self._pods.get(node)
        if pod is None:
            return unasked(questions, "no probe runs on this node", answered)
        return await ask_in_pod(
            self._client, self._namespace, pod, CONTAINER, questions, self._gate, answered
        )

    async def run(
        self, node: str, command: Sequence[str], *, timeout: float, most: int = PRINTED
    ) -> str:
        """Run `command` in the probe on `node` and return what it printed, `most` bytes long.

        Raises:
            TooLargeError: it printed more.
            ApiError: it cannot be run.
            TimedOutError: it did not end within `timeout` seconds.
        """
        done = await self._client.exec(
            self._namespace, self._pods[node], CONTAINER, command, timeout=timeout, most=most
        )
        return done.stdout

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

    async def resolv_conf(self, node: str) -> str:
        """Return /etc/resolv.conf of the probe on `node`: what its kubelet gives to such pods."""
        return await self.run(node, ["cat", "/etc/resolv.conf"], timeout=20.0)

    def runs(self, node: str) -> bool:
        """Whether a probe on `node` has been started, and is not known to have ended."""
        return node in self._pods

    def forget(self, node: str) -> None:
        """Take the probe on `node` for gone: the next `start` makes a new one."""
        self._pods.pop(node, None)

    async def close(self) -> None:
        """Delete every probe of this run, even while we are being cancelled."""
        jobs, self._jobs, self._pods = self._jobs, {}, {}
        ends = await whole(_all(job.delete() for job in jobs.values()))
        if left := [end for end in ends if end]:
            self._told(left[0] + (f"; and {len(left) - 1} more like it" if len(left) > 1 else ""))

    async def _create(self, node: str) -> None:
        if before := self._jobs.pop(node, None):  # an earlier start that did not come to its end
            await before.delete()
        self._count += 1
        job = job_for(
            node,
            name=f"nodedns-probe-{self._run}-{self._count}",
            run=self._run,
            namespace=self._namespace,
            image=self._image,
            lifetime=self._lifetime,
            dns_policy=self._dns_policy,
            host_network=self._host_network,
        )
        self._jobs[node] = ShortLived(self._client, job)
        try:
            await self._jobs[node].create()
        except NotFoundError as error:
            if lacks_namespace(error, self._namespace):
                raise no_namespace(self._namespace) from error
            raise


async def _all(ends: Iterable[Coroutine[Any, Any, str]]) -> list[str]:
    return await asyncio.gather(*ends)


def lacks_namespace(error: NotFoundError, namespace: str) -> bool:
    """Whether it is the namespace that is not there; a 404 may also mean the kind, or a proxy."""
    return f'namespaces "{namespace}" not found' in str(error)


def no_namespace(namespace: str) -> UsageError:
    """Return the error of a namespace for probes that is not there; it is never created."""
    return UsageError(
        f"--probe-namespace: there is no namespace {namespace!r}",
        hint="it is never created by itself: create it, or name another",
    )


def check_namespace(namespace: str) -> None:
    """Refuse kube-system.

    Raises:
        UsageError: it is that.
    """
    if namespace == "kube-system":
        raise UsageError(
            "--probe-namespace: probes never run in kube-system",
            hint="exec rights there would reach every pod of the control plane",
        )
