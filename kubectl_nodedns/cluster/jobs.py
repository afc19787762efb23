"""A Job that lives for the time of a run: made whole, and taken away whatever comes between.

A creation that is abandoned half-way, by Ctrl-C or by an answer that is lost, may still have
happened. So it is awaited to its end, and where its end is not known, the Job is looked for.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from kubectl_nodedns.cluster.paths import collection, named
from kubectl_nodedns.cluster.whole import whole
from kubectl_nodedns.errors import ApiError, NotFoundError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

    from kubectl_nodedns.cluster.client import Client

REFUSED = range(400, 500)
"""HTTP status codes by which a server says that it has not done what was asked."""


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
        """Its UID; empty while it is not known."""
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


@contextlib.asynccontextmanager
async def short_lived(
    client: Client, job: Mapping[str, Any], *, told: Callable[[str], None]
) -> AsyncIterator[ShortLived]:
    """Have a Job for as long as something lasts.

    Args:
        client: an open client.
        job: the Job object, with name, namespace and `activeDeadlineSeconds`.
        told: called with a sentence about what may be left.

    Yields:
        The Job, with its UID.

    Raises:
        ApiError: it was not created, or the answer was lost.
    """
    one = ShortLived(client, job)
    try:
        await one.create()
        yield one
    finally:
        if left := await one.delete():
            told(left)
