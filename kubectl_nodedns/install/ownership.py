"""Who owns a field of a live object, by its managedFields (server-side apply). Pure.

`fieldsV1` is a tree of what a manager owns: `f:name` for a field, `k:{…}` for the entry of a list
with those keys, `v:…` for a value of a set. A leaf owns all that is below it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kubectl_nodedns.cluster.client import FIELD_MANAGER
from kubectl_nodedns.documents import read_json
from kubectl_nodedns.readable import readable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Keys = tuple[str | int, ...]
"""Where a field is: names of fields, and numbers of entries in lists."""


@dataclass(frozen=True, kw_only=True)
class Owner:
    """A field manager that owns a field."""

    manager: str
    """Its name, such as "kubectl-edit"."""
    time: str
    """When it last changed something of this object; empty when not told."""

    def __str__(self) -> str:
        return f"{self.manager}, {self.time}" if self.time else self.manager


def other_owners(obj: Mapping[str, Any], keys: Keys) -> tuple[Owner, ...]:
    """Return the managers other than ours that own the field of a live object at `keys`.

    They are shown to a person, and decide nothing: an entry that cannot be read is left out.
    """
    entries: Sequence[Mapping[str, Any]] = obj["metadata"].get("managedFields") or ()
    found = readable(lambda entry: _owner(entry, obj, keys), entries)
    return tuple(owner for owner in found if owner)


def _owner(entry: Mapping[str, Any], obj: Mapping[str, Any], keys: Keys) -> Owner | None:
    """Return the manager of an entry of managedFields; None when the field is not its own."""
    manager = str(entry.get("manager") or "")
    if manager == FIELD_MANAGER or entry.get("subresource"):
        return None
    if not _owns(entry.get("fieldsV1") or {}, obj, keys):
        return None
    return Owner(manager=manager, time=str(entry.get("time") or ""))


def _owns(fields: Mapping[str, Any], value: Any, keys: Keys) -> bool:
    for key in keys:
        child = _child(fields, value, key)
        if child is None:
            return False
        if not child:
            return True
        fields, value = child, _inside(value, key)
    return True


def _child(fields: Mapping[str, Any], value: Any, key: str | int) -> Mapping[str, Any] | None:
    if isinstance(key, str):
        found: Mapping[str, Any] | None = fields.get(f"f:{key}")
        return found
    entry = _inside(value, key)
    for name, child in fields.items():
        kind, _, text = name.partition(":")
        if kind == "k" and isinstance(entry, dict):
            if all(entry.get(part) == wanted for part, wanted in read_json(text).items()):
                return dict(child)
        elif kind == "v" and read_json(text) == entry:
            return dict(child)
    return None


def _inside(value: Any, key: str | int) -> Any:
    if isinstance(value, dict):
        return value.get(str(key))
    if isinstance(value, list) and isinstance(key, int) and key < len(value):
        return value[key]
    return None
