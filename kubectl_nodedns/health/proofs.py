"""Ask from a probe on each node whether its own cache serves it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from kubectl_nodedns.checks.traffic import unasked
from kubectl_nodedns.checks.wording import nodes
from kubectl_nodedns.errors import RefusedError
from kubectl_nodedns.lookup.proof import Prover, Target
from kubectl_nodedns.names import marker_name
from kubectl_nodedns.together import together

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from kubectl_nodedns.checks.evidence import Evidence, NodeEvidence
    from kubectl_nodedns.install.proof import MakeProbes
    from kubectl_nodedns.lookup.probes import Probes
    from kubectl_nodedns.lookup.proof import Verdict

Proofs = tuple["Mapping[str, Verdict]", "Mapping[str, str]"]
"""Proofs by node, and by node why there is none."""
PATIENCE = 3.0
"""Seconds after which a bad verdict stands."""
MOST = 20
"""Nodes that are offered to be proved at once."""


async def offer_proofs(
    evidence: Evidence, make_probes: MakeProbes, confirm: Callable[[str], bool]
) -> Evidence:
    """Offer to prove the nodes whose caches are not asked; return the evidence with the proofs.

    Args:
        evidence: what was gathered.
        make_probes: makes the probes.
        confirm: asks a person a yes-or-no question.
    """
    names = unasked(evidence)[:MOST]
    if not names or not confirm(
        f"No lookup reaches the cache of {nodes(names)}. Prove it now, by a short-lived pod on "
        "each?"
    ):
        return evidence
    doubtful = tuple(one for one in evidence.nodes if one.node.name in names)
    async with make_probes() as probes:
        proofs, failed = await prove(replace(evidence, nodes=doubtful), probes)
    return replace(
        evidence,
        nodes=tuple(
            replace(
                one,
                proof=proofs.get(one.node.name),
                no_proof=failed.get(one.node.name, ""),
            )
            for one in evidence.nodes
        ),
    )


async def prove(evidence: Evidence, probes: Probes) -> Proofs:
    """Ask from each ready node that has a cache pod.

    A cache without the marker can only be refuted: then a node on which nothing resolves has a
    proof, and of the others the counters tell, which these questions move.

    Returns:
        Proofs by node, and by node why there is none.

    Raises:
        RefusedError: the cluster domain is not known.
        ApiError: no probe may be made.
    """
    able = [one for one in evidence.linux if one.pods and one.node.ready]
    if able and not evidence.domain:
        raise RefusedError(
            "a probe cannot ask for the marker: the cluster domain is not known",
            hint="give it with --cluster-domain",
        )
    failed = await probes.start([one.node.name for one in able])
    asked = [one for one in able if one.node.name not in failed]
    verdicts = await together(_prove(evidence, one, probes) for one in asked)
    found = [verdict for verdict in verdicts if verdict is not None]
    # A probe that no question left proves nothing: it is not DNS that failed.
    mute = {one.node: one.text for one in found if not (one.ok or one.asked)}
    proved = {one.node: one for one in found if one.node not in mute}
    return proved, {node: str(why) for node, why in failed.items()} | mute


async def _prove(evidence: Evidence, one: NodeEvidence, probes: Probes) -> Verdict | None:
    pod, name = one.pods[0], one.node.name
    listens = [ip for ip in evidence.dns.ips if ip in pod.local_ips]
    own = [ip for ip in pod.local_ips if ip not in evidence.dns.ips]
    target = Target.of(
        local_ip=next(iter(own), ""),
        kube_dns_ip=next(iter(listens), evidence.dns.ip),
        domain=evidence.domain,
        external=None,
    )
    prover = Prover(probes, target)
    if not _marked(evidence, pod.cache):
        verdict = await prover.baseline(name)
        # That a cluster's name does not resolve then says nothing about who was asked.
        return None if verdict.ok or evidence.strays(pod.cache) else verdict
    if own and not listens:
        return await prover.dark(name, pod.uid, timeout=PATIENCE)
    return await prover.switched(name, pod.uid, timeout=PATIENCE)


def _marked(evidence: Evidence, cache: str) -> bool:
    """Whether a cache's Corefile has the marker, as an installation of ours has it."""
    zone = marker_name(evidence.domain).rstrip(".")
    return any(
        "POD_UID" in word
        for block in evidence.corefiles.get(cache, ())
        if zone in block.names
        for template in block.all("template")
        for line in template.body
        for word in line
    )
