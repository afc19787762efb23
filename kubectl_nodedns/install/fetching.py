"""Have nodes fetch the cache's image before anybody depends on how long that takes.

Where clients have the local IP alone, every second between the end of one cache pod and the start
of the next is a second without DNS. A pull would be the longest part of it, and one that fails
would make it endless. So a Job on each node runs the image once, and the kubelet fetches it for it.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from typing import TYPE_CHECKING, Any

from kubectl_nodedns.cluster.paths import collection, named
from kubectl_nodedns.errors import ApiError
from kubectl_nodedns.facts.cache_pods import trouble
from kubectl_nodedns.facts.images import NO_IMAGE, Imageless
from kubectl_nodedns.install.host_jobs import RUN_LABEL, fetch_job

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kubectl_nodedns.cluster.client import Client

AT_ONCE = 20
"""Nodes that fetch at the same time."""
POLL = 0.5
_NOT_YET = ("ContainerCreating", "PodInitializing")


async def fetch(
    client: Client,
    nodes: Sequence[str],
    *,
    namespace: str,
    image: str,
    pull_secrets: tuple[str, ...],
    timeout: float,
) -> Mapping[str, str]:
    """Have each node fetch `image`.

    Args:
        client: an open client.
        nodes: names of the nodes.
        namespace: the DNS service's; Jobs run there.
        image: the cache's image.
        pull_secrets: Secrets to pull it with.
        timeout: seconds that one node may take.

    Returns:
        For each node that has not fetched it: why.

    Raises:
        ApiError: a Job cannot be made or looked at.
    """
    gate = asyncio.Semaphore(AT_ONCE)
    run = secrets.token_hex(4)

    async def one(number: int, node: str) -> tuple[str, str]:
        name = f"nodedns-fetch-{run}-{number}"
        job = fetch_job(
            node, name=name, run=run, namespace=namespace, image=image, pull_secrets=pull_secrets
        )
        async with gate:
            made = await client.create(collection("batch/v1", "jobs", namespace), job)
            try:
                return node, await _wait(client, namespace, run, name, timeout)
            finally:
                with contextlib.suppress(ApiError):
                    path = named("batch/v1", "jobs", namespace, name)
                    await asyncio.shield(client.delete(path, uid=made["metadata"]["uid"]))

    found = await asyncio.gather(*(one(i, node) for i, node in enumerate(nodes)))
    return {node: why for node, why in found if why}


async def _wait(client: Client, namespace: str, run: str, job: str, timeout: float) -> str:
    """Wait until the pod of a Job has its image; return why not, empty when it has."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + timeout
    imageless = Imageless()
    while True:
        pods = await client.list(collection("v1", "pods", namespace), labels=f"{RUN_LABEL}={run}")
        pod = next((p for p in pods if p["metadata"]["name"].startswith(f"{job}-")), None)
        if pod is not None and fetched(pod):
            return ""
        why = trouble(pod.get("status") or {}) if pod else "its Job made no pod"
        now = loop.time()
        in_vain = imageless.too_long(job, now, imageless=why.startswith(NO_IMAGE))
        if in_vain or now >= deadline:
            return why or "it was not fetched in time"
        await asyncio.sleep(POLL)


def fetched(pod: Mapping[str, Any]) -> bool:
    """Whether a pod has its image: its container was started, or failed for another reason."""
    for status in (pod.get("status") or {}).get("containerStatuses") or ():
        state = status.get("state") or {}
        if "running" in state or "terminated" in state:
            return True
        reason = str((state.get("waiting") or {}).get("reason") or "")
        return bool(reason) and not reason.startswith((*NO_IMAGE, *_NOT_YET))
    return False
