"""The pods of the cluster, as far as a cache has to do with them.

Read page by page; of each page only these few fields are kept, so that a large cluster fits.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kubectl_nodedns.facts.clients import read_pods
from kubectl_nodedns.facts.command_line import words_of
from kubectl_nodedns.facts.conditions import ENDED
from kubectl_nodedns.numbers import port
from kubectl_nodedns.readable import understood

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from kubectl_nodedns.cluster.client import Client
    from kubectl_nodedns.readable import Read

_LISTENS = re.compile(
    r"(?P<ip>0\.0\.0\.0|\[::\]|127\.0\.0\.1|localhost|\[::1\])?:(?P<port>\d{2,5})"
)
_PORT_OPTION = re.compile(r"--?([a-z][a-z.-]*[.-])?port", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class HostPort:
    """A port of a node that a pod claims."""

    port: int
    """The port."""
    protocol: str
    """UDP, TCP or SCTP."""
    ip: str
    """Address of the node that it is claimed at; empty for all."""
    told: str = "ports"
    """Where its specification names it: "ports", "probe", "arguments"."""


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
    declared = tuple(
        HostPort(
            port=int(one.get("hostPort") or one["containerPort"]),
            protocol=str(one.get("protocol") or "TCP"),
            ip=str(one.get("hostIP") or ""),
        )
        for container in containers
        for one in container.get("ports") or ()
        if host or one.get("hostPort")
    )
    if not host:
        return declared
    known = {(one.port, one.protocol) for one in declared}
    more = [one for container in containers for one in (*_probed(container), *_listened(container))]
    return (*declared, *(one for one in more if (one.port, one.protocol) not in known))


def _probed(container: Mapping[str, Any]) -> Iterator[HostPort]:
    """Return the ports that probes of a container on the host network ask at."""
    for name in ("livenessProbe", "readinessProbe", "startupProbe"):
        probe = container.get(name) or {}
        for kind in ("httpGet", "tcpSocket", "grpc"):
            asked = probe.get(kind) or {}
            if isinstance(asked.get("port"), int):
                ip = str(asked.get("host") or "")
                yield HostPort(port=asked["port"], protocol="TCP", ip=ip, told="probe")


def _listened(container: Mapping[str, Any]) -> Iterator[HostPort]:
    """Return the ports that arguments tell a process to listen on, as far as they look like it.

    An address to listen on has no host, or one that stands for all or for this node; one with
    another host is somebody to ask.
    """
    words = words_of(container)
    for before, word in zip(("", *words), words, strict=False):
        name, equals, given = word.partition("=")
        option, value = (name, given) if equals and word.startswith("-") else (before, word)
        found = _LISTENS.fullmatch(value)
        ip = (found["ip"] or "").strip("[]") if found else ""
        number = port(found["port"] if found else "")
        if number is None and _PORT_OPTION.fullmatch(option):
            number = port(value)
        if number is not None:
            yield HostPort(port=number, protocol="TCP", ip=ip, told="arguments")
