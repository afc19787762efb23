"""What several commands read of their command line, as values that are frozen and checked.

Only what turns a command line into a request has it in its hands; see docs/decisions.
"""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

from kubectl_nodedns.cluster.access import AccessOptions, duration
from kubectl_nodedns.errors import UsageError
from kubectl_nodedns.files import read_text
from kubectl_nodedns.health.scope import Scope
from kubectl_nodedns.install.config_file import read_config
from kubectl_nodedns.install.option_checks import check, selector_of
from kubectl_nodedns.install.option_table import NO, OPTIONS
from kubectl_nodedns.probes.probe_job import (
    LIFETIME,
    NAMESPACE,
    START,
    ProbeOptions,
    check_namespace,
)

if TYPE_CHECKING:
    import argparse

OPTIONS_FILE = 256 * 1024
"""Bytes of a file with options: a ConfigMap, which it ends up in, has 1 MiB for everything."""
UNLIMITED = 86400.0
"""Seconds of --timeout=0."""
SHORTEST_LIFETIME = 10
"""Seconds that a probe lives at least."""


def access_options(arguments: argparse.Namespace) -> AccessOptions:
    """Return what was given of kubectl's own flags."""
    given = vars(arguments)
    values = {f.name: given[f.name] for f in fields(AccessOptions) if given.get(f.name) is not None}
    return AccessOptions(**values)


def installation_options(arguments: argparse.Namespace) -> dict[str, str]:
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


def dns_service(arguments: argparse.Namespace) -> str:
    """Return --dns-service, checked; empty when it is not given.

    Raises:
        UsageError: it is no NAMESPACE/NAME.
    """
    return check("dns-service", arguments.dns_service) if arguments.dns_service else ""


def step_timeout(arguments: argparse.Namespace) -> float:
    """Return --timeout in seconds.

    Raises:
        UsageError: it is no duration.
    """
    return duration(arguments.timeout, option="--timeout") or UNLIMITED


def scope(arguments: argparse.Namespace, shortest_window: float) -> Scope:
    """Return what `check` and `status` are to look at.

    Args:
        arguments: the command line.
        shortest_window: the least that --window may be, in seconds.

    Raises:
        UsageError: an option cannot be used.
    """
    window = duration(arguments.window, option="--window")
    if window is None or window < shortest_window:
        raise UsageError(f"--window: not less than {shortest_window:.0f} s")
    step_timeout(arguments)
    probe_options(arguments)
    labels = None
    if arguments.selector:
        labels = selector_of(check("node-selector", arguments.selector))
    domain = arguments.cluster_domain
    return Scope(
        dns_service=dns_service(arguments),
        cluster_domain=check("cluster-domain", domain) if domain else "",
        labels=labels,
        window=window,
    )


def probe_options(arguments: argparse.Namespace) -> ProbeOptions:
    """Return how probes are to be started.

    Raises:
        UsageError: --probe-namespace cannot be used, --probe-lifetime is no duration or too short
            to ask anything, or --timeout is no duration.
    """
    namespace = arguments.probe_namespace or NAMESPACE
    check_namespace(namespace)
    lifetime = LIFETIME
    if arguments.probe_lifetime:
        lifetime = int(duration(arguments.probe_lifetime, option="--probe-lifetime") or 0)
    if lifetime < SHORTEST_LIFETIME:
        raise UsageError(
            f"--probe-lifetime: not less than {SHORTEST_LIFETIME} s",
            hint="a probe must end by itself, and it takes seconds to start",
        )
    return ProbeOptions(
        namespace=namespace,
        image=arguments.probe_image or "",
        lifetime=lifetime,
        start=min(step_timeout(arguments), START) if "timeout" in arguments else START,
    )
