"""Preflight: NetworkPolicies that would drop lookups to the cache, or those of the cache."""

from __future__ import annotations

import ipaddress
import json
from typing import TYPE_CHECKING, Any

from kubectl_nodedns.checks.finding import Category, Check, Seen, Severity
from kubectl_nodedns.checks.preflight_ground import some
from kubectl_nodedns.facts.network_policies import PORT, blocked_egress, blocked_ingress

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from kubectl_nodedns.checks.preflight_evidence import Policies, Preflight
    from kubectl_nodedns.facts.network_policies import Blocked

MOST_BLOCKS = 10
"""Ranges that a printed rule names; more are a network that a person knows better."""


def _egress(pre: Preflight) -> Iterator[Seen] | None:
    if pre.policies is None or pre.pods is None:
        return None
    blocked = blocked_egress(
        pre.policies.objects,
        pre.pods,
        coredns=pre.policies.coredns,
        addresses=pre.cache_addresses,
    )
    return (_of_egress(pre, one) for one in blocked)


def _of_egress(pre: Preflight, one: Blocked) -> Seen:
    pods = f"{len(one.pods)} pods ({some(one.pods)})" if one.pods else "no pod now"
    return Seen(
        subject=f"networkpolicy {one.policy}",
        text=f"it lets {pods} ask CoreDNS's pods, over {' and '.join(one.protocols)}, and no "
        f"policy lets them ask {' or '.join(pre.cache_addresses)}",
        way_out=patch(one.policy, "egress", "to", pre.cache_addresses),
    )


def _ingress(pre: Preflight) -> Iterator[Seen] | None:
    if pre.policies is None:
        return None
    return _of_ingress(pre, pre.policies)


def _of_ingress(pre: Preflight, policies: Policies) -> Iterator[Seen]:
    family = ipaddress.ip_address(pre.dns.ip).version
    addresses = [
        ip
        for node in pre.nodes
        if node.name in pre.selected
        for ip in node.addresses
        if ipaddress.ip_address(ip).version == family
    ]
    blocked = blocked_ingress(policies.objects, coredns=policies.coredns, nodes=addresses)
    if not blocked:
        return
    first = blocked[0].policy
    others = f" (with {some([one.policy for one in blocked[1:]])})" if blocked[1:] else ""
    yield Seen(
        subject=f"networkpolicy {first}",
        text=f"it restricts who asks CoreDNS's pods{others}, and no policy lets the nodes' "
        f"addresses ({some(addresses)}) ask them over TCP",
        way_out=patch(
            first, "ingress", "from", addresses, first_rule=not _has_rules(policies, first)
        ),
    )


def _foreign(pre: Preflight) -> Iterator[Seen] | None:
    if pre.policies is None or pre.policies.foreign is None:
        return None
    return (
        Seen(subject=kind, text="there are such policies, and they are not evaluated here")
        for kind in pre.policies.foreign
    )


def _has_rules(policies: Policies, name: str) -> bool:
    return any(
        policy["spec"].get("ingress")
        for policy in policies.objects
        if f"{policy['metadata']['namespace']}/{policy['metadata']['name']}" == name
    )


def patch(
    policy: str, direction: str, side: str, addresses: Iterable[str], *, first_rule: bool = False
) -> str:
    """Return the command that adds the rule which is missing: `ipBlock`s for `addresses`.

    Args:
        policy: the policy, as NAMESPACE/NAME.
        direction: "egress" or "ingress".
        side: "to" or "from".
        addresses: addresses to allow.
        first_rule: whether the policy has no rule yet, so that its list has to be made.
    """
    blocks = [{"ipBlock": {"cidr": cidr}} for cidr in _collapsed(addresses)]
    ranges: Any = blocks if len(blocks) <= MOST_BLOCKS else [{"ipBlock": {"cidr": "NODE-NETWORK"}}]
    ports = [{"port": PORT, "protocol": "UDP"}, {"port": PORT, "protocol": "TCP"}]
    rule: Any = {side: ranges, "ports": ports}
    path = f"/spec/{direction}"
    edit = {"op": "add", "path": path if first_rule else f"{path}/-", "value": rule}
    if first_rule:
        edit["value"] = [rule]
    namespace, _, name = policy.partition("/")
    return (
        f"kubectl -n {namespace} patch networkpolicy {name} --type=json -p '{json.dumps([edit])}'"
    )


def _collapsed(addresses: Iterable[str]) -> list[str]:
    """Return the fewest ranges that hold exactly these addresses."""
    known = [ipaddress.ip_address(text) for text in dict.fromkeys(addresses)]
    four = (ipaddress.IPv4Network(ip) for ip in known if isinstance(ip, ipaddress.IPv4Address))
    six = (ipaddress.IPv6Network(ip) for ip in known if isinstance(ip, ipaddress.IPv6Address))
    return [
        *map(str, ipaddress.collapse_addresses(four)),
        *map(str, ipaddress.collapse_addresses(six)),
    ]


CHECKS: tuple[Check[Preflight], ...] = (
    Check(
        code="ND170",
        title="A NetworkPolicy lets pods ask CoreDNS, but not the cache",
        severity=Severity.WARNING,
        category=Category.SECURITY,
        matters="with the cache a lookup ends at an address of the node, which a rule that selects "
        "CoreDNS's pods does not cover: where the network plugin enforces policies, these pods "
        "would have no DNS",
        way_out="add a rule with an ipBlock for the cache's addresses",
        look=_egress,
    ),
    Check(
        code="ND171",
        title="A NetworkPolicy keeps the cache from asking CoreDNS",
        severity=Severity.WARNING,
        category=Category.SECURITY,
        matters="the cache asks CoreDNS from the node's address, over TCP: where the network "
        "plugin enforces policies, its misses would go unanswered",
        way_out="add a rule with an ipBlock for the nodes' addresses",
        look=_ingress,
    ),
    Check(
        code="ND172",
        title="There are network policies that are not evaluated here",
        severity=Severity.INFO,
        category=Category.SECURITY,
        matters="what the API of a network plugin restricts is only known to that plugin; such a "
        "policy may drop lookups to the cache",
        way_out="allow port 53, UDP and TCP, to the cache's addresses in those policies as well",
        look=_foreign,
    ),
)
