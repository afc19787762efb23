"""Carry out a plan: the wiring of `enable` from its baseline to its last line."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from kubectl_nodedns.cli.output import print_outcome, with_reasons
from kubectl_nodedns.commands.asking import ask_baseline, start_probes
from kubectl_nodedns.commands.given import probe_options, step_timeout
from kubectl_nodedns.commands.handing_out import Place, hand_out, kubelets_text
from kubectl_nodedns.commands.injecting import demand_injection, install_injection
from kubectl_nodedns.commands.session import hold_lease, make_probes
from kubectl_nodedns.commands.setup_gate import SetupGate
from kubectl_nodedns.errors import Exit, RefusedError
from kubectl_nodedns.facts.rights import demand, missing, to_change, to_fetch, to_hold
from kubectl_nodedns.health.preflight import ignored
from kubectl_nodedns.health.resolvers import refuse_resolvers
from kubectl_nodedns.install.adoption import adopt
from kubectl_nodedns.install.fetching import fetch
from kubectl_nodedns.install.live import read_live, refuse_changed
from kubectl_nodedns.install.objects import build
from kubectl_nodedns.install.options import NO_EXTERNAL_NAME
from kubectl_nodedns.install.plan import nodes_text
from kubectl_nodedns.install.rollout import Rollout
from kubectl_nodedns.install.standing import going_on
from kubectl_nodedns.install.variants import NFTABLES, Variant
from kubectl_nodedns.lookup.proof import Prover, Target

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from kubectl_nodedns.cli.talk import Talk
    from kubectl_nodedns.cluster.client import Client
    from kubectl_nodedns.commands.planning import Prepared
    from kubectl_nodedns.install.plan import Plan
    from kubectl_nodedns.install.proof import Proof
    from kubectl_nodedns.verdict import Gap, Verdict


TAKE_OUT = "disable to take the cache out"
"""What can be done instead of going on."""


async def roll_out(
    client: Client, arguments: argparse.Namespace, prepared: Prepared, talk: Talk
) -> int:
    """Carry out a plan from the baseline to the end; print how it ended.

    Raises:
        RefusedError: DNS does not work before anything was changed, or a probe does not run.
        NodednsError: it did not come to its end; the message says what was left.
    """
    namespace = prepared.plan.settings.namespace
    talk.step("ask the API server whether it would accept the objects")
    await demand(
        client, [*to_change(namespace, probe_options(arguments).namespace), *to_hold(namespace)]
    )
    if prepared.injection and not prepared.injection.unchanged:
        await demand_injection(client)
    async with hold_lease(client, namespace, "enable", talk.note):
        refuse_changed(prepared.found, await read_live(client, namespace, prepared.wanted))
        return await _roll_out(client, arguments, prepared, talk)


async def _roll_out(
    client: Client, arguments: argparse.Namespace, prepared: Prepared, talk: Talk
) -> int:
    """Carry out a plan under the lease."""
    plan, injection, adoption = prepared.plan, prepared.injection, prepared.ground.adoption
    memory = prepared.ground.memory
    objects = build(plan.settings, options=plan.options)
    if injection and not injection.unchanged:
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
    async with make_probes(
        client, probe_options(arguments), registry, dns_policy="Default"
    ) as probes:
        await start_probes(probes, plan.proved, talk)
        if not plan.unchanged:
            ignore = ignored(arguments.ignore or ())
            await refuse_resolvers(probes, prepared.evidence, plan.proved, ignore, talk)
        prover = Prover(probes, target)
        found = await ask_baseline(prover, plan.proved, talk, otherwise="look at their kubelets")
        bad = [verdict for verdict in found.verdicts if not verdict.ok]
        if bad:
            cached = bad[0].node in plan.kept
            raise RefusedError(
                f"DNS does not work before anything was changed: node {bad[0].node}: {bad[0].text}",
                hint="nothing was written; repair it first. Is --cluster-domain right?"
                + ("\nthe cache answers there: disable takes it out" if cached else ""),
            )
        prover = Prover(probes, found.target)
        if plan.gaps:
            await _fetch(client, arguments, plan, talk)
        with going_on("enable", TAKE_OUT, talk.note):
            if adoption is not None:
                talk.step("adopt: the objects become ours, and no pod changes")
                await adopt(client, adoption, plan.options)
            proof: Proof = prover
            if settings.mode == NFTABLES:
                ports = settings.ports
                gate = SetupGate(
                    prover, client, namespace=settings.namespace, port=ports.metrics, report=talk
                )
                await gate.renew(prepared.live.pods)
                proof = gate
            rollout = Rollout(
                client,
                plan,
                prepared.live,
                proof,
                talk,
                timeout=step_timeout(arguments),
                force=arguments.force_conflicts,
            )
            verdicts = await rollout.run()
            for node in await rollout.joined():
                talk.note(
                    f"node {node} joined meanwhile, has the cache, and is unproved: enable --yes"
                )
        handed = []
        if settings.variant is Variant.LOCAL_ONLY:
            nodes = tuple(verdict.node for verdict in verdicts)
            place = Place(
                namespace=settings.namespace, target=found.target, nodes=nodes, registry=registry
            )
            handed = await hand_out(client, arguments, place, talk)
    plan = replace(plan, left_out={**plan.left_out, **rollout.lost})
    if injection:
        with going_on("enable", TAKE_OUT, talk.note):
            await install_injection(
                client,
                injection,
                talk,
                image=probe_options(arguments).image_from(registry),
                force=arguments.force_conflicts,
            )
    unchanged = injection is None or injection.unchanged
    return end(
        arguments,
        plan,
        verdicts,
        rollout.repaired,
        unchanged=unchanged,
        handed=handed,
        gaps=rollout.gaps.measured,
    )


async def _fetch(client: Client, arguments: argparse.Namespace, plan: Plan, talk: Talk) -> None:
    """Have the nodes fetch the image whose clients would wait for it.

    Raises:
        RefusedError: a node cannot have it.
    """
    settings = plan.settings
    talk.step(f"fetch the image on {nodes_text(len(plan.gaps))}")
    if lacking := await missing(client, to_fetch(settings.namespace)):
        rights = "; ".join(map(str, lacking))
        talk.note(
            f"not fetched, so a gap may last as long as the pull; rights are missing: {rights}"
        )
        return
    failed = await fetch(
        client,
        plan.gaps,
        namespace=settings.namespace,
        image=settings.image,
        pull_secrets=settings.pull_secrets,
        timeout=step_timeout(arguments),
        note=talk.note,
    )
    if failed:
        node, why = next(iter(sorted(failed.items())))
        more = f" (and {len(failed) - 1} more nodes)" if len(failed) > 1 else ""
        raise RefusedError(
            f"node {node}{more} cannot fetch {settings.image}: {why}",
            hint="nothing was written, and nobody's DNS was touched. Is the name right, and may "
            "the node pull it (--image, --image-registry, --pull-secret)?",
        )


def gaps_text(gaps: Sequence[Gap]) -> str:
    """Say what the gaps came to: the longest one, and all lookups that were lost."""
    known = {gap.longest: gap for gap in gaps if gap.longest is not None}
    if not known:
        return "the gaps could not be measured"
    worst = known[max(known)]
    lost, sent = sum(gap.lost for gap in gaps), sum(gap.sent for gap in gaps)
    text = f"longest gap {worst.longest} ms (node {worst.node}), {lost} of {sent} lookups lost"
    unknown = sum(gap.longest is None for gap in gaps)
    return f"{text}, not measured on {nodes_text(unknown)}" if unknown else text


def end(
    arguments: argparse.Namespace,
    plan: Plan,
    verdicts: Sequence[Verdict],
    repaired: Sequence[str] = (),
    *,
    unchanged: bool = True,
    handed: Sequence[Verdict] = (),
    gaps: Sequence[Gap] = (),
) -> int:
    """Print how it ended; nodes that could not be proved make it a partial success."""
    result, said = "enabled", "enabled"
    if plan.unchanged and unchanged:
        result, said = "unchanged", "nothing changed"
    if repaired:
        result, said = "repaired", f"repaired {', '.join(repaired)}"
    total = len({*plan.proved, *plan.left_out})
    where = plan.settings.local_ips.replace(",", " and ")
    if verdicts:
        text = f"{said}: {len(verdicts)} of {nodes_text(total)} proved, at {where}"
    else:
        text = f"{said}: the cache is enabled on {len(plan.kept)} of {nodes_text(total)}"
    if handed:
        text += f"; {kubelets_text(handed)}"
    if gaps:
        text += f"; {gaps_text(gaps)}"
    if plan.left_out:
        text += f"; unproved: {with_reasons(plan.left_out)}"
    print_outcome(result, text, verdicts, plan.left_out, arguments.output, gaps=gaps)
    return Exit.PARTIAL if plan.left_out else Exit.OK
