"""Which NetworkPolicies let pods ask CoreDNS, but not a cache on the node.

Without a cache a pod's packet to the kube-dns IP is translated to a CoreDNS pod, and a rule that
selects those pods lets it pass. With a cache it goes to the kube-dns IP itself, on the host, which
only an `ipBlock` covers. The other way, the cache asks CoreDNS from the node's address over TCP.

The rules are those of the API reference (networking.k8s.io/v1): policies add up, a pod that none
selects is not restricted, a missing list allows everything. Pure, but for `read_policies`.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kubectl_nodedns.cluster.paths import collection
from kubectl_nodedns.errors import NotFoundError
from kubectl_nodedns.facts.selectors import matches
from kubectl_nodedns.numbers import address, network
from kubectl_nodedns.readable import Read, name_of, readable, understood

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from kubectl_nodedns.cluster.client import Client
    from kubectl_nodedns.facts.pods import Pod

NAME_LABEL = "kubernetes.io/metadata.name"
"""Label that the API server puts on every namespace."""
PORT = 53
PROTOCOLS = ("UDP", "TCP")
OPERATORS = frozenset({"In", "NotIn", "Exists", "DoesNotExist"})
"""Of a label selector's matchExpressions."""
FOREIGN: Mapping[str, Sequence[str]] = {
    "cilium.io/v2": ("ciliumnetworkpolicies", "ciliumclusterwidenetworkpolicies"),
    "crd.projectcalico.org/v1": ("networkpolicies", "globalnetworkpolicies"),
    "policy.networking.k8s.io/v1alpha1": (
        "adminnetworkpolicies",
        "baselineadminnetworkpolicies",
    ),
    "policy.networking.k8s.io/v1alpha2": ("clusternetworkpolicies",),
    "crd.antrea.io/v1beta1": ("networkpolicies", "clusternetworkpolicies"),
}
"""Policies of other makes, which are not evaluated here."""


@dataclass(frozen=True, kw_only=True)
class Peer:
    """One end of a connection."""

    namespace: str
    """Namespace of the pod; empty for an address that is no pod's."""
    namespace_labels: Mapping[str, str]
    """Labels of that namespace."""
    labels: Mapping[str, str]
    """Labels of the pod."""
    ips: tuple[str, ...] = ()
    """Its addresses."""
    ports: Mapping[str, int] | None = None
    """Named ports of the pod, for rules that name one."""


@dataclass(frozen=True, kw_only=True)
class Blocked:
    """A policy that lets pods ask CoreDNS, while the cache stays out of their reach."""

    policy: str
    """The policy, as NAMESPACE/NAME."""
    pods: tuple[str, ...]
    """Names of the pods that it concerns now; empty when it selects none now."""
    protocols: tuple[str, ...]
    """Protocols that no rule lets through."""


@understood("the NetworkPolicies")
async def read_policies(client: Client) -> Read[Mapping[str, Any]]:
    """Read the NetworkPolicies of all namespaces.

    Policies add up: where one cannot be read, those of its namespace are left out with it.
    """
    items = await client.list(collection("networking.k8s.io/v1", "networkpolicies"))
    read = readable(checked, items)
    unknown = {name.partition("/")[0] for name in read.left_out}
    near = [name_of(one) for one in read if _namespace(one) in unknown]
    kept = (one for one in read if _namespace(one) not in unknown)
    return Read.of(kept, (*read.left_out, *near))


