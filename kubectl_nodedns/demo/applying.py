"""Server-side apply: what a manager says, merged into what is there, with owners and conflicts.

Follows https://kubernetes.io/docs/reference/using-api/server-side-apply/: a manager owns the fields
that it applied; a field that it no longer applies goes when nobody else owns it; a field that
another manager owns and holds otherwise is a conflict, unless it is forced. Lists whose items have
a key are merged by it, all others are replaced as a whole.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kubectl_nodedns.demo.refusals import Refusal

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

KEYS: Mapping[str, tuple[str, ...]] = {
    "containers": ("name",),
    "initContainers": ("name",),
    "env": ("name",),
    "volumes": ("name",),
    "volumeMounts": ("mountPath",),
    "conditions": ("type",),
    "imagePullSecrets": ("name",),
    "ownerReferences": ("uid",),
}
"""Lists that are maps, by field name, and what their items are known by."""
SYSTEM = frozenset(
    {"uid", "resourceVersion", "creationTimestamp", "generation", "managedFields", "selfLink"}
)
"""Metadata that nobody but the server sets."""

Path = tuple[str, ...]


@dataclass(frozen=True)
class Owned:
    """Which fields a manager owns."""

    manager: str
    """Its name."""
    operation: str
    """"Apply" or "Update"."""
    time: str
    """When it last wrote."""
    paths: frozenset[Path]
    """Its fields: a field name for each step, "k:{...}" for an item of a keyed list."""


def leaves(obj: Mapping[str, Any]) -> frozenset[Path]:
    """Return the fields that a manager who applies `obj` owns."""
    return frozenset(
        path
        for path in _leaves(obj, ())
        if path[0] not in ("apiVersion", "kind", "status")
        and path not in (("metadata", "name"), ("metadata", "namespace"))
        and not (path[0] == "metadata" and len(path) > 1 and path[1] in SYSTEM)
    )


def apply(
    live: Mapping[str, Any] | None,
    wanted: Mapping[str, Any],
    manager: str,
    owners: Iterable[Owned],
    *,
    force: bool,
) -> dict[str, Any]:
    """Return the object that an apply makes.

    Args:
        live: what is there; None when nothing is.
        wanted: what is applied.
        manager: who applies.
        owners: who owns what of `live`.
        force: whether to take over fields.

    Raises:
        Refusal: somebody else owns a field and holds it otherwise.
    """
    if live is None:
        return _plain(wanted)
    mine = leaves(wanted)
    others = [owner for owner in owners if owner.manager != manager or owner.operation != "Apply"]
    conflicts = [
        (owner, path)
        for owner in others
        for path in sorted(owner.paths & mine)
        if _at(live, path) != _at(wanted, path)
    ]
    if conflicts and not force:
        raise _conflict(conflicts, str(wanted.get("apiVersion", "")))
    merged = _merge(live, wanted, "")
    before = next(
        (o.paths for o in owners if o.manager == manager and o.operation == "Apply"), frozenset()
    )
    kept = frozenset().union(*(owner.paths for owner in others)) if others else frozenset()
    # An item of a list goes with what it is known by, and that goes last.
    for path in sorted(before - mine - kept, key=_names_item):
        merged = _without(merged, path)
    return dict(merged)


def managed_fields(owners: Iterable[Owned], version: str) -> list[dict[str, Any]]:
    """Return `metadata.managedFields`."""
    return [
        {
            "manager": owner.manager,
            "operation": owner.operation,
            "apiVersion": version,
            "time": owner.time,
            "fieldsType": "FieldsV1",
            "fieldsV1": _tree(owner.paths),
        }
        for owner in owners
    ]


def merge_patch(live: Any, patch: Any) -> Any:
    """Return `live` with a JSON merge patch (RFC 7396) in it."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(live) if isinstance(live, dict) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = merge_patch(merged.get(key), value)
    return merged


def key_of(field: str, item: Mapping[str, Any]) -> str | None:
    """Return by what an item of a list is known; None when the list is a plain one."""
    keys = KEYS.get(field)
    if field == "ports":
        keys = ("containerPort", "protocol") if "containerPort" in item else ("port", "protocol")
    if keys is None:
        return None
    values = {k: item.get(k, "TCP" if k == "protocol" else None) for k in keys}
    if None in values.values():
        return None
    return "k:" + json.dumps(values, separators=(",", ":"))


