"""Whether another pod claims a port that the cache needs on its node, and which port is free. Pure.

Three kinds of port, with three kinds of harm: a port that the cache's pod declares keeps the
scheduler from placing it beside another claim at any address; the health port is answered by
whoever listens on all addresses; the agent's own metrics port is only lost.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kubectl_nodedns.facts.caches import setup_metrics_port
from kubectl_nodedns.facts.pods import host_ports_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from kubectl_nodedns.facts.pods import Pod

DNS, HEALTH, METRICS, SETUP = "dns", "health", "metrics", "setup metrics"
"""What the cache needs ports for."""
WILDCARD = frozenset({"", "0.0.0.0", "::"})  # noqa: S104 - recognised, not bound
TAKEN_BY_KUBERNETES = frozenset({10248, 10249, 10250, 10255, 10256, 10257, 10259})
"""Ports of kubelet, kube-proxy and the control plane, which no pod claims."""


@dataclass(frozen=True, kw_only=True)
class Need:
    """A port that the cache needs on each of its nodes."""

    purpose: str
    """DNS, HEALTH, METRICS or SETUP."""
    port: int
    """The port."""
    protocol: str
    """UDP or TCP."""
    declared: bool
    """Whether its pod declares it, so that the scheduler looks at it."""


@dataclass(frozen=True, kw_only=True)
class Clash:
    """A port that the cache needs and another pod claims."""

    need: Need
    """The port."""
    pods: tuple[str, ...]
    """Who claims it, as NAMESPACE/NAME."""
    nodes: tuple[str, ...]
    """On which nodes."""
    told: frozenset[str] = frozenset({"ports"})
    """Where their specifications name it: "ports", "probe", "arguments"."""


def needs_of(daemonset: Mapping[str, Any]) -> list[Need]:
    """Return the ports that the cache of a DaemonSet object needs."""
    spec = daemonset["spec"]["template"]["spec"]
    container = spec["containers"][0]
    named = {
        (int(port["containerPort"]), port.get("protocol", "TCP")): port.get("name", "")
        for port in container.get("ports") or ()
    }
    needs = [
        Need(
            purpose=METRICS if name == "metrics" else DNS,
            port=port,
            protocol=protocol,
            declared=True,
        )
        for (port, protocol), name in named.items()
    ]
    probe = (container.get("livenessProbe") or {}).get("httpGet") or {}
    if isinstance(probe.get("port"), int):
        needs.append(Need(purpose=HEALTH, port=probe["port"], protocol="TCP", declared=False))
    setup = setup_metrics_port(tuple(container.get("args") or ()))
    needs.append(Need(purpose=SETUP, port=setup, protocol="TCP", declared=False))
    return needs


def clashes(
    needs: Iterable[Need],
    pods: Iterable[Pod],
    *,
    nodes: Collection[str],
    local_ip: str,
    selectors: Sequence[Mapping[str, str]] = (),
) -> list[Clash]:
    """Find the ports that others claim.

    A pod that is being deleted does not count: the scheduler waits until it has let its ports go.

    Args:
        needs: what the cache needs.
        pods: all pods.
        nodes: names of the nodes that are to have a cache.
        local_ip: the cache's own address.
        selectors: labels of pods that do not count: caches that are there already.
    """
    found = []
    others = [
        pod
        for pod in pods
        if pod.node in nodes
        and not pod.leaving
        and not any(all(pod.labels.get(k) == v for k, v in own.items()) for own in selectors if own)
    ]
    for need in needs:
        addresses = None if need.declared else WILDCARD | {local_ip}
        claims = [
            (pod, claim.told)
            for pod in others
            for claim in pod.host_ports
            if (claim.port, claim.protocol) == (need.port, need.protocol)
            and (addresses is None or claim.ip in addresses)
        ]
        claimants = [pod for pod, _ in claims]
        if claimants:
            found.append(
                Clash(
                    need=need,
                    pods=tuple(sorted({f"{pod.namespace}/{pod.name}" for pod in claimants})),
                    nodes=tuple(sorted({pod.node for pod in claimants})),
                    told=frozenset(told for _, told in claims),
                )
            )
    return found


def free_port(
    wanted: int, pods: Iterable[Pod], *, nodes: Collection[str], taken: Collection[int] = ()
) -> int:
    """Return the first port from `wanted` up that no pod claims on these nodes."""
    claimed = {claim.port for pod in pods if pod.node in nodes for claim in pod.host_ports}
    claimed |= {*taken, *TAKEN_BY_KUBERNETES}
    return next(port for port in range(wanted, 65536) if port not in claimed)


__all__ = ["Clash", "Need", "clashes", "free_port", "host_ports_of", "needs_of"]
