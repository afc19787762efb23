"""`kubectl nodedns enable`: inspect, plan, confirm, baseline, dark start, switch, report."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import TYPE_CHECKING

from kubectl_nodedns import __version__
from kubectl_nodedns.cli.loop import run_on_loop
from kubectl_nodedns.cli.output import print_data, print_objects, print_outcome
from kubectl_nodedns.cli.talk import Talk
from kubectl_nodedns.commands.adopting import find_adoption, memory_of, with_adopted
from kubectl_nodedns.commands.asking import ask_baseline, start_probes
from kubectl_nodedns.commands.session import (
    check_change,
    connect,
    given_options,
    make_probes,
    probe_image,
    probe_namespace,
    step_timeout,
)
from kubectl_nodedns.errors import Exit, NodednsError, RefusedError, UsageError
from kubectl_nodedns.facts.caches import read_caches
from kubectl_nodedns.facts.dns_service import USUAL_NAMESPACE
from kubectl_nodedns.facts.inspection import Inspection, inspect, refuse
from kubectl_nodedns.facts.kube_dns_config import read_kube_dns_config
from kubectl_nodedns.facts.rights import demand, to_change
from kubectl_nodedns.install.adoption import adopt
from kubectl_nodedns.install.diff import diff_document, diff_lines
from kubectl_nodedns.install.live import Live, read_live
from kubectl_nodedns.install.objects import OPTIONS, build
from kubectl_nodedns.install.option_checks import check, selector_of
from kubectl_nodedns.install.options import NO_EXTERNAL_NAME, Memory, changes, settle
from kubectl_nodedns.install.plan import Plan, make_plan, nodes_text
from kubectl_nodedns.install.plan_text import describe
from kubectl_nodedns.install.rollout import Rollout
from kubectl_nodedns.install.settings import Settings
from kubectl_nodedns.lookup.proof import Prover, Target
from kubectl_nodedns.names import address

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from kubectl_nodedns.cluster.client import Client
    from kubectl_nodedns.install.adoption import Adoption
    from kubectl_nodedns.install.objects import Objects
    from kubectl_nodedns.verdict import Verdict

WITHOUT_CLUSTER = ("mode", "local-ip", "kube-dns-ip", "cluster-domain")
"""Options that together make a client dry run possible without a cluster."""


def run(arguments: argparse.Namespace) -> int:
    """Install the cache, change it, or say that nothing changed."""
    given = given_options(arguments)
    check_change(arguments)
    kube_dns_ip = arguments.kube_dns_ip and address(arguments.kube_dns_ip, option="--kube-dns-ip")
    if kube_dns_ip and arguments.dry_run != "client":
        raise UsageError("--kube-dns-ip goes with --dry-run=client; a live run reads it")
    if arguments.diff and (arguments.dry_run != "none" or arguments.yes):
        raise UsageError("--diff stands alone: it writes nothing, and --dry-run and --yes would")
    canary = check("node-selector", arguments.canary or "")
    talk = Talk()
    known = {**given, "kube-dns-ip": kube_dns_ip}
    if arguments.dry_run == "client" and all(known.get(name) for name in WITHOUT_CLUSTER):
        return _without_cluster(arguments, given, kube_dns_ip, talk)
    work = _with_cluster(arguments, given, kube_dns_ip, selector_of(canary), talk)
    if not arguments.diff:
        return run_on_loop(work)
    try:
        return run_on_loop(work)
    except NodednsError as error:
        if error.exit == Exit.FINDING:  # 1 means "there is a difference", as it does to kubectl
            error.exit = Exit.API
        raise


def _without_cluster(
    arguments: argparse.Namespace, given: dict[str, str], kube_dns_ip: str, talk: Talk
) -> int:
    memory, _ = settle(given, None, upgrade=False)
    namespace = given.get("dns-service", "kube-system/kube-dns").partition("/")[0]
    settings = Settings.of(
        memory,
        namespace=namespace,
        dns_selector={"k8s-app": "kube-dns"},
        dns_ports={"UDP": 53, "TCP": 53},
        kube_dns_ip=kube_dns_ip,
        cluster_domain=memory.value("cluster-domain"),
    )
    assumed = f"namespace {namespace}, DNS selector k8s-app=kube-dns, target port 53"
    talk.note(f"no cluster was asked; assumed: {assumed}, image {settings.image}")
    print_objects(build(settings, options=memory.as_text()), arguments.output or "yaml")
    return Exit.OK


async def _with_cluster(
    arguments: argparse.Namespace,
    given: dict[str, str],
    kube_dns_ip: str,
    canary: dict[str, str],
    talk: Talk,
) -> int:
    async with connect(arguments) as client:
        talk.step(f"inspect {client.access.context or client.access.server}")
        before = await _remembered(client, given)
        whole = arguments.config is not None
        memory, notes = settle(given, before, upgrade=arguments.upgrade, whole=whole)
        notes += changes(before, memory) if before else []
        seen = await inspect(client, memory.given)
        talk.lines(f"          {line}" for line in seen.lines())
        if kube_dns_ip and kube_dns_ip not in seen.dns.ips:
            raise UsageError(f"--kube-dns-ip: this cluster's is {seen.dns.ip}")
        adoption = await find_adoption(client, seen.caches, seen.dns) if arguments.adopt else None
        memory = memory_of(memory, adoption)
        settings = settings_of(seen, memory)
        adopting = adoption.cache if adoption else None
        await refuse(client, seen, settings.local_ip, adopting=adopting)
        await _refuse_stub_domains(client, settings)
        if seen.dataplane.mode == "nftables":
            notes.append("nftables mode works by the kernel's rules; upstream does not document it")
        wanted = build(settings, options=memory.as_text())
        live = with_adopted(await read_live(client, settings.namespace, wanted), adoption)
        _refuse_foreign(live, settings.namespace)
        plan = make_plan(
            settings=settings,
            options=memory.as_text(),
            wanted=wanted,
            live=live,
            nodes=seen.nodes,
            batch_size=arguments.batch_size,
            remembered=_yield_of(seen, before),
            canary=canary,
        )
        talk.step("plan")
        talk.lines(f"          {line}" for line in (adoption.lines() if adoption else ()))
        image = probe_image(arguments, memory.value("image-registry"))
        names = f"{'probes':<10} {image} in namespace {probe_namespace(arguments)}"
        talk.lines(f"          {line}" for line in (*describe(plan), names, *notes))
        if arguments.diff:
            return _diff(plan, wanted, live, arguments.output)
        arguments.force_conflicts |= adoption is not None
        if not arguments.force_conflicts:
            plan.refuse_conflicts()
        if arguments.dry_run != "none":
            return await _dry_run(client, arguments, plan, talk)
        if not plan.unchanged:
            _refuse_empty(plan)
        if plan.unchanged and not arguments.yes:
            talk.note("no probe was started; --yes proves each node again")
            return _end(arguments, plan, [])
        if not talk.confirm(f"Go ahead on {client.access.server}?", yes=arguments.yes):
            talk.note("nothing was done")
            return Exit.OK
        return await _roll_out(client, arguments, plan, live, memory, adoption, talk)


async def _remembered(client: Client, given: dict[str, str]) -> Memory | None:
    """Read what an installation of ours remembers; it may be in any namespace."""
    namespace = given.get("dns-service", "").partition("/")[0] or USUAL_NAMESPACE
    for cache in await read_caches(client, namespace):
        if cache.ours:
            return Memory.of_text(cache.annotations.get(OPTIONS, ""))
    return None


def _yield_of(seen: Inspection, before: Memory | None) -> Objects | None:
    """Return the objects that the remembered options yield, to tell drift by.

    None when another version of this plugin wrote them: its objects may have been others.
    """
    if before is None or before.version != __version__:
        return None
    with contextlib.suppress(NodednsError):
        return build(settings_of(seen, before), options=before.as_text())
    return None


def _diff(plan: Plan, wanted: Objects, live: Live, output: str | None) -> int:
    """Print what would change; the exit code tells whether anything would."""
    if output:
        print_data(diff_document(plan, wanted, live), output)
    elif not plan.unchanged:
        print("\n".join(diff_lines(plan, wanted, live)))
    return Exit.OK if plan.unchanged else Exit.FINDING


def settings_of(seen: Inspection, memory: Memory) -> Settings:
    """Put facts and options together; see `Settings.of` for what it raises."""
    return Settings.of(
        memory,
        namespace=seen.dns.namespace,
        dns_selector=seen.dns.selector,
        dns_ports=seen.dns.target_ports,
        kube_dns_ip=seen.dns.ip,
        cluster_domain=seen.domain.name,
    )


async def _refuse_stub_domains(client: Client, settings: Settings) -> None:
    """Refuse a stub domain that the agent adds by itself, from the ConfigMap kube-dns."""
    configured = await read_kube_dns_config(client, settings.namespace)
    twice = sorted({*settings.forwarding.stub_domains} & {*configured.stub_domains})
    if twice:
        raise RefusedError(
            f"the ConfigMap {settings.namespace}/kube-dns has the stub domain {twice[0]} too, and "
            "the cache reads it",
            hint="two server blocks for one zone would end the cache: leave it to one of them",
        )


def _refuse_foreign(live: Live, namespace: str) -> None:
    if foreign := live.foreign():
        raise RefusedError(
            f"there is a {foreign[0]} in namespace {namespace} that is not ours",
            hint="to apply over it would mix two installations; rename or remove it first",
        )


def _refuse_empty(plan: Plan) -> None:
    if not plan.proved:
        raise RefusedError(
            "there is no node to prove the cache on: none is selected, runs Linux and is ready",
            hint="nothing was written. kubectl get nodes --show-labels, and --node-selector",
        )


async def _dry_run(client: Client, arguments: argparse.Namespace, plan: Plan, talk: Talk) -> int:
    objects = build(plan.settings, options=plan.options)
    if arguments.dry_run == "server":
        objects = [
            await client.apply(obj, dry_run=True, force=arguments.force_conflicts)
            for obj in objects
        ]
        for obj in objects:
            obj["metadata"].pop("managedFields", None)
        talk.note("the API server accepts it (server dry run); nothing was done")
    else:
        talk.note("nothing was done (client dry run)")
    if arguments.output:
        print_objects(objects, arguments.output)
    return Exit.OK


def _end(
    arguments: argparse.Namespace,
    plan: Plan,
    verdicts: Sequence[Verdict],
    repaired: Sequence[str] = (),
) -> int:
    """Print how it ended; nodes that could not be proved make it a partial success."""
    result, said = "enabled", "enabled"
    if plan.unchanged:
        result, said = "unchanged", "nothing changed"
    if repaired:
        result, said = "repaired", f"repaired {', '.join(repaired)}"
    total = len({*plan.proved, *plan.left_out})
    where = f"{plan.settings.local_ip} and {plan.settings.kube_dns_ip}"
    if verdicts:
        text = f"{said}: {len(verdicts)} of {nodes_text(total)} proved, at {where}"
    else:
        text = f"{said}: the cache is enabled on {len(plan.kept)} of {nodes_text(total)}"
    print_outcome(result, text, verdicts, plan.left_out, arguments.output)
    return Exit.PARTIAL if plan.left_out else Exit.OK


async def _roll_out(
    client: Client,
    arguments: argparse.Namespace,
    plan: Plan,
    live: Live,
    memory: Memory,
    adoption: Adoption | None,
    talk: Talk,
) -> int:
    talk.step("ask the API server whether it would accept the objects")
    await demand(client, to_change(plan.settings.namespace, probe_namespace(arguments)))
    for obj in build(plan.settings, options=plan.options):
        await client.apply(obj, dry_run=True, force=arguments.force_conflicts)
    settings = plan.settings
    external = memory.value("external-name")
    target = Target.of(
        local_ip=settings.local_ip,
        kube_dns_ip=settings.kube_dns_ip,
        domain=settings.cluster_domain,
        external=None if external == NO_EXTERNAL_NAME else external,
    )
    async with make_probes(client, arguments, memory.value("image-registry")) as probes:
        await start_probes(probes, plan.proved, talk)
        prover = Prover(probes, target)
        found = await ask_baseline(prover, plan.proved, talk)
        bad = [verdict for verdict in found.verdicts if not verdict.ok]
        if bad:
            cached = bad[0].node in plan.kept
            raise RefusedError(
                f"DNS does not work before anything was changed: node {bad[0].node}: {bad[0].text}",
                hint="nothing was written; repair it first. Is --cluster-domain right?"
                + ("\nthe cache answers there: disable takes it out" if cached else ""),
            )
        prover = Prover(probes, found.target)
        if adoption is not None:
            talk.step("adopt: the objects become ours, and no pod changes")
            await adopt(client, adoption, plan.options)
        rollout = Rollout(
            client,
            plan,
            live,
            prover,
            talk,
            timeout=step_timeout(arguments),
            force=arguments.force_conflicts,
        )
        verdicts = await rollout.run()
        for node in await rollout.joined():
            talk.note(f"node {node} joined meanwhile, has the cache, and is unproved: enable --yes")
    plan = replace(plan, left_out={**plan.left_out, **rollout.lost})
    return _end(arguments, plan, verdicts, rollout.repaired)
