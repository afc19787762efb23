"""`kubectl nodedns monitoring`: what Prometheus and Grafana need, printed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from kubectl_nodedns.cli.loop import run_on_loop
from kubectl_nodedns.cli.output import print_data, print_documents
from kubectl_nodedns.cli.talk import Talk
from kubectl_nodedns.commands.given import access_options, dns_service
from kubectl_nodedns.commands.session import connect
from kubectl_nodedns.errors import Exit, UsageError
from kubectl_nodedns.install.recalled import recalled
from kubectl_nodedns.metrics.monitoring.reading import read_installed
from kubectl_nodedns.metrics.monitoring.request import (
    USUAL_KINDS,
    Installed,
    MonitoringRequest,
    documents,
    usual,
)

if TYPE_CHECKING:
    import argparse

    from kubectl_nodedns.cluster.access import AccessOptions


def run(arguments: argparse.Namespace) -> int:
    """Print what was asked for."""
    request = _request(arguments)
    if request.coredns_version:
        return _print(request, usual(request))
    return run_on_loop(_print_installed(access_options(arguments), request))


def _request(arguments: argparse.Namespace) -> MonitoringRequest:
    """Read the command line.

    Raises:
        UsageError: an option cannot be used, or two do not go together.
    """
    kinds = tuple(dict.fromkeys(arguments.kind or USUAL_KINDS))
    if "rules" in kinds and len(kinds) > 1:
        raise UsageError("--kind rules is a file, not an object: print it alone")
    return MonitoringRequest(
        kinds=kinds,
        json=arguments.output == "json",
        labels=dict(_label(text) for text in arguments.label),
        job=arguments.job,
        coredns_version=arguments.coredns_version or "",
        dns_service=dns_service(arguments),
    )


async def _print_installed(access: AccessOptions, request: MonitoringRequest) -> int:
    async with connect(access) as client:
        known = await recalled(client, {"dns-service": request.dns_service})
        request = replace(request, dns_service=known.get("dns-service", ""))
        installed = await read_installed(client, request, Talk().note)
    return _print(request, installed)


def _print(request: MonitoringRequest, installed: Installed) -> int:
    printed = documents(request, installed)
    if request.json:
        several = {"apiVersion": "v1", "kind": "List", "items": printed}
        print_data(printed[0] if len(printed) == 1 else several, "json")
    else:
        print_documents(printed)
    return Exit.OK


def _label(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not (key and equals):
        raise UsageError(f"--label: {text!r} is not of the form KEY=VALUE")
    return key, value
