"""From options to a plan: what `enable` reads, refuses and weighs before it asks to go ahead."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from kubectl_nodedns import __version__
from kubectl_nodedns.commands.adopting import (
    find_adoption,
    memory_of,
    recorded_options,
    refuse_other_address,
    with_adopted,
)
from kubectl_nodedns.commands.given import probe_options
from kubectl_nodedns.commands.injecting import INSTALL, plan_injection
from kubectl_nodedns.commands.settling import resolver_of
from kubectl_nodedns.errors import NodednsError, RefusedError, UsageError
from kubectl_nodedns.facts.inspection import Inspection, inspect, refuse, refuse_mode
from kubectl_nodedns.facts.kubelets import read_handed_out
from kubectl_nodedns.facts.progress import read_progress
from kubectl_nodedns.health.preflight import ignored, notes_of, weigh
from kubectl_nodedns.health.preflight_gathering import Trying, gather
from kubectl_nodedns.install.live import Live, read_live
from kubectl_nodedns.install.objects import build
from kubectl_nodedns.install.options import changes, settle
from kubectl_nodedns.install.plan import Plan, make_plan
from kubectl_nodedns.install.plan_text import describe
from kubectl_nodedns.install.recalled import remembered
from kubectl_nodedns.install.settings import settings_of
from kubectl_nodedns.install.variants import PRINTED_ONLY

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from kubectl_nodedns.checks.finding import Outcome
    from kubectl_nodedns.checks.preflight_evidence import Preflight
    from kubectl_nodedns.cli.talk import Talk
    from kubectl_nodedns.cluster.client import Client
    from kubectl_nodedns.commands.injecting import Injection
    from kubectl_nodedns.install.adoption import Adoption
    from kubectl_nodedns.install.objects import Objects
    from kubectl_nodedns.install.options import Memory
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
    evidence: Preflight
    """What the preflight checks looked at."""
    outcome: Outcome
    """What the preflight checks came to."""
    notes: tuple[str, ...]
    """Lines below the plan."""

    @property
    def unchanged(self) -> bool:
        """Whether nothing would be written."""
        return self.plan.unchanged and (self.injection is None or self.injection.unchanged)

    def lines(self, arguments: argparse.Namespace) -> list[str]:
        """Say in lines what would be done."""
        adoption, memory = self.ground.adoption, self.ground.memory
        image = probe_options(arguments).image_from(memory.value("image-registry"))
        return [
            *((*adoption.lines(), *adoption.told()) if adoption else ()),
            *describe(self.plan),
            *(self.injection.lines() if self.injection else ()),
            f"{'probes':<10} {image} in namespace {probe_options(arguments).namespace}",
            *self.notes,
        ]


async def survey(
    client: Client,
    arguments: argparse.Namespace,
    given: dict[str, str],
    kube_dns_ip: str,
    talk: Talk,
) -> Ground:
    """Find out where the installation would stand.

    Raises:
        RefusedError: a fact cannot be had, or the dataplane is not one to install on.
        UsageError: --kube-dns-ip is not what this cluster has.
    """
    before = await remembered(client, given) or await recorded_options(client, given)
    whole = arguments.config is not None
    memory, notes = settle(given, before, upgrade=arguments.upgrade, whole=whole)
    notes += changes(before, memory) if before else []
    seen = await inspect(client, memory.given)
    talk.lines(f"          {line}" for line in seen.lines())
    if kube_dns_ip and kube_dns_ip not in seen.dns.ips:
        raise UsageError(
            f"--kube-dns-ip: this cluster's is {seen.dns.ip}", hint="leave it out: it is read"
        )
    adoption = await find_adoption(
        client, seen.caches, seen.dns, asked=arguments.adopt, domain=seen.domain.name
    )
    memory = memory_of(memory, adoption, whole=whole)
    mode = seen.dataplane.mode
    printed = mode in PRINTED_ONLY and memory.value("mode") == mode
    if not (printed and arguments.dry_run == "client"):
        refuse_mode(seen.dataplane)
    if mode == "nftables":
        notes.append(
            "nftables mode works by the kernel's rules; upstream does not document it, so each "
            "node's setup errors are a gate as well"
        )
    settings = settings_of(seen, memory)
    refuse_other_address(adoption, settings.local_ip)
    notes += _uncovered(seen.dns.ips, settings.kube_dns_ip)
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
    client: Client,
    arguments: argparse.Namespace,
    ground: Ground,
    canary: dict[str, str],
    talk: Talk,
) -> Prepared:
    """Read what is there, and say what would become of it.

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
    _refuse_foreign(live, settings.namespace)
    planned = partial(
        make_plan,
        settings=settings,
        options=options,
        wanted=wanted,
        live=live,
        nodes=seen.nodes,
        batch_size=arguments.batch_size,
        remembered=_yield_of(seen, ground.before),
        canary=canary,
    )
    plan = planned()
    # Where the cache is transparent, kubelets may still hand out the local IP of one before it.
    if asking := await _asking(client, settings.local_ip, plan):
        plan = planned(asking=asking)
    asked = arguments.inject == INSTALL
    injection = await plan_injection(client, resolver_of(settings), asked=asked)
    talk.step("preflight: what could stand in the way")
    trying = _trying(
        arguments, probe_options(arguments).image_from(ground.memory.value("image-registry"))
    )
    evidence = await gather(client, seen, settings, wanted, live, trying)
    outcome = weigh(evidence, ignored(arguments.ignore or ()))
    return Prepared(
        ground=ground,
        found=found,
        live=live,
        wanted=wanted,
        plan=plan,
        injection=injection,
        evidence=evidence,
        outcome=outcome,
        notes=(*ground.notes, *notes_of(outcome)),
    )


async def _asking(client: Client, local_ip: str, plan: Plan) -> list[str]:
    """Return the nodes to change whose kubelet says that it hands out the local IP."""
    nodes = [node for node in plan.old if node not in plan.gaps]
    handed = await read_handed_out(client, nodes)
    return [node for node, servers in handed.items() if local_ip in servers]


def _yield_of(seen: Inspection, before: Memory | None) -> Objects | None:
    """Return the objects that the remembered options yield, to tell drift by.

    None when another version of this plugin wrote them: its objects may have been others.
    """
    if before is None or before.version != __version__:
        return None
    with contextlib.suppress(NodednsError):
        return build(settings_of(seen, before), options=before.as_text())
    return None


def _uncovered(service_ips: Sequence[str], kube_dns_ip: str) -> list[str]:
    """Say which addresses of a dual-stack DNS service the cache does not take over."""
    others = [ip for ip in service_ips if ip != kube_dns_ip]
    if not others:
        return []
    rest = f"lookups at {', '.join(others)} go to the DNS service as before"
    return [f"dual stack: the cache covers {kube_dns_ip} (it speaks one address family); {rest}"]


def _trying(arguments: argparse.Namespace, image: str) -> Trying:
    return Trying(
        probe_namespace=probe_options(arguments).namespace,
        probe_image=image,
        pods=arguments.dry_run != "client",
        force=arguments.force_conflicts,
    )


def _refuse_foreign(live: Live, namespace: str) -> None:
    if foreign := live.foreign():
        raise RefusedError(
            f"there is a {foreign[0]} in namespace {namespace} that is not ours",
            hint="to apply over it would mix two installations; rename or remove it first",
        )
