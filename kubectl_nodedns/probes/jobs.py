"""Jobs that live for the time of a run: made whole, and taken away whatever comes between.

A creation that is abandoned half-way, by Ctrl-C or by an answer that is lost, may still have
happened. So it is awaited to its end, and where its end is not known, the Job is looked for.

Each Job makes one pod, for one node. It ends by itself (`activeDeadlineSeconds`), deletes itself
(`ttlSecondsAfterFinished`) and is never repeated (`backoffLimit: 0`), so a client that dies leaves
nothing behind for longer than that.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kubectl_nodedns.cluster.paths import collection, named
from kubectl_nodedns.cluster.whole import whole
from kubectl_nodedns.errors import ApiError, NotFoundError
from kubectl_nodedns.facts.cache_pods import trouble
from kubectl_nodedns.facts.images import NO_IMAGE, Imageless
from kubectl_nodedns.facts.pod_owners import pod_of_job
from kubectl_nodedns.together import together

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Mapping

    from kubectl_nodedns.cluster.client import Client

REFUSED = range(400, 500)
"""HTTP status codes by which a server says that it has not done what was asked."""
POLL = 0.5
"""Seconds between two looks at pods that are waited for."""
NO_POD = "its Job made no pod"


def job_on(
    node: str,
    *,
    metadata: Mapping[str, Any],
    pod: Mapping[str, Any],
    pod_metadata: Mapping[str, Any],
    lifetime: int,
    linger: int,
) -> dict[str, Any]:
    """Build a Job of one pod on a node, whatever its taints.

    Args:
        node: name of the node.
        metadata: the Job's, with name and namespace.
        pod: the pod's specification, without where it runs.
        pod_metadata: the pod's labels and annotations.
        lifetime: seconds after which its pod ends by itself.
        linger: seconds after its end when the cluster deletes it.
    """
    # Affinity, not nodeName: a pod that does not fit is then Pending with the scheduler's reason.
    match = {"key": "metadata.name", "operator": "In", "values": [node]}
    terms = [{"matchFields": [match]}]
    placed = {
        "restartPolicy": "Never",
        "enableServiceLinks": False,
        "automountServiceAccountToken": False,
        "tolerations": [{"operator": "Exists"}],
        "affinity": {
            "nodeAffinity": {
                "requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}
            }
        },
    }
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": dict(metadata),
        "spec": {
            "activeDeadlineSeconds": lifetime,
            "ttlSecondsAfterFinished": linger,
            "backoffLimit": 0,
            "template": {"metadata": dict(pod_metadata), "spec": {**placed, **pod}},
        },
    }


class ShortLived:
    """One Job, from its creation to its deletion.

    Args:
        client: an open client.
        job: the Job object, with name, namespace and `activeDeadlineSeconds`.
    """

    def __init__(self, client: Client, job: Mapping[str, Any]) -> None:
        self._client = client
        self._job = dict(job)
        self.namespace: str = job["metadata"]["namespace"]
        """Its namespace."""
        self.name: str = job["metadata"]["name"]
        """Its name."""
        self.uid = ""
        """Its UID, by which its pod is known; empty while it is not known."""
        self._lost = ""  # why it is not known whether there is one

    async def create(self) -> None:
        """Create it, to the end even while we are being cancelled.

        Raises:
            ApiError: it was not created, or the answer was lost.
        """
        self._lost = "its creation was cut off"
        await whole(self._create())

    async def _create(self) -> None:
        path = collection("batch/v1", "jobs", self.namespace)
        try:
            made = await self._client.create(path, self._job)
        except ApiError as error:
            self._lost = "" if error.status in REFUSED else str(error)
            raise
        self.uid, self._lost = str(made["metadata"]["uid"]), ""

    async def delete(self) -> str:
        """Delete it, even while we are being cancelled.

        Returns:
            What may be left, in words; empty when nothing is.
        """
        return await whole(self._delete())

    async def _delete(self) -> str:
        if not self.uid and not self._lost:
            return ""
        path = named("batch/v1", "jobs", self.namespace, self.name)
        by_itself = f"its pod ends by itself after {self._job['spec']['activeDeadlineSeconds']} s"
        try:
            uid = self.uid or str((await self._client.get(path))["metadata"]["uid"])
            await self._client.delete(path, uid=uid)
        except NotFoundError:
            return (
                f"whether Job {self.namespace}/{self.name} was created is not known: {self._lost}; "
                f"it is not there now, and should it appear, {by_itself}"
            )
        except ApiError as error:
            return f"Job {self.namespace}/{self.name} could not be deleted: {error}; {by_itself}"
        return ""


@dataclass(frozen=True, kw_only=True)
class Waited:
    """How the waiting for the pod of a Job ended."""

    pod: Mapping[str, Any] | None
    """The pod as it was seen last; None where there is none."""
    done: bool
    """Whether it came to what was waited for."""
    why: str = ""
    """Why it did not, in the cluster's words; may be empty."""
    imageless: bool = False
    """Whether it was given up because its image cannot be had."""


