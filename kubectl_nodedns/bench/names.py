"""The names that every series asks for: four of ours, or those of a file. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from kubectl_nodedns.errors import UsageError
from kubectl_nodedns.names import absolute, record_type, reverse

MOST = 200
"""Names that a file may hold; they travel in the address of one request to the API server."""


@dataclass(frozen=True, kw_only=True)
class Name:
    """One name to ask for."""

    label: str
    """What to call it in tables."""
    name: str
    """The domain name, absolute."""
    rtype: str = "A"
    """The type of the records asked for."""


def usual(*, domain: str, kube_dns_ip: str, external: str) -> list[Name]:
    """Return the names that are asked for when nobody names any.

    Args:
        domain: the cluster domain, without a final dot.
        kube_dns_ip: whose reverse name is asked for.
        external: a name outside the cluster; empty for none.
    """
    names = [
        Name(label="cluster", name=f"kubernetes.default.svc.{domain}."),
        Name(label="missing", name=f"nodedns-bench-no-such-service.default.svc.{domain}."),
        Name(label="reverse", name=reverse(kube_dns_ip), rtype="PTR"),
    ]
    if external:
        names.insert(1, Name(label="external", name=absolute(external, option="--external-name")))
    return names


def read_names(text: str, *, file: str) -> list[Name]:
    """Read a file of names: on each line a name and, if it is not A, a record type.

    What follows a "#" is a comment. This is also the form of dnsperf's input.

    Raises:
        UsageError: a line is something else, or there is no name, or there are too many.
    """
    names = []
    for number, line in enumerate(text.splitlines(), start=1):
        words = line.partition("#")[0].split()
        if not words:
            continue
        where = f"--names: {file}, line {number}"
        if len(words) > 2:  # noqa: PLR2004 - a name and a type
            raise UsageError(f"{where}: more than a name and a record type")
        name = absolute(words[0], option=where)
        rtype = record_type(words[1]) if len(words) > 1 else "A"
        label = name.removesuffix(".") + (f" {rtype}" if rtype != "A" else "")
        names.append(Name(label=label, name=name, rtype=rtype))
    if not names:
        raise UsageError(f"--names: {file} has no name in it")
    if len(names) > MOST:
        raise UsageError(f"--names: {file} has {len(names)} names; {MOST} is the most")
    return names
