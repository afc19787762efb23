"""Cache pods as their objects tell: what ended them, since when they run, what they listen on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from kubectl_nodedns.cluster.paths import collection, named
from kubectl_nodedns.facts.caches import (
    SETUP_METRICS_PORT,
    local_ips_of,
    memory_limit_of,
    setup_metrics_port,
)
from kubectl_nodedns.facts.command_line import words_of
from kubectl_nodedns.facts.conditions import is_ready
from kubectl_nodedns.facts.pod_owners import controller_uid
from kubectl_nodedns.readable import required, understood

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kubectl_nodedns.cluster.client import Client
    from kubectl_nodedns.facts.caches import Cache

LONGEST = 160
"""Characters of a trouble; kubelets nest one cause in another."""
LOG_LINES = 60
"""Lines of a log that are read: CoreDNS says why it ends in its last ones,"""
LOG_BYTES = 256 * 1024
"""and how much of them at most."""


@dataclass(frozen=True, kw_only=True)
class CachePod:
    """One cache pod, whether its object was read or the row that `kubectl get pods` prints.

    A row tells less: what it does not tell has its default, and times are as coarse as it prints.
    """

    namespace: str
    """Its namespace."""
    name: str
    """Its name."""
    node: str
    """Node that it runs on; empty while it is not scheduled."""
    ready: bool
    """Whether all of its containers are ready; by its object, it is not being deleted either."""
    status: str
    """What kubectl prints as its status: Running, CrashLoopBackOff, Terminating, ..."""
    metrics_port: int
    """Port of CoreDNS's metrics."""
    agent_port: int = SETUP_METRICS_PORT
    """Port of the agent's own metrics: its own -metrics-listen-address argument."""
    cache: str = ""
    """NAMESPACE/NAME of the DaemonSet that keeps it."""
    ip: str = ""
    """Its IP address, which is its node's; empty when not known."""
    restarts: int = 0
    """Restarts of its containers."""
    restarted_at: float | None = None
    """When a container of it last ended, in Unix seconds; None when none did, or not known."""
    created_at: float | None = None
    """When it was created, in Unix seconds; None when not known."""
    memory_limit_bytes: int | None = None
    """Memory limit of the cache container; None without one."""
    uid: str = ""
    """Its UID; empty when its object was not read, as all below."""
    container: str = ""
    """Name of its first container."""
    local_ips: tuple[str, ...] = ()
    """Addresses that it listens on: its own -localip argument."""
    phase: str = ""
    """"dark" or "full" for a cache of ours; empty for others."""
    trouble: str = ""
    """Why it is not ready, in the API's words."""
    ended_by: str = ""
    """Why a container last ended, such as OOMKilled, with its exit code; empty when none did."""

    @property
    def where(self) -> str:
        """NAMESPACE/NAME: a name alone is free to be had in every other namespace."""
        return f"{self.namespace}/{self.name}"

    @property
    def running(self) -> bool:
        """Whether its container runs and it is not being deleted."""
        return self.status == "Running"

    @property
    def listening(self) -> bool:
        """Whether its containers run, so that somebody may answer."""
        return self.status in {"Running", "Terminating"}

    @property
    def leaving(self) -> bool:
        """Whether it is on its way out or ended."""
        return self.status in {"Terminating", "Completed", "Evicted", "Error", "Succeeded"}

    @property
    def dark(self) -> bool:
        """Whether it is set up and not to be asked yet: kube-dns answers its node's pods."""
        return self.phase == "dark"


@understood("the cache pods")
async def read_cache_pods(client: Client, cache: Cache) -> tuple[CachePod, ...]:
    """Read the pods of a cache, by node and name: those that its DaemonSet keeps.

    What only carries the labels is none of them, and neither is a pod in a network of its own where
    the DaemonSet's are in their nodes': it was written by hand, for the DaemonSet to adopt.

    Raises:
        ApiError: they cannot be listed.
    """
    path = collection("v1", "pods", cache.namespace)
    items = await client.list(path, labels=cache.selector)
    pods = required(
        "pod", lambda item: cache_pod_of(item, cache) if _is_of(item, cache) else None, items
    )
    return tuple(sorted(pods, key=lambda pod: (pod.node, pod.name)))


