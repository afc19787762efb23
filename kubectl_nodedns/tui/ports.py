"""What the screen is given: facts, snapshots, and those who ask, read and examine for it.

Owns the protocols between the screen and the rest, and the plain values that they speak in.
Imports no Textual, so that tests and commands can use it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from kubectl_nodedns.facts.production import production_word

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from kubectl_nodedns.facts.cache_pods import CachePod
    from kubectl_nodedns.lookup.question import Answer, Question
    from kubectl_nodedns.lookup.vantage import VantagePoint
    from kubectl_nodedns.metrics.fleet import FleetSnapshot


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

    async def release(self, node: str) -> None:
        """Take the pod on `node` away, if there is one."""
        ...

    async def close(self) -> None:
        """Take all pods away again."""
        ...


@dataclass(frozen=True, kw_only=True)
class Event:
    """One Kubernetes event, or several alike that the API server counts as one."""

    at: float
    """When it happened last, in Unix seconds; 0 when it does not say."""
    warning: bool
    """Whether its type is Warning."""
    reason: str
    """Its reason, such as BackOff."""
    message: str
    """Its message."""
    count: int
    """How often it happened."""
    about: str
    """What it is about, such as pod/node-local-dns-x2k4z."""


@dataclass(frozen=True, kw_only=True)
class Configuration:
    """What a cache pod is configured with, as the API server has it."""

    name: str
    """Namespace and name of the ConfigMap."""
    files: Mapping[str, str]
    """Its keys and what stands in them, the Corefile first."""
    arguments: tuple[str, ...]
    """Arguments of the cache container."""


class Reader(Protocol):
    """Reads what the API server keeps about a cache pod; changes nothing."""

    async def events(self, node: str, pod: CachePod | None) -> Sequence[Event]:
        """Return what happened to the node and its cache pod, newest first.

        Raises:
            NodednsError: it cannot be read.
        """
        ...

    async def logs(self, pod: CachePod, *, previous: bool) -> Sequence[str]:
        """Return the newest lines of the cache's log, oldest first; a bounded number.

        Args:
            pod: the cache pod.
            previous: whether to read the log of the container before the last restart.

        Raises:
            NodednsError: it cannot be read.
        """
        ...

    async def points(self) -> Sequence[VantagePoint]:
        """Return where one question can be asked: caches, DNS service, upstream, CoreDNS.

        Raises:
            NodednsError: it cannot be read.
        """
        ...

    async def configuration(self, pod: CachePod) -> Configuration:
        """Return what the pod is configured with.

        Raises:
            NodednsError: it cannot be read.
        """
        ...


class Finding(Protocol):
    """One thing that was found; `checks.finding.Finding` is one."""

    @property
    def code(self) -> str:
        """Its code, such as ND001."""
        ...

    @property
    def severity(self) -> str:
        """One of error, warning, info; an enum of these strings will do."""
        ...

    @property
    def subject(self) -> str:
        """What it is about, such as "node node1"."""
        ...

    @property
    def seen(self) -> str:
        """What was seen."""
        ...

    @property
    def matters(self) -> str:
        """Why it matters."""
        ...

    @property
    def way_out(self) -> str:
        """What to do."""
        ...


class Examiner(Protocol):
    """Looks for what is wrong with cluster and caches."""

    async def __call__(self, snapshot: FleetSnapshot) -> Sequence[Finding]:
        """Return the findings, the worst first.

        Raises:
            NodednsError: the cluster cannot be examined.
        """
        ...


class Playback(Protocol):
    """Plays a recording; `metrics.replay.Player` is one."""

    playing: bool
    speed: float

    @property
    def at(self) -> float:
        """When the frame that is shown was recorded, in Unix seconds."""
        ...

    @property
    def index(self) -> int:
        """The frame that is shown, from 0."""
        ...

    @property
    def moments(self) -> Sequence[Frame]:
        """All frames."""
        ...

    def toggle(self) -> None:
        """Pause or play."""
        ...

    def step(self, frames: int) -> None:
        """Pause, and go some frames on, or back when negative."""
        ...

    def skip(self, seconds: float) -> None:
        """Go some seconds on, or back when negative."""
        ...

    def faster(self) -> None:
        """Take the next higher speed."""
        ...

    def slower(self) -> None:
        """Take the next lower speed."""
        ...

    def worst(self) -> None:
        """Pause at the worst moment."""
        ...


class Frame(Protocol):
    """One frame of a recording."""

    @property
    def at(self) -> float:
        """When it was, in Unix seconds."""
        ...

    @property
    def trouble(self) -> tuple[float, ...]:
        """How bad it was: nodes in trouble first."""
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
    command: tuple[str, ...] = ("kubectl", "nodedns")
    """The program, as a person calls it, with the options that choose this cluster."""
    kubectl: tuple[str, ...] = field(default=("kubectl",))
    """kubectl with the options that choose this cluster."""

    @property
    def production(self) -> str:
        """The word of the context's name by which it looks like production; empty without one."""
        return production_word(self.context)


@dataclass(frozen=True, kw_only=True)
class Ports:
    """All that the screen is handed."""

    feed: Feed
    """Where snapshots come from."""
    asker: Asker
    """Asks questions from a node."""
    reader: Reader
    """Reads events, logs and configuration."""
    examiner: Examiner
    """Looks for what is wrong."""
    playback: Playback | None = None
    """Plays the recording that is the feed; None where the feed is live."""
    note_proof: Callable[[str, bool], None] = lambda _node, _intercepted: None
    """Is told what a lookup from a node proved about it."""