class JobRun:
    """The Jobs of one run that are looked at one by one; their pods share a label.

    Args:
        client: an open client.
        namespace: where they are made.
        label: key of the label; its value is `id`.
        told: called with a sentence about what may be left.
    """

    def __init__(
        self, client: Client, namespace: str, *, label: str, told: Callable[[str], None]
    ) -> None:
        self._client = client
        self._namespace = namespace
        self._label = label
        self._told = told
        self._count = 0
        self._imageless = Imageless()
        self.id = secrets.token_hex(4)
        """Eight hexadecimal digits, another for each run."""

    def name(self, what: str) -> str:
        """Return a name for the next Job, which says what it is for."""
        self._count += 1
        return f"nodedns-{what}-{self.id}-{self._count}"

    @contextlib.asynccontextmanager
    async def having(self, job: Mapping[str, Any]) -> AsyncIterator[ShortLived]:
        """Have a Job for as long as something lasts.

        Args:
            job: the Job object, with name, namespace and `activeDeadlineSeconds`.

        Yields:
            The Job, with its UID.

        Raises:
            ApiError: it was not created, or the answer was lost.
        """
        one = ShortLived(self._client, job)
        try:
            await one.create()
            yield one
        finally:
            await whole(delete_all([one], self._told))

    async def wait(
        self,
        job: ShortLived,
        node: str,
        done: Callable[[Mapping[str, Any] | None], bool],
        *,
        timeout: float,
    ) -> Waited:
        """Wait until the pod of a Job is as it should be; not long where it has no image.

        Args:
            job: the Job, which was made.
            node: the node that it asks for.
            done: whether a pod, or that there is none, is what is waited for.
            timeout: seconds that it may take.

        Raises:
            RefusedError: another pod says that it is this one, or it runs on another node.
            ApiError: pods cannot be listed.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout
        path = collection("v1", "pods", self._namespace)
        while True:
            pods = await self._client.list(path, labels=f"{self._label}={self.id}")
            pod = pod_of_job(pods, uid=job.uid, node=node)
            if done(pod):
                return Waited(pod=pod, done=True)
            why = trouble(pod.get("status") or {}) if pod else NO_POD
            now = loop.time()
            without = why.startswith(NO_IMAGE)
            if self._imageless.too_long(job.uid, now, imageless=without):
                return Waited(pod=pod, done=False, why=why, imageless=True)
            if now >= deadline:
                return Waited(pod=pod, done=False, why=why)
            await asyncio.sleep(POLL)


async def delete_all(jobs: Iterable[ShortLived], told: Callable[[str], None]) -> None:
    """Delete Jobs side by side, and say what may be left: the first, and how many are like it.

    Wants to be awaited to its end (`cluster.whole`): what may be left is to be told, too.
    """
    ends = await together(job.delete() for job in jobs)
    if left := [end for end in ends if end]:
        told(left[0] + (f"; and {len(left) - 1} more like it" if len(left) > 1 else ""))