async def read_last_words(client: Client, pod: CachePod, *, previous: bool) -> str:
    """Read the end of a pod's log; of the container before this one with `previous`.

    Raises:
        ApiError: there is none, or it may not be read.
    """
    query = f"container={pod.container}&tailLines={LOG_LINES}&limitBytes={LOG_BYTES}"
    query += "&previous=true" * previous
    path = f"{named('v1', 'pods', pod.namespace, pod.name)}/log?{query}"
    return await client.get_text(path, timeout=10)


def cache_pod_of(item: Mapping[str, Any], cache: Cache) -> CachePod:
    """Read a Pod object of `cache`."""
    metadata, spec, status = item["metadata"], item.get("spec") or {}, item.get("status") or {}
    first: Mapping[str, Any] = next(iter(spec.get("containers") or ()), {})
    statuses = status.get("containerStatuses") or ()
    leaving = "deletionTimestamp" in metadata
    ended_by, ended_at = _ended(statuses)
    return CachePod(
        namespace=metadata["namespace"],
        name=metadata["name"],
        node=spec.get("nodeName") or "",
        ready=is_ready(status) and not leaving,
        status="Terminating" if leaving else _printed(status),
        metrics_port=cache.metrics_port,
        agent_port=setup_metrics_port(words_of(first)),
        cache=f"{cache.namespace}/{cache.name}",
        ip=str(status.get("podIP") or ""),
        restarts=sum(s.get("restartCount") or 0 for s in statuses),
        restarted_at=ended_at,
        created_at=unix(metadata.get("creationTimestamp")),
        memory_limit_bytes=memory_limit_of(first),
        uid=metadata["uid"],
        container=first.get("name", ""),
        local_ips=local_ips_of(words_of(first)),
        phase=(metadata.get("labels") or {}).get("kubectl-nodedns/phase", ""),
        trouble="it is being deleted"
        if leaving
        else trouble(status) or str(status.get("phase") or ""),
        ended_by=ended_by,
    )


def unix(text: str | None) -> float | None:
    """Read a time as Kubernetes writes it (RFC 3339) into Unix seconds."""
    try:
        return datetime.fromisoformat(text or "").timestamp()
    except ValueError:
        return None


def _is_of(item: Mapping[str, Any], cache: Cache) -> bool:
    on_node = bool((item.get("spec") or {}).get("hostNetwork"))
    return controller_uid(item) == cache.uid and (on_node or not cache.host_network)


def _printed(status: Mapping[str, Any]) -> str:
    """Return what kubectl prints as the status of a pod that stays."""
    states = [one.get("state") or {} for one in status.get("containerStatuses") or ()]
    if any(state.get("running") is not None for state in states):
        return "Running"
    reasons = (why.get("reason") for state in states for why in state.values())
    said = next(filter(None, (status.get("reason"), *reasons)), None)
    return str(said or status.get("phase") or "")


def _ended(statuses: Any) -> tuple[str, float | None]:
    for one in statuses:
        for state in (one.get("lastState") or {}, one.get("state") or {}):
            if ended := state.get("terminated"):
                reason = ended.get("reason") or "ended"
                text = f"{reason}, exit code {ended.get('exitCode')}"
                return text, unix(ended.get("finishedAt"))
    return "", None


def trouble(status: Mapping[str, Any]) -> str:
    """Say why a pod is not ready, from its status."""
    before = status.get("initContainerStatuses") or ()
    for container in (*before, *(status.get("containerStatuses") or ())):
        state = container.get("state") or {}
        if container in before and (state.get("terminated") or {}).get("exitCode") == 0:
            continue
        if waiting := state.get("waiting"):
            text = f"{waiting.get('reason', '')}: {waiting.get('message', '')}".rstrip(": ")
            return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
        if ended := state.get("terminated"):
            return f"{ended.get('reason', 'ended')} with exit code {ended.get('exitCode')}"
    for condition in status.get("conditions") or ():
        if condition.get("status") == "False" and condition.get("message"):
            return str(condition["message"])
    return str(status.get("message") or "")
