"""The pool of probe pods of one run: one a node, made when it is wanted, deleted at the end.

Each probe is a Job of one pod that sleeps until its deadline (see `probe_job`), and commands are
run in it by exec. Probes start side by side, and are kept until the pool is closed.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import defaultdict
from typing import TYPE_CHECKING, Self

from kubectl_nodedns.cluster.bounded import PRINTED
from kubectl_nodedns.cluster.whole import whole
from kubectl_nodedns.errors import ApiError, NodednsError, NotFoundError, UsageError
from kubectl_nodedns.probes.failure import ProbeFailure, failure_of_error
from kubectl_nodedns.probes.jobs import ShortLived, delete_all
from kubectl_nodedns.probes.probe_job import (
    CONTAINER,
    IMAGE,
    LIFETIME,
    NAMESPACE,
    RUN_LABEL,
    check_namespace,
    job_for,
)
from kubectl_nodedns.probes.starting import Starting
from kubectl_nodedns.together import together

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from kubectl_nodedns.cluster.client import Client

AT_ONCE = 50
"""Probe pods started, and commands run in them, at the same time."""


class Pool:
    """The probe pods of one run. Use it as an async context manager; leaving it deletes them.

    Args:
        client: an open client.
        namespace: an existing namespace to make the pods in; kube-system is refused.
        image: an image with dig, sh and sleep.
        timeout: seconds that the pods may take to start.
        lifetime: seconds after which a pod ends by itself.
        dns_policy: "ClusterFirst" gives pods their usual resolv.conf, "Default" the node's.
        host_network: whether they live in their node's network instead of one of their own.
        told: called with a sentence about probes that may be left; without it `left` has them.
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
        told: Callable[[str], None] | None = None,
    ) -> None:
        check_namespace(namespace)
        self.left: list[str] = []
        """Probes that may be left, in words, where nobody is told at once."""
        self._client = client
        self._namespace = namespace
        self._image = image
        self._timeout = timeout
        self._lifetime = lifetime
        self._dns_policy = dns_policy
        self._host_network = host_network
        self._told = told or self.left.append
        self._run = secrets.token_hex(4)
        self._count = 0
        self._jobs: dict[str, ShortLived] = {}
        self._pods: dict[str, str] = {}
        self._gate = asyncio.Semaphore(AT_ONCE)
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.close()

    @property
    def busy(self) -> bool:
        """Whether there are pods to remove."""
        return bool(self._jobs)

    async def start(
        self, nodes: Iterable[str], *, started: Callable[[str], object] = lambda _: None
    ) -> Mapping[str, ProbeFailure]:
        """Start a probe on each node that has none yet, and wait until they run.

        Args:
            nodes: names of the nodes.
            started: called with a node's name as soon as its probe runs.

        Returns:
            For each node whose probe does not run: why.

        Raises:
            ApiError: the API server does not let us make the first Job.
            UsageError: there is no such namespace.
        """
        wanted = [node for node in nodes if node not in self._pods]
        failed: dict[str, ProbeFailure] = {}

        async def create(node: str) -> None:
            try:
                await self._create(node)
            except ApiError as error:
                if not any(job.uid for job in self._jobs.values()):
                    raise
                failed[node] = failure_of_error(error)

        # The first alone: a missing right or namespace is then one error, not one a node.
        if wanted:
            await create(wanted[0])
            await together(map(create, wanted[1:]))
        return failed | await self._running([n for n in wanted if n not in failed], started)

    async def need(self, node: str) -> None:
        """Have a probe on `node`: the one that runs there, else a new one.

        Raises:
            NodednsError: none can be had; what was made of it is deleted again.
        """
        if node in self._pods:
            return
        try:
            await self._create(node)
            if failed := await self._running([node]):
                raise NodednsError(
                    f"no probe pod runs on {node}: {failed[node]}", hint=failed[node].way_out
                )
        finally:
            if node not in self._pods:
                await self._remove(node)

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

    async def resolv_conf(self, node: str) -> str:
        """Return /etc/resolv.conf of the probe on `node`: what its kubelet gives to such pods."""
        return await self.run(node, ["cat", "/etc/resolv.conf"], timeout=20.0)

    def runs(self, node: str) -> bool:
        """Whether a probe on `node` has been started, and is not known to have ended."""
        return node in self._pods

    def forget(self, node: str) -> None:
        """Take the probe on `node` for gone: the next `start` makes a new one."""
        self._pods.pop(node, None)

    async def release(self, node: str) -> None:
        """Delete the probe on `node`; when it is being asked, after that."""
        async with self._turns[node]:
            await self._remove(node)

    async def close(self) -> None:
        """Delete every probe of this run, even while we are being cancelled."""
        jobs, self._jobs, self._pods = self._jobs, {}, {}
        await whole(delete_all(jobs.values(), self._told))

    async def _running(
        self, nodes: Iterable[str], started: Callable[[str], object] = lambda _: None
    ) -> dict[str, ProbeFailure]:
        """Wait until probes that were made run; return why those do not that will not."""

        def running(node: str, pod: str) -> None:
            self._pods[node] = pod
            started(node)

        starting = Starting(
            self._client,
            self._namespace,
            selector=f"{RUN_LABEL}={self._run}",
            jobs={node: self._jobs[node] for node in nodes},
            timeout=self._timeout,
        )
        return await starting.wait(running)

    async def _create(self, node: str) -> None:
        async with self._gate:
            await self._remove(node)  # of an earlier start that did not come to its end
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

    async def _remove(self, node: str) -> None:
        self._pods.pop(node, None)
        if job := self._jobs.pop(node, None):
            await whole(delete_all([job], self._told))


def lacks_namespace(error: NotFoundError, namespace: str) -> bool:
    """Whether it is the namespace that is not there; a 404 may also mean the kind, or a proxy."""
    return f'namespaces "{namespace}" not found' in str(error)


def no_namespace(namespace: str) -> UsageError:
    """Return the error of a namespace for probes that is not there; it is never created."""
    return UsageError(
        f"--probe-namespace: there is no namespace {namespace!r}",
        hint="it is never created by itself: create it, or name another",
    )