def _keyed(field: str, value: Any) -> dict[str, Any] | None:
    """Return a keyed list as a map; None when it is none."""
    if not isinstance(value, list) or not value:
        return None
    keys = [key_of(field, item) if isinstance(item, dict) else None for item in value]
    if None in keys or len(set(keys)) != len(keys):
        return None
    return {str(key): item for key, item in zip(keys, value, strict=True)}


def _leaves(value: Any, path: Path) -> Iterable[Path]:
    field = path[-1] if path else ""
    if isinstance(value, dict) and (value or not path):
        for key, inner in value.items():
            yield from _leaves(inner, (*path, key))
    elif (items := _keyed(field, value)) is not None:
        for key, item in items.items():
            yield from _leaves(item, (*path, key))
    else:
        yield path


def _at(value: Any, path: Path) -> Any:
    field = ""
    for step in path:
        if step.startswith("k:"):
            value = (_keyed(field, value) or {}).get(step)
        else:
            value = value.get(step) if isinstance(value, dict) else None
        field = step
    return value


def _merge(live: Any, wanted: Any, field: str) -> Any:
    if isinstance(live, dict) and isinstance(wanted, dict):
        merged = dict(live)
        for key, value in wanted.items():
            if value is None:
                merged.pop(key, None)
            else:
                merged[key] = _merge(live.get(key), value, key)
        return merged
    there, new = _keyed(field, live), _keyed(field, wanted)
    if there is not None and new is not None:
        return [
            _merge(there.get(key), new[key], "") if key in new else there[key]
            for key in _in_order([*there], [*new])
        ]
    return wanted


def _in_order(there: list[str], new: list[str]) -> list[str]:
    """Return all keys, the new ones in their order; another one stays behind the one before it."""
    order = list(new)
    for number, key in enumerate(there):
        if key not in new:
            order.insert(order.index(there[number - 1]) + 1 if number else 0, key)
    return order


def _names_item(path: Path) -> bool:
    """Whether a field is one that an item of a list is known by."""
    above = path[-2] if len(path) > 1 else ""
    return above.startswith("k:") and path[-1] in json.loads(above[2:])


def _without(value: Any, path: Path, field: str = "") -> Any:
    """Return `value` without one field; maps and items that are empty then go too."""
    step, rest = path[0], path[1:]
    if step.startswith("k:"):
        items = _keyed(field, value)
        if items is None or step not in items:
            return value
        names = set(json.loads(step[2:]))
        if rest and rest[0] in names:
            bare = not set(items[step]) - names
            return [item for key, item in items.items() if key != step or not bare]
        left = _without(items[step], rest) if rest else {}
        return list({**items, step: left}.values())
    if not isinstance(value, dict) or step not in value:
        return value
    left = _without(value[step], rest, step) if rest else None
    if left in (None, {}, []):
        return {key: inner for key, inner in value.items() if key != step}
    return {**value, step: left}


def _plain(wanted: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in wanted.items() if value is not None}


def _tree(paths: Iterable[Path]) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for path in sorted(paths):
        at = tree
        for step in path:
            at = at.setdefault(step if step.startswith("k:") else f"f:{step}", {})
    return tree


def _conflict(found: list[tuple[Owned, Path]], version: str) -> Refusal:
    """Say who owns what, in the words of the real server."""
    by_manager: dict[str, list[str]] = {}
    for owner, path in found:
        using = f" using {version}" if owner.operation == "Update" else ""
        field = "".join(_shown(step) for step in path)
        by_manager.setdefault(f'"{owner.manager}"{using}', []).append(field)
    said = [
        f"conflict with {manager}: {fields[0]}"
        if len(fields) == 1
        else "\n- ".join([f"conflicts with {manager}:", *fields])
        for manager, fields in by_manager.items()
    ]
    causes = [
        {
            "reason": "FieldManagerConflict",
            "message": f"conflict with {manager}",
            "field": field,
        }
        for manager, fields in by_manager.items()
        for field in fields
    ]
    count = f"{len(found)} conflict{'s' if len(found) > 1 else ''}"
    message = f"Apply failed with {count}: " + "\n".join(said)
    return Refusal(409, "Conflict", message, {"causes": causes})


def _shown(step: str) -> str:
    if not step.startswith("k:"):
        return f".{step}"
    pairs = json.loads(step[2:]).items()
    return "[" + ",".join(f"{key}={json.dumps(value)}" for key, value in pairs) + "]"
