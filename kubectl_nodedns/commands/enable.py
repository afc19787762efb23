"""`kubectl nodedns enable`: inspect, plan, confirm, baseline, dark start, switch, report."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubectl_nodedns.cli.loop import run_on_loop
from kubectl_nodedns.cli.output import print_objects, print_outcome
from kubectl_nodedns.cli.talk import Talk
from kubectl_nodedns.commands.asking import ask_baseline, start_probes
from kubectl_nodedns.commands.handing_out import Place, hand_out, kubelets_text
from kubectl_nodedns.commands.injecting import (
    INSTALL,
    PRINT,
    Injection,
    demand_injection,
    injection_to_print,
    install_injection,
    plan_injection,
)
from kubectl_nodedns.commands.preflight import (
    Trying,
    ignored,
    notes_of,
    preflight,
    refuse_errors,
)
from kubectl_nodedns.commands.session import (
    check_change,
    connect,
    given_options,
    make_probes,
    probe_image,
    probe_namespace,
    step_timeout,
)
from kubectl_nodedns.errors import Exit, RefusedError, UsageError
from kubectl_nodedns.facts.caches import read_caches
from kubectl_nodedns.facts.dns_service import USUAL_NAMESPACE
from kubectl_nodedns.facts.inspection import Inspection, inspect, refuse, refuse_mode
from kubectl_nodedns.facts.kube_dns_config import read_kube_dns_config
from kubectl_nodedns.facts.rights import demand, to_change
from kubectl_nodedns.install.injection import Resolver
from kubectl_nodedns.install.live import Live, read_live
from kubectl_nodedns.install.objects import OPTIONS, build
from kubectl_nodedns.install.options import NO_EXTERNAL_NAME, Memory, changes, settle
from kubectl_nodedns.install.plan import Plan, describe, make_plan, nodes_text
from kubectl_nodedns.install.rollout import Rollout
from kubectl_nodedns.install.settings import Settings
from kubectl_nodedns.install.variants import IPTABLES, PRINTED_ONLY, VARIANTS, Variant
from kubectl_nodedns.lookup.proof import Prover, Target
from kubectl_nodedns.names import address

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from kubectl_nodedns.cluster.client import Client
    from kubectl_nodedns.verdict import Verdict

WITHOUT_CLUSTER = ("mode", "local-ip", "kube-dns-ip", "cluster-domain")
"""Options that together make a client dry run possible without a cluster."""


def run(arguments: argparse.Namespace) -> int:
    """Install the cache, change it, or say that nothing changed."""
    given = given_options(arguments)
    check_change(arguments)
    ignored(arguments)
    kube_dns_ip = arguments.kube_dns_ip and address(arguments.kube_dns_ip, option="--kube-dns-ip")
    if kube_dns_ip and arguments.dry_run != "client" and arguments.inject != PRINT:
        raise UsageError("--kube-dns-ip goes with --dry-run=client; a live run reads it")
    talk = Talk()
    known = {**given, "kube-dns-ip": kube_dns_ip}
    printing = arguments.dry_run == "client" or arguments.inject == PRINT
    if printing and all(known.get(name) for name in WITHOUT_CLUSTER):
        return run_on_loop(_without_cluster(arguments, given, kube_dns_ip, talk))
    return run_on_loop(_with_cluster(arguments, given, kube_dns_ip, talk))


async def _without_cluster(
    arguments: argparse.Namespace, given: dict[str, str], kube_dns_ip: str, talk: Talk
) -> int:
    memory, _ = settle(given, None, upgrade=False)
    namespace, _, dns_service = given.get("dns-service", "kube-system/kube-dns").partition("/")
    settings = Settings.of(
        memory,
        namespace=namespace,
        dns_selector={"k8s-app": "kube-dns"},
        dns_ports={"UDP": 53, "TCP": 53},
        service_ips=(kube_dns_ip,),
        cluster_domain=memory.value("cluster-domain"),
        mode=memory.value("mode"),
        dns_service=dns_service,
    )
    if why := PRINTED_ONLY.get(settings.mode):
        talk.note(f"not proved by this plugin: {why}")
    assumed = f"namespace {namespace}, DNS selector k8s-app=kube-dns, target port 53"
    talk.note(f"no cluster was asked; assumed: {assumed}, image {settings.image}")
    objects = [] if arguments.inject == PRINT else build(settings, options=memory.as_text())
    if arguments.inject:
        objects += await injection_to_print(None, resolver_of(settings), talk)
    print_objects(objects, arguments.output or "yaml")
    return Exit.OK


async def _with_cluster(
    arguments: argparse.Namespace, given: dict[str, str], kube_dns_ip: str, talk: Talk
) -> int:
    async with connect(arguments) as client:
        talk.step(f"inspect {client.access.context or client.access.server}")
        before = await remembered(client, given)
        whole = arguments.config is not None
        memory, notes = settle(given, before, upgrade=arguments.upgrade, whole=whole)
        notes += changes(before, memory) if before else []
        seen = await inspect(client, memory.given)
        talk.lines(f"          {line}" for line in seen.lines())
        if kube_dns_ip and kube_dns_ip not in seen.dns.ips:
            raise UsageError(f"--kube-dns-ip: this cluster's is {seen.dns.ip}")
        mode = seen.dataplane.mode
        printed = mode in PRINTED_ONLY and memory.value("mode") == mode
        if not (printed and arguments.dry_run == "client"):
            refuse_mode(seen.dataplane)
        settings = settings_of(seen, memory)
        if arguments.inject == PRINT:
            policy = await injection_to_print(client, resolver_of(settings), talk)
            print_objects(policy, arguments.output or "yaml")
            return Exit.OK
        if printed:
            talk.note(f"not proved by this plugin: {PRINTED_ONLY[settings.mode]}")
            print_objects(build(settings, options=memory.as_text()), arguments.output or "yaml")
            return Exit.OK
        refuse(seen)
        await _refuse_stub_domains(client, settings)
        if seen.dataplane.mode == "nftables":
            notes.append("nftables mode works by the kernel's rules; upstream does not document it")
        wanted = build(settings, options=memory.as_text())
        live = await read_live(client, settings.namespace, wanted)
        _refuse_foreign(live, settings.namespace)
        plan = make_plan(
            settings=settings,
            options=memory.as_text(),
            wanted=wanted,
            live=live,
            nodes=seen.nodes,
            batch_size=arguments.batch_size,
        )
        notes += _uncovered(seen.dns.ips, settings.kube_dns_ip)
        injection = await plan_injection(
            client, resolver_of(settings), asked=arguments.inject == INSTALL
        )
        image = probe_image(arguments, memory.value("image-registry"))
        talk.step("preflight: what could stand in the way")
        trying = _trying(arguments, image)
        found = await preflight(
            client, seen, settings, wanted, live, trying, ignore=ignored(arguments)
        )
        notes += notes_of(found)
        talk.step("plan")
        names = f"{'probes':<10} {image} in namespace {probe_namespace(arguments)}"
        talk.lines(
            f"          {line}" for line in (*describe(plan), *_lines(injection), names, *notes)
        )
        if not plan.unchanged:
            refuse_errors(found)
        if arguments.dry_run != "none":
            return await _dry_run(client, arguments, plan, injection, talk)
        if not plan.unchanged:
            _refuse_empty(plan)
        unchanged = plan.unchanged and (injection is None or injection.unchanged)
        if unchanged and not arguments.yes and arguments.wait is None:
            talk.note("no probe was started; --yes proves each node again")
            return _end(arguments, plan, [])
        if not talk.confirm(f"Go ahead on {client.access.server}?", yes=arguments.yes):
            talk.note("nothing was done")
            return Exit.OK
        return await _roll_out(client, arguments, plan, live, memory, injection, talk)


def _uncovered(service_ips: Sequence[str], kube_dns_ip: str) -> list[str]:
    """Say which addresses of a dual-stack DNS service the cache does not take over."""
    others = [ip for ip in service_ips if ip != kube_dns_ip]
    if not others:
        return []
    rest = f"lookups at {', '.join(others)} go to the DNS service as before"
    return [f"dual stack: the cache covers {kube_dns_ip} (it speaks one address family); {rest}"]


def _lines(injection: Injection | None) -> list[str]:
    return injection.lines() if injection else []


def resolver_of(settings: Settings) -> Resolver:
    """Return what pods are handed when the cache is injected."""
    return Resolver(
        local_ip=settings.local_ip,
        kube_dns_ip=settings.kube_dns_ip,
        cluster_domain=settings.cluster_domain,
    )


async def remembered(client: Client, given: dict[str, str]) -> Memory | None:
    """Read what an installation of ours remembers; it may be in any namespace."""
    namespace = given.get("dns-service", "").partition("/")[0] or USUAL_NAMESPACE
    for cache in await read_caches(client, namespace):
        if cache.ours:
            return Memory.of_text(cache.annotations.get(OPTIONS, ""))
    return None


def settings_of(seen: Inspection, memory: Memory) -> Settings:
    """Put facts and options together; see `Settings.of` for what it raises."""
    return Settings.of(
        memory,
        namespace=seen.dns.namespace,
        dns_selector=seen.dns.selector,
        dns_ports=seen.dns.target_ports,
        service_ips=seen.dns.ips,
        cluster_domain=seen.domain.name,
        # `enable` refuses a mode that it does not know before; `check --pre` says so and goes on.
        mode=seen.dataplane.mode if seen.dataplane.mode in VARIANTS else IPTABLES,
        dns_service=seen.dns.name,
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


def _trying(arguments: argparse.Namespace, image: str) -> Trying:
    return Trying(
        probe_namespace=probe_namespace(arguments),
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


def _refuse_empty(plan: Plan) -> None:
    if not plan.proved:
        raise RefusedError(
            "there is no node to prove the cache on: none is selected, runs Linux and is ready",
            hint="nothing was written. kubectl get nodes --show-labels, and --node-selector",
        )


async def _dry_run(
    client: Client,
    arguments: argparse.Namespace,
    plan: Plan,
    injection: Injection | None,
    talk: Talk,
) -> int:
    objects = build(plan.settings, options=plan.options)
    objects += injection.wanted if injection else ()
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
    *,
    unchanged: bool = True,
    handed: Sequence[Verdict] = (),
) -> int:
    """Print how it ended; nodes that could not be proved make it a partial success."""
    result, said = "enabled", "enabled"
    if plan.unchanged and unchanged:
        result, said = "unchanged", "nothing changed"
    if repaired:
        result, said = "repaired", f"repaired {', '.join(repaired)}"
    total = len(plan.proved) + len(plan.left_out)
    where = plan.settings.local_ips.replace(",", " and ")
    if verdicts:
        text = f"{said}: {len(verdicts)} of {nodes_text(total)} proved, at {where}"
    else:
        text = f"{said}: the cache is enabled on {len(plan.kept)} of {nodes_text(total)}"
    if handed:
        text += f"; {kubelets_text(handed)}"
    print_outcome(result, text, verdicts, plan.left_out, arguments.output)
    return Exit.PARTIAL if plan.left_out else Exit.OK


async def _roll_out(
    client: Client,
    arguments: argparse.Namespace,
    plan: Plan,
    live: Live,
    memory: Memory,
    injection: Injection | None,
    talk: Talk,
) -> int:
    talk.step("ask the API server whether it would accept the objects")
    await demand(client, to_change(plan.settings.namespace, probe_namespace(arguments)))
    objects = build(plan.settings, options=plan.options)
    if injection and not injection.unchanged:
        await demand_injection(client)
        objects += injection.wanted
    for obj in objects:
        await client.apply(obj, dry_run=True, force=arguments.force_conflicts)
    settings = plan.settings
    external = memory.value("external-name")
    target = Target.of(
        local_ip=settings.local_ip,
        kube_dns_ip=settings.kube_dns_ip,
        domain=settings.cluster_domain,
        external=None if external == NO_EXTERNAL_NAME else external,
    )
    registry = memory.value("image-registry")
    async with make_probes(client, arguments, registry) as probes:
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
        handed = []
        if settings.variant is Variant.LOCAL_ONLY:
            nodes = tuple(verdict.node for verdict in verdicts)
            place = Place(
                namespace=settings.namespace, target=found.target, nodes=nodes, registry=registry
            )
            handed = await hand_out(client, arguments, place, talk)
    if injection:
        await install_injection(
            client,
            injection,
            talk,
            image=probe_image(arguments, registry),
            force=arguments.force_conflicts,
        )
    unchanged = injection is None or injection.unchanged
    return _end(arguments, plan, verdicts, rollout.repaired, unchanged=unchanged, handed=handed)
