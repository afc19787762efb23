"""What `lookup` was asked for, as checked values. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from kubectl_nodedns.errors import UsageError
from kubectl_nodedns.lookup.question import Manner, Question
from kubectl_nodedns.names import record_type

if TYPE_CHECKING:
    from collections.abc import Callable

    from kubectl_nodedns.cluster.access import AccessOptions
    from kubectl_nodedns.probes.probe_job import ProbeOptions

TRANSFERS = frozenset({"AXFR", "IXFR"})
LARGEST_BUFFER = 65535
META = frozenset({"OPT", "TSIG", "TKEY", "MAILA", "MAILB"})


@dataclass(frozen=True, kw_only=True)
class LookupRequest:
    """What `lookup` was asked for."""

    access: AccessOptions
    """Which cluster, and as whom."""
    probes: ProbeOptions
    """How probes are started."""
    name: str
    """The name as it was typed; a reverse name for an address."""
    whole: str
    """The same, absolute."""
    absolute: bool
    """Whether no search list applies: it has a final dot, or was an address."""
    rtype: str
    """Record type."""
    protocols: tuple[str, ...]
    """"udp", "tcp", or both."""
    manner: Manner
    """EDNS, header bits and patience."""
    nodes: tuple[str, ...]
    """Nodes that were named."""
    selector: str | None
    """Label selector of nodes."""
    all_nodes: bool
    """Whether all nodes are asked from."""
    from_pod: str
    """The pod whose way is explained; may be empty."""
    namespace: str
    """Namespace of that pod, and of the search list; empty for the context's."""
    direct: bool
    """Whether this machine asks."""
    servers: tuple[str, ...]
    """Other addresses to ask at."""
    search: bool
    """Whether the names that were tried are shown."""
    interval: float | None
    """Seconds between two rounds; None for one round."""
    output: str
    """table, wide, json or yaml."""
    dns_service: str
    """The DNS service as NAMESPACE/NAME; may be empty."""
    cluster_domain: str
    """The cluster domain; may be empty."""

    @property
    def chooses(self) -> bool:
        """Whether the command line says which nodes to ask from."""
        return bool(self.nodes or self.all_nodes or self.selector is not None or self.from_pod)

    def question_at(self, server: str) -> Callable[[str], Question]:
        """Return what makes the question for an absolute name, to be asked of `server`."""
        return partial(_question, rtype=self.rtype, server=server, manner=self.manner)


def _question(name: str, *, rtype: str, server: str, manner: Manner) -> Question:
    return Question(name=name, rtype=rtype, server=server, manner=manner)


def type_to_look_up(text: str) -> str:
    """Check a record type.

    Raises:
        UsageError: there is none of that name, or it is none that a lookup can be for.
    """
    rtype = record_type(text)
    if rtype in TRANSFERS or rtype in META:
        raise UsageError(
            f"{rtype} is no record type to look up",
            hint="a zone is transferred with dig" if rtype in TRANSFERS else "",
        )
    return rtype


def check_request(request: LookupRequest) -> None:
    """Refuse what contradicts itself.

    Raises:
        UsageError: two options contradict each other, or a value is too large.
    """
    manner = request.manner
    if not manner.edns and (manner.buffer_size or manner.dnssec or manner.nsid):
        raise UsageError("--no-edns: --bufsize, --dnssec and --nsid need EDNS")
    several = request.nodes or request.selector is not None or request.all_nodes
    if request.from_pod and several:
        raise UsageError("--from: a pod is on one node; leave --node, -l and -A out")
    if request.direct and (several or request.from_pod):
        raise UsageError("--direct: this machine asks; leave --node, -l, -A and --from out")
    if manner.buffer_size and manner.buffer_size > LARGEST_BUFFER:
        raise UsageError(
            f"--bufsize: not more than {LARGEST_BUFFER}",
            hint="1232 fits in one packet nearly anywhere",
        )
