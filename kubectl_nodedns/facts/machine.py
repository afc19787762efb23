"""What a figure was measured on: the node's machine and the versions that ran there."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from kubectl_nodedns.cluster.paths import collection
from kubectl_nodedns.facts.quantity import quantity
from kubectl_nodedns.readable import understood

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kubectl_nodedns.cluster.client import Client


@dataclass(frozen=True, kw_only=True)
class Machine:
    """One node, as far as a measurement depends on it. Empty or None is not known."""

    node: str
    """Name of the node."""
    cpus: str
    """CPUs, as the node counts them."""
    memory: int
    """Memory in bytes."""
    architecture: str
    """Such as amd64."""
    kernel: str
    """Version of the kernel."""
    system: str
    """The operating system, such as Debian GNU/Linux 12."""
    kubelet: str
    """Version of the kubelet."""
    runtime: str
    """Container runtime and its version."""

    def __str__(self) -> str:
        return (
            f"{self.node}: {self.cpus} CPUs, {self.memory / 2**30:.1f} GiB, {self.architecture}, "
            f"Linux {self.kernel}, {self.system}, kubelet {self.kubelet}, {self.runtime}"
        )

    def as_json(self) -> dict[str, Any]:
        """Return it as `-o json` shows it."""
        return asdict(self)


@understood("the nodes")
async def read_machines(client: Client, nodes: Sequence[str]) -> list[Machine]:
    """Read the machines of some nodes. A list of one takes no right that listing nodes does not."""
    path = collection("v1", "nodes")
    found = [await client.list(path, fields=f"metadata.name={node}") for node in nodes]
    return [machine_of(item) for items in found for item in items]


def machine_of(item: Mapping[str, Any]) -> Machine:
    """Read a Node object."""
    status = item.get("status") or {}
    capacity, info = status.get("capacity") or {}, status.get("nodeInfo") or {}
    return Machine(
        node=item["metadata"]["name"],
        cpus=str(capacity.get("cpu", "?")),
        memory=int(quantity(str(capacity.get("memory", "")))),
        architecture=info.get("architecture", ""),
        kernel=info.get("kernelVersion", ""),
        system=info.get("osImage", ""),
        kubelet=info.get("kubeletVersion", ""),
        runtime=info.get("containerRuntimeVersion", "").replace("://", " "),
    )
