"""Events: what controllers and kubelets tell about objects."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from kubectl_nodedns.demo.clock import stamp
from kubectl_nodedns.demo.kinds import BY_PATH

if TYPE_CHECKING:
    from kubectl_nodedns.demo.store import Object, Store

EVENTS = BY_PATH["v1", "events"]
MOST = 2000
"""Events that are kept; older ones go, as they do after an hour elsewhere."""


class Recorder:
    """Writes events.

    Args:
        store: where to.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._names: list[tuple[str, str]] = []

    def tell(
        self,
        about: Object,
        reason: str,
        message: str,
        *,
        by: str,
        host: str = "",
        warning: bool = False,
    ) -> None:
        """Write an event about an object."""
        metadata = about["metadata"]
        namespace = metadata.get("namespace") or "default"
        name = f"{metadata['name']}.{uuid.uuid4().hex[:16]}"
        now = stamp()
        self._store.put(
            EVENTS,
            {
                "apiVersion": "v1",
                "kind": "Event",
                "metadata": {
                    "name": name,
                    "namespace": namespace,
                    "uid": str(uuid.uuid4()),
                    "creationTimestamp": now,
                },
                "involvedObject": {
                    "apiVersion": about["apiVersion"],
                    "kind": about["kind"],
                    "name": metadata["name"],
                    "namespace": metadata.get("namespace", ""),
                    "uid": metadata["uid"],
                },
                "reason": reason,
                "message": message,
                "source": {"component": by} | ({"host": host} if host else {}),
                "firstTimestamp": now,
                "lastTimestamp": now,
                "count": 1,
                "type": "Warning" if warning else "Normal",
                "reportingComponent": by,
                "reportingInstance": host,
            },
        )
        self._names.append((namespace, name))
        if len(self._names) > MOST:
            self._store.remove(EVENTS, *self._names.pop(0))
