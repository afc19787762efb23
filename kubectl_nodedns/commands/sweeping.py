"""What `disable` asks beside DNS: what CoreDNS gets back, and what caches left on nodes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubectl_nodedns.cli.output import print_outcome, with_reasons
from kubectl_nodedns.commands.given import probe_options
from kubectl_nodedns.commands.session import hold_lease
from kubectl_nodedns.errors import ApiError, Exit
from kubectl_nodedns.facts.dns_service import read_dns_service
from kubectl_nodedns.facts.endpoints import read_endpoints
from kubectl_nodedns.facts.images import mirrored
from kubectl_nodedns.facts.nodes import read_nodes
from kubectl_nodedns.facts.rights import demand, missing, to_hold, to_look
from kubectl_nodedns.install.capacity import capacity_words
from kubectl_nodedns.install.live import read_live, refuse_changed
from kubectl_nodedns.install.options import DEFAULTS, Memory
from kubectl_nodedns.install.sweep import Sweep
from kubectl_nodedns.metrics.monitor import traffic_of

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from kubectl_nodedns.cli.talk import Talk
    from kubectl_nodedns.cluster.client import Client
    from kubectl_nodedns.facts.caches import Cache
    from kubectl_nodedns.facts.dns_service import DnsService
    from kubectl_nodedns.install.live import Live


async def tell_capacity(client: Client, caches: Sequence[Cache], coredns: int, talk: Talk) -> None:
    """Say what comes back to CoreDNS; where the caches cannot be asked, that it is not known."""
    try:
        traffic = await traffic_of(client, caches)
    except ApiError:
        traffic = None
    if traffic is None or traffic.lookups is None:
        talk.note("what comes back to CoreDNS is not known: the caches' counters cannot be read")
    else:
        talk.note(capacity_words(traffic.lookups, traffic.hit_ratio, coredns))


async def make_sweep(
    client: Client,
    arguments: argparse.Namespace,
    live: Live,
    memory: Memory,
    dns: DnsService,
    local_ip: str,
    talk: Talk,
) -> Sweep | None:
    """Return what looks at nodes; None, with the reason told, where that is not allowed."""
    namespace = dns.namespace
    if lacking := await missing(client, to_look(namespace)):
        rights = "; ".join(map(str, lacking))
        talk.note(f"rules and links are inferred, not looked at; rights are missing: {rights}")
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
        tools=probe_options(arguments).image_from(registry),
        cache_ips=(local_ip, *dns.ips),
        upstreams=tuple(one.at for one in behind),
        note=talk.note,
    )


async def clean_orphans(
    client: Client, arguments: argparse.Namespace, live: Live, talk: Talk
) -> int:
    """Clean nodes of caches that are gone from the API: nothing else may be installed."""
    dns = await read_dns_service(client, arguments.dns_service or "")
    ready = [n.name for n in await read_nodes(client) if n.ready and n.system == "linux"]
    talk.step("plan")
    talk.note(f"look at {len(ready)} nodes; where a cache left something, the agent runs once more")
    if arguments.dry_run != "none":
        talk.note("nothing was done")
        return Exit.OK
    if not talk.confirm(f"Go ahead on {client.access.server}?", yes=arguments.yes):
        talk.note("nothing was done")
        return Exit.OK
    await demand(client, [*to_look(dns.namespace), *to_hold(dns.namespace)])
    local_ip = DEFAULTS["local-ip"]
    async with hold_lease(client, dns.namespace, "disable --orphans", talk.note):
        refuse_changed(live, await read_live(client, dns.namespace))
        sweep = await make_sweep(client, arguments, live, Memory(), dns, local_ip, talk)
        looks = await sweep.sweep(ready) if sweep is not None else {}
    dirty = {n: str(k.leftover) for n, k in looks.items() if k.leftover and not k.leftover.nothing}
    unseen = {n: k.why for n, k in looks.items() if k.leftover is None}
    text = f"{len(ready) - len(dirty) - len(unseen)} of {len(ready)} nodes are clean"
    text += f"; not clean: {with_reasons(dirty)}" if dirty else ""
    text += f"; not looked at: {with_reasons(unseen)}" if unseen else ""
    print_outcome("cleaned", text, [], {**dirty, **unseen}, arguments.output)
    return Exit.PARTIAL if dirty or unseen else Exit.OK
