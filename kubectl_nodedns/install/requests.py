"""What `enable` and `disable` are asked to do: frozen, and checked before anything is sent."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kubectl_nodedns.probes.probe_job import ProbeOptions

NONE, CLIENT, SERVER = "none", "client", "server"
"""Values of --dry-run."""
PRINT, INSTALL = "print", "install"
"""Values of --inject."""
WITHOUT_CLUSTER = ("mode", "local-ip", "cluster-domain")
"""Options that, with the DNS service's address, make objects that are only printed possible without
a cluster."""


@dataclass(frozen=True, kw_only=True)
class ChangeRequest:
    """What both are told."""

    timeout: float
    """Seconds that one step on one node may take."""
    probes: ProbeOptions
    """How probes are started."""
    dry_run: str = NONE
    """NONE, CLIENT or SERVER."""
    adopt: bool = False
    """Whether a cache that somebody else installed is meant too."""
    batch_size: int | None = None
    """Nodes that are changed at once; None for a tenth, at least 1 and at most 10."""
    yes: bool = False
    """Whether it was confirmed on the command line."""
    output: str | None = None
    """yaml or json; None for words."""


@dataclass(frozen=True, kw_only=True)
class Wait:
    """How long kubelets are waited for."""

    text: str
    """As it was given."""
    limit: float | None
    """Seconds; None for no limit."""


@dataclass(frozen=True, kw_only=True)
class EnableRequest(ChangeRequest):
    """What `enable` is asked to do."""

    given: Mapping[str, str] = field(default_factory=dict)
    """Options of the installation that were given, by name, in canonical form."""
    whole: bool = False
    """Whether these are all that shall be given: a configuration file says so."""
    upgrade: bool = False
    """Whether this version's defaults are taken."""
    kube_dns_ip: str = ""
    """The DNS service's address, where no cluster is asked; may be empty."""
    force_conflicts: bool = False
    """Whether fields of other managers are taken over."""
    inject: str = ""
    """PRINT or INSTALL; empty for neither."""
    wait: Wait | None = None
    """How long kubelets are waited for; None for not at all."""
    canary: Mapping[str, str] = field(default_factory=dict)
    """Labels of the nodes that are switched first; empty for none."""
    ignore: frozenset[str] = frozenset()
    """Codes of preflight findings that do not stop it."""
    diff: bool = False
    """Whether the plan is printed as a diff, and no more."""

    @property
    def needs_no_cluster(self) -> bool:
        """Whether objects are only printed, and all that a cluster would tell was given."""
        printing = self.dry_run == CLIENT or self.inject == PRINT
        told = all(self.given.get(name) for name in WITHOUT_CLUSTER)
        return printing and told and bool(self.kube_dns_ip)


@dataclass(frozen=True, kw_only=True)
class DisableRequest(ChangeRequest):
    """What `disable` is asked to do."""

    dns_service: str = ""
    """NAMESPACE/NAME of the DNS service; empty for what is remembered, or to find it."""
    now: bool = False
    """Whether everything is deleted at once, without a proof."""
    orphans: bool = False
    """Whether nodes are cleaned of caches that are gone from the API."""
