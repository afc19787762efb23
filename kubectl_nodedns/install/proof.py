"""What this room is handed: who asks from nodes, who listens, what looks for obstacles."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from kubectl_nodedns.facts.inspection import Inspection
    from kubectl_nodedns.install.live import Live
    from kubectl_nodedns.install.objects import Objects
    from kubectl_nodedns.install.settings import Settings
    from kubectl_nodedns.lookup.probes import Probes
    from kubectl_nodedns.verdict import Gap, Verdict


class Watch(Protocol):
    """Lookups at the local IP that go on."""

    async def end(self) -> Gap:
        """Ask no more, and say what the lookups met."""

    async def cancel(self) -> None:
        """Let go of them."""


class Proof(Protocol):
    """Asks from a pod on a node, until the answers are right or time is up (seconds)."""

    async def dark(self, node: str, pod_uid: str, *, timeout: float) -> Verdict:
        """Whether the cache pod answers at the local IP."""

    async def switched(self, node: str, pod_uid: str, *, timeout: float) -> Verdict:
        """Whether the cache pod answers at the kube-dns IP."""

    async def back(self, node: str, *, timeout: float) -> Verdict:
        """Whether kube-dns answers for itself."""

    async def local(self, node: str, *, timeout: float) -> Verdict:
        """Whether the local IP answers ordinary names, whoever stands behind it."""

    async def watch(self, node: str) -> Watch:
        """Begin to ask the local IP; returns when lookups have come to their end."""

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

    def lines(self, lines: Iterable[str]) -> None:
        """Lines as they are."""


class MakeProbes(Protocol):
    """Makes probes that are not started yet."""

    def __call__(self, registry: str = "", *, dns_policy: str = "ClusterFirst") -> Probes:
        """Return probes whose image comes from `registry` (empty for its own)."""


class Obstacles(Protocol):
    """What the preflight checks came to."""

    @property
    def notes(self) -> Sequence[str]:
        """What the plan should show: warnings, and what could not be looked at."""

    def refuse(self) -> None:
        """Refuse to go on when a finding is an error.

        Raises:
            RefusedError: with all of them.
        """

    async def refuse_resolvers(self, probes: Probes, nodes: Sequence[str]) -> None:
        """Refuse nodes whose own resolvers lead back to the cache, or nowhere.

        Raises:
            RefusedError: a node has such resolvers.
        """


class Preflight(Protocol):
    """Looks at what could stand in the way of an installation."""

    async def __call__(
        self, seen: Inspection, settings: Settings, wanted: Objects, live: Live, *, image: str
    ) -> Obstacles:
        """Look at everything, and try what may be tried; `image` is the probes'."""


def failed(verdicts: Sequence[Verdict]) -> list[Verdict]:
    """Return the verdicts that are not good."""
    return [verdict for verdict in verdicts if not verdict.ok]
