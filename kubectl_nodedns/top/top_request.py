"""What `top` was asked for, as values that are checked. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from kubectl_nodedns.cluster.proxies import shown
from kubectl_nodedns.errors import UsageError
from kubectl_nodedns.facts.dns_service import home_of
from kubectl_nodedns.facts.quantity import quantity
from kubectl_nodedns.metrics.columns import BY_KEY
from kubectl_nodedns.metrics.record import LARGEST

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from kubectl_nodedns.cluster.access import AccessOptions
    from kubectl_nodedns.metrics.columns import Column
    from kubectl_nodedns.probes.probe_job import ProbeOptions

SHORTEST_REFRESH = 0.5
"""Seconds; more often is load without news."""
SMALLEST_RECORDING = 2**20
"""Bytes; less would hold no minute of a small cluster."""
CHOOSING = ("kubeconfig", "context", "cluster", "user", "server")
"""kubectl's flags that say which cluster, in the order in which they are written."""


@dataclass(frozen=True, kw_only=True)
class TopRequest:
    """What to watch, and how to show it."""

    access: AccessOptions
    """Which cluster, and as whom."""
    probes: ProbeOptions
    """How probe pods are started."""
    printed: bool
    """Whether a format was asked for, so that no screen is opened."""
    output: str
    """Format of what is printed: table, wide, json or yaml."""
    lines: bool
    """Whether to print a line of JSON for each snapshot, until interrupted."""
    sort_by: Column
    """The order of the rows."""
    selector: str
    """Label selector on nodes; empty for all."""
    refresh: float
    """Seconds between two scrapes of a pod."""
    apart: float
    """Seconds between the two scrapes that one table needs."""
    probe: bool
    """Whether interception is to be proved by lookups from probe pods."""
    probe_cap: int
    """Nodes that are probed at most when the table is printed."""
    source: str
    """How metrics are read: auto, proxy or port-forward."""
    prometheus: str
    """A Prometheus to read them from instead: its URL or its service; empty without one."""
    dns_service: str
    """NAMESPACE/NAME of the DNS service; empty when it is to be found."""
    cluster_domain: str
    """The cluster domain; empty when it is to be found."""
    record: Path | None
    """File that a recording is written to; None without one."""
    record_limit: int
    """Bytes at which it ends."""
    replay: Path | None
    """Recording to show instead of a cluster; None to watch a cluster."""
    at: str
    """Where in it to begin; empty for the usual place."""
    theme: str
    """Colours of the screen; empty for the usual ones."""
    mouse: bool
    """Whether the screen has the mouse."""

    @property
    def dns_namespace(self) -> str:
        """The DNS service's namespace."""
        return home_of(self.dns_service)

    @property
    def cluster_facts(self) -> dict[str, str]:
        """What was given about the cluster, by the names of an installation's options."""
        return {"dns-service": self.dns_service, "cluster-domain": self.cluster_domain}

    def knowing(self, facts: Mapping[str, str]) -> TopRequest:
        """Return the request with these facts about the cluster, named as `cluster_facts` are."""
        return replace(
            self,
            dns_service=facts.get("dns-service", ""),
            cluster_domain=facts.get("cluster-domain", ""),
        )


def column_named(name: str | None) -> Column:
    """Return the column of --sort-by; the node's name when none is given.

    Raises:
        UsageError: there is no such column.
    """
    if name is None:
        return BY_KEY["node"]
    if name not in BY_KEY:
        raise UsageError(
            f"--sort-by: there is no column {name!r}", hint=f"there are: {', '.join(BY_KEY)}"
        )
    return BY_KEY[name]


def recording_limit(text: str) -> int:
    """Read --record-limit, in bytes.

    Raises:
        UsageError: it is no size, or not one that a recording can have.
    """
    limit = int(quantity(text))
    if not SMALLEST_RECORDING <= limit <= LARGEST:
        raise UsageError(
            f"--record-limit: {text!r} is no size from 1Mi to 1Gi",
            hint="such as 100Mi or 1Gi; a longer one could not be replayed",
        )
    return limit


def choosing_words(access: AccessOptions) -> tuple[str, ...]:
    """Return the options that were given to choose the cluster, as they are typed; no secrets."""
    words: list[str] = []
    for name in CHOOSING:
        if value := getattr(access, name):
            words += [f"--{name}", shown(value) if name == "server" else value]
    return tuple(words)
