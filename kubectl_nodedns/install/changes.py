"""What becomes of each object: a comparison of what is wanted with what is there. Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from kubectl_nodedns.install.ownership import other_owners

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kubectl_nodedns.install.live import Live
    from kubectl_nodedns.install.objects import Objects
    from kubectl_nodedns.install.ownership import Keys, Owner

LONGEST = 60
"""Characters of a value that a line of the plan shows."""
CREATE, CONFIGURE, UNCHANGED, DELETE = "create", "configure", "unchanged", "delete"


@dataclass(frozen=True)
class Difference:
    """One field that is not what it should be."""

    keys: Keys
    """Where it is."""
    found: Any
    """What is there; None when nothing is."""
    wanted: Any
    """What should be there."""
    owners: tuple[Owner, ...] = ()
    """Field managers other than ours that own it: to write it is a conflict."""
    drift: bool = False
    """Whether it is not what the remembered options yield: somebody changed it."""

    @property
    def path(self) -> str:
        """Where it is, such as spec.template.spec.containers[0].image."""
        parts = (f"[{key}]" if isinstance(key, int) else f".{key}" for key in self.keys)
        return "".join(parts).removeprefix(".")

    @property
    def remarks(self) -> str:
        """Say in brackets what is special about it; empty when nothing is."""
        words = ["drift"] if self.drift else []
        words += [f"set by {owner}" for owner in self.owners]
        return f"  ({'; '.join(words)})" if words else ""

    @property
    def bookkeeping(self) -> bool:
        """Whether it is a note of ours and changes nothing by itself."""
        return "kubectl-nodedns/" in self.path

    def __str__(self) -> str:
        return f"{self.path}: {_short(self.found)} → {_short(self.wanted)}{self.remarks}"


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


def compare(
    wanted: Objects, live: Live, remembered: Sequence[Mapping[str, Any]]
) -> tuple[Change, ...]:
    """Say what becomes of each object.

    Args:
        wanted: the objects of the finished installation.
        live: what is there now.
        remembered: the objects that the remembered options yield; what differs from them is drift.
    """
    changes = []
    before = {(obj["kind"], obj["metadata"]["name"]): obj for obj in remembered}
    for obj in wanted:
        kind, name = obj["kind"], obj["metadata"]["name"]
        found = live.objects.get((kind, name))
        if found is None:
            changes.append(Change(kind=kind, name=name, action=CREATE))
            continue
        drifted = {field.keys for field in differences(before.get((kind, name), {}), found)}
        fields = tuple(
            replace(
                field,
                owners=other_owners(found, field.keys),
                drift=field.keys in drifted and not field.bookkeeping,
            )
            for field in differences(obj, found)
        )
        action = CONFIGURE if fields else UNCHANGED
        changes.append(Change(kind=kind, name=name, action=action, fields=fields))
    names = {(obj["kind"], obj["metadata"]["name"]) for obj in wanted}
    changes += [
        Change(kind=kind, name=name, action=DELETE)
        for kind, name in live.objects
        if (kind, name) not in names
    ]
    return tuple(changes)


def differences(wanted: Any, found: Any, keys: Keys = ()) -> list[Difference]:
    """Return the fields in which `found` is not what `wanted` asks for.

    What the API server added by itself is no difference; lists of unequal length differ as a whole.
    """
    if isinstance(wanted, dict) and isinstance(found, dict):
        return [
            one
            for key, value in wanted.items()
            for one in differences(value, found.get(key), (*keys, key))
        ]
    if isinstance(wanted, list) and isinstance(found, list) and len(wanted) == len(found):
        return [
            one
            for i, (value, other) in enumerate(zip(wanted, found, strict=True))
            for one in differences(value, other, (*keys, i))
        ]
    return [] if wanted == found else [Difference(keys, found, wanted)]


def _short(value: Any) -> str:
    """Return a value as the API has it: text as it is, all else as JSON."""
    text = "nothing" if value is None else value
    if not isinstance(text, str):
        text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
