"""Ask from a probe on each node whether its own cache serves it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubectl_nodedns.checks.evidence import Proof
from kubectl_nodedns.errors import RefusedError
from kubectl_nodedns.lookup.proof import Prover, Target
from kubectl_nodedns.names import marker_name
from kubectl_nodedns.together import together

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kubectl_nodedns.checks.evidence import Evidence, NodeEvidence
    from kubectl_nodedns.lookup.probes import Probes
    from kubectl_nodedns.lookup.proof import Verdict

PATIENCE = 3.0
"""Seconds after which a bad verdict stands."""


async def prove(
    evidence: Evidence, probes: Probes
) -> tuple[Mapping[str, Proof], Mapping[str, str]]:
    """Ask from each ready node that has a cache pod.

    A cache without the marker can only be refuted: then a node on which nothing resolves has a
    proof, and of the others the counters tell, which these questions move.

    Returns:
        Proofs by node, and by node why there is none.

    Raises:
        RefusedError: the cluster domain is not known.
        ApiError: no probe may be made.
    """
    nodes = [one for one in evidence.linux if one.pods and one.node.ready]
    if nodes and not evidence.domain:
        raise RefusedError(
            "a probe cannot ask for the marker: the cluster domain is not known",
            hint="give it with --cluster-domain",
        )
    failed = await probes.start([one.node.name for one in nodes])
    asked = [one for one in nodes if one.node.name not in failed]
    verdicts = await together(_prove(evidence, one, probes) for one in asked)
    found = [verdict for verdict in verdicts if verdict is not None]
    # A probe that no question left proves nothing: it is not DNS that failed.
    mute = {one.node: one.text for one in found if not (one.ok or one.asked)}
    proved = {one.node: Proof(ok=one.ok, text=one.text) for one in found if one.node not in mute}
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
    if own and not listens and pod.phase != "dark":
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
