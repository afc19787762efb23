"""What the answers to the marker and to one name say together, in words. Pure.

The marker proves: it is answered by a cache of ours and by nothing else, with the node's name. For
a cache that has no marker nothing is proved here, and that is said.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kubectl_nodedns.lookup.marker import read_marker

if TYPE_CHECKING:
    from kubectl_nodedns.lookup.question import Answer


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """What two addresses' answers say together."""

    proved: bool | None
    """Whether lookups at the kube-dns IP are intercepted; None when this does not tell."""
    lines: tuple[str, ...]
    """The same and more in words, the most important first."""


def judge(
    node: str,
    *,
    local_marker: Answer | None,
    kube_dns_marker: Answer | None,
    local: Answer | None,
    kube_dns: Answer | None,
) -> Comparison:
    """Judge one round of questions from a pod on `node`; None is a question not asked."""
    proved, first = _interception(node, local_marker, kube_dns_marker)
    lines = [first, *_name_lines(local, kube_dns)]
    return Comparison(proved=proved, lines=tuple(lines))


def _interception(
    node: str, local: Answer | None, kube_dns: Answer | None
) -> tuple[bool | None, str]:
    if kube_dns is None:
        return None, "interception not known: the marker or the kube-dns IP is not known"
    if not kube_dns.rcode:
        return None, f"no response from the kube-dns IP: {kube_dns.error}"
    answered = read_marker(kube_dns)
    if answered is not None:
        if answered.node == node:
            return True, f"intercepted: the cache on {node} itself answers at the kube-dns IP"
        return False, f"not intercepted here: the cache on {answered.node} answers"
    if local is not None and read_marker(local) is not None:
        return False, (
            f"not intercepted: the cache answers at its own IP, but the kube-dns IP "
            f"said {kube_dns.summary()}"
        )
    return None, "interception not proved: this cache has no marker (it was not made by enable)"


def _name_lines(local: Answer | None, kube_dns: Answer | None) -> list[str]:
    if local is None or kube_dns is None:
        return []
    if not local.rcode and not kube_dns.rcode:
        return ["neither address answered for the name"]
    for silent, where in ((local, "the local IP"), (kube_dns, "the kube-dns IP")):
        if not silent.rcode:
            return [f"{where} did not answer for the name: {silent.error}"]
    if local.rcode != kube_dns.rcode:
        return [f"the answers differ: {local.rcode} at the local IP, {kube_dns.rcode} at kube-dns"]
    if _data(local) != _data(kube_dns):
        return ["the answers differ in their records"]
    return ["both addresses give the same answer"]


def _data(answer: Answer) -> set[tuple[str, str]]:
    return {(record.rtype, record.data) for record in answer.records}