def checked(policy: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a NetworkPolicy, every part of which has been looked at.

    Raises:
        Exception: one of `readable.UNREADABLE`: a part has another shape than it should.
    """
    spec = policy["spec"]
    name_parts = (policy["metadata"]["namespace"], policy["metadata"]["name"])
    if not all(isinstance(part, str) and part for part in name_parts):
        raise ValueError("no name")
    if not isinstance(spec.get("policyTypes") or [], list):
        raise TypeError("policyTypes")
    _check_selector(spec.get("podSelector"))
    for direction, side in (("egress", "to"), ("ingress", "from")):
        for rule in _list(spec.get(direction)):
            for port in _list(rule.get("ports")):
                _check_port(port)
            for peer in _list(rule.get(side)):
                _check_peer(peer)
    return policy


def _list(value: Any) -> list[Any]:
    if not isinstance(value or [], list):
        raise TypeError("no list")
    return value or []


def _check_port(port: Mapping[str, Any]) -> None:
    last = port.get("endPort") or 0
    if not isinstance(port.get("port") or 0, int | str) or not isinstance(last, int):
        raise TypeError("port")
    if not isinstance(port.get("protocol", ""), str):
        raise TypeError("protocol")


def _check_peer(peer: Mapping[str, Any]) -> None:
    if block := peer.get("ipBlock"):
        for cidr in (block["cidr"], *_list(block.get("except"))):
            if network(cidr) is None:
                raise ValueError("no range")
    for selector in ("namespaceSelector", "podSelector"):
        _check_selector(peer.get(selector))


def _check_selector(selector: Mapping[str, Any] | None) -> None:
    _typical(selector or {})
    for key, value in ((selector or {}).get("matchLabels") or {}).items():
        if not isinstance(key, str) or not isinstance(value, str):
            raise TypeError("matchLabels")
    for one in _list((selector or {}).get("matchExpressions")):
        words = (one["key"], one["operator"], *_list(one.get("values")))
        if not all(isinstance(word, str) for word in words) or one["operator"] not in OPERATORS:
            raise TypeError("matchExpressions")


@understood("other makes of network policies")
async def read_foreign_policies(client: Client) -> tuple[str, ...]:
    """Name the kinds of policies of other makes that the cluster has objects of."""
    groups = await client.get("/apis")
    served = {v["groupVersion"] for g in groups.get("groups") or () for v in g["versions"]}
    found = []
    for version, plurals in FOREIGN.items():
        if version in served:
            for plural in plurals:
                try:
                    page = await client.get(collection(version, plural), params={"limit": "1"})
                except NotFoundError:  # the group is served without this kind
                    continue
                if page.get("items"):
                    found.append(f"{plural}.{version.partition('/')[0]}")
    return tuple(found)


def blocked_egress(
    policies: Sequence[Mapping[str, Any]],
    pods: Sequence[Pod],
    *,
    coredns: Peer,
    addresses: Collection[str],
) -> list[Blocked]:
    """Find policies that allow lookups to CoreDNS and not to the addresses of the cache.

    Args:
        policies: all NetworkPolicy objects, as they were `checked`.
        pods: all pods that run.
        coredns: a pod behind the DNS service, with the port it serves as its named ports.
        addresses: where pods send their lookups once there is a cache.
    """
    cache = Peer(namespace="", namespace_labels={}, labels={}, ips=tuple(addresses))
    own: defaultdict[str, list[Mapping[str, Any]]] = defaultdict(list)
    near: defaultdict[str, list[Pod]] = defaultdict(list)
    for policy in policies:
        own[_namespace(policy)].append(policy)
    for pod in pods:
        near[pod.namespace].append(pod)
    found = (
        _blocked(one, own[_namespace(one)], near[_namespace(one)], coredns, cache)
        for one in policies
    )
    return [one for one in found if one]


def _blocked(
    policy: Mapping[str, Any],
    own: Sequence[Mapping[str, Any]],
    pods: Sequence[Pod],
    coredns: Peer,
    cache: Peer,
) -> Blocked | None:
    """Look at one policy, among all of its namespace and the pods there."""
    names: list[str] = []
    protocols: set[str] = set()
    for name, labels in _subjects(policy, pods):
        theirs = [p for p in own if _selects(p, labels, "Egress")]
        # Only what this policy grants itself is its to extend.
        granted = [
            protocol
            for protocol in PROTOCOLS
            if any(one is policy for one in theirs)
            and _allowed([policy], "Egress", "to", coredns, protocol)
        ]
        lost = [p for p in granted if not _reaches(theirs, cache, p)]
        if lost:
            protocols.update(lost)
            names += [name] if name else []
    if not protocols:
        return None
    return Blocked(
        policy=f"{_namespace(policy)}/{policy['metadata']['name']}",
        pods=tuple(sorted(names)),
        protocols=tuple(p for p in PROTOCOLS if p in protocols),
    )


def blocked_ingress(
    policies: Sequence[Mapping[str, Any]], *, coredns: Peer, nodes: Collection[str]
) -> list[Blocked]:
    """Find policies that keep a cache from asking CoreDNS, over TCP from a node's address.

    Args:
        policies: all NetworkPolicy objects, as they were `checked`.
        coredns: a pod behind the DNS service.
        nodes: addresses of the nodes, in the DNS service's family.
    """
    theirs = [
        p
        for p in policies
        if _namespace(p) == coredns.namespace and _selects(p, coredns.labels, "Ingress")
    ]
    cache = Peer(
        namespace="", namespace_labels={}, labels={}, ips=tuple(nodes), ports=coredns.ports
    )
    if not theirs or _reaches(theirs, cache, "TCP", "Ingress", "from"):
        return []
    return [
        Blocked(policy=f"{_namespace(p)}/{p['metadata']['name']}", pods=(), protocols=("TCP",))
        for p in theirs
    ]


def _subjects(
    policy: Mapping[str, Any], pods: Sequence[Pod]
) -> list[tuple[str, Mapping[str, str]]]:
    """Return the pods of its namespace that a policy selects; else one that it would select."""
    found = [
        (pod.name, pod.labels)
        for pod in pods
        if not pod.host_network and matches(_selector(policy), pod.labels)
    ]
    return found or [("", _typical(_selector(policy)))]


def _typical(selector: Mapping[str, Any]) -> dict[str, str]:
    """Return labels that meet a selector, for a pod that may come."""
    labels = dict(selector.get("matchLabels") or {})
    for one in selector.get("matchExpressions") or ():
        if one["operator"] == "In":
            labels.setdefault(one["key"], one["values"][0])
        elif one["operator"] == "Exists":
            labels.setdefault(one["key"], "")
    return labels


def _selects(policy: Mapping[str, Any], labels: Mapping[str, str], direction: str) -> bool:
    """Whether a policy restricts pods with these labels in this direction."""
    spec = policy["spec"]
    types = spec.get("policyTypes") or ["Ingress", *(["Egress"] if spec.get("egress") else [])]
    return direction in types and matches(_selector(policy), labels)


def _reaches(
    policies: Iterable[Mapping[str, Any]],
    peer: Peer,
    protocol: str,
    direction: str = "Egress",
    side: str = "to",
) -> bool:
    """Whether every address of `peer` is allowed by one of the policies or another."""
    policies = list(policies)
    return all(
        _allowed(
            policies,
            direction,
            side,
            Peer(namespace="", namespace_labels={}, labels={}, ips=(ip,), ports=peer.ports),
            protocol,
        )
        for ip in peer.ips
    )


def _allowed(
    policies: Iterable[Mapping[str, Any]], direction: str, side: str, peer: Peer, protocol: str
) -> bool:
    return any(
        _port_allowed(rule.get("ports"), peer, protocol)
        and (
            not rule.get(side)
            or any(_peer_allowed(one, peer, _namespace(policy)) for one in rule[side])
        )
        for policy in policies
        for rule in policy["spec"].get(direction.lower()) or ()
    )


def _port_allowed(ports: Sequence[Mapping[str, Any]] | None, peer: Peer, protocol: str) -> bool:
    if not ports:
        return True
    wanted = {PORT, *(peer.ports or {}).values()}
    for one in ports:
        if one.get("protocol", "TCP") != protocol:
            continue
        port = one.get("port")
        if port is None:
            return True
        if isinstance(port, str):
            if port in (peer.ports or {}):
                return True
        elif any(port <= number <= one.get("endPort", port) for number in wanted):
            return True
    return False


def _peer_allowed(one: Mapping[str, Any], peer: Peer, own_namespace: str) -> bool:
    if block := one.get("ipBlock"):
        return any(_in_block(ip, block) for ip in peer.ips)
    if not peer.namespace:
        return False
    if "namespaceSelector" in one:
        there = matches(one["namespaceSelector"] or {}, peer.namespace_labels)
    else:
        there = peer.namespace == own_namespace
    return there and matches(one.get("podSelector") or {}, peer.labels)


def _in_block(ip: str, block: Mapping[str, Any]) -> bool:
    asked = address(ip)

    def within(cidr: str) -> bool:
        there = network(cidr)
        return asked is not None and there is not None and asked in there

    return within(block["cidr"]) and not any(map(within, block.get("except") or ()))


def _selector(policy: Mapping[str, Any]) -> Mapping[str, Any]:
    selector: Mapping[str, Any] = policy["spec"].get("podSelector") or {}
    return selector


def _namespace(policy: Mapping[str, Any]) -> str:
    return str(policy["metadata"]["namespace"])
