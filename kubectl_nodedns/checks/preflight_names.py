"""Preflight: names that would get another answer, and resolvers that lead nowhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubectl_nodedns.checks.finding import Category, Check, Seen, Severity
from kubectl_nodedns.checks.preflight_ground import some
from kubectl_nodedns.facts.customisations import (
    NODE,
    by_client,
    customisations,
    root_servers,
    stub_zones,
)
from kubectl_nodedns.facts.kube_dns_config import stub_domains
from kubectl_nodedns.facts.kubelets import loopbacks, loops
from kubectl_nodedns.facts.zones import ROOT, closest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from kubectl_nodedns.checks.preflight_evidence import Preflight
    from kubectl_nodedns.facts.coredns import CoreDns
    from kubectl_nodedns.facts.customisations import Customisation

ALL_TO_COREDNS = "enable --forward-all-to-kube-dns keeps every answer as it is"
EVERY_NAME = "every name outside the cluster"


def _changed(pre: Preflight) -> Iterator[Seen] | None:
    return None if pre.coredns is None else _by_zone(pre, pre.coredns)


def _by_zone(pre: Preflight, coredns: CoreDns) -> Iterator[Seen]:
    copied = _stub_domains(pre)[0]
    forwarded = {
        **stub_zones(coredns.corefile, port=coredns.port),
        ROOT: root_servers(coredns.corefile, port=coredns.port),
    }
    found: dict[str, list[Customisation]] = {}
    for one in customisations(coredns.corefile, pre.cache_corefile, port=coredns.port):
        if set(copied.get(one.zone, ())) != set(forwarded.get(one.zone, ("?",))):
            found.setdefault(one.zone, []).append(one)
    for zone, those in found.items():
        what = some([one.text for one in those])
        yield Seen(
            subject=f"zone {zone}",
            text=f"CoreDNS has {what!r} for {EVERY_NAME if zone == ROOT else zone} (ConfigMap "
            f"{coredns.where}); the cache would ask {_asked(pre, zone)} instead",
            way_out="; ".join(filter(None, (ALL_TO_COREDNS, _copy(zone, those, forwarded)))),
        )


def _asked(pre: Preflight, zone: str) -> str:
    """Say whom the cache would ask for names of a zone."""
    blocks = {served: block for block in pre.cache_corefile.blocks for served in block.zones()}
    nearest = blocks.get(closest(zone, blocks) or "")
    servers = [
        server
        for forward in (nearest.all("forward") if nearest else ())
        for server in forward.arguments[1:]
    ]
    return "the node's resolvers" if NODE & {*servers} else some(servers) or "nobody"


def _copy(zone: str, those: list[Customisation], forwarded: Mapping[str, tuple[str, ...]]) -> str:
    """Say how the cache gets the same block; empty where it cannot have it."""
    servers = [server.removesuffix(":53") for server in forwarded.get(zone, ())]
    plain = servers and not any("//" in server or "/" in server for server in servers)
    same = plain and {one.plugin for one in those} == {"forward"}
    if zone == ROOT:
        return f"or give it the same servers: enable --upstream {','.join(servers)}" if same else ""
    if same:
        return f"or copy it: enable --stub-domain {zone}={','.join(servers)}"
    return (
        "or copy it: write a server block for that zone into a file and give it with enable "
        "--extra-blocks FILE"
    )


def _kube_dns(pre: Preflight) -> Iterator[Seen] | None:
    return None if pre.kube_dns is None else _of_kube_dns(pre, pre.kube_dns)


def _of_kube_dns(pre: Preflight, data: Mapping[str, str]) -> Iterator[Seen]:
    subject = f"configmap {pre.dns.namespace}/kube-dns"
    try:
        zones, upstream = stub_domains(data)
    except ValueError as error:
        yield Seen(
            subject=subject,
            text=f"{error}: the agent then drops the whole ConfigMap",
            matters="none of its zones and servers is taken over, those that are right among them",
            way_out="repair that entry: addresses, with a port or without",
        )
        return
    served = {zone for block in pre.cache_corefile.blocks for zone in block.zones()}
    if twice := sorted(served & set(zones)):
        yield Seen(
            subject=subject,
            text=f"its stubDomains name {some(twice)}, for which the cache has a server block of "
            "its own: the agent would add a second one",
            severity=Severity.ERROR,
            matters="CoreDNS ends at two server blocks for one zone, so the cache would not start",
            way_out="leave the zone to that ConfigMap, or to --stub-domain and --extra-blocks",
        )
    corefile = pre.coredns.corefile if pre.coredns else None
    port = pre.coredns.port if pre.coredns else 53
    same = stub_zones(corefile, port=port) if corefile else {}
    other = [zone for zone, servers in zones.items() if set(same.get(zone, ())) != set(servers)]
    if other:
        yield Seen(
            subject=subject,
            text=f"its stubDomains name {some(other)}: the cache would ask those servers, CoreDNS "
            "does not",
        )
    if upstream and _asks_node(pre):
        yield Seen(
            subject=subject,
            text=f"its upstreamNameservers are {some(upstream)}: the cache would ask them for "
            f"{EVERY_NAME}, CoreDNS does not",
        )


def _clients(pre: Preflight) -> Iterator[Seen] | None:
    if pre.coredns is None:
        return None
    coredns = pre.coredns
    return (
        Seen(
            subject=f"configmap {coredns.where}",
            text=f"CoreDNS has {str(plugin)!r}, which looks at the client's address",
        )
        for plugin in by_client(coredns.corefile, port=coredns.port)
    )


def _loops(pre: Preflight) -> Iterator[Seen] | None:
    if pre.resolvers is None or not _asks_node(pre):
        return None
    return (
        Seen(
            subject=f"node {one.node}",
            text=f"its resolvers are {some(one.servers)}; {', '.join(back)} will be the cache",
        )
        for one in pre.resolvers
        if (back := loops(one.servers, pre.cache_addresses))
    )


def _stubs(pre: Preflight) -> Iterator[Seen] | None:
    if pre.resolvers is None or not _asks_node(pre):
        return None
    return (
        Seen(
            subject=f"node {one.node}",
            text=f"its resolvers are {some(one.servers)}; {', '.join(own)} is the node itself",
        )
        for one in pre.resolvers
        if (own := loopbacks(one.servers))
    )


def _none(pre: Preflight) -> Iterator[Seen] | None:
    if not _asks_node(pre) or (pre.kubelets is None and pre.resolvers is None):
        return None
    why = {
        one.node: "its kubelet has an empty resolvConf"
        for one in pre.kubelets or ()
        if not one.resolv_conf
    }
    why |= {
        one.node: "its resolv.conf names no nameserver"
        for one in pre.resolvers or ()
        if not one.servers
    }
    return (Seen(subject=f"node {node}", text=text) for node, text in sorted(why.items()))


def _kubelets(pre: Preflight) -> Iterator[Seen] | None:
    if pre.kubelets is None:
        return None
    known = {pre.kube_dns_ip, pre.local_ip}
    return (
        Seen(
            subject=f"node {one.node}",
            text=f"its kubelet hands out {', '.join(one.cluster_dns) or 'no nameserver'} to pods, "
            f"and not {pre.kube_dns_ip}",
        )
        for one in pre.kubelets
        if not known & set(one.cluster_dns)
    )


def _stub_domains(pre: Preflight) -> tuple[dict[str, tuple[str, ...]], tuple[str, ...]]:
    """What the agent takes over from ConfigMap kube-dns."""
    try:
        return stub_domains(pre.kube_dns or {})
    except ValueError:
        return {}, ()


def _asks_node(pre: Preflight) -> bool:
    """Whether the cache asks the node's resolvers for anything."""
    return any(
        NODE & set(forward.arguments)
        for block in pre.cache_corefile.blocks
        for forward in block.all("forward")
    )


