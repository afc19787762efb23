"""Start probes and take the baseline: what `enable` and `disable` do before they write."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from kubectl_nodedns.errors import RefusedError
from kubectl_nodedns.together import together

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kubectl_nodedns.install.proof import Report
    from kubectl_nodedns.lookup.probes import Probes
    from kubectl_nodedns.lookup.proof import Prover, Target, Verdict


@dataclass(frozen=True, kw_only=True)
class Baseline:
    """What resolved before anything was written."""

    verdicts: tuple[Verdict, ...]
    """The verdict on each node."""
    target: Target
    """The target of later gates: without the names that failed here."""


async def start_probes(probes: Probes, nodes: Sequence[str], report: Report) -> None:
    """Start a probe on each node.

    Raises:
        RefusedError: one does not run.
    """
    report.step(f"start {len(nodes)} probe pod{'s' if len(nodes) != 1 else ''}")
    failed = await probes.start(nodes)
    if failed:
        node, why = next(iter(sorted(failed.items())))
        others = f" (and on {len(failed) - 1} more nodes)" if len(failed) > 1 else ""
        raise RefusedError(
            f"the probe on node {node} does not run{others}: {why}",
            hint=f"nothing was written. {why.way_out}",
        )


async def ask_baseline(
    prover: Prover, nodes: Sequence[str], report: Report, *, otherwise: str
) -> Baseline:
    """Ask from each node what resolves now; report it.

    Args:
        prover: asks from the nodes.
        nodes: names of the nodes.
        report: where progress goes.
        otherwise: what else can be done, where a node cannot be asked.

    Raises:
        RefusedError: a question left no node: that tells nothing, good or bad.
    """
    report.step("baseline: what resolves before anything is written")
    verdicts = await together(map(prover.baseline, nodes))
    for verdict in verdicts:
        report.node(verdict)
    _refuse_unasked(verdicts, otherwise)
    target = prover.target
    failed: set[str] = set()
    for verdict in verdicts:
        for answer in verdict.answers[1:]:
            if not answer.ok and answer.question.name not in failed:
                failed.add(answer.question.name)
                report.note(
                    f"{answer.question.name} fails already on node {verdict.node} "
                    f"({answer.summary()}): later gates leave it out"
                )
    target = replace(
        target,
        reverse=None if target.reverse in failed else target.reverse,
        external=None if target.external in failed else target.external,
    )
    return Baseline(verdicts=tuple(verdicts), target=target)


def _refuse_unasked(verdicts: Sequence[Verdict], otherwise: str) -> None:
    """Refuse where a probe could not be made to ask: whether DNS works there is not known."""
    mute = {
        verdict.node: answer.error
        for verdict in verdicts
        for answer in verdict.answers
        if not answer.asked
    }
    if mute:
        node, why = next(iter(sorted(mute.items())))
        others = f" (and {len(mute) - 1} more nodes)" if len(mute) > 1 else ""
        raise RefusedError(
            f"whether DNS works is not known, because node {node}{others} could not be asked: "
            f"{why}",
            hint=f"nothing was written; {otherwise}",
        )
