"""The options of an installation: given now, given once before, or a default.

What was given stays until it is given again. A default that this version of the plugin has changed
stays as it was installed, is mentioned in the plan, and is taken with `--upgrade`.
"""

from __future__ import annotations

import ipaddress
import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from kubectl_nodedns.errors import RefusedError, UsageError
from kubectl_nodedns.facts.dns_service import split_name
from kubectl_nodedns.names import absolute, address

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

DEFAULTS: Mapping[str, str] = {
    "local-ip": "169.254.20.10",
    "image": "registry.k8s.io/dns/k8s-dns-node-cache:1.26.8",
    "external-name": "example.com",
    "node-selector": "",
}
"""Options that have a default in this version."""
DEFAULT_IPV6 = "fd00:90de:d95::1"
"""The local IP where the DNS service has an IPv6 address: a unique local one (RFC 4193)."""
NAMES = (*DEFAULTS, "mode", "cluster-domain", "dns-service")
"""Options that are remembered."""
NO_EXTERNAL_NAME = "none"
RESERVED = {
    "169.254.169.254": "the metadata service of clouds",
    "169.254.169.253": "the DNS server of AWS",
    "169.254.170.2": "the credentials agent of AWS ECS",
    "169.254.170.23": "the credentials agent of AWS EKS",
}
"""Link-local addresses that cloud agents own."""
BROADCAST = frozenset({"255.255.255.255"})
LONGEST_DOMAIN = 200
"""Characters of a cluster domain; names of services stand before it, and 253 is the limit."""
_DOMAIN = re.compile(r"([a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?\.)*[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_LABEL_KEY = re.compile(r"([a-z0-9.-]+/)?[A-Za-z0-9]([\w.-]*[A-Za-z0-9])?")
_LABEL_VALUE = re.compile(r"([A-Za-z0-9]([\w.-]*[A-Za-z0-9])?)?")
_IMAGE = re.compile(r"[a-z0-9][\w.:/-]*(@sha256:[0-9a-f]{64})?")


@dataclass(frozen=True, kw_only=True)
class Memory:
    """What an installation remembers of the options it was made with."""

    given: Mapping[str, str] = field(default_factory=dict)
    """Options that somebody gave, by name."""
    defaults: Mapping[str, str] = field(default_factory=dict)
    """Defaults that were used, by name."""

    def value(self, name: str) -> str:
        """Return an option's value; empty when it was not given and has no default."""
        return self.given.get(name, self.defaults.get(name, ""))

    def as_text(self) -> str:
        """Return the memory as the annotation holds it."""
        return json.dumps(
            {"given": dict(self.given), "defaults": dict(self.defaults)}, sort_keys=True
        )

    @classmethod
    def of_text(cls, text: str) -> Memory:
        """Read the annotation; an unreadable one is an empty memory."""
        try:
            content = json.loads(text)
            given = {k: str(v) for k, v in content["given"].items() if k in NAMES}
            defaults = {k: str(v) for k, v in content["defaults"].items() if k in DEFAULTS}
        except (ValueError, KeyError, TypeError, AttributeError):
            return cls()
        return cls(given=given, defaults=defaults)


def settle(
    given: Mapping[str, str], before: Memory | None, *, upgrade: bool
) -> tuple[Memory, list[str]]:
    """Decide the options of this run.

    Args:
        given: options given now, by name; checked by `check` already.
        before: what the installation remembers; None when there is none.
        upgrade: whether to take this version's defaults.

    Returns:
        The memory to write, and a line for each newer default that is not taken.
    """
    known = before or Memory()
    all_given = {**known.given, **given}
    defaults = dict(DEFAULTS) if upgrade else {**DEFAULTS, **known.defaults}
    notes = [
        f"{name}: this version's default is {new}; kept at {defaults[name]} until --upgrade"
        for name, new in DEFAULTS.items()
        if name not in all_given and defaults[name] != new
    ]
    return Memory(given=all_given, defaults=defaults), notes


def changes(before: Memory, after: Memory) -> list[str]:
    """Say in lines which options an installation gets that were others before."""
    return [
        f"option {name}: {before.value(name) or 'not given'} → {after.value(name)}"
        for name in NAMES
        if before.value(name) != after.value(name)
    ]


def check(name: str, text: str) -> str:
    """Check an option's value and return it in its canonical form.

    Raises:
        UsageError: it cannot be used; the message names the option.
    """
    return _CHECKS[name](text) if name in _CHECKS else text


def addresses(memory: Memory, service_ips: Sequence[str]) -> tuple[str, str]:
    """Return the local IP and the DNS service's address of the same family.

    The cache speaks one address family: that of the local IP that was given, else that of the
    service's primary address.

    Args:
        memory: the options.
        service_ips: cluster IPs of the DNS service, the primary one first.

    Raises:
        RefusedError: the service has no address of that family.
    """
    local_ip = memory.value("local-ip")
    if "local-ip" not in memory.given and _version(service_ips[0]) == 6:  # noqa: PLR2004
        local_ip = DEFAULT_IPV6
    same = [ip for ip in service_ips if _version(ip) == _version(local_ip)]
    kube_dns_ip = same[0] if same else service_ips[0]
    check_addresses(local_ip, kube_dns_ip)
    return local_ip, kube_dns_ip


def _version(ip: str) -> int:
    return ipaddress.ip_address(ip).version


def check_addresses(local_ip: str, kube_dns_ip: str) -> None:
    """Refuse a local IP that cannot stand beside the DNS service's address."""
    if local_ip == kube_dns_ip:
        raise RefusedError(
            f"the address {local_ip} is used already, by the DNS service itself",
            hint="choose another with --local-ip, such as 169.254.20.10",
        )
    if _version(local_ip) != _version(kube_dns_ip):
        raise RefusedError(
            f"the DNS service has the address {kube_dns_ip}, and the cache would have {local_ip}: "
            "the cache speaks one address family",
            hint=f"give --local-ip in the DNS service's family, such as {DEFAULT_IPV6}",
        )


def selector_of(text: str) -> dict[str, str]:
    """Read "key=value,key=value"."""
    pairs = (part.partition("=") for part in text.split(",") if part.strip())
    return {key.strip(): value.strip() for key, _, value in pairs}


def _local_ip(text: str) -> str:
    ip = address(text, option="--local-ip")
    parsed = ipaddress.ip_address(ip)
    if parsed.is_loopback or parsed.is_multicast or parsed.is_unspecified or ip in BROADCAST:
        raise UsageError(
            f"--local-ip: {ip} cannot be an address of a cache",
            hint="a link-local address such as 169.254.20.10 is usual",
        )
    if ip in RESERVED:
        raise UsageError(f"--local-ip: {ip} belongs to {RESERVED[ip]}")
    return ip


def _cluster_domain(text: str) -> str:
    domain = text.strip().rstrip(".").lower()
    if not _DOMAIN.fullmatch(domain) or len(domain) > LONGEST_DOMAIN:
        raise UsageError(
            f"--cluster-domain: {text!r} is not a domain name", hint='such as "cluster.local"'
        )
    return domain


def _image(text: str) -> str:
    if not _IMAGE.fullmatch(text):
        raise UsageError(
            f"--image: {text!r} is not an image reference", hint=f"such as {DEFAULTS['image']}"
        )
    return text


def _external_name(text: str) -> str:
    if text == NO_EXTERNAL_NAME:
        return text
    return absolute(text, option="--external-name").rstrip(".")


def _node_selector(text: str) -> str:
    for part in filter(None, text.split(",")):
        key, equals, value = part.strip().partition("=")
        if not (equals and _LABEL_KEY.fullmatch(key) and _LABEL_VALUE.fullmatch(value)):
            raise UsageError(
                f"--node-selector: {part.strip()!r} is not of the form KEY=VALUE",
                hint="labels that a node must carry, with commas between",
            )
    return ",".join(f"{k}={v}" for k, v in sorted(selector_of(text).items()))


def _dns_service(text: str) -> str:
    return "/".join(split_name(text))


_CHECKS = {
    "dns-service": _dns_service,
    "local-ip": _local_ip,
    "cluster-domain": _cluster_domain,
    "image": _image,
    "external-name": _external_name,
    "node-selector": _node_selector,
}
