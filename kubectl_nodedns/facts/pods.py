"""The pods of the cluster, as far as a cache has to do with them.

Read page by page; of each page only these few fields are kept, so that a large cluster fits.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kubectl_nodedns.facts.clients import read_pods
from kubectl_nodedns.facts.conditions import ENDED
from kubectl_nodedns.readable import understood

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kubectl_nodedns.cluster.client import Client
    from kubectl_nodedns.readable import Read


@dataclass(frozen=True, kw_only=True)
class HostPort:
    """A port of a node that a pod claims."""

    port: int
    """The port."""
    protocol: str
    """UDP, TCP or SCTP."""
    ip: str
    """Address of the node that it is claimed at; empty for all."""


@dataclass(frozen=True, kw_only=True)
class Pod:
    """A pod that runs or will run."""

    namespace: str
    """Its namespace."""
    name: str
    """Its name."""
    node: str
    """Its node; empty before it is scheduled."""
    labels: Mapping[str, str]
    """Its labels."""
    ips: tuple[str, ...]
    """Its addresses; on the host network the node's."""
    host_network: bool
    """Whether it runs on the node's network."""
    host_ports: tuple[HostPort, ...]
    """Ports of its node that it claims."""
    leaving: bool = False
    """Whether it is being deleted."""


@understood("the pods")
async def read_all_pods(client: Client) -> Read[Pod]:
    """Read the pods of all namespaces that have not ended."""
    return await read_pods(client, pod_of)


def pod_of(item: Mapping[str, Any]) -> Pod | None:
    """Read a Pod object; None when it has ended."""
    spec = item.get("spec") or {}
    status = item.get("status") or {}
    if status.get("phase") in ENDED:
        return None
    ips = [one["ip"] for one in status.get("podIPs") or () if one.get("ip")]
    return Pod(
        namespace=item["metadata"].get("namespace", ""),
        name=item["metadata"]["name"],
        node=str(spec.get("nodeName") or ""),
        labels=dict(item["metadata"].get("labels") or {}),
        ips=tuple(map(str, ips or filter(None, [status.get("podIP")]))),
        host_network=bool(spec.get("hostNetwork")),
        host_ports=host_ports_of(spec),
        leaving="deletionTimestamp" in item["metadata"],
    )


def host_ports_of(spec: Mapping[str, Any]) -> tuple[HostPort, ...]:
    """Return the ports of its node that a pod specification claims, sidecars' among them."""
    host = bool(spec.get("hostNetwork"))
    containers = [*(spec.get("containers") or ()), *(spec.get("initContainers") or ())]
    return tuple(
        HostPort(
            port=int(port.get("hostPort") or port["containerPort"]),
            protocol=str(port.get("protocol") or "TCP"),
            ip=str(port.get("hostIP") or ""),
        )
        for container in containers
        for port in container.get("ports") or ()
        if host or port.get("hostPort")
    )
