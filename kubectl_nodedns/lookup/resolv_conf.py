"""What a pod's resolver does with a name before it asks: resolv.conf, search list, ndots. Pure.

As glibc does it (resolv.conf(5), res_search(3)): a name with a final dot is absolute; a name with
fewer dots than `ndots` is tried with each search domain first and as it is last, any other name the
other way round; the first response with records ends it. musl differs in details: it stops at a
response without records, and it never asks the search list for a name with enough dots.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kubectl_nodedns.errors import UsageError
from kubectl_nodedns.names import absolute
from kubectl_nodedns.numbers import whole
from kubectl_nodedns.printable import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from kubectl_nodedns.lookup.question import Answer

MOST_NDOTS = 15
"""glibc takes no more."""


@dataclass(frozen=True, kw_only=True)
class ResolvConf:
    """A resolv.conf."""

    nameservers: tuple[str, ...] = ()
    """Addresses, the first one asked first."""
    search: tuple[str, ...] = ()
    """Search domains, without a final dot."""
    options: tuple[str, ...] = ()
    """Options, such as "ndots:5"."""

    @property
    def ndots(self) -> int:
        """Dots from which a name is tried as it is first."""
        for option in self.options:
            name, _, value = option.partition(":")
            if name == "ndots" and (given := whole(value, most=10**18 - 1)) is not None:
                return min(given, MOST_NDOTS)
        return 1

    def lines(self) -> list[str]:
        """Return it as the file's lines."""
        lines = [f"nameserver {server}" for server in self.nameservers]
        lines += [f"search {' '.join(self.search)}"] if self.search else []
        return lines + ([f"options {' '.join(self.options)}"] if self.options else [])


def parse(text: str) -> ResolvConf:
    """Read a resolv.conf; of several search lines the last one counts."""
    servers: list[str] = []
    search: tuple[str, ...] = ()
    options: list[str] = []
    for line in text.splitlines():
        words = line.partition("#")[0].partition(";")[0].split()
        if len(words) < 2:  # noqa: PLR2004 - a keyword and a value
            continue
        if words[0] == "nameserver":
            servers.append(printable(words[1]))
        elif words[0] in ("search", "domain"):
            search = tuple(printable(word).rstrip(".") for word in words[1:] if word != ".")
        elif words[0] == "options":
            options += [printable(word) for word in words[1:]]
    return ResolvConf(nameservers=tuple(servers), search=search, options=tuple(options))


def candidates(name: str, conf: ResolvConf) -> tuple[str, ...]:
    """Return the absolute names that a resolver tries for `name`, in order.

    Raises:
        UsageError: `name` is no domain name.
    """
    whole = absolute(name)
    if name.strip().endswith("."):
        return (whole,)
    tried = []
    for domain in conf.search:
        try:
            tried.append(absolute(f"{whole}{domain}"))
        except UsageError:  # too long with this domain: resolvers leave it out
            continue
    first = whole.count(".") - 1 >= conf.ndots
    return tuple(dict.fromkeys([whole, *tried] if first else [*tried, whole]))


def chosen(whole: str, tried: Sequence[Answer]) -> str:
    """Return the name that a resolver ends with: found, else one that exists, else as it is."""
    found = [answer for answer in tried if answer.ok]
    exist = [answer for answer in tried if answer.rcode == "NOERROR"]
    return next((answer.question.name for answer in (*found, *exist)), whole)


def usual(namespace: str, domain: str, servers: Iterable[str], node: ResolvConf) -> ResolvConf:
    """Return the resolv.conf that a kubelet gives to a pod with `dnsPolicy: ClusterFirst`.

    Source: kubernetes, pkg/kubelet/network/dns/dns.go.
    """
    own = (f"{namespace}.svc.{domain}", f"svc.{domain}", domain) if domain else ()
    return ResolvConf(
        nameservers=tuple(servers),
        search=tuple(dict.fromkeys((*own, *node.search))),
        options=("ndots:5",),
    )


def of_pod(
    pod: Mapping[str, Any], *, domain: str, servers: Iterable[str], node: ResolvConf
) -> ResolvConf:
    """Compute the resolv.conf of a Pod object from its dnsPolicy and dnsConfig.

    Args:
        pod: the Pod.
        domain: the cluster domain; empty when it is not known.
        servers: what its kubelet hands out.
        node: the node's own resolv.conf.
    """
    spec = pod["spec"]
    policy = effective_policy(spec)
    if policy == "None":
        base = ResolvConf()
    elif policy == "Default":
        base = node
    else:
        base = usual(pod["metadata"]["namespace"], domain, servers, node)
    config = spec.get("dnsConfig") or {}
    options = {option.partition(":")[0]: option for option in base.options}
    for option in config.get("options") or ():
        value = option.get("value")
        options[option["name"]] = f"{option['name']}:{value}" if value else option["name"]
    return ResolvConf(
        nameservers=_joined(base.nameservers, config.get("nameservers")),
        search=_joined(base.search, [s.rstrip(".") for s in config.get("searches") or ()]),
        options=tuple(options.values()),
    )


def effective_policy(spec: Mapping[str, Any]) -> str:
    """Return the dnsPolicy that a kubelet follows: on the host network ClusterFirst is Default."""
    policy = str(spec.get("dnsPolicy") or "ClusterFirst")
    if policy == "ClusterFirst" and spec.get("hostNetwork"):
        return "Default"
    return "ClusterFirst" if policy == "ClusterFirstWithHostNet" else policy


def askable(servers: Iterable[str]) -> tuple[list[str], list[str]]:
    """Divide nameservers into those that a pod can ask, and others.

    A loopback address is the node's own and means the pod itself inside a pod; what is no IP
    address cannot be asked at all.
    """
    plain = [server.partition("%")[0] for server in servers]
    good = [server for server in plain if _reachable(server)]
    return good, [server for server in plain if server not in good]


def _reachable(server: str) -> bool:
    try:
        return not ipaddress.ip_address(server).is_loopback
    except ValueError:
        return False


def _joined(first: Iterable[str], more: Iterable[str] | None) -> tuple[str, ...]:
    return tuple(dict.fromkeys([*first, *(more or ())]))
