"""What every command that speaks to a cluster needs: a client, and options by their names."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

from kubectl_nodedns.cluster.access import AccessOptions, duration, resolve
from kubectl_nodedns.cluster.client import Client
from kubectl_nodedns.install.options import NAMES, check
from kubectl_nodedns.lookup import probes

if TYPE_CHECKING:
    import argparse


START = 180.0
"""Seconds that probes may take to start, unless --timeout is shorter."""


def access_options(arguments: argparse.Namespace) -> AccessOptions:
    """Return what was given of kubectl's own flags."""
    given = vars(arguments)
    values = {f.name: given[f.name] for f in fields(AccessOptions) if given.get(f.name) is not None}
    return AccessOptions(**values)


def connect(arguments: argparse.Namespace) -> Client:
    """Return a client for the cluster that the arguments name; open it with `async with`."""
    return Client(resolve(access_options(arguments)))


def given_options(arguments: argparse.Namespace) -> dict[str, str]:
    """Return the installation's options that were given, checked, by name."""
    values = {name: getattr(arguments, name.replace("-", "_"), None) for name in NAMES}
    return {name: check(name, text) for name, text in values.items() if text is not None}


def check_change(arguments: argparse.Namespace) -> None:
    """Check what a change needs besides the installation's options, before anything is asked.

    Raises:
        UsageError: --timeout, --dns-service or --probe-namespace cannot be used.
    """
    step_timeout(arguments)
    if arguments.dns_service:
        check("dns-service", arguments.dns_service)
    probes.check_namespace(probe_namespace(arguments))


def step_timeout(arguments: argparse.Namespace) -> float:
    """Return --timeout in seconds; without a limit it is a day."""
    return duration(arguments.timeout, option="--timeout") or 86400.0


def probe_image(arguments: argparse.Namespace) -> str:
    """Return the image that probes run."""
    return str(arguments.probe_image or probes.IMAGE)


def probe_namespace(arguments: argparse.Namespace) -> str:
    """Return the namespace that probes run in."""
    return str(arguments.probe_namespace or probes.NAMESPACE)


def make_probes(
    client: Client, arguments: argparse.Namespace, *, host_network: bool = False
) -> probes.Probes:
    """Return the probes that the arguments ask for; none is started yet."""
    return probes.Probes(
        client,
        namespace=probe_namespace(arguments),
        image=probe_image(arguments),
        timeout=min(step_timeout(arguments), START) if "timeout" in arguments else START,
        host_network=host_network,
    )
