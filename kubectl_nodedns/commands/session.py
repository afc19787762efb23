"""What every command that speaks to a cluster needs: a client, and options by their names."""

from __future__ import annotations

from dataclasses import fields, replace
from functools import partial
from typing import TYPE_CHECKING

from kubectl_nodedns.cli.talk import Talk
from kubectl_nodedns.cluster.access import AccessOptions, duration, resolve
from kubectl_nodedns.cluster.client import Client
from kubectl_nodedns.errors import UsageError
from kubectl_nodedns.files import read_text
from kubectl_nodedns.install.config_file import read_config
from kubectl_nodedns.install.lease import Me, held
from kubectl_nodedns.install.option_checks import check
from kubectl_nodedns.install.option_table import NO, OPTIONS
from kubectl_nodedns.install.settings import mirrored
from kubectl_nodedns.lookup import probe_job, probes

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager

OPTIONS_FILE = 256 * 1024
"""Bytes of a file with options: a ConfigMap, which it ends up in, has 1 MiB for everything."""
START = 180.0
"""Seconds that probes may take to start, unless --timeout is shorter."""
SHORTEST_LIFETIME = 10
"""Seconds that a probe lives at least."""


def access_options(arguments: argparse.Namespace) -> AccessOptions:
    """Return what was given of kubectl's own flags."""
    given = vars(arguments)
    values = {f.name: given[f.name] for f in fields(AccessOptions) if given.get(f.name) is not None}
    return AccessOptions(**values)


def connect(arguments: argparse.Namespace, *, on_screen: bool = False) -> Client:
    """Return a client for the cluster that the arguments name; open it with `async with`.

    When its credentials expire it logs in again.

    Args:
        arguments: the command line.
        on_screen: whether a screen is drawn from then on, and has the terminal for itself.
    """
    options = access_options(arguments)
    log_in = partial(resolve, replace(options, interactive=not on_screen))
    return Client(resolve(options), log_in=log_in)


def given_options(arguments: argparse.Namespace) -> dict[str, str]:
    """Return the installation's options that were given, checked, by name.

    Those of a configuration file (--config) stand behind those of the command line.

    Raises:
        UsageError: one cannot be used, or a file cannot be read.
    """
    given = {}
    if path := getattr(arguments, "config", None):
        given = read_config(read_text(path, option="--config", most=OPTIONS_FILE), name=path)
    for option in OPTIONS:
        value = getattr(arguments, option.dest, None)
        if value is None:
            continue
        if option.kind in ("blocks", "plugins") and value != NO:
            value = read_text(value, option=f"--{option.name}", most=OPTIONS_FILE)
        if isinstance(value, list):
            value = option.joint.join(value)
        given[option.name] = check(option.name, str(value))
    return given


def check_change(arguments: argparse.Namespace) -> None:
    """Check what a change needs besides the installation's options, before anything is asked.

    Raises:
        UsageError: --timeout, --dns-service or --probe-namespace cannot be used.
    """
    step_timeout(arguments)
    if arguments.dns_service:
        check("dns-service", arguments.dns_service)
    probes.check_namespace(probe_namespace(arguments))
    probe_lifetime(arguments)


def step_timeout(arguments: argparse.Namespace) -> float:
    """Return --timeout in seconds; without a limit it is a day."""
    return duration(arguments.timeout, option="--timeout") or 86400.0


def probe_image(arguments: argparse.Namespace, registry: str = "") -> str:
    """Return the image that probes run; the default one from `registry` when that is given."""
    return str(arguments.probe_image or mirrored(probe_job.IMAGE, registry))


def probe_namespace(arguments: argparse.Namespace) -> str:
    """Return the namespace that probes run in."""
    return str(arguments.probe_namespace or probe_job.NAMESPACE)


def probe_lifetime(arguments: argparse.Namespace) -> int:
    """Return the whole seconds after which a probe ends by itself.

    Raises:
        UsageError: --probe-lifetime is no duration, or too short to ask anything.
    """
    if not arguments.probe_lifetime:
        return probe_job.LIFETIME
    seconds = int(duration(arguments.probe_lifetime, option="--probe-lifetime") or 0)
    if seconds < SHORTEST_LIFETIME:
        raise UsageError(
            f"--probe-lifetime: not less than {SHORTEST_LIFETIME} s",
            hint="a probe must end by itself, and it takes seconds to start",
        )
    return seconds


def hold_lease(
    client: Client, namespace: str, command: str, told: Callable[[str], None]
) -> AbstractAsyncContextManager[None]:
    """Return the lease that keeps other runs from changing an installation; hold it while writing.

    Args:
        client: an open client.
        namespace: the DNS service's.
        command: what runs, such as "enable".
        told: called with what people should know about it.
    """
    return held(client, namespace, me=Me.doing(command), told=told)


def make_probes(
    client: Client,
    arguments: argparse.Namespace,
    registry: str = "",
    *,
    dns_policy: str = "ClusterFirst",
    host_network: bool = False,
) -> probes.Probes:
    """Return the probes that the arguments ask for; none is started yet."""
    return probes.Probes(
        client,
        namespace=probe_namespace(arguments),
        image=probe_image(arguments, registry),
        timeout=min(step_timeout(arguments), START) if "timeout" in arguments else START,
        lifetime=probe_lifetime(arguments),
        dns_policy=dns_policy,
        host_network=host_network,
        told=Talk().note,
    )
