"""Waiting for probes: until each pod runs, or it is known what stands in its way."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace
from typing import TYPE_CHECKING

from kubectl_nodedns.cluster.paths import collection
from kubectl_nodedns.errors import ApiError, RefusedError
from kubectl_nodedns.facts.images import IMAGE_PATIENCE, Imageless
from kubectl_nodedns.facts.pod_owners import pod_of_job
from kubectl_nodedns.printable import printable
from kubectl_nodedns.probes.failure import FINAL, Cause, ProbeFailure, failure_of
from kubectl_nodedns.probes.jobs import NO_POD, POLL
from kubectl_nodedns.probes.probe_job import pod_state

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from kubectl_nodedns.cluster.client import Client
    from kubectl_nodedns.probes.jobs import ShortLived

LOOKS = 4
"""Looks after which a Job without a pod is asked why, by its events."""


class Starting:
    """The probes that were made and do not run yet.

    Args:
        client: an open client.
        namespace: where they are.
        selector: label selector of their pods.
        jobs: the Job of each node, by the node's name.
        timeout: seconds that they may take.
    """

    def __init__(
        self,
        client: Client,
        namespace: str,
        *,
        selector: str,
        jobs: Mapping[str, ShortLived],
        timeout: float,
    ) -> None:
        self._client = client
        self._namespace = namespace
        self._selector = selector
        self._timeout = timeout
        self._waiting = dict(jobs)
        self._failed: dict[str, ProbeFailure] = {}
        self._why: dict[str, str] = {}
        self._imageless = Imageless()

    async def wait(self, running: Callable[[str, str], None]) -> dict[str, ProbeFailure]:
        """Wait until each probe runs.

        Args:
            running: called with node and pod as soon as one does.

        Returns:
            For each node whose probe will not run, or did not in time: why.
        """
        clock = asyncio.get_running_loop().time
        deadline = clock() + self._timeout
        looks = 0
        while self._waiting and clock() < deadline:
            await self._look(running)
            looks += 1
            if looks % LOOKS == 0 and self._waiting.keys() - self._why.keys():
                await self._refused()
            if self._waiting:
                await asyncio.sleep(POLL)
        for node in list(self._waiting):
            self._fail(node, await self._late(node, self._timeout))
        return self._failed

    async def _look(self, running: Callable[[str, str], None]) -> None:
        """Look at every pod once."""
        path = collection("v1", "pods", self._namespace)
        pods = await self._client.list(path, labels=self._selector)
        for node, job in list(self._waiting.items()):
            try:
                pod = pod_of_job(pods, uid=job.uid, node=node)
            except RefusedError as error:
                self._fail(node, ProbeFailure(cause=Cause.FOREIGN, said=printable(str(error))))
                continue
            if pod is None:
                continue
            runs, reason, hopeless = pod_state(pod)
            if runs:
                del self._waiting[node]
                running(node, pod["metadata"]["name"])
            elif hopeless:
                self._fail(node, failure_of(reason))
            else:
                self._why[node] = reason
                now = asyncio.get_running_loop().time()
                without = failure_of(reason).cause is Cause.IMAGE
                if self._imageless.too_long(node, now, imageless=without):
                    self._fail(node, await self._late(node, IMAGE_PATIENCE))

    async def _refused(self) -> None:
        """Give up on Jobs that could not make their pod, by their events."""
        said = await self._events("Job")
        for node in self._waiting.keys() - self._why.keys():
            seen = failure_of(said.get(self._waiting[node].name, ""))
            if seen.cause in FINAL:
                self._fail(node, seen)

    async def _late(self, node: str, seconds: float) -> ProbeFailure:
        """Say why a probe does not run in `seconds`: its state, and the newest event about it."""
        why = self._why.get(node, "")
        events = await self._events("Pod" if why else "Job")
        job = self._waiting[node].name
        about = [text for name, text in events.items() if f"{name}-".startswith(f"{job}-")]
        said = ". ".join([*([why] if why else []), *about]) or NO_POD
        seen = failure_of(said)
        late = f"not running after {seconds:.0f} s: {said}"
        return seen if seen.cause in FINAL else replace(seen, said=late)

    async def _events(self, kind: str) -> dict[str, str]:
        """Return the newest warning about each object of a kind, by the object's name."""
        path = collection("v1", "events", self._namespace)
        found: dict[str, str] = {}
        with contextlib.suppress(ApiError):
            events = await self._client.list(path, fields=f"involvedObject.kind={kind}")
            for event in sorted(events, key=lambda e: str(e.get("lastTimestamp") or "")):
                if event.get("type") != "Normal":
                    found[event["involvedObject"]["name"]] = str(event.get("message", ""))
        return found

    def _fail(self, node: str, why: ProbeFailure) -> None:
        del self._waiting[node]
        self._failed[node] = why
