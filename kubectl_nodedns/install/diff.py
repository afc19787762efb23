"""A plan as a diff: every field that would change, who owns it, whether it drifted. Pure."""

from __future__ import annotations

import difflib
import json
from typing import TYPE_CHECKING, Any

from kubectl_nodedns.install.changes import CREATE, DELETE, UNCHANGED

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from kubectl_nodedns.install.changes import Change, Difference
    from kubectl_nodedns.install.live import Live
    from kubectl_nodedns.install.objects import Objects
    from kubectl_nodedns.install.plan import Plan

COREFILE = "Corefile"


def diff_lines(plan: Plan, wanted: Objects, live: Live) -> list[str]:
    """Return the diff as lines; none when nothing differs."""
    lines: list[str] = []
    for change in plan.changes:
        if change.action == UNCHANGED or not (change.fields or change.action in (CREATE, DELETE)):
            continue
        lines.append(f"{change.action} {change.kind} {plan.settings.namespace}/{change.name}")
        for field in change.fields:
            lines += _field(field)
    lines += _corefile(wanted, live)
    ip = plan.settings.local_ip
    for node in plan.switch:
        gap = f"; whoever asks {ip} there has no DNS meanwhile" if node in plan.gaps else ""
        lines.append(f"replace the cache pod of node {node}{gap}")
    if lines or plan.finished:
        return lines
    return ["the installation was never finished: its nodes would be proved, and that recorded"]


def diff_document(plan: Plan, wanted: Objects, live: Live) -> dict[str, Any]:
    """Return the diff as plain data."""
    return {
        "same": plan.unchanged,
        "objects": [_object(change) for change in plan.changes if change.action != UNCHANGED],
        "corefile": _corefile(wanted, live),
        "replacedPods": list(plan.switch),
        "gaps": list(plan.gaps),
    }


def _field(field: Difference) -> Iterator[str]:
    yield f"  {field.path}{field.remarks}"
    for sign, value in (("-", field.found), ("+", field.wanted)):
        if value is not None:
            text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            yield from (f"    {sign} {line}" for line in text.splitlines() or [""])


def _object(change: Change) -> dict[str, Any]:
    return {
        "action": change.action,
        "kind": change.kind,
        "name": change.name,
        "fields": [
            {
                "path": field.path,
                "found": field.found,
                "wanted": field.wanted,
                "drift": field.drift,
                "owners": [owner.manager for owner in field.owners],
            }
            for field in change.fields
        ],
    }


def _corefile(wanted: Objects, live: Live) -> list[str]:
    """Compare the Corefile with the one in use: their ConfigMaps have different names."""
    new = next((o for o in wanted if o["kind"] == "ConfigMap"), None)
    old = _used(live)
    if new is None or old is None or old["metadata"]["name"] == new["metadata"]["name"]:
        return []
    before, after = ((o.get("data") or {}).get(COREFILE, "").splitlines() for o in (old, new))
    names = [f"ConfigMap {o['metadata']['name']}" for o in (old, new)]
    return list(difflib.unified_diff(before, after, names[0], names[1], lineterm=""))


def _used(live: Live) -> Mapping[str, Any] | None:
    """Return the ConfigMap that the DaemonSet mounts now."""
    volumes: list[Any] = []
    if live.daemonset is not None:
        volumes = live.daemonset["spec"]["template"]["spec"].get("volumes") or []
    names = [volume["configMap"]["name"] for volume in volumes if volume.get("configMap")]
    found = (live.objects.get(("ConfigMap", name)) for name in names)
    return next((obj for obj in found if obj is not None), None)
