"""The options of an installation: given now, given once before, or a default.

What was given stays until it is given again. A default that this version of the plugin has changed
stays as it was installed, is mentioned in the plan, and is taken with `--upgrade`. A configuration
file says everything: what it does not name goes back to its default.
"""

from __future__ import annotations

import ipaddress
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from kubectl_nodedns import __version__
from kubectl_nodedns.documents import read_json
from kubectl_nodedns.errors import RefusedError, UsageError
from kubectl_nodedns.install.option_checks import RESERVED, check, selector_of
from kubectl_nodedns.install.option_table import BY_NAME, NO, OPTIONS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = [
    "RESERVED",
    "Memory",
    "addresses",
    "changes",
    "check",
    "check_addresses",
    "selector_of",
    "settle",
]

DEFAULTS: Mapping[str, str] = {o.name: o.default for o in OPTIONS if o.default is not None}
"""Options that have a default in this version."""
DEFAULT_IPV6 = "fd00:90de:d95::1"
"""The local IP where the DNS service has an IPv6 address: a unique local one (RFC 4193)."""
NAMES = tuple(BY_NAME)
"""Options that are remembered."""
NO_EXTERNAL_NAME = NO
TOLD = frozenset(
    {
        *("image", "image-registry", "upstream", "stub-domain", "extra-blocks"),
        *("cluster-plugins", "outside-plugins"),
    }
)
"""Options that decide what runs on the nodes and who answers: a plan tells where they stem from."""
LONGEST = 60
"""Characters of a value that a line of the plan shows."""


@dataclass(frozen=True, kw_only=True)
class Memory:
    """What an installation remembers of the options it was made with."""

    given: Mapping[str, str] = field(default_factory=dict)
    """Options that somebody gave, by name."""
    defaults: Mapping[str, str] = field(default_factory=dict)
    """Defaults that were used, by name."""
    version: str = field(default=__version__, compare=False)
    """Version of the plugin that wrote it; empty when it did not say."""
    wrong: Mapping[str, str] = field(default_factory=dict, compare=False)
    """Why a remembered value cannot be used, by the option's name; such values are left out."""

    def value(self, name: str) -> str:
        """Return an option's value; empty when it was not given and has no default."""
        return self.given.get(name, self.defaults.get(name, ""))

    def as_text(self) -> str:
        """Return the memory as the annotation holds it."""
        content = {
            "given": dict(self.given),
            "defaults": dict(self.defaults),
            "version": self.version,
        }
        return json.dumps(content, sort_keys=True)

    @classmethod
    def of_text(cls, text: str, *, home: str = "") -> Memory:
        """Read the annotation; an unreadable one is an empty memory.

        Each value is checked as one that is given on the command line. Options that this version
        does not know are left out.

        Args:
            text: the annotation.
            home: namespace of the DaemonSet that bears it, where the DNS service must be; empty
                where that does not matter.
        """
        try:
            content = read_json(text)
            given = {k: v for k, v in content["given"].items() if k in NAMES}
            defaults = {k: v for k, v in content["defaults"].items() if k in DEFAULTS}
            version = str(content.get("version", ""))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return cls(version="")
        wrong: dict[str, str] = {}
        elsewhere = str(given.get("dns-service") or f"{home}/").partition("/")[0] != home
        if home and elsewhere:
            wrong["dns-service"] = f"--dns-service: {given.pop('dns-service')!r} is not in {home}"
        return cls(
            given=_checked(given, wrong),
            defaults=_checked(defaults, wrong),
            version=version,
            wrong=wrong,
        )


def _checked(values: Mapping[str, Any], wrong: dict[str, str]) -> dict[str, str]:
    """Return the values that can be used; the others go into `wrong`, with the reason."""
    found = {}
    for name, value in values.items():
        # As it is written down where "none" took a value back.
        if value == "" and BY_NAME[name].default is None:
            found[name] = ""
            continue
        try:
            found[name] = check(name, str(value))
        except UsageError as error:
            wrong[name] = str(error)
    return found


def settle(
    given: Mapping[str, str], before: Memory | None, *, upgrade: bool, whole: bool = False
) -> tuple[Memory, list[str]]:
    """Decide the options of this run.

    Args:
        given: options given now, by name; checked by `check` already.
        before: what the installation remembers; None when there is none.
        upgrade: whether to take this version's defaults.
        whole: whether `given` is all that shall be given: a configuration file says so.

    Returns:
        The memory to write, and a line for each value that is remembered and is not what a new
        installation would have.

    Raises:
        RefusedError: a remembered value cannot be used, and nothing is given in its place.
    """
    known = before or Memory()
    all_given = dict(given) if whole else {**known.given, **given}
    defaults = dict(DEFAULTS) if upgrade else {**DEFAULTS, **known.defaults}
    if wrong := [name for name in known.wrong if name not in given and not whole]:
        raise RefusedError(
            f"the installation remembers an option that cannot be used: {known.wrong[wrong[0]]}",
            hint=f"who wrote that? Give --{wrong[0]} anew; it stands in the annotation "
            "kubectl-nodedns/options of the DaemonSet",
        )
    notes = [
        f"{name}: this version's default is {new}; remembered is {_short(defaults[name])}, and "
        "kept until --upgrade"
        for name, new in DEFAULTS.items()
        if name not in all_given and defaults[name] != new
    ]
    notes += [
        f"{name}: {_short(value)} is remembered from an earlier run"
        + (f"; this version's default is {DEFAULTS[name]}" if name in DEFAULTS else "")
        for name, value in all_given.items()
        if name in TOLD and name not in given and value not in ("", DEFAULTS.get(name))
    ]
    return Memory(given=all_given, defaults=defaults), notes


def changes(before: Memory, after: Memory) -> list[str]:
    """Say in lines which options an installation gets that were others before."""
    return [
        f"option {name}: {_short(before.value(name))} → {_short(after.value(name))}"
        for name in NAMES
        if before.value(name) != after.value(name)
        and (name in before.given or name in after.given or name in before.defaults)
    ]


def check_together(memory: Memory) -> None:
    """Check options that exclude each other.

    Raises:
        UsageError: two of them cannot stand together.
    """
    ports = [memory.value(f"{name}-port") for name in ("health", "metrics", "setup-metrics")]
    if len({*ports, "53"}) <= len(ports):
        raise UsageError(
            f"--health-port, --metrics-port and --setup-metrics-port: {', '.join(ports)} are not "
            "three ports beside 53"
        )
    if memory.value("forward-all-to-kube-dns") == "true" and memory.value("upstream"):
        raise UsageError(
            "--forward-all-to-kube-dns and --upstream: names outside the cluster can go one way "
            "only",
            hint="--upstream none takes the resolvers back",
        )


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


def _short(value: str) -> str:
    text = " ".join(value.split()) or "not given"
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
