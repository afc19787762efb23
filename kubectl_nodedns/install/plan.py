"""What a run would do: a pure function of settings, what is there, and the nodes; and its words.

A plan is shown before anything is sent. It names every object with what becomes of it, and every
node with what it needs.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from kubectl_nodedns.errors import ConflictError, UsageError
from kubectl_nodedns.install.changes import UNCHANGED, Change, compare
from kubectl_nodedns.install.objects import ENABLED, FULL, revision_of
from kubectl_nodedns.install.settings import tolerations_of
from kubectl_nodedns.install.variants import Variant

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from kubectl_nodedns.facts.nodes import Node, Taint
    from kubectl_nodedns.install.live import CachePod, Live
    from kubectl_nodedns.install.objects import Objects
    from kubectl_nodedns.install.settings import Settings

LARGEST_BATCH = 10


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What `enable` would do."""

    settings: Settings
    """What is installed."""
    options: str
    """The remembered options, as the annotation holds them."""
    revision: str
    """Revision of the installation that is wanted."""
    changes: tuple[Change, ...]
    """What becomes of each object."""
    switch: tuple[str, ...]
    """Nodes that get a new cache pod, in order."""
    old: tuple[str, ...]
    """Those of them that an older revision serves."""
    dark: tuple[str, ...]
    """Those of them whose cache is proved in the dark first."""
    kept: tuple[str, ...]
    """Nodes whose cache pod is as it should be."""
    left_out: Mapping[str, str]
    """Selected Linux nodes that cannot be proved now, with the reason."""
    not_selected: Mapping[str, str]
    """Other nodes, with the reason."""
    batch_size: int
    """Nodes switched at once."""
    finished: bool
    """Whether an earlier run came to its end and recorded it."""
    canaries: tuple[str, ...] = ()
    """Nodes that are switched before all others."""
    gaps: tuple[str, ...] = ()
    """Nodes that serve clients of the local IP, who have no resolver while the pod is replaced."""
    imageless: Mapping[str, str] = field(default_factory=dict)
    """Nodes whose cache pod does not start for want of its image, with the API's words."""

    @property
    def unchanged(self) -> bool:
        """Whether there is nothing to do."""
        quiet = all(change.action == UNCHANGED for change in self.changes)
        return quiet and self.finished and not self.switch

    @property
    def proved(self) -> tuple[str, ...]:
        """Nodes that this run asks about: all that are selected and ready."""
        return tuple(sorted((*self.switch, *self.kept)))

    @property
    def drifted(self) -> int:
        """How many fields are not what the remembered options yield."""
        return sum(one.drift for change in self.changes for one in change.fields)

    def batches(self, more: Sequence[str] = ()) -> list[tuple[str, ...]]:
        """Cut the nodes to switch, and `more`, into batches; canaries have batches of their own."""
        first = [node for node in self.switch if node in self.canaries]
        rest = [node for node in self.switch if node not in self.canaries] + list(more)
        if not first:
            return batches(rest, self.batch_size)
        size = self.batch_size
        cut = [tuple(rest[i : i + size]) for i in range(0, len(rest), size)]
        return [*batches(first, size), *cut]

    def refuse_conflicts(self) -> None:
        """Refuse to write fields that somebody else owns.

        Raises:
            ConflictError: there are such fields; it names them and their owners.
        """
        owned = [
            f"{change.kind} {change.name} {one.path} (set by {one.owners[0]})"
            for change in self.changes
            for one in change.fields
            if one.owners
        ]
        if owned:
            more = f" and {len(owned) - 3} more" if len(owned) > 3 else ""  # noqa: PLR2004
            raise ConflictError(
                f"somebody else changed what this plugin wrote: {', '.join(owned[:3])}{more}",
                hint="nothing was written. --force-conflicts takes the fields over; or have it "
                "changed where it comes from, so that it does not come back",
            )


