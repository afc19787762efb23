"""How far a change of an installation of ours came that is not finished.

The state is an annotation of its DaemonSet, the phase of each node a label of its pod. A node in
the dark has a cache that is set up and that nobody asks: kube-dns answers its pods, as before.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kubectl_nodedns.errors import ApiError
from kubectl_nodedns.facts.cache_pods import read_cache_pods
from kubectl_nodedns.readable import understood

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kubectl_nodedns.cluster.client import Client
    from kubectl_nodedns.facts.cache_pods import CachePod
    from kubectl_nodedns.facts.caches import Cache

STATE = "kubectl-nodedns/state"
DARK = "dark"
"""Phase of a pod that nobody is to ask yet."""
ENABLED, DISABLING = "enabled", "disabling"
GO_ON = "kubectl nodedns enable goes on, kubectl nodedns disable takes it back"
"""The ways out of a change that did not come to its end."""


@dataclass(frozen=True, kw_only=True)
class Progress:
    """A change that did not come to its end, or is under way."""

    command: str
    """What was to be done: enable or disable."""
    nodes: int
    """Nodes that should have a cache."""
    served: tuple[str, ...]
    """Nodes whose cache has taken over the kube-dns IP, or is asked by its own address."""
    dark: tuple[str, ...]
    """Nodes in the dark."""

    def __str__(self) -> str:
        if self.command == "disable":
            given_back = self.nodes - len(self.served)
            return (
                f"disable is unfinished: {given_back} of {self.nodes} given back to kube-dns, "
                f"{len(self.served)} served by their cache"
            )
        if len(self.served) == self.nodes:
            return (
                f"enable is unfinished: {self.nodes} of {self.nodes} served, its end not recorded"
            )
        text = f"enable is unfinished: {len(self.served)} of {self.nodes} switched"
        if self.dark:
            text += f", {len(self.dark)} in the dark"
        bare = self.nodes - len(self.served) - len(self.dark)
        return f"{text}, {bare} without a cache" if bare > 0 else text


def state_of(cache: Cache) -> str:
    """Return the state of a cache of ours: enabling, enabled, disabling; empty for any other."""
    return str(cache.annotations.get(STATE, "")) if cache.ours else ""


def progress_of(state: str, phases: Mapping[str, str], nodes: int) -> Progress | None:
    """Sum up a change; None where it came to its end.

    Args:
        state: the state of the installation.
        phases: the phase of each node that has a cache pod.
        nodes: nodes that should have one.
    """
    dark = tuple(node for node, phase in phases.items() if phase == DARK)
    if not state or (state == ENABLED and not dark):
        return None
    return Progress(
        command="disable" if state == DISABLING else "enable",
        nodes=max(nodes, len(phases)),
        served=tuple(node for node in phases if node not in dark),
        dark=dark,
    )


def of_pods(cache: Cache, pods: Sequence[CachePod]) -> Progress | None:
    """Sum up a change from the pods of a cache; None where there is none."""
    phases = {pod.node: pod.phase for pod in pods if pod.node}
    return progress_of(state_of(cache), phases, cache.desired)


@understood("how far an enable came")
async def read_progress(client: Client, caches: Sequence[Cache]) -> Progress | None:
    """Read how far a change of ours came; None where none is unfinished, or pods are not read."""
    for cache in caches:
        if state_of(cache) not in ("", ENABLED):
            try:
                return of_pods(cache, await read_cache_pods(client, cache))
            except ApiError:
                return None
    return None
