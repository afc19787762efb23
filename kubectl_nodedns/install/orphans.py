"""Clean nodes of what caches left there that are gone from the API."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubectl_nodedns.facts.dns_service import read_dns_service
from kubectl_nodedns.facts.endpoints import read_endpoints
from kubectl_nodedns.facts.images import mirrored
from kubectl_nodedns.facts.nodes import read_nodes
from kubectl_nodedns.facts.rights import demand, missing, to_hold, to_look
from kubectl_nodedns.install.lease import Me, held
from kubectl_nodedns.install.live import read_live, refuse_changed
from kubectl_nodedns.install.options import DEFAULTS, Memory
from kubectl_nodedns.install.result import Result, with_reasons
from kubectl_nodedns.install.sweep import Look, Sweep

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kubectl_nodedns.cluster.client import Client
    from kubectl_nodedns.facts.dns_service import DnsService
    from kubectl_nodedns.install.live import Live
    from kubectl_nodedns.install.proof import Report
    from kubectl_nodedns.probes.probe_job import ProbeOptions


async def make_sweep(
    client: Client,
    probes: ProbeOptions,
    live: Live,
    memory: Memory,
    dns: DnsService,
    local_ip: str,
    report: Report,
) -> Sweep | None:
    """Return what looks at nodes; None, with the reason told, where that is not allowed."""
    namespace = dns.namespace
    if lacking := await missing(client, to_look(namespace)):
        rights = "; ".join(map(str, lacking))
        report.note(f"rules and links are inferred, not looked at; rights are missing: {rights}")
        return None
    behind = await read_endpoints(client, namespace, dns.name, dns.port_names["TCP"])
    registry = memory.value("image-registry")
    image = mirrored(memory.value("image") or DEFAULTS["image"], registry)
    if live.daemonset is not None:
        image = live.daemonset["spec"]["template"]["spec"]["containers"][0]["image"]
    return Sweep(
        client,
        namespace=namespace,
        image=image,
        tools=probes.image_from(registry),
        cache_ips=(local_ip, *dns.ips),
        upstreams=tuple(one.at for one in behind),
        note=report.note,
    )


async def find_nodes(
    client: Client, dns_service: str, report: Report
) -> tuple[DnsService, tuple[str, ...]]:
    """Return the DNS service, and the nodes on which caches could have left something; tell them.

    Args:
        client: an open client.
        dns_service: NAMESPACE/NAME; empty to find it.
        report: told the plan.
    """
    dns = await read_dns_service(client, dns_service)
    ready = tuple(n.name for n in await read_nodes(client) if n.ready and n.system == "linux")
    report.step("plan")
    report.note(
        f"look at {len(ready)} nodes; where a cache left something, the agent runs once more"
    )
    return dns, ready


async def clean_orphans(
    client: Client,
    probes: ProbeOptions,
    live: Live,
    dns: DnsService,
    nodes: Sequence[str],
    report: Report,
) -> Result:
    """Clean nodes of caches that are gone from the API: nothing else may be installed.

    Raises:
        ForbiddenError: a right is missing.
        RefusedError: something was installed meanwhile.
    """
    await demand(client, [*to_look(dns.namespace), *to_hold(dns.namespace)])
    local_ip = DEFAULTS["local-ip"]
    doing = Me.doing("disable --orphans")
    async with held(client, dns.namespace, me=doing, told=report.note):
        refuse_changed(live, await read_live(client, dns.namespace))
        sweep = await make_sweep(client, probes, live, Memory(), dns, local_ip, report)
        looks = await sweep.sweep(nodes) if sweep is not None else {}
    return cleaned(looks, len(nodes))


def cleaned(looks: Mapping[str, Look], nodes: int) -> Result:
    """Say what became of the nodes that were looked at.

    Args:
        looks: what was seen on each node in the end.
        nodes: how many there are.
    """
    dirty = {n: str(k.leftover) for n, k in looks.items() if k.leftover and not k.leftover.nothing}
    unseen = {n: k.why for n, k in looks.items() if k.leftover is None}
    text = f"{nodes - len(dirty) - len(unseen)} of {nodes} nodes are clean"
    text += f"; not clean: {with_reasons(dirty)}" if dirty else ""
    text += f"; not looked at: {with_reasons(unseen)}" if unseen else ""
    return Result(
        word="cleaned",
        text=text,
        unproved={**dirty, **unseen},
        whole=not (dirty or unseen),
    )
