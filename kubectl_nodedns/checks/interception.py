"""Whether lookups of a node's pods reach its cache: judged here for `status`, `check` and `top`."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection


class Interception(StrEnum):
    """Whether lookups reach the node's cache at the address that its pods ask."""

    PROVED = "proved"
    """A probe on the node got the answer that only the node's own cache pod has."""
    NOT_INTERCEPTED = "not intercepted"
    """A probe on the node got another answer: its pods' lookups go past the cache."""
    BY_COUNTERS = "by counters"
    """The cache counted lookups at that address lately: evidence, not proof."""
    DARK = "in the dark"
    """Its cache is set up and not to be asked yet: kube-dns answers, until enable goes on."""
    NOT_KNOWN = "not known"
    """No probe asked, and it counted none: nobody asked, or they go elsewhere."""


def judge(*, dark: bool, proved: bool | None, counted: bool) -> Interception:
    """Judge one node.

    Args:
        dark: whether its cache is set up and not to be asked yet.
        proved: what a probe on the node saw; None when none asked.
        counted: whether its cache counted lookups lately where its pods ask (`asked_at`).
    """
    if dark:
        return Interception.DARK
    if proved is not None:
        return Interception.PROVED if proved else Interception.NOT_INTERCEPTED
    return Interception.BY_COUNTERS if counted else Interception.NOT_KNOWN


def asked_at(
    *, handed_out: Collection[str], dns_ips: Collection[str], listening: Collection[str]
) -> frozenset[str]:
    """Return the addresses at which pods of a node ask, as far as its cache may serve them.

    Args:
        handed_out: the nameservers that its kubelet hands out; none when not known. Then pods ask
            the DNS service, and a cache that does not take over its address is there for pods that
            are handed its own.
        dns_ips: addresses of the DNS service.
        listening: addresses that the node's cache listens on.
    """
    taken_over = frozenset(dns_ips) & frozenset(listening)
    return frozenset(handed_out) or taken_over or frozenset(listening)
