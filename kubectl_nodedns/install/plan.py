"""What a run would do: a pure function of settings, what is there, and the nodes.

A plan is shown before anything is sent. It names every object with what becomes of it, and every
node with what it needs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kubectl_nodedns.install.objects import ENABLED, FULL, revision_of
from kubectl_nodedns.install.variants import Variant

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kubectl_nodedns.facts.nodes import Node
    from kubectl_nodedns.install.live import CachePod, Live
    from kubectl_nodedns.install.objects import Objects
    from kubectl_nodedns.install.settings import Settings

LARGEST_BATCH = 10
LONGEST = 60
"""Characters of a value that a line of the plan shows."""
CREATE, CONFIGURE, UNCHANGED, DELETE = "create", "configure", "unchanged", "delete"


@dataclass(frozen=True)
class Difference:
    """One field that is not what it should be."""

    path: str
    """Where it is, such as spec.template.spec.containers[0].image."""
    found: Any
    """What is there; None when nothing is."""
    wanted: Any
    """What should be there."""

    @property
    def bookkeeping(self) -> bool:
        """Whether it is a note of ours and changes nothing by itself."""
        return "kubectl-nodedns/" in self.path

    def __str__(self) -> str:
        return f"{self.path}: {_short(self.found)} → {_short(self.wanted)}"


@dataclass(frozen=True, kw_only=True)
class Change:
    """What becomes of one object."""

    kind: str
    """Its kind."""
    name: str
    """Its name."""
    action: str
    """CREATE, CONFIGURE, UNCHANGED or DELETE."""
    fields: tuple[Difference, ...] = ()
    """The fields that differ, for CONFIGURE."""


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

    @property
    def unchanged(self) -> bool:
        """Whether there is nothing to do."""
        quiet = all(change.action == UNCHANGED for change in self.changes)
        return quiet and self.finished and not self.switch

    @property
    def proved(self) -> tuple[str, ...]:
        """Nodes that this run asks about: all that are selected and ready."""
        return tuple(sorted((*self.switch, *self.kept)))


def make_plan(
    *,
    settings: Settings,
    options: str,
    wanted: Objects,
    live: Live,
    nodes: Sequence[Node],
    batch_size: int | None = None,
) -> Plan:
    """Compare what is wanted with what is there.

    Args:
        settings: what is to be installed.
        options: the remembered options, for the plan to carry along.
        wanted: the objects of the finished installation.
        live: what is there now.
        nodes: all nodes.
        batch_size: nodes to switch at once; None for a tenth, at least 1 and at most 10.
    """
    revision = revision_of(wanted)
    ready, left_out, not_selected = _sort(nodes, settings)
    switch = [name for name in ready if not _is_current(live.pods.get(name), revision)]
    kept = [name for name in ready if name not in switch]
    size = batch_size or max(1, min(LARGEST_BATCH, len(ready) // 10))
    # Nodes that are intercepted by an older revision go last; one batch of them shows in the dark
    # that the new revision works, unless a node runs it already.
    old = [name for name in switch if _is_full(live.pods.get(name))]
    new = [name for name in switch if name not in old]
    first = old[:size] if old and not kept else []
    return Plan(
        settings=settings,
        options=options,
        revision=revision,
        changes=_changes(wanted, live),
        switch=(*new, *old),
        old=tuple(old),
        dark=(*new, *first) if settings.variant is Variant.TRANSPARENT else (),
        kept=tuple(kept),
        left_out=left_out,
        not_selected=not_selected,
        batch_size=size,
        finished=live.state == ENABLED,
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
        elif not node.ready:
            left_out[node.name] = "not ready"
        else:
            ready.append(node.name)
    return ready, left_out, not_selected


def _is_current(pod: CachePod | None, revision: str) -> bool:
    return pod is not None and pod.ready and pod.phase == FULL and pod.revision == revision


def _is_full(pod: CachePod | None) -> bool:
    return pod is not None and pod.phase == FULL


def _changes(wanted: Objects, live: Live) -> tuple[Change, ...]:
    changes = []
    for obj in wanted:
        kind, name = obj["kind"], obj["metadata"]["name"]
        found = live.objects.get((kind, name))
        if found is None:
            changes.append(Change(kind=kind, name=name, action=CREATE))
            continue
        fields = tuple(differences(obj, found))
        action = CONFIGURE if fields else UNCHANGED
        changes.append(Change(kind=kind, name=name, action=action, fields=fields))
    names = {(obj["kind"], obj["metadata"]["name"]) for obj in wanted}
    changes += [
        Change(kind=kind, name=name, action=DELETE)
        for kind, name in live.objects
        if (kind, name) not in names
    ]
    return tuple(changes)


def differences(wanted: Any, found: Any, path: str = "") -> list[Difference]:
    """Return the fields in which `found` is not what `wanted` asks for.

    What the API server added by itself is no difference; lists of unequal length differ as a whole.
    """
    if isinstance(wanted, dict) and isinstance(found, dict):
        return [
            one
            for key, value in wanted.items()
            for one in differences(value, found.get(key), f"{path}.{key}" if path else key)
        ]
    if isinstance(wanted, list) and isinstance(found, list) and len(wanted) == len(found):
        return [
            one
            for i, (value, other) in enumerate(zip(wanted, found, strict=True))
            for one in differences(value, other, f"{path}[{i}]")
        ]
    return [] if wanted == found else [Difference(path, found, wanted)]


def batches(nodes: Sequence[str], size: int) -> list[tuple[str, ...]]:
    """Cut `nodes` into batches; the first is of one node, whatever the size."""
    if not nodes:
        return []
    rest = nodes[1:]
    return [(nodes[0],), *(tuple(rest[i : i + size]) for i in range(0, len(rest), size))]


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
    if plan.switch:
        lines.append(f"{'switch':<10} {_count(plan.switch)}, at most {plan.batch_size} at a time")
    if settings.variant is Variant.LOCAL_ONLY and plan.old:
        lines.append(
            f"{'':<10} clients of {settings.local_ip} have no DNS while their node's pod restarts"
        )
    if plan.dark:
        lines.append(f"{'':<10} after the cache was proved in the dark on {_count(plan.dark)}")
    if plan.kept:
        lines.append(f"{'keep':<10} {_count(plan.kept)}")
    lines += [f"{'unproved':<10} node {node}: {why}" for node, why in plan.left_out.items()]
    lines += [f"{'skip':<10} node {node}: {why}" for node, why in plan.not_selected.items()]
    return lines


def _short(value: Any) -> str:
    text = "nothing" if value is None else str(value)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def _count(nodes: Sequence[str]) -> str:
    shown = ", ".join(nodes[:5]) + (", …" if len(nodes) > 5 else "")  # noqa: PLR2004
    return f"{nodes_text(len(nodes))} ({shown})"


def nodes_text(count: int) -> str:
    """Return "1 node", "2 nodes"."""
    return f"{count} node{'s' if count != 1 else ''}"
