"""`kubectl nodedns enable`: inspect, plan, confirm, baseline, dark start, switch, report."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubectl_nodedns.cli.loop import run_on_loop
from kubectl_nodedns.cli.output import print_data, print_lines, print_objects
from kubectl_nodedns.cli.talk import Talk
from kubectl_nodedns.commands.given import access_options, check_change, installation_options
from kubectl_nodedns.commands.injecting import PRINT, injection_to_print
from kubectl_nodedns.commands.planning import prepare, survey
from kubectl_nodedns.commands.rolling_out import end, roll_out
from kubectl_nodedns.commands.session import connect
from kubectl_nodedns.commands.settling import resolver_of
from kubectl_nodedns.errors import Exit, NodednsError, RefusedError, UsageError
from kubectl_nodedns.health.preflight import ignored, refuse_errors
from kubectl_nodedns.install.diff import diff_document, diff_lines
from kubectl_nodedns.install.objects import build
from kubectl_nodedns.install.option_checks import check, selector_of
from kubectl_nodedns.install.options import settle
from kubectl_nodedns.install.settings import Settings
from kubectl_nodedns.install.variants import PRINTED_ONLY
from kubectl_nodedns.names import address

if TYPE_CHECKING:
    import argparse

    from kubectl_nodedns.cluster.client import Client
    from kubectl_nodedns.commands.planning import Ground, Prepared

WITHOUT_CLUSTER = ("mode", "local-ip", "kube-dns-ip", "cluster-domain")
"""Options that together make a client dry run possible without a cluster."""


def run(arguments: argparse.Namespace) -> int:
    """Install the cache, change it, or say that nothing changed."""
    given = installation_options(arguments)
    check_change(arguments)
    ignored(arguments.ignore or ())
    kube_dns_ip = arguments.kube_dns_ip and address(arguments.kube_dns_ip, option="--kube-dns-ip")
    if kube_dns_ip and arguments.dry_run != "client" and arguments.inject != PRINT:
        raise UsageError("--kube-dns-ip goes with --dry-run=client; a live run reads it")
    if arguments.diff and (arguments.dry_run != "none" or arguments.yes):
        raise UsageError("--diff stands alone: it writes nothing, and --dry-run and --yes would")
    canary = check("node-selector", arguments.canary or "")
    talk = Talk()
    known = {**given, "kube-dns-ip": kube_dns_ip}
    printing = arguments.dry_run == "client" or arguments.inject == PRINT
    if printing and all(known.get(name) for name in WITHOUT_CLUSTER):
        return run_on_loop(_without_cluster(arguments, given, kube_dns_ip, talk))
    work = _with_cluster(arguments, given, kube_dns_ip, selector_of(canary), talk)
    if not arguments.diff:
        return run_on_loop(work)
    try:
        return run_on_loop(work)
    except NodednsError as error:
        if error.exit == Exit.FINDING:  # 1 means "there is a difference", as it does to kubectl
            error.exit = Exit.API
        raise


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
    policy_alone = arguments.inject == PRINT
    mark = "" if policy_alone else _unproved(PRINTED_ONLY.get(settings.mode, ""), talk)
    assumed = (
        f"namespace {namespace}, DNS selector k8s-app=kube-dns, target port 53, the DNS service's "
        "port names dns and dns-tcp"
    )
    talk.note(f"no cluster was asked; assumed: {assumed}, image {settings.image}")
    objects = [] if policy_alone else build(settings, options=memory.as_text())
    if arguments.inject:
        objects += await injection_to_print(None, resolver_of(settings), talk)
    print_objects(objects, arguments.output or "yaml", mark=mark)
    return Exit.OK


async def _with_cluster(
    arguments: argparse.Namespace,
    given: dict[str, str],
    kube_dns_ip: str,
    canary: dict[str, str],
    talk: Talk,
) -> int:
    async with connect(access_options(arguments)) as client:
        talk.step(f"inspect {client.access.context or client.access.server}")
        ground = await survey(client, arguments, given, kube_dns_ip, talk)
        if arguments.inject == PRINT or ground.printed_only:
            await _print(client, arguments, ground, talk)
            return Exit.OK
        prepared = await prepare(client, arguments, ground, canary, talk)
        talk.step("plan")
        talk.lines(f"          {line}" for line in prepared.lines(arguments))
        if arguments.diff:
            return _diff(prepared, arguments.output)
        return await _go_ahead(client, arguments, prepared, talk)


async def _print(client: Client, arguments: argparse.Namespace, ground: Ground, talk: Talk) -> None:
    """Print what is only printed: a policy, or the objects of a dataplane that was not proved."""
    mark = ""
    if arguments.inject == PRINT:
        objects = await injection_to_print(client, resolver_of(ground.settings), talk)
    else:
        mark = _unproved(ground.printed_only, talk)
        objects = build(ground.settings, options=ground.memory.as_text())
    print_objects(objects, arguments.output or "yaml", mark=mark)


def _unproved(why: str, talk: Talk) -> str:
    """Say that a dataplane's objects are printed and no more; return the mark that they bear."""
    mark = f"not proved by this plugin: {why}" if why else ""
    if mark:
        talk.note(mark)
    return mark


async def _go_ahead(
    client: Client, arguments: argparse.Namespace, prepared: Prepared, talk: Talk
) -> int:
    """Refuse, try, ask, and do it."""
    plan = prepared.plan
    arguments.force_conflicts |= prepared.ground.adoption is not None
    if not arguments.force_conflicts:
        plan.refuse_conflicts()
    if not plan.unchanged:
        refuse_errors(prepared.outcome)
    if arguments.dry_run != "none":
        return await _dry_run(client, arguments, prepared, talk)
    if not (plan.unchanged or plan.proved):
        raise RefusedError(
            "there is no node to prove the cache on: none is selected, runs Linux and is ready",
            hint="nothing was written. kubectl get nodes --show-labels, and --node-selector",
        )
    if prepared.unchanged and not arguments.yes and arguments.wait is None:
        talk.note("no probe was started; --yes proves each node again, and kubectl nodedns check")
        talk.note("tells by counters which caches nobody asks")
        return end(arguments, plan, [])
    if not talk.confirm(f"Go ahead on {client.access.server}?", yes=arguments.yes):
        talk.note("nothing was done")
        return Exit.OK
    return await roll_out(client, arguments, prepared, talk)


def _diff(prepared: Prepared, output: str | None) -> int:
    """Print what would change; the exit code tells whether anything would."""
    plan, wanted, live = prepared.plan, prepared.wanted, prepared.live
    if output:
        print_data(diff_document(plan, wanted, live), output)
    elif not plan.unchanged:
        print_lines(diff_lines(plan, wanted, live))
    return Exit.OK if plan.unchanged else Exit.FINDING


async def _dry_run(
    client: Client, arguments: argparse.Namespace, prepared: Prepared, talk: Talk
) -> int:
    objects = [*prepared.wanted, *(prepared.injection.wanted if prepared.injection else ())]
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
