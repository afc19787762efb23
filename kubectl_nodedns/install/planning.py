"""From options to a plan: what `enable` reads, refuses and weighs before it asks to go ahead."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from kubectl_nodedns import __version__
from kubectl_nodedns.errors import NodednsError, RefusedError, UsageError
from kubectl_nodedns.facts.caches import find_caches
from kubectl_nodedns.facts.dns_service import home_of
from kubectl_nodedns.facts.inspection import Inspection, inspect, refuse, refuse_mode
from kubectl_nodedns.facts.kubelets import read_handed_out
from kubectl_nodedns.facts.progress import read_progress
from kubectl_nodedns.install.handover import read_record
from kubectl_nodedns.install.injection import plan_injection
from kubectl_nodedns.install.injection_policy import Resolver
from kubectl_nodedns.install.live import Live, read_live
from kubectl_nodedns.install.objects import build
from kubectl_nodedns.install.options import changes, settle
from kubectl_nodedns.install.plan import Plan, describe, make_plan
from kubectl_nodedns.install.recalled import memory_among
from kubectl_nodedns.install.requests import CLIENT, INSTALL
from kubectl_nodedns.install.settings import settings_of
from kubectl_nodedns.install.takeover import (
    find_adoption,
    memory_of,
    recorded_options,
    refuse_other_address,
    with_adopted,
)
from kubectl_nodedns.install.variants import NFTABLES, PRINTED_ONLY

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kubectl_nodedns.cluster.client import Client
    from kubectl_nodedns.install.adoption import Adoption
    from kubectl_nodedns.install.injection import Injection
    from kubectl_nodedns.install.objects import Objects
    from kubectl_nodedns.install.options import Memory
    from kubectl_nodedns.install.proof import Obstacles, Preflight, Report
    from kubectl_nodedns.install.requests import EnableRequest
    from kubectl_nodedns.install.settings import Settings


@dataclass(frozen=True, kw_only=True)
class Ground:
    """What is to be installed where."""

    seen: Inspection
    """The facts of the cluster."""
    before: Memory | None
    """What an installation of ours remembers."""
    memory: Memory
    """The options of this run."""
    settings: Settings
    """Facts and options, put together."""
    adoption: Adoption | None
    """A cache of somebody else that becomes ours."""
    notes: tuple[str, ...]
    """What the plan should say about the options."""

    @property
    def printed_only(self) -> str:
        """Why the objects are printed and never installed; empty when they may be."""
        return PRINTED_ONLY.get(self.settings.mode, "")


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """A plan, and all that goes with it."""

    ground: Ground
    """What is to be installed where."""
    found: Live
    """What is there."""
    live: Live
    """The same as if what is taken over was ours already."""
    wanted: Objects
    """The objects of the finished installation."""
    plan: Plan
    """What becomes of objects and nodes."""
    injection: Injection | None
    """What becomes of the admission policy."""
    obstacles: Obstacles
    """What the preflight checks came to."""
    force: bool
    """Whether fields of other managers are taken over."""
    probes: str
    """Image and namespace of the probes, in words."""

    @property
    def unchanged(self) -> bool:
        """Whether nothing would be written."""
        return self.plan.unchanged and (self.injection is None or self.injection.unchanged)

    @property
    def objects(self) -> Objects:
        """All objects that are to be there in the end, the admission policy among them."""
        return [*self.wanted, *(self.injection.wanted if self.injection else ())]

    def lines(self) -> list[str]:
        """Say in lines what would be done."""
        adoption = self.ground.adoption
        return [
            *((*adoption.lines(), *adoption.told()) if adoption else ()),
            *describe(self.plan),
            *(self.injection.lines() if self.injection else ()),
            f"{'probes':<10} {self.probes}",
            *self.ground.notes,
            *self.obstacles.notes,
        ]

    def refuse(self) -> None:
        """Refuse to take somebody's fields away, and what preflight findings speak against.

        Raises:
            ConflictError: somebody else owns fields that would be written.
            RefusedError: a preflight finding is an error.
        """
        if not self.force:
            self.plan.refuse_conflicts()
        if not self.plan.unchanged:
            self.obstacles.refuse()

    def refuse_unprovable(self) -> None:
        """Refuse to install a cache that no node can prove.

        Raises:
            RefusedError: there is no node to prove it on.
        """
        if not (self.plan.unchanged or self.plan.proved):
            raise RefusedError(
                "there is no node to prove the cache on: none is selected, runs Linux and is ready",
                hint="nothing was written. kubectl get nodes --show-labels, and --node-selector",
            )


async def survey(client: Client, request: EnableRequest, report: Report) -> Ground:
    """Find out where the installation would stand.

    Raises:
        RefusedError: a fact cannot be had, or the dataplane is not one to install on.
        UsageError: --kube-dns-ip is not what this cluster has.
    """
    given = request.given
    home = home_of(given.get("dns-service"))
    there = await find_caches(client, home)
    before, record = memory_among(there.caches, home), None
    if before is None:
        record = await read_record(client, home)
        before = recorded_options(record, home)
    memory, notes = settle(given, before, upgrade=request.upgrade, whole=request.whole)
    notes += changes(before, memory) if before else []
    # Options that are remembered say no other DNS service than one in that namespace.
    seen = await inspect(client, memory.given, there=there)
    report.lines(f"          {line}" for line in seen.lines())
    if request.kube_dns_ip and request.kube_dns_ip not in seen.dns.ips:
        raise UsageError(
            f"--kube-dns-ip: this cluster's is {seen.dns.ip}", hint="leave it out: it is read"
        )
    adoption = await find_adoption(
        client, seen.caches, seen.dns, record, asked=request.adopt, domain=seen.domain.name
    )
    memory = memory_of(memory, adoption, whole=request.whole)
    mode = seen.dataplane.mode
    printed = mode in PRINTED_ONLY and memory.value("mode") == mode
    if not (printed and request.dry_run == CLIENT):
        refuse_mode(seen.dataplane)
    if mode == NFTABLES:
        notes.append(
            "nftables mode works by the kernel's rules; upstream does not document it, so each "
            "node's setup errors are a gate as well"
        )
    settings = settings_of(seen, memory)
    refuse_other_address(adoption, settings.local_ip)
    notes += uncovered(seen.dns.ips, settings.kube_dns_ip)
    if progress := await read_progress(client, seen.caches):
        notes.append(f"{progress}: enable goes on from there")
    return Ground(
        seen=seen,
        before=before,
        memory=memory,
        settings=settings,
        adoption=adoption,
        notes=tuple(notes),
    )


async def prepare(
    client: Client, request: EnableRequest, ground: Ground, preflight: Preflight, report: Report
) -> Prepared:
    """Read what is there, and say what would become of it.

    Args:
        client: an open client.
        request: what `enable` is asked to do.
        ground: where the installation would stand.
        preflight: looks at what could stand in the way.
        report: where progress goes.

    Raises:
        RefusedError: to go on would not be safe.
    """
    seen, settings, adoption = ground.seen, ground.settings, ground.adoption
    options = ground.memory.as_text()
    if adoption is not None and adoption.cache.uid not in {cache.uid for cache in seen.caches}:
        # Its DaemonSet let its pods go already; they are a cache's pods nevertheless.
        seen = replace(seen, caches=(*seen.caches, adoption.cache))
    refuse(seen, adopting=adoption.cache.uid if adoption else "")
    wanted = build(settings, options=options)
    found = await read_live(client, settings.namespace, wanted)
    live = with_adopted(found, adoption, options)
    refuse_foreign(live, settings.namespace)
    planned = partial(
        make_plan,
        settings=settings,
        options=options,
        wanted=wanted,
        live=live,
        nodes=seen.nodes,
        batch_size=request.batch_size,
        remembered=yield_of(seen, ground.before),
        canary=request.canary,
    )
    plan = planned()
    # Where the cache is transparent, kubelets may still hand out the local IP of one before it.
    if asking := await _asking(client, settings.local_ip, plan):
        plan = planned(asking=asking)
    injection = await plan_injection(client, Resolver.of(settings), asked=request.inject == INSTALL)
    report.step("preflight: what could stand in the way")
    image = request.probes.image_from(ground.memory.value("image-registry"))
    return Prepared(
        ground=ground,
        found=found,
        live=live,
        wanted=wanted,
        plan=plan,
        injection=injection,
        obstacles=await preflight(seen, settings, wanted, live, image=image),
        force=request.force_conflicts or adoption is not None,
        probes=f"{image} in namespace {request.probes.namespace}",
    )


async def _asking(client: Client, local_ip: str, plan: Plan) -> list[str]:
    """Return the nodes to change whose kubelet says that it hands out the local IP."""
    nodes = [node for node in plan.old if node not in plan.gaps]
    handed = await read_handed_out(client, nodes)
    return [node for node, servers in handed.items() if local_ip in servers]


def yield_of(seen: Inspection, before: Memory | None) -> Objects | None:
    """Return the objects that the remembered options yield, to tell drift by.

    None when another version of this plugin wrote them: its objects may have been others.
    """
    if before is None or before.version != __version__:
        return None
    with contextlib.suppress(NodednsError):
        return build(settings_of(seen, before), options=before.as_text())
    return None


def uncovered(service_ips: Sequence[str], kube_dns_ip: str) -> list[str]:
    """Say which addresses of a dual-stack DNS service the cache does not take over."""
    others = [ip for ip in service_ips if ip != kube_dns_ip]
    if not others:
        return []
    rest = f"lookups at {', '.join(others)} go to the DNS service as before"
    return [f"dual stack: the cache covers {kube_dns_ip} (it speaks one address family); {rest}"]


def refuse_foreign(live: Live, namespace: str) -> None:
    """Refuse to apply over objects that bear our names and are not ours.

    Raises:
        RefusedError: there is one.
    """
    if foreign := live.foreign():
        raise RefusedError(
            f"there is a {foreign[0]} in namespace {namespace} that is not ours",
            hint="to apply over it would mix two installations; rename or remove it first",
        )
