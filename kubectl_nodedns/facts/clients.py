"""Who asks the local address by name: kubelets that hand it out, pods that carry it.

Where the cache is transparent nobody has to. Those who do lose DNS when the cache goes, so it must
not go before them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from kubectl_nodedns.cluster.paths import collection
from kubectl_nodedns.facts.conditions import ENDED
from kubectl_nodedns.facts.kubelets import read_handed_out
from kubectl_nodedns.readable import Read, readable, understood

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from kubectl_nodedns.cluster.client import Client

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Clients:
    """Who names an address as a nameserver."""

    kubelets: tuple[str, ...]
    """Nodes whose kubelet hands it out to pods."""
    pods: tuple[str, ...]
    """Pods whose dnsConfig names it, as NAMESPACE/NAME."""
    unknown: tuple[str, ...]
    """Nodes whose kubelet could not be asked."""
    unread: tuple[str, ...] = ()
    """Pods that cannot be read, so that nobody knows what they name, as NAMESPACE/NAME."""
    handed: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """The nameservers that each kubelet hands out, as far as it could be asked."""


@understood("the pods")
async def read_clients(client: Client, ip: str, nodes: Sequence[str]) -> Clients:
    """Find kubelets (by their configz) and pods (by their dnsConfig) that name `ip`."""
    handed = await read_handed_out(client, nodes)
    read = await read_pods(client, lambda pod: _name(pod) if names(pod, ip) else None)
    return Clients(
        kubelets=tuple(node for node, servers in handed.items() if ip in servers),
        pods=tuple(read),
        unread=read.left_out,
        unknown=tuple(node for node in nodes if node not in handed),
        handed=handed,
    )


async def read_pods(client: Client, read: Callable[[Mapping[str, Any]], T | None]) -> Read[T]:
    """Read the pods of all namespaces page by page, and keep what `read` makes of each."""
    found: list[T] = []
    left_out: list[str] = []

    def again() -> None:
        found.clear()
        left_out.clear()

    async for page in client.pages(collection("v1", "pods"), again=again):
        some = readable(read, page.get("items") or ())
        found += some
        left_out += some.left_out
    return Read.of(found, left_out)


def names(pod: Mapping[str, Any], ip: str) -> bool:
    """Whether a pod that still runs names `ip` in its own dnsConfig."""
    if (pod.get("status") or {}).get("phase") in ENDED:
        return False
    config = (pod.get("spec") or {}).get("dnsConfig") or {}
    return ip in (config.get("nameservers") or ())


def nameservers(resolv_conf: str) -> list[str]:
    """Return the nameservers of a resolv.conf (resolv.conf(5))."""
    lines = (line.split() for line in resolv_conf.splitlines())
    return [words[1] for words in lines if len(words) > 1 and words[0] == "nameserver"]


def _name(pod: Mapping[str, Any]) -> str:
    return f"{pod['metadata']['namespace']}/{pod['metadata']['name']}"
