"""Preflight: addresses and ports that somebody else has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubectl_nodedns.checks.finding import Category, Check, Seen, Severity
from kubectl_nodedns.checks.preflight_ground import some
from kubectl_nodedns.facts.host_ports import DNS, HEALTH, METRICS, SETUP, clashes, free_port
from kubectl_nodedns.facts.ranges import LINK_LOCAL, Range

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from kubectl_nodedns.checks.preflight_evidence import Preflight
    from kubectl_nodedns.facts.host_ports import Clash

OPTIONS: Mapping[str, str] = {
    HEALTH: "--health-port",
    METRICS: "--metrics-port",
    SETUP: "--setup-metrics-port",
}


def users(pre: Preflight) -> list[str]:
    """Say who uses the local IP already. Empty when nobody does, as far as could be read."""
    ip = pre.local_ip
    found = [f"node {node.name}" for node in pre.nodes if ip in node.addresses]
    found += [
        f"the pod range {cidr} of node {node.name}"
        for node in pre.nodes
        for cidr in node.pod_ranges
        if ip in Range(cidr=cidr, what="pods", evidence="")
    ]
    if ip in pre.dns.ips:
        found.append("the DNS service itself")
    elif ip in (pre.services or {}):
        found.append(f"service {(pre.services or {})[ip]}")
    found += [
        f"the range {one.cidr} of {one.what} ({one.evidence})"
        for one in pre.ranges or ()
        if ip in one
    ]
    found += [
        f"pod {pod.namespace}/{pod.name}"
        for pod in pre.pods or ()
        if ip in pod.ips and not pod.host_network
    ]
    if ip in LINK_LOCAL:
        found.append(LINK_LOCAL[ip])
    return found


def _local_ip(pre: Preflight) -> Iterator[Seen]:
    if who := users(pre):
        yield Seen(
            subject=f"address {pre.local_ip}",
            text=f"the address {pre.local_ip} is used already, by {some(who)}",
        )


def _clashes(pre: Preflight) -> list[Clash] | None:
    if pre.pods is None:
        return None
    own = [_pairs(cache.selector) for cache in pre.caches]
    return clashes(pre.needs, pre.pods, nodes=pre.selected, local_ip=pre.local_ip, selectors=own)


def _ports(pre: Preflight) -> Iterator[Seen] | None:
    found = _clashes(pre)
    if found is None:
        return None
    return (_port(pre, clash) for clash in found if clash.need.purpose != SETUP)


def _setup_port(pre: Preflight) -> Iterator[Seen] | None:
    found = _clashes(pre)
    if found is None:
        return None
    return (_port(pre, clash) for clash in found if clash.need.purpose == SETUP)


def _port(pre: Preflight, clash: Clash) -> Seen:
    need = clash.need
    way_out = ""
    if need.purpose != DNS:
        free = free_port(
            need.port + 1,
            pre.pods or (),
            nodes=pre.selected,
            taken={one.port for one in pre.needs},
        )
        way_out = f"enable {OPTIONS[need.purpose]} {free}: no pod claims that port on these nodes"
    by = {"probe": "its probe", "arguments": "its arguments"}
    names = [by[told] for told in sorted(clash.told - {"ports"})]
    hidden = f", in {' and '.join(names)} alone" if names and "ports" not in clash.told else ""
    where = f"{len(clash.nodes)} of {len(pre.selected)} nodes ({some(clash.nodes)})"
    return Seen(
        subject=f"port {need.port}/{need.protocol}",
        text=f"host port {need.port}/{need.protocol}, for the cache's {need.purpose}, is claimed "
        f"by pod {some(clash.pods)} on {where}{hidden}",
        # An argument is read by what it looks like; a port that is declared or probed is there.
        severity=Severity.WARNING if clash.told == {"arguments"} else None,
        way_out=way_out,
    )


def _pairs(selector: str) -> dict[str, str]:
    return dict(part.partition("=")[::2] for part in selector.split(",") if part)


CHECKS: tuple[Check[Preflight], ...] = (
    Check(
        code="ND120",
        title="The local IP is used already",
        severity=Severity.ERROR,
        category=Category.INSTALL,
        matters="each node would take that address for its own, and whoever has it now would be "
        "out of reach from every node",
        way_out="choose another with --local-ip, such as 169.254.20.11",
        look=_local_ip,
    ),
    Check(
        code="ND121",
        title="A pod claims a port of the node that the cache needs",
        severity=Severity.ERROR,
        category=Category.INSTALL,
        matters="the cache's pod would not be placed on that node, or another program would answer "
        "for its health check",
        way_out="move the other pod off the host's port, or leave its nodes out with "
        "--node-selector: the cache needs port 53",
        look=_ports,
    ),
    Check(
        code="ND122",
        title="A pod claims the port of the agent's own metrics",
        severity=Severity.WARNING,
        category=Category.MONITORING,
        matters="the agent goes on without these metrics: failures to set up rules and link would "
        "not be seen",
        way_out="give another port with enable --setup-metrics-port",
        look=_setup_port,
    ),
)
