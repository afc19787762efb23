"""Carry out a plan: baseline, adoption, rollout, kubelets, injection, and how it ended.

What is asked and refused before the first write is here, in its order; what writes is in `rollout`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from kubectl_nodedns.errors import RefusedError
from kubectl_nodedns.facts.rights import demand, missing, to_change, to_fetch, to_hold
from kubectl_nodedns.install.adoption import adopt
from kubectl_nodedns.install.baseline import ask_baseline, start_probes
from kubectl_nodedns.install.fetching import fetch
from kubectl_nodedns.install.gaps import gaps_text
from kubectl_nodedns.install.injection import demand_injection, install_injection
from kubectl_nodedns.install.kubelet_rollout import KubeletRollout, Place, kubelets_text
from kubectl_nodedns.install.lease import Me, held
from kubectl_nodedns.install.live import read_live, refuse_changed
from kubectl_nodedns.install.objects import build
from kubectl_nodedns.install.options import NO_EXTERNAL_NAME
from kubectl_nodedns.install.plan import nodes_text
from kubectl_nodedns.install.result import Result, with_reasons
from kubectl_nodedns.install.rollout import Rollout
from kubectl_nodedns.install.setup_gate import SetupGate
from kubectl_nodedns.install.standing import going_on
from kubectl_nodedns.install.variants import NFTABLES, Variant
from kubectl_nodedns.lookup.proof import Prover, Target

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kubectl_nodedns.cluster.client import Client
    from kubectl_nodedns.install.plan import Plan
    from kubectl_nodedns.install.planning import Prepared
    from kubectl_nodedns.install.proof import MakeProbes, Proof, Report
    from kubectl_nodedns.install.requests import EnableRequest
    from kubectl_nodedns.lookup.probes import Probes
    from kubectl_nodedns.verdict import Gap, Verdict

TAKE_OUT = "disable to take the cache out"
"""What can be done instead of going on."""


async def enable(
    client: Client,
    request: EnableRequest,
    prepared: Prepared,
    make_probes: MakeProbes,
    report: Report,
) -> Result:
    """Carry out a plan from the baseline to the end.

    Raises:
        RefusedError: DNS does not work before anything was changed, or a probe does not run.
        NodednsError: it did not come to its end; the message says what was left.
    """
    namespace = prepared.plan.settings.namespace
    report.step("ask the API server whether it would accept the objects")
    await demand(client, [*to_change(namespace, request.probes.namespace), *to_hold(namespace)])
    if prepared.injection and not prepared.injection.unchanged:
        await demand_injection(client)
    async with held(client, namespace, me=Me.doing("enable"), told=report.note):
        # What the plan was made from is compared under the lease: from here on nobody else writes.
        refuse_changed(prepared.found, await read_live(client, namespace, prepared.wanted))
        return await Enabling(client, request, prepared, make_probes, report).run()


class Enabling:
    """One run of `enable` under the lease.

    Args:
        client: an open client.
        request: what `enable` is asked to do.
        prepared: the plan, and what goes with it.
        make_probes: makes probes.
        report: where progress goes.
    """

    def __init__(
        self,
        client: Client,
        request: EnableRequest,
        prepared: Prepared,
        make_probes: MakeProbes,
        report: Report,
    ) -> None:
        self._client = client
        self._request = request
        self._prepared = prepared
        self._make_probes = make_probes
        self._report = report
        self._plan = prepared.plan
        memory = prepared.ground.memory
        self._registry = memory.value("image-registry")
        external = memory.value("external-name")
        settings = prepared.plan.settings
        self._target = Target.of(
            local_ip=settings.local_ip,
            kube_dns_ip=settings.kube_dns_ip,
            domain=settings.cluster_domain,
            external=None if external == NO_EXTERNAL_NAME else external,
        )

    async def run(self) -> Result:
        """Carry out the plan.

        Raises:
            RefusedError: nothing was written, and why.
            NodednsError: it did not come to its end; the message says what was left.
        """
        plan, report = self._plan, self._report
        await self._try_objects()
        handed: list[Verdict] = []
        async with self._make_probes(self._registry, dns_policy="Default") as probes:
            prover = await self._baseline(probes)
            # Before the pods are replaced: their clients would wait for the pull.
            if plan.gaps:
                await fetch_image(self._client, plan, report, timeout=self._request.timeout)
            with going_on("enable", TAKE_OUT, report.note):
                rollout, verdicts = await self._roll_out(prover)
            if plan.settings.variant is Variant.LOCAL_ONLY:
                handed += await self._hand_out(prover.target, verdicts)
        await self._inject()
        injection = self._prepared.injection
        return ended(
            replace(plan, left_out={**plan.left_out, **rollout.lost}),
            verdicts,
            rollout.repaired,
            unchanged=injection is None or injection.unchanged,
            handed=handed,
            gaps=rollout.gaps.measured,
        )

    async def _try_objects(self) -> None:
        """Have the API server look at all objects, before anything is asked of nodes."""
        injection = self._prepared.injection
        objects = build(self._plan.settings, options=self._plan.options)
        if injection and not injection.unchanged:
            objects += injection.wanted
        for obj in objects:
            await self._client.apply(obj, dry_run=True, force=self._prepared.force)

    async def _baseline(self, probes: Probes) -> Prover:
        """Find out what resolves now.

        Returns:
            What proves from here on: without the names that failed already.

        Raises:
            RefusedError: DNS does not work on a node, or a probe does not run.
        """
        plan = self._plan
        await start_probes(probes, plan.proved, self._report)
        if not plan.unchanged:
            await self._prepared.obstacles.refuse_resolvers(probes, plan.proved)
        found = await ask_baseline(
            Prover(probes, self._target),
            plan.proved,
            self._report,
            otherwise="look at their kubelets",
        )
        bad = [verdict for verdict in found.verdicts if not verdict.ok]
        if bad:
            cached = bad[0].node in plan.kept
            raise RefusedError(
                f"DNS does not work before anything was changed: node {bad[0].node}: {bad[0].text}",
                hint="nothing was written; repair it first. Is --cluster-domain right?"
                + ("\nthe cache answers there: disable takes it out" if cached else ""),
            )
        return Prover(probes, found.target)

    async def _roll_out(self, prover: Prover) -> tuple[Rollout, list[Verdict]]:
        """Take over what is to be taken over, and switch the nodes."""
        plan, prepared, report = self._plan, self._prepared, self._report
        if prepared.ground.adoption is not None:
            report.step("adopt: the objects become ours, and no pod changes")
            await adopt(self._client, prepared.ground.adoption, plan.options)
        proof: Proof = prover
        if plan.settings.mode == NFTABLES:
            gate = SetupGate(
                prover,
                self._client,
                namespace=plan.settings.namespace,
                port=plan.settings.ports.metrics,
                report=report,
            )
            await gate.renew(prepared.live.pods)
            proof = gate
        rollout = Rollout(
            self._client,
            plan,
            prepared.live,
            proof,
            report,
            timeout=self._request.timeout,
            force=prepared.force,
        )
        verdicts = await rollout.run()
        for node in await rollout.joined():
            report.note(
                f"node {node} joined meanwhile, has the cache, and is unproved: enable --yes"
            )
        return rollout, verdicts

    async def _hand_out(self, target: Target, verdicts: Sequence[Verdict]) -> list[Verdict]:
        """See which kubelets hand out the local IP on the nodes that were proved."""
        place = Place(
            namespace=self._plan.settings.namespace,
            target=target,
            nodes=tuple(verdict.node for verdict in verdicts),
            registry=self._registry,
        )
        kubelets = KubeletRollout(self._client, place, self._make_probes, self._report)
        return [*await kubelets.run(self._request.wait)]

    async def _inject(self) -> None:
        """Install the admission policy, last: pods are handed no address that is not proved."""
        if self._prepared.injection:
            with going_on("enable", TAKE_OUT, self._report.note):
                await install_injection(
                    self._client,
                    self._prepared.injection,
                    self._report,
                    image=self._request.probes.image_from(self._registry),
                    force=self._prepared.force,
                )


async def fetch_image(client: Client, plan: Plan, report: Report, *, timeout: float) -> None:
    """Have the nodes fetch the image whose clients would wait for it.

    Args:
        client: an open client.
        plan: what is to be done.
        report: where progress goes.
        timeout: seconds that one node may take.

    Raises:
        RefusedError: a node cannot have it.
    """
    settings = plan.settings
    report.step(f"fetch the image on {nodes_text(len(plan.gaps))}")
    if lacking := await missing(client, to_fetch(settings.namespace)):
        rights = "; ".join(map(str, lacking))
        report.note(
            f"not fetched, so a gap may last as long as the pull; rights are missing: {rights}"
        )
        return
    failed = await fetch(
        client,
        plan.gaps,
        namespace=settings.namespace,
        image=settings.image,
        pull_secrets=settings.pull_secrets,
        timeout=timeout,
        note=report.note,
    )
    if failed:
        node, why = next(iter(sorted(failed.items())))
        more = f" (and {len(failed) - 1} more nodes)" if len(failed) > 1 else ""
        raise RefusedError(
            f"node {node}{more} cannot fetch {settings.image}: {why}",
            hint="nothing was written, and nobody's DNS was touched. Is the name right, and may "
            "the node pull it (--image, --image-registry, --pull-secret)?",
        )


def ended(
    plan: Plan,
    verdicts: Sequence[Verdict],
    repaired: Sequence[str] = (),
    *,
    unchanged: bool = True,
    handed: Sequence[Verdict] = (),
    gaps: Sequence[Gap] = (),
) -> Result:
    """Say how it ended; nodes that could not be proved make it a partial success.

    Args:
        plan: what was done; nodes that were lost meanwhile are among those left out.
        verdicts: the verdict on each node that was asked.
        repaired: nodes whose sound pod was replaced because it did not intercept.
        unchanged: whether the admission policy was as it should be.
        handed: the verdict on each kubelet, where the cache serves on the local IP alone.
        gaps: what clients of the local IP met.
    """
    word, said = "enabled", "enabled"
    if plan.unchanged and unchanged:
        word, said = "unchanged", "nothing changed"
    if repaired:
        word, said = "repaired", f"repaired {', '.join(repaired)}"
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
    return Result(
        word=word,
        text=text,
        verdicts=verdicts,
        unproved=plan.left_out,
        gaps=gaps,
        whole=not plan.left_out,
    )