CHECKS: tuple[Check[Preflight], ...] = (
    Check(
        code="ND130",
        title="The node's resolvers lead back to the cache",
        severity=Severity.ERROR,
        category=Category.UPSTREAM,
        matters="a name that the cache does not have would come back to it: the agent finds the "
        "loop and ends",
        way_out="let the kubelet's resolvConf name a file with resolvers of your network, or give "
        "enable --upstream IP",
        look=_loops,
    ),
    Check(
        code="ND131",
        title="A node's resolver is the node itself",
        severity=Severity.WARNING,
        category=Category.UPSTREAM,
        matters="that is a stub such as systemd-resolved. The cache reaches it on the host "
        "network, but CoreDNS's pods do not, and it loops when it forwards to the cluster's DNS",
        way_out="let the kubelet's resolvConf name /run/systemd/resolve/resolv.conf",
        look=_stubs,
    ),
    Check(
        code="ND132",
        title="A node has no resolvers",
        severity=Severity.ERROR,
        category=Category.UPSTREAM,
        matters="the cache would have nobody to ask for names outside the cluster, and the agent "
        "does not start without",
        way_out="let the kubelet's resolvConf name a file with nameservers, give enable --upstream "
        "IP, or enable --forward-all-to-kube-dns",
        look=_none,
    ),
    Check(
        code="ND133",
        title="A kubelet hands out another nameserver",
        severity=Severity.WARNING,
        category=Category.COVERAGE,
        matters="pods of that node do not ask the DNS service's address, so the cache would not be "
        "asked; often this is left of a cache that is gone",
        way_out="set clusterDNS of that kubelet to the DNS service's address, restart it, and "
        "then the node's pods",
        look=_kubelets,
    ),
    Check(
        code="ND160",
        title="CoreDNS is customised for names that would no longer reach it",
        severity=Severity.WARNING,
        category=Category.COMPATIBILITY,
        matters="the cache sends only the cluster domain and reverse names to CoreDNS; these names "
        "would get another answer, or none",
        way_out=ALL_TO_COREDNS,
        look=_changed,
    ),
    Check(
        code="ND161",
        title="The agent reads a ConfigMap that CoreDNS does not",
        severity=Severity.WARNING,
        category=Category.COMPATIBILITY,
        matters="ConfigMap kube-dns is left of the old kube-dns, as a rule; the agent takes its "
        "zones and servers over, so names would get other answers than from CoreDNS",
        way_out="take an entry out only if nobody needs it: where the old kube-dns serves, as on "
        "GKE, these are its own. What is right there should be in CoreDNS too, where that serves",
        look=_kube_dns,
    ),
    Check(
        code="ND162",
        title="CoreDNS treats clients by their address",
        severity=Severity.WARNING,
        category=Category.COMPATIBILITY,
        matters="behind a cache the client is the node: autopath no longer finds the pod, and "
        "rules of acl or view meet the node's address",
        way_out="take autopath out (with a cache it gains nothing), and let rules name the nodes' "
        "addresses",
        look=_clients,
    ),
)
