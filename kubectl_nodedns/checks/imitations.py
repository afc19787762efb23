"""The check for DaemonSets that pass for a cache: of what runs, and before an install. Pure."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Protocol, TypeVar

from kubectl_nodedns.checks.finding import Category, Check, Seen, Severity
from kubectl_nodedns.facts.caches import OWN_NAME

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kubectl_nodedns.facts.caches import Imitation
    from kubectl_nodedns.facts.dns_service import DnsService

SHOWN = 5
"""Names that a finding shows; whoever may write in a namespace can fill it."""


class Looked(Protocol):
    """What this is told from."""

    @property
    def dns(self) -> DnsService:
        """The DNS service."""

    @property
    def imitations(self) -> tuple[Imitation, ...]:
        """DaemonSets that only look like a cache, or like ours."""


L = TypeVar("L", bound=Looked)


def check_of(code: str) -> Check[L]:
    """Return the check, under the code that it has among its like."""
    return Check(
        code=code,
        title="A DaemonSet passes for a cache, or for ours",
        severity=Severity.WARNING,
        category=Category.SECURITY,
        matters="whoever made it may want the plugin, or a person, to believe what it says; the "
        "plugin leaves it alone",
        way_out="find out who made it, and delete it if nobody needs it. Where it is your own "
        "installation, name the DNS service beside it with --dns-service",
        look=_look,
    )


def _look(evidence: Looked) -> Iterator[Seen]:
    """Say it once for each namespace and kind."""
    own = f"{evidence.dns.namespace}/{OWN_NAME}"
    kinds = sorted(evidence.imitations, key=lambda one: (one.namespace, not one.labelled, one.name))
    for (namespace, labelled), those in groupby(kinds, lambda one: (one.namespace, one.labelled)):
        names = [one.name for one in those]
        others = ", ".join(names[1:SHOWN])
        more = f"; so do {others}" if others else ""
        more += f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
        yield Seen(
            subject=f"daemonset {namespace}/{names[0]}",
            severity=None if labelled else Severity.INFO,
            text=f"it bears our label, and ours is {own} alone{more}"
            if labelled
            else f"it looks like a cache, and no pod of it is on a node's network{more}",
        )
