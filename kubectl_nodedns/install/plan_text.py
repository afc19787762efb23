"""A plan in words. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubectl_nodedns.install.plan import nodes_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kubectl_nodedns.install.plan import Plan


def describe(plan: Plan) -> list[str]:
    """Say in lines what the plan does."""
    settings = plan.settings
    where = settings.local_ips.replace(",", " and ")
    lines = [f"{'cache':<10} {settings.image} at {where}"]
    memory, *arithmetic = settings.resource_lines()
    lines.append(f"{'memory':<10} {memory}")
    lines += [f"{'':<10} {line}" for line in arithmetic]
    for change in plan.changes:
        lines.append(f"{change.action:<10} {change.kind} {plan.settings.namespace}/{change.name}")
        lines += [f"{'':<12} {field}" for field in change.fields if not field.bookkeeping]
    if plan.drifted:
        lines.append(
            f"{'drift':<10} {plan.drifted} fields are not what the remembered options yield: "
            "they are put right"
        )
    if plan.canaries:
        lines.append(f"{'canaries':<10} {_count(plan.canaries)} first")
    if plan.switch:
        lines.append(f"{'switch':<10} {_count(plan.switch)}, at most {plan.batch_size} at a time")
    lines += [f"{'':<10} {line}" for line in _gap(plan)]
    lines += [
        f"{'':<10} node {node}: its pod cannot start, and is replaced: {why}"
        for node, why in plan.imageless.items()
    ]
    if plan.dark:
        lines.append(f"{'':<10} after the cache was proved in the dark on {_count(plan.dark)}")
    if plan.kept:
        lines.append(f"{'keep':<10} {_count(plan.kept)}")
    lines += [f"{'unproved':<10} node {node}: {why}" for node, why in plan.left_out.items()]
    lines += [f"{'skip':<10} node {node}: {why}" for node, why in plan.not_selected.items()]
    return lines


def _gap(plan: Plan) -> list[str]:
    """Announce what clients of the local IP go through; empty where there are none."""
    if not plan.gaps:
        return []
    ip = plan.settings.local_ip
    return [
        f"GAP: on {_count(plan.gaps)} whoever asks {ip} gets no answer while the pod is replaced,",
        "some 1 to 5 seconds a node, and has no other nameserver to turn to meanwhile.",
        "A node on which the new one fails waits up to a minute, until it has its old one back.",
        "The image is fetched beforehand; each gap is measured from a pod on its node, and printed",
    ]


def _count(nodes: Sequence[str]) -> str:
    shown = ", ".join(nodes[:5]) + (", …" if len(nodes) > 5 else "")  # noqa: PLR2004
    return f"{nodes_text(len(nodes))} ({shown})"
