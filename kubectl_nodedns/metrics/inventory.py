"""Nodes and cache pods, read from the rows that the API server prints for `kubectl get`.

Pure. Tables are some hundred times smaller than objects, and say what a person would look for: the
STATUS column already holds the reason why a pod does not run.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kubectl_nodedns.facts.cache_pods import CachePod
from kubectl_nodedns.facts.caches import SETUP_METRICS_PORT
from kubectl_nodedns.numbers import whole

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_AGE = re.compile(r"(\d+)([smhdy])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "y": 365 * 86400}
_NONE = ("<none>", "<unknown>", "<invalid>")


@dataclass(frozen=True, kw_only=True)
class Node:
    """One node."""

    name: str
    """Its name."""
    ready: bool
    """Whether its kubelet says it is."""
    schedulable: bool
    """Whether it is not cordoned."""
    windows: bool
    """Whether it runs Windows, where there is no cache."""
    ip: str
    """Its internal IP address; empty when not known."""


@dataclass(frozen=True, kw_only=True)
class Inventory:
    """What there is to watch."""

    nodes: Mapping[str, Node]
    """Nodes by name."""
    pods: Mapping[str, tuple[CachePod, ...]]
    """Cache pods by node, the one to look at first."""


Row = dict[str, Any]
"""Cells of a table's row by column name."""


def columns(table: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the names of a table's columns; none when it does not repeat them."""
    return tuple(c["name"] for c in table.get("columnDefinitions") or ())


def rows(table: Mapping[str, Any], names: Sequence[str]) -> list[Row]:
    """Return the rows of a table, each by column name."""
    return [dict(zip(names, row["cells"], strict=False)) for row in table.get("rows") or ()]


def read_node(row: Row) -> Node:
    """Read a row of `kubectl get nodes -o wide`."""
    status = str(row.get("Status", "")).split(",")
    ip = str(row.get("Internal-IP", ""))
    return Node(
        name=row["Name"],
        ready="Ready" in status,
        schedulable="SchedulingDisabled" not in status,
        windows="windows" in str(row.get("OS-Image", "")).lower(),
        ip="" if ip in _NONE else ip,
    )


def read_pod(
    row: Row,
    *,
    namespace: str,
    metrics_port: int,
    memory_limit_bytes: int | None,
    at: float,
    agent_port: int = SETUP_METRICS_PORT,
    cache: str = "",
) -> CachePod:
    """Read a row of `kubectl get pods -o wide` that was printed at `at` (Unix seconds)."""
    ip = str(row.get("IP", ""))
    ready, _, wanted = str(row.get("Ready", "")).partition("/")
    restarts, _, ago = str(row.get("Restarts", "0")).partition(" ")
    node = str(row.get("Node", ""))
    return CachePod(
        namespace=namespace,
        name=row["Name"],
        node="" if node in _NONE else node,
        ready=ready == wanted and wanted not in {"", "0"},
        status=str(row.get("Status", "")),
        restarts=whole(restarts, most=2**31) or 0,
        restarted_at=_since(ago.strip("()").removesuffix(" ago"), at),
        created_at=_since(str(row.get("Age", "")), at),
        metrics_port=metrics_port,
        memory_limit_bytes=memory_limit_bytes,
        ip="" if ip in _NONE else ip,
        cache=cache,
        agent_port=agent_port,
    )


def by_node(
    pods: Sequence[CachePod], ips: Mapping[str, str] | None = None
) -> dict[str, tuple[CachePod, ...]]:
    """Group scheduled pods by node; one that stays before one that leaves, ready ones first.

    A pod in a network of its own comes last, whatever it says: it serves nobody's node.

    Args:
        pods: cache pods.
        ips: the nodes' addresses, by name, where they are known.
    """
    ips = ips or {}
    grouped: dict[str, tuple[CachePod, ...]] = {}
    for pod in pods:
        if pod.node:
            others = grouped.get(pod.node, ())
            grouped[pod.node] = (*others, pod) if others else (pod,)
    for node, some in grouped.items():
        if len(some) > 1:
            grouped[node] = tuple(sorted(some, key=lambda p: _place(p, ips.get(p.node, ""))))
    return grouped


def _place(pod: CachePod, ip: str) -> tuple[bool, bool, bool, str]:
    own_network = bool(ip and pod.ip) and pod.ip != ip
    return own_network, pod.leaving, not pod.ready, pod.where


def _since(age: str, at: float) -> float | None:
    """Turn an age such as "3d2h" into the time that it counts from."""
    parts = _AGE.findall(age)
    return at - sum(int(n) * _SECONDS[unit] for n, unit in parts) if parts else None
