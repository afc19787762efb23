"""The canonical form of each kind of option, or an error that names the option.

Options are text everywhere: on the command line, in the annotation, in this room. A configuration
file's lists and maps become the same text first, so there is one check for each kind.
"""

from __future__ import annotations

import ipaddress
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kubectl_nodedns.documents import DocumentError, read_json
from kubectl_nodedns.errors import UsageError
from kubectl_nodedns.facts.dns_service import split_name
from kubectl_nodedns.install.corefile_check import check_blocks, check_plugins
from kubectl_nodedns.install.option_forms import EFFECTS, Form
from kubectl_nodedns.install.option_table import ALL, AUTO, BY_NAME, NO, Option
from kubectl_nodedns.install.quantity import canonical_cpu, canonical_memory
from kubectl_nodedns.names import absolute, address

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

RESERVED = {
    "169.254.169.254": "the metadata service of clouds",
    "169.254.169.253": "the DNS server of AWS",
    "169.254.170.2": "the credentials agent of AWS ECS",
    "169.254.170.23": "the credentials agent of AWS EKS",
}
"""Link-local addresses that cloud agents own."""
BROADCAST = frozenset({"255.255.255.255"})
OURS = ("app.kubernetes.io/name", "app.kubernetes.io/managed-by", "k8s-app", "kubectl-nodedns/")
"""Labels, and a prefix of labels and annotations, by which this plugin knows its objects."""
LONGEST_DOMAIN = 200
"""Characters of a cluster domain; names of services stand before it, and 253 is the limit."""
MOST_SERVERS = 15
"""Upstreams that CoreDNS's forward takes (plugin/forward)."""
SYSTEM = "kubernetes.io/os"
_DOMAIN = re.compile(r"([a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?\.)*[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_LABEL_KEY = re.compile(r"([a-z0-9.-]+/)?[A-Za-z0-9]([\w.-]*[A-Za-z0-9])?")
_LABEL_VALUE = re.compile(r"([A-Za-z0-9]([\w.-]{0,61}[A-Za-z0-9])?)?")
_ANNOTATION_VALUE = re.compile(r"(?s).*")
_IMAGE = re.compile(r"[a-z0-9][\w.:/-]*(@sha256:[0-9a-f]{64})?")
_REGISTRY = re.compile(r"[a-z0-9][a-z0-9.-]*(:\d+)?(/[a-z0-9][a-z0-9._-]*)*")
_NUMBER = re.compile(r"[0-9]{1,18}")
_DURATION = re.compile(r"[1-9][0-9]{0,5}[smh]")


_TIME = r"[0-9]{1,6}(\.[0-9]{1,3})?(ms|s|m|h)"
FORWARD_OPTIONS: Mapping[str, re.Pattern[str]] = {
    "force_tcp": re.compile(""),
    "prefer_udp": re.compile(""),
    "policy": re.compile("random|round_robin|sequential"),
    "max_fails": re.compile("[0-9]{1,6}"),
    "expire": re.compile(_TIME),
    "health_check": re.compile(rf"{_TIME}( no_rec)?( domain [\w.-]{{1,253}})?"),
}
"""Options of `forward` that can be given, with the form of their values (CoreDNS, plugin/forward);
max_concurrent is an option of its own."""


def check(name: str, text: str) -> str:
    """Check an option's value and return it in its canonical form.

    Raises:
        UsageError: it cannot be used; the message names the option.
    """
    option = BY_NAME[name]
    _check_readable(option, text)
    if option.default is None and text.strip() == NO:
        return ""
    return KINDS[option.kind].check(option, text)


def _check_readable(option: Option, text: str) -> None:
    if strange := next((c for c in text if not c.isprintable() and c not in "\t\n\r"), ""):
        raise UsageError(
            f"--{option.name}: there is a character {strange!r} in it, which nobody can read"
        )


def selector_of(text: str) -> dict[str, str]:
    """Read "key=value,key=value"."""
    pairs = (part.partition("=") for part in text.split(",") if part.strip())
    return {key.strip(): value.strip() for key, _, value in pairs}


def pairs_of(text: str) -> dict[str, str]:
    """Read "key=value,key=value", or a JSON object: a value with a comma needs that.

    Raises:
        DocumentError: it begins as a JSON object and is none of text to text.
    """
    if not text.lstrip().startswith("{"):
        return selector_of(text)
    found = read_json(text)
    if not all(isinstance(value, str) for value in found.values()):
        raise DocumentError("a value is no text")
    return dict(found)


def pairs_text(pairs: Mapping[str, str]) -> str:
    """Return pairs as one text, for `pairs_of`; JSON only where a value needs it.

    Earlier versions read the plain form alone.
    """
    plain = ",".join(f"{key}={value}" for key, value in sorted(pairs.items()))
    same = not plain.startswith("{") and selector_of(plain) == dict(pairs)
    return plain if same else json.dumps(pairs, sort_keys=True, ensure_ascii=False)


def _word(option: Option, text: str) -> str:
    if text not in option.choices:
        raise UsageError(f"--{option.name}: {text!r} is none of {', '.join(option.choices)}")
    return text


def _number(option: Option, text: str) -> str:
    digits = text.strip()
    if not _NUMBER.fullmatch(digits) or not option.least <= int(digits) <= option.most:
        raise UsageError(
            f"--{option.name}: {text!r} is not a whole number from {option.least} to {option.most}"
        )
    return str(int(digits))


def _switch(option: Option, text: str) -> str:
    if text.lower() not in ("true", "false"):
        raise UsageError(f"--{option.name}: {text!r} is neither true nor false")
    return text.lower()


def _duration(option: Option, text: str) -> str:
    if not _DURATION.fullmatch(text.strip()):
        raise UsageError(f"--{option.name}: {text!r} is not a time such as 30m or 1h")
    return text.strip()


def _local_ip(option: Option, text: str) -> str:
    ip = address(text, option=f"--{option.name}")
    parsed = ipaddress.ip_address(ip)
    if parsed.is_loopback or parsed.is_multicast or parsed.is_unspecified or ip in BROADCAST:
        raise UsageError(
            f"--local-ip: {ip} cannot be an address of a cache",
            hint="a link-local address such as 169.254.20.10 is usual",
        )
    if parsed.version == 6 and parsed.is_link_local:  # noqa: PLR2004 - the other is 4
        raise UsageError(
            f"--local-ip: {ip} is reached with a zone only, which no resolv.conf of a pod has",
            hint="a unique local address such as fd00:90de:d95::1 is usual",
        )
    if ip in RESERVED:
        raise UsageError(
            f"--local-ip: {ip} belongs to {RESERVED[ip]}", hint="such as 169.254.20.10"
        )
    return ip


def _domain(option: Option, text: str) -> str:
    domain = text.strip().rstrip(".").lower()
    if not _DOMAIN.fullmatch(domain) or len(domain) > LONGEST_DOMAIN:
        raise UsageError(
            f"--{option.name}: {text!r} is not a domain name", hint='such as "cluster.local"'
        )
    return domain


def _image(option: Option, text: str) -> str:
    if not _IMAGE.fullmatch(text):
        raise UsageError(
            f"--{option.name}: {text!r} is not an image reference", hint=f"such as {option.default}"
        )
    return text


def _registry(option: Option, text: str) -> str:
    host = text.strip().rstrip("/")
    if not _REGISTRY.fullmatch(host):
        raise UsageError(
            f"--{option.name}: {text!r} is not of the form HOST[:PORT][/PATH]",
            hint="such as mirror.example:5000/k8s",
        )
    return host


def _name(option: Option, text: str) -> str:
    if not _DOMAIN.fullmatch(text.strip()):
        raise UsageError(f"--{option.name}: {text!r} is not a name of an object")
    return text.strip()


def _names(option: Option, text: str) -> str:
    return ",".join(dict.fromkeys(_name(option, part) for part in text.split(",")))


def _external_name(option: Option, text: str) -> str:
    return NO if text == NO else absolute(text, option=f"--{option.name}").rstrip(".")


def _dns_service(_: Option, text: str) -> str:
    return "/".join(split_name(text))


def _servers(option: Option, text: str) -> str:
    """Addresses with or without a port, as CoreDNS's forward reads them."""
    servers = [_server(option, part.strip()) for part in text.split(",")]
    if len(servers) > MOST_SERVERS:
        raise UsageError(f"--{option.name}: {len(servers)} are more than {MOST_SERVERS} resolvers")
    return ",".join(dict.fromkeys(servers))


def _server(option: Option, text: str) -> str:
    match = re.fullmatch(r"\[([^]]+)\](?::([0-9]{1,9}))?|([^:]+):([0-9]{1,9})", text)
    host, port = (match[1] or match[3], match[2] or match[4]) if match else (text, "")
    ip = address(host, option=f"--{option.name}")
    if port and not 0 < int(port) <= 65535:  # noqa: PLR2004 - ports have 16 bits
        raise UsageError(f"--{option.name}: {text!r} has no port from 1 to 65535")
    if not port:
        return ip
    return f"[{ip}]:{int(port)}" if ":" in ip else f"{ip}:{int(port)}"


def _stub_domains(option: Option, text: str) -> str:
    found: dict[str, str] = {}
    for part in text.split(";"):
        domain, equals, servers = part.strip().partition("=")
        if not equals:
            raise UsageError(
                f"--{option.name}: {part.strip()!r} is not of the form DOMAIN=IP,...",
                hint="such as corp.example=10.0.0.1,10.0.0.2",
            )
        name = _domain(option, domain)
        if name in found:
            raise UsageError(f"--{option.name}: {name} is given twice")
        found[name] = _servers(option, servers)
    return ";".join(f"{name}={servers}" for name, servers in sorted(found.items()))


def _blocks(_: Option, text: str) -> str:
    check_blocks(text, option="--extra-blocks")
    return text.strip() + "\n"


def _plugins(option: Option, text: str) -> str:
    return check_plugins(text, option=f"--{option.name}")


def _forward_options(option: Option, text: str) -> str:
    found: dict[str, str] = {}
    for part in filter(None, (" ".join(one.split()) for one in text.split(";"))):
        name, _, value = part.partition(" ")
        form = FORWARD_OPTIONS.get(name)
        if form is None or not form.fullmatch(value):
            raise UsageError(
                f"--{option.name}: {part!r} is no option of forward that can be given here",
                hint="there are prefer_udp, force_tcp, policy sequential (random, round_robin), "
                "max_fails N, expire TIME, health_check TIME [no_rec] [domain NAME]",
            )
        if name in found:
            raise UsageError(f"--{option.name}: {name} is given twice")
        found[name] = part
    if {"prefer_udp", "force_tcp"} <= {*found}:
        raise UsageError(f"--{option.name}: prefer_udp and force_tcp exclude each other")
    return ";".join(found[name] for name in FORWARD_OPTIONS if name in found)


def _pairs(option: Option, text: str, value: re.Pattern[str]) -> str:
    parts = [part.strip() for part in text.split(",") if part]
    if text.lstrip().startswith("{"):
        try:
            parts = [f"{key}={rest}" for key, rest in pairs_of(text).items()]
        except DocumentError as error:
            raise UsageError(
                f"--{option.name}: {text!r} is no JSON object of text to text: {error}"
            ) from error
    found = {}
    for part in parts:
        _check_readable(option, part)  # an escape of JSON hides what it stands for
        key, equals, rest = part.partition("=")
        if not (equals and _LABEL_KEY.fullmatch(key) and value.fullmatch(rest)):
            raise UsageError(
                f"--{option.name}: {part!r} is not of the form KEY=VALUE",
                hint="labels that a node must carry, with commas between"
                if option.name == "node-selector"
                else "with commas between",
            )
        found[key] = rest
    return pairs_text(found)


def _node_selector(option: Option, text: str) -> str:
    found = _pairs(option, text, _LABEL_VALUE)
    if selector_of(found).get(SYSTEM, "linux") != "linux":
        raise UsageError(
            f"--{option.name}: {SYSTEM}={selector_of(found)[SYSTEM]} selects nodes that cannot "
            "run the cache",
            hint="the agent is made for Linux alone",
        )
    return found


def _labels(option: Option, text: str) -> str:
    return _not_ours(option, _pairs(option, text, _LABEL_VALUE))


def _annotations(option: Option, text: str) -> str:
    return _not_ours(option, _pairs(option, text, _ANNOTATION_VALUE))


def _not_ours(option: Option, text: str) -> str:
    for key in pairs_of(text):
        if key.startswith(OURS) or key.startswith("prometheus.io/"):
            raise UsageError(f"--{option.name}: {key} is written by this plugin itself")
    return text


def _tolerations(option: Option, text: str) -> str:
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if not parts or NO in parts or ALL in parts:
        if len(parts) > 1:
            raise UsageError(f"--{option.name}: {ALL} and {NO} stand alone")
        return parts[0] if parts else NO
    for part in parts:
        taint, colon, effect = part.partition(":")
        key, equals, value = taint.partition("=")
        fits = not key or (_LABEL_KEY.fullmatch(key) and _LABEL_VALUE.fullmatch(value))
        if not fits or (equals and not key) or (colon and effect not in EFFECTS):
            raise UsageError(
                f"--{option.name}: {part!r} is not of the form KEY[=VALUE][:EFFECT]",
                hint=f"effects are {', '.join(EFFECTS)}",
            )
    return ",".join(sorted(set(parts)))


def _cpu(option: Option, text: str) -> str:
    return canonical_cpu(text, option=f"--{option.name}")


def _memory(option: Option, text: str) -> str:
    return text if text in (AUTO, NO) else canonical_memory(text, option=f"--{option.name}")


@dataclass(frozen=True)
class Kind:
    """One kind of option."""

    check: Callable[[Option, str], str]
    """Returns the canonical form of a value, or raises a UsageError."""
    form: Form = Form.TEXT
    """What a value is in a configuration file."""


KINDS: Mapping[str, Kind] = {
    "word": Kind(_word),
    "number": Kind(_number, Form.NUMBER),
    "switch": Kind(_switch, Form.SWITCH),
    "duration": Kind(_duration),
    "local-ip": Kind(_local_ip),
    "domain": Kind(_domain),
    "image": Kind(_image),
    "registry": Kind(_registry),
    "name": Kind(_name),
    "names": Kind(_names, Form.LIST),
    "external-name": Kind(_external_name),
    "dns-service": Kind(_dns_service),
    "servers": Kind(_servers, Form.LIST),
    "stub-domains": Kind(_stub_domains, Form.LISTS),
    "blocks": Kind(_blocks),
    "plugins": Kind(_plugins),
    "forward-options": Kind(_forward_options, Form.LIST),
    "node-selector": Kind(_node_selector, Form.MAP),
    "labels": Kind(_labels, Form.MAP),
    "annotations": Kind(_annotations, Form.MAP),
    "tolerations": Kind(_tolerations, Form.TAINTS),
    "cpu": Kind(_cpu),
    "memory": Kind(_memory),
}
"""Every kind of option, by the name that the table of options has for it."""
