"""The proof as `install` needs it: callables that it is handed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kubectl_nodedns.verdict import Verdict


class Proof(Protocol):
    """Asks from a pod on a node, until the answers are right or time is up (seconds)."""

    async def dark(self, node: str, pod_uid: str, *, timeout: float) -> Verdict:
        """Whether the cache pod answers at the local IP."""

    async def switched(self, node: str, pod_uid: str, *, timeout: float) -> Verdict:
        """Whether the cache pod answers at the kube-dns IP."""

    async def back(self, node: str, *, timeout: float) -> Verdict:
        """Whether kube-dns answers for itself."""

    async def silent(self, node: str, *, timeout: float) -> Verdict:
        """Whether nothing answers at the local IP."""


class Report(Protocol):
    """Where progress goes."""

    def step(self, text: str) -> None:
        """A new step begins."""

    def node(self, verdict: Verdict) -> None:
        """A verdict on one node."""

    def note(self, text: str) -> None:
        """Something worth knowing."""


def failed(verdicts: Sequence[Verdict]) -> list[Verdict]:
    """Return the verdicts that are not good."""
    return [verdict for verdict in verdicts if not verdict.ok]
