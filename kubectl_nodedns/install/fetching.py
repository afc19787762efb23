"""Have nodes fetch the cache's image before anybody depends on how long that takes.

Where clients have the local IP alone, every second between the end of one cache pod and the start
of the next is a second without DNS. A pull would be the longest part of it, and one that fails
would make it endless. So a Job on each node runs the image once, and the kubelet fetches it for it.
"""

from __future__ import annotations

import asyncio
import secrets
from typing import TYPE_CHECKING, Any

from kubectl_nodedns.cluster.jobs import short_lived
from kubectl_nodedns.cluster.paths import collection
from kubectl_nodedns.errors import RefusedError
from kubectl_nodedns.facts.cache_pods import trouble
from kubectl_nodedns.facts.images import NO_IMAGE, Imageless
from kubectl_nodedns.facts.pod_owners import pod_of_job
from kubectl_nodedns.install.host_jobs import RUN_LABEL, fetch_job
from kubectl_nodedns.together import together

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

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
    note: Callable[[str], None],
) -> Mapping[str, str]:
    """Have each node fetch `image`.

    Args:
        client: an open client.
        nodes: names of the nodes.
        namespace: the DNS service's; Jobs run there.
        image: the cache's image.
        pull_secrets: Secrets to pull it with.
        timeout: seconds that one node may take.
        note: told of a Job that may be left.

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
        async with gate, short_lived(client, job, told=note) as made:
            try:
                return node, await _wait(client, namespace, run, (made.uid, node), timeout)
            except RefusedError as error:
                return node, str(error)

    found = await together(one(i, node) for i, node in enumerate(nodes))
    return {node: why for node, why in found if why}


async def _wait(
    client: Client, namespace: str, run: str, job: tuple[str, str], timeout: float
) -> str:
    """Wait until the pod of a Job has its image; return why not, empty when it has.

    Raises:
        RefusedError: another pod says that it is this one, or it runs on another node.
    """
    uid, node = job
    loop = asyncio.get_running_loop()
    deadline = loop.time() + timeout
    imageless = Imageless()
    while True:
        pods = await client.list(collection("v1", "pods", namespace), labels=f"{RUN_LABEL}={run}")
        pod = pod_of_job(pods, uid=uid, node=node)
        if pod is not None and fetched(pod):
            return ""
        why = trouble(pod.get("status") or {}) if pod else "its Job made no pod"
        now = loop.time()
        in_vain = imageless.too_long(node, now, imageless=why.startswith(NO_IMAGE))
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