def make_plan(
    *,
    settings: Settings,
    options: str,
    wanted: Objects,
    live: Live,
    nodes: Sequence[Node],
    batch_size: int | None = None,
    remembered: Objects | None = None,
    canary: Mapping[str, str] | None = None,
    asking: Collection[str] = (),
) -> Plan:
    """Compare what is wanted with what is there.

    Args:
        settings: what is to be installed.
        options: the remembered options, for the plan to carry along.
        wanted: the objects of the finished installation.
        live: what is there now.
        nodes: all nodes.
        batch_size: nodes to switch at once; None for a tenth, at least 1 and at most 10.
        remembered: the objects that the remembered options yield; what differs from them is drift.
        canary: labels of the nodes that are switched first.
        asking: nodes whose kubelet hands out the local IP.

    Raises:
        UsageError: no node that can be proved carries the labels of `canary`.
    """
    revision = revision_of(wanted)
    ready, left_out, not_selected = _sort(nodes, settings)
    switch = [name for name in ready if not _is_current(live.pods.get(name), revision)]
    kept = [name for name in ready if name not in switch]
    size = batch_size or max(1, min(LARGEST_BATCH, len(ready) // 10))
    # Nodes that are intercepted by an older revision go last; one batch of them shows in the dark
    # that the new revision works, unless a node runs it already.
    canaries = _canaries(nodes, ready, canary)
    switch.sort(key=lambda name: name not in canaries)
    old = [name for name in switch if _is_full(live.pods.get(name))]
    new = [name for name in switch if name not in old]
    # A dark start would cost clients of the local IP a second gap.
    gaps = [name for name in old if name in asking or _alone(live.pods[name], settings)]
    through = [name for name in old if name not in gaps]
    first = through[:size] if through and not kept else []
    return Plan(
        settings=settings,
        options=options,
        revision=revision,
        changes=compare(wanted, live, (remembered if live.state == ENABLED else None) or ()),
        switch=tuple(sorted((*new, *old), key=lambda name: name not in canaries)),
        canaries=canaries,
        old=tuple(old),
        dark=(*new, *first) if settings.variant is Variant.TRANSPARENT else (),
        kept=tuple(kept),
        left_out=left_out,
        not_selected=not_selected,
        batch_size=size,
        finished=live.state == ENABLED,
        gaps=tuple(gaps),
        imageless={
            name: live.pods[name].trouble
            for name in switch
            if name in live.pods and live.pods[name].imageless
        },
    )


def _sort(
    nodes: Sequence[Node], settings: Settings
) -> tuple[list[str], dict[str, str], dict[str, str]]:
    """Sort nodes into those to prove, those that cannot be proved, and those that get no cache."""
    ready: list[str] = []
    left_out: dict[str, str] = {}
    not_selected: dict[str, str] = {}
    for node in nodes:
        if node.system != "linux":
            not_selected[node.name] = f"runs {node.system}"
        elif not node.selected(settings.node_selector):
            not_selected[node.name] = "not selected"
        elif taint := next(iter(_repelling(node, settings)), None):
            not_selected[node.name] = f"its taint {taint} is not tolerated"
        elif not node.ready:
            left_out[node.name] = "not ready"
        else:
            ready.append(node.name)
    return ready, left_out, not_selected


def _repelling(node: Node, settings: Settings) -> list[Taint]:
    tolerated = tolerations_of(settings.tolerations)
    return [t for t in node.taints if t.repels and not any(map(t.tolerated, tolerated))]


def _canaries(
    nodes: Sequence[Node], ready: Sequence[str], canary: Mapping[str, str] | None
) -> tuple[str, ...]:
    if not canary:
        return ()
    found = tuple(n.name for n in nodes if n.name in ready and n.selected(canary))
    if not found:
        labels = ",".join(f"{key}={value}" for key, value in canary.items())
        raise UsageError(
            f"--canary: no node that can be proved carries {labels}",
            hint="kubectl get nodes --show-labels",
        )
    return found


def _is_current(pod: CachePod | None, revision: str) -> bool:
    return pod is not None and pod.ready and pod.phase == FULL and pod.revision == revision


def _is_full(pod: CachePod | None) -> bool:
    return pod is not None and pod.phase == FULL


def _alone(pod: CachePod, settings: Settings) -> bool:
    """Whether a pod serves on the local IP alone: whoever asks there has no other resolver."""
    if settings.variant is Variant.LOCAL_ONLY:
        return True
    return bool(pod.local_ips) and settings.kube_dns_ip not in pod.local_ips


def batches(nodes: Sequence[str], size: int) -> list[tuple[str, ...]]:
    """Cut `nodes` into batches; the first is of one node, whatever the size."""
    if not nodes:
        return []
    rest = nodes[1:]
    return [(nodes[0],), *(tuple(rest[i : i + size]) for i in range(0, len(rest), size))]


def nodes_text(count: int) -> str:
    """Return "1 node", "2 nodes"."""
    return f"{count} node{'s' if count != 1 else ''}"


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
