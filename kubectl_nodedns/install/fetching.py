"""Have nodes fetch the cache's image before anybody depends on how long that takes.

Where clients have the local IP alone, every second between the end of one cache pod and the start
of the next is a second without DNS. A pull would be the longest part of it, and one that fails
would make it endless. So a Job on each node runs the image once, and the kubelet fetches it for it.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from kubectl_nodedns.errors import RefusedError
from kubectl_nodedns.facts.images import NO_IMAGE
from kubectl_nodedns.install.host_jobs import RUN_LABEL, fetch_job
from kubectl_nodedns.probes.jobs import JobRun
from kubectl_nodedns.together import together

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from kubectl_nodedns.cluster.client import Client

AT_ONCE = 20
"""Nodes that fetch at the same time."""
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
    run = JobRun(client, namespace, label=RUN_LABEL, told=note)

    async def one(node: str) -> tuple[str, str]:
        job = fetch_job(
            node,
            name=run.name("fetch"),
            run=run.id,
            namespace=namespace,
            image=image,
            pull_secrets=pull_secrets,
        )
        async with gate, run.having(job) as made:
            try:
                waited = await run.wait(made, node, fetched, timeout=timeout)
            except RefusedError as error:
                return node, str(error)
        return node, "" if waited.done else waited.why or "it was not fetched in time"

    found = await together(map(one, nodes))
    return {node: why for node, why in found if why}


def fetched(pod: Mapping[str, Any] | None) -> bool:
    """Whether a pod has its image: its container was started, or failed for another reason."""
    for status in ((pod or {}).get("status") or {}).get("containerStatuses") or ():
        state = status.get("state") or {}
        if "running" in state or "terminated" in state:
            return True
        reason = str((state.get("waiting") or {}).get("reason") or "")
        return bool(reason) and not reason.startswith((*NO_IMAGE, *_NOT_YET))
    return False
