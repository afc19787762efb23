"""What is watched: the caches that are found at the start, and what is read again and again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kubectl_nodedns.facts.caches import Cache
    from kubectl_nodedns.facts.progress import Progress


class Cluster(Protocol):
    """What the monitor reads of a cluster again and again, and what all reading costs."""

    @property
    def requests(self) -> int:
        """Requests sent so far, by everybody."""
        ...

    @property
    def received(self) -> int:
        """Bytes received so far, by everybody."""
        ...

    async def caches(self) -> Sequence[Cache]:
        """Read the DaemonSets of the caches.

        Raises:
            ApiError: they cannot be read.
        """
        ...

    async def progress(self, caches: Sequence[Cache]) -> Progress | None:
        """Read how far a change of ours came; None where none is unfinished."""
        ...

    async def corefile(self, cache: Cache) -> str:
        """Read a cache's Corefile; empty when it cannot be had."""
        ...


@dataclass(frozen=True, kw_only=True)
class Found:
    """What was found of a cluster before it is watched."""

    caches: tuple[Cache, ...]
    """The DaemonSets that are watched."""
    dns_ips: tuple[str, ...] = ()
    """Addresses of the cluster's DNS service; none when not known."""
    coredns_ips: tuple[str, ...] = ()
    """Addresses at which the caches reach CoreDNS; none when not known."""


class Unread:
    """A cluster of which nothing is read again: for one look at its traffic."""

    requests = received = 0

    async def caches(self) -> Sequence[Cache]:
        """Read none."""
        return ()

    async def progress(self, caches: Sequence[Cache]) -> None:
        """Read nothing."""

    async def corefile(self, cache: Cache) -> str:  # noqa: ARG002 - the protocol's
        """Read nothing."""
        return ""
