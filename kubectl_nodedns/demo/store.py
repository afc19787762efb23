"""The objects: what etcd is to an API server.

Objects are values: a change replaces an object and never edits it in place, so that parts can be
shared between thousands of pods and a reader may keep what it got. Each change has a number, the
resource version, and the last ones are kept for watches to go on from.
"""

from __future__ import annotations

import bisect
from collections import defaultdict, deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kubectl_nodedns.demo.refusals import expired

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from kubectl_nodedns.demo.kinds import Resource

HISTORY = 20_000
"""Changes that a watch can go back to."""

Object = dict[str, Any]
Key = tuple[str, str]
"""Namespace (empty where there is none) and name."""


@dataclass(frozen=True, slots=True)
class Change:
    """One write."""

    version: int
    """Resource version of the write."""
    resource: Resource
    """What kind of object it is."""
    before: Object | None
    """The object before; None when it is new."""
    after: Object | None
    """The object after; None when it is gone."""

    @property
    def object(self) -> Object:
        """The object, or what it last was."""
        found = self.after or self.before
        if found is None:
            raise ValueError("a change of nothing")
        return found


class Store:
    """All objects of a cluster."""

    def __init__(self) -> None:
        self.version = 1000
        """The newest resource version."""
        self._objects: defaultdict[tuple[str, str], dict[Key, Object]] = defaultdict(dict)
        self._sorted: dict[tuple[str, str], list[Key]] = {}
        self._history: deque[Change] = deque(maxlen=HISTORY)
        self._listeners: list[Callable[[Change], None]] = []

    def listen(self, listener: Callable[[Change], None]) -> None:
        """Call `listener` with every change from now on."""
        self._listeners.append(listener)

    def forget(self, listener: Callable[[Change], None]) -> None:
        """Call it no more."""
        self._listeners.remove(listener)

    def all(self, resource: Resource) -> Mapping[Key, Object]:
        """Return all objects of a kind."""
        return self._objects[resource.version, resource.plural]

    def get(self, resource: Resource, namespace: str, name: str) -> Object | None:
        """Return one object; None when there is none."""
        return self.all(resource).get((namespace, name))

    def items(
        self, resource: Resource, namespace: str = "", after: Key = ("", "")
    ) -> Iterator[tuple[Key, Object]]:
        """Yield the objects of a kind in the order of their keys.

        Args:
            resource: the kind.
            namespace: only of this namespace; all when empty.
            after: only behind this key.
        """
        kind = (resource.version, resource.plural)
        objects = self._objects[kind]
        keys = self._sorted.get(kind)
        if keys is None:
            keys = self._sorted[kind] = sorted(objects)
        start = max(after, (namespace, "")) if namespace else after
        for key in keys[bisect.bisect_right(keys, start) :]:
            if namespace and key[0] != namespace:
                return
            if (obj := objects.get(key)) is not None:
                yield key, obj

    def put(self, resource: Resource, obj: Object, *, stamp: bool = True) -> Object:
        """Store an object, new or changed.

        Args:
            resource: its kind.
            obj: the object; it must not be edited afterwards.
            stamp: whether it gets its resource version.

        Returns:
            The object as it is stored.
        """
        self.version += 1
        if stamp:
            metadata = {**obj["metadata"], "resourceVersion": str(self.version)}
            obj = {**obj, "metadata": metadata}
        objects = self._objects[resource.version, resource.plural]
        key = key_of(obj)
        before = objects.get(key)
        objects[key] = obj
        if before is None:
            self._sorted.pop((resource.version, resource.plural), None)
        self._tell(Change(self.version, resource, before, obj))
        return obj

    def remove(self, resource: Resource, namespace: str, name: str) -> Object | None:
        """Forget an object; return what it was."""
        before = self._objects[resource.version, resource.plural].pop((namespace, name), None)
        if before is not None:
            self._sorted.pop((resource.version, resource.plural), None)
            self.version += 1
            self._tell(Change(self.version, resource, before, None))
        return before

    def drop(self, plural: str) -> None:
        """Forget all objects of that plural, as if they had never been."""
        for key in [key for key in self._objects if key[1] == plural]:
            del self._objects[key]
            self._sorted.pop(key, None)

    def kinds(self) -> Iterator[tuple[str, Object]]:
        """Yield plural and object of everything there is."""
        for (_, plural), objects in self._objects.items():
            for obj in objects.values():
                yield plural, obj

    def since(self, resource: Resource, version: int) -> list[Change]:
        """Return the changes of a kind after `version`.

        Raises:
            Refusal: they are no longer known.
        """
        if version < self.version and self._history:
            oldest = self._history[0].version
            if version < oldest - 1:
                raise expired(version, oldest)
        return [
            change
            for change in self._history
            if change.version > version and change.resource == resource
        ]

    def _tell(self, change: Change) -> None:
        self._history.append(change)
        for listener in list(self._listeners):
            listener(change)


def key_of(obj: Mapping[str, Any]) -> Key:
    """Return namespace and name of an object."""
    metadata = obj["metadata"]
    return metadata.get("namespace") or "", metadata["name"]
