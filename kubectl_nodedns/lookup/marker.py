"""The marker: a name that only the node's own cache can answer.

The Corefile of the cache has one more zone of ours. Its TXT record holds the name of the node and
the UID of the cache pod, with a TTL of 0. Asked at the kube-dns address, it tells which cache
answered: CoreDNS itself knows no such name and says NXDOMAIN. One answer is the proof.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kubectl_nodedns.lookup.question import Answer


@dataclass(frozen=True)
class Marker:
    """Which cache answered."""

    node: str
    """Name of the node it runs on."""
    pod_uid: str
    """UID of its pod."""


def read_marker(answer: Answer) -> Marker | None:
    """Read the marker from an answer; None when no cache of ours gave it."""
    for record in answer.records if answer.ok else ():
        node, _, uid = record.text().partition(" ")
        if record.rtype == "TXT" and node and uid:
            return Marker(node, uid)
    return None
