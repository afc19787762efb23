"""What the screen is given: facts, snapshots, and somebody to ask questions.

Owns the protocols between the screen and the rest. Imports no Textual, so that tests and commands
can use it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from kubectl_nodedns.lookup.question import Answer, Question
    from kubectl_nodedns.metrics.fleet import FleetSnapshot

_PRODUCTION = re.compile(r"(^|[^a-z])(prod|prd|production|live)([^a-z]|$)", re.IGNORECASE)


class Feed(Protocol):
    """Where snapshots come from: `metrics.monitor.Monitor`, or a recording."""

    def snapshot(self) -> FleetSnapshot:
        """Return everything as it is known now; must be quick and must not fail."""
        ...

    def look_at(self, nodes: Collection[str]) -> None:
        """Say which nodes a person sees, so that they are kept fresh first."""
        ...


class Asker(Protocol):
    """Asks questions from a pod on a node; makes the pod when it is first needed."""

    async def __call__(self, node: str, questions: Sequence[Question]) -> Sequence[Answer]:
        """Ask `questions` from `node`; one answer for each, in order.

        Raises:
            NodednsError: no pod can be had on the node.
        """
        ...

    async def close(self) -> None:
        """Take all pods away again."""
        ...


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where the screen looks at: facts that do not change while it is open."""

    context: str
    """Name of the kubeconfig context; may be empty."""
    mode: str
    """What translates service addresses: iptables, nftables, ipvs, ...; empty when not known."""
    kube_dns_ip: str
    """Address of the cluster's DNS service; empty when not known."""
    cluster_domain: str
    """The cluster domain, without a final dot; empty when not known."""

    @property
    def production(self) -> bool:
        """Whether the context's name looks like production."""
        return bool(_PRODUCTION.search(self.context))
