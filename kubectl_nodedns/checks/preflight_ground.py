"""Preflight: what the cluster is, and what is there already."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubectl_nodedns.checks.finding import Category, Check, Seen, Severity
from kubectl_nodedns.checks.imitations import check_of
from kubectl_nodedns.facts.dataplane import INSTALLABLE, IPVS
from kubectl_nodedns.facts.inspection import WAYS_OUT
from kubectl_nodedns.facts.managed import ARCHITECTURES, is_virtual, managed_caches

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from kubectl_nodedns.checks.preflight_evidence import Preflight

USUAL = ("kube-system", "kube-dns")
USUAL_SELECTOR = {"k8s-app": "kube-dns"}
MOST_NAMES = 5


def some(names: Sequence[str]) -> str:
    """Name the first few, and count the others."""
    more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
    return ", ".join(names[:MOST_NAMES]) + more


def _dns_service(pre: Preflight) -> Iterator[Seen]:
    dns = pre.dns
    where = f"{dns.namespace}/{dns.name}"
    unusual = []
    if (dns.namespace, dns.name) != USUAL:
        unusual.append(f"it is called {where}")
    if dict(dns.selector) != USUAL_SELECTOR:
        pairs = ",".join(f"{key}={value}" for key, value in sorted(dns.selector.items()))
        unusual.append(f"it selects {pairs or 'no pods by itself'}")
    if unusual:
        yield Seen(subject=f"service {where}", text="; ".join(unusual))


def _endpoints(pre: Preflight) -> Iterator[Seen]:
    if pre.dns.ready == 0:
        where = f"{pre.dns.namespace}/{pre.dns.name}"
        yield Seen(
            subject=f"service {where}", text=f"the DNS service {where} has no ready endpoint"
        )


def _families(pre: Preflight) -> Iterator[Seen]:
    covered = pre.kube_dns_ip
    if others := [ip for ip in pre.dns.ips if ip != covered]:
        yield Seen(
            subject=f"service {pre.dns.namespace}/{pre.dns.name}",
            text=f"it has the address {', '.join(others)} as well as {covered}; the cache takes "
            f"over {covered} alone",
        )


def _dataplane(pre: Preflight) -> Iterator[Seen]:
    yield from _mode(pre)
    if pre.dataplane.mode not in INSTALLABLE or pre.dataplane.mode == IPVS:
        return  # said already, or nothing is taken over
    for one in pre.beside or ():
        yield Seen(subject="cluster", text=one.text, severity=Severity.WARNING, way_out=one.way_out)


def _mode(pre: Preflight) -> Iterator[Seen]:
    mode, evidence = pre.dataplane.mode, pre.dataplane.evidence
    if not mode:
        yield Seen(
            subject="cluster",
            text=f"what translates service addresses is not known: {evidence}",
            way_out="look on a node: curl -s localhost:10249/proxyMode. Then say it with --mode",
        )
    elif mode not in INSTALLABLE:
        yield Seen(
            subject="cluster",
            text=f"services are translated by {mode} ({evidence})",
            way_out=WAYS_OUT.get(mode, ""),
        )
    elif mode == IPVS:
        yield Seen(
            subject="cluster",
            text=f"kube-proxy is in ipvs mode ({evidence})",
            severity=Severity.INFO,
            matters="the kube-dns IP cannot be taken over there: the cache listens on the local IP "
            "alone, and kubelets have to hand it out",
            way_out="enable prints the steps for the kubelets, and enable --wait proves each",
        )
    elif mode == "nftables":
        yield Seen(
            subject="cluster",
            text=f"kube-proxy is in nftables mode ({evidence})",
            severity=Severity.INFO,
            matters="it works by the kernel's rules, and upstream does not document it",
            way_out="nothing: enable proves each node before and after its switch",
        )


def _caches(pre: Preflight) -> Iterator[Seen]:
    for cache in pre.caches:
        if not cache.ours:
            yield Seen(
                subject=f"daemonset {cache.namespace}/{cache.name}",
                text=f"there is a cache already, {cache.image} at {', '.join(cache.local_ips)}, "
                f"managed by {cache.owner}",
            )


def _foreign(pre: Preflight) -> Iterator[Seen]:
    for name in pre.foreign_objects:
        yield Seen(
            subject=f"{name.partition(' ')[0].lower()} {pre.dns.namespace}/"
            f"{name.partition(' ')[2]}",
            text="it has the name of an object that is to be made, and is not ours",
        )


def _managed(pre: Preflight) -> Iterator[Seen]:
    selected = tuple(node for node in pre.nodes if node.name in pre.selected)
    for found in managed_caches(selected):
        provider = found.provider
        yield Seen(
            subject=f"nodes {some(found.nodes)}",
            text=f"{provider.name} runs there (label {provider.label})",
            way_out=provider.way_out,
        )


def _systems(pre: Preflight) -> Iterator[Seen]:
    for system in sorted({node.system for node in pre.nodes} - {"linux"}):
        names = [node.name for node in pre.nodes if node.system == system]
        yield Seen(subject=f"nodes {some(names)}", text=f"they run {system}")


def _machines(pre: Preflight) -> Iterator[Seen]:
    for node in pre.nodes:
        if node.name in pre.selected and is_virtual(node):
            yield Seen(subject=f"node {node.name}", text="it is no machine, but a virtual node")


def _architectures(pre: Preflight) -> Iterator[Seen]:
    for node in pre.nodes:
        if node.name in pre.selected and node.architecture not in (*ARCHITECTURES, ""):
            yield Seen(subject=f"node {node.name}", text=f"its processor is {node.architecture}")


CHECKS: tuple[Check[Preflight], ...] = (
    Check(
        code="ND101",
        title="The DNS service is not called kube-dns, or selects other pods than usual",
        severity=Severity.INFO,
        category=Category.COMPATIBILITY,
        matters="the documented manifest names kube-system/kube-dns and k8s-app=kube-dns, and "
        "would make a cache whose misses reach nobody",
        way_out="nothing: enable copies namespace, selector and ports from the service",
        look=_dns_service,
    ),
    Check(
        code="ND102",
        title="The cache cannot take the DNS service's address over on this dataplane",
        severity=Severity.ERROR,
        category=Category.COMPATIBILITY,
        matters="packets to the DNS service's address never reach the cache there: it would be "
        "installed and not used",
        way_out="if that was read wrongly, give --mode; docs/how-it-works.md says which dataplanes "
        "let the cache be transparent",
        look=_dataplane,
    ),
    Check(
        code="ND103",
        title="There is a node-local cache already that is not ours",
        severity=Severity.ERROR,
        category=Category.INSTALL,
        matters="two caches on a node take each other's rules away",
        way_out="remove that one first, the way it was installed; kubectl nodedns top watches it "
        "as it is",
        look=_caches,
    ),
    Check(
        code="ND104",
        title="An object has the name of one of ours",
        severity=Severity.ERROR,
        category=Category.INSTALL,
        matters="to apply over it would mix two installations",
        way_out="rename or remove it",
        look=_foreign,
    ),
    Check(
        code="ND105",
        title="The DNS service has no ready endpoint",
        severity=Severity.ERROR,
        category=Category.UPSTREAM,
        matters="a cache cannot help there: whatever it does not have, it asks CoreDNS for",
        way_out="repair CoreDNS first: kubectl get pods -A -l k8s-app=kube-dns",
        look=_endpoints,
    ),
    Check(
        code="ND106",
        title="One address family of the DNS service is not covered",
        severity=Severity.WARNING,
        category=Category.COVERAGE,
        matters="lookups that pods send to the other address go to CoreDNS as before",
        way_out="nothing has to be done; pods whose resolv.conf names both ask the first one",
        look=_families,
    ),
    Check(
        code="ND107",
        title="A cloud runs a cache of its own on the nodes",
        severity=Severity.ERROR,
        category=Category.INSTALL,
        matters="two caches on a node stand in each other's way: both want the DNS service's "
        "address or its traffic, and the metrics port",
        way_out="leave these nodes out with --node-selector",
        look=_managed,
    ),
    Check(
        code="ND108",
        title="Nodes do not run Linux",
        severity=Severity.INFO,
        category=Category.COVERAGE,
        matters="they get no cache; their pods ask CoreDNS as before",
        way_out="nothing: the agent knows Linux only",
        look=_systems,
    ),
    Check(
        code="ND109",
        title="A selected node is no machine",
        severity=Severity.ERROR,
        category=Category.COVERAGE,
        matters="the cache tolerates every taint, so its pod is placed there and never runs: "
        "enable would wait for it and then take everything back",
        way_out="leave it out with --node-selector, by a label that only real nodes carry",
        look=_machines,
    ),
    Check(
        code="ND110",
        title="There is no image for a node's processor",
        severity=Severity.ERROR,
        category=Category.COVERAGE,
        matters="the released image is built for amd64, arm, arm64, ppc64le and s390x; its pod "
        "would not start there",
        way_out="leave the node out with --node-selector kubernetes.io/arch=…, or give an --image "
        "that is built for it",
        look=_architectures,
    ),
    check_of("ND111"),
)
