"""Credential plugins: the `exec` section of a kubeconfig user.

The contract is client.authentication.k8s.io/v1: the plugin gets KUBERNETES_EXEC_INFO, prints an
ExecCredential, and may speak to the user on stderr. Here stderr is captured, so a plugin can never
draw on a screen; what it said comes back in the error.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from typing import Any

from kubectl_nodedns.children import environment_of_child
from kubectl_nodedns.errors import UnreachableError
from kubectl_nodedns.interruptible import interruptible

PLUGIN_TIMEOUT = 120.0
"""Seconds a plugin may take; a browser login needs a person's time."""
BY_HAND = "run it by hand, as the kubeconfig's users section has it, to see what it does"


@dataclass(frozen=True, kw_only=True)
class ExecCredential:
    """What a credential plugin answered."""

    token: str
    """Bearer token; empty when it gave a certificate."""
    client_certificate: str
    """PEM certificate chain; empty when it gave a token."""
    client_key: str
    """PEM private key of the certificate."""


def run_plugin(
    spec: dict[str, Any], *, cluster: dict[str, Any], interactive: bool
) -> ExecCredential:
    """Run the plugin that `spec` (the kubeconfig's `exec` section) names.

    Raises:
        UnreachableError: it cannot be started, failed, or printed no credential.
    """
    command = str(spec.get("command", ""))
    mode = spec.get("interactiveMode", "IfAvailable")
    terminal = interactive and mode != "Never" and sys.stdin.isatty()
    if mode == "Always" and not terminal:
        raise UnreachableError(
            f"the credential plugin {command!r} needs a terminal, and there is none",
            hint="log in with kubectl once, then run this again",
        )
    info: dict[str, Any] = {
        "apiVersion": spec.get("apiVersion", "client.authentication.k8s.io/v1"),
        "kind": "ExecCredential",
        "spec": {"interactive": terminal, **({"cluster": cluster} if cluster else {})},
    }
    environment = _environment(spec) | {"KUBERNETES_EXEC_INFO": json.dumps(info)}
    try:
        with interruptible():
            done = subprocess.run(
                [command, *(spec.get("args") or [])],
                env=environment,
                stdin=None if terminal else subprocess.DEVNULL,
                # Without a terminal of its own it cannot open /dev/tty and draw on our screen.
                start_new_session=not terminal,
                capture_output=True,
                text=True,
                timeout=PLUGIN_TIMEOUT,
                check=False,
            )
    except FileNotFoundError as error:
        raise UnreachableError(
            f"the credential plugin {command!r} is not installed",
            hint=str(spec.get("installHint") or "").strip() or f"put {command!r} on the PATH",
        ) from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UnreachableError(
            f"the credential plugin {command!r} failed: {error}", hint=BY_HAND
        ) from error
    if done.returncode != 0:
        said = done.stderr.strip() or "nothing"
        raise UnreachableError(
            f"the credential plugin {command!r} ended with {done.returncode} and said: {said}",
            hint="run kubectl once to log in again, then run this again",
        )
    return _read(command, done.stdout)


def _environment(spec: dict[str, Any]) -> dict[str, str]:
    """Return the plugin's environment: ours, without a frozen build's libraries, and its own."""
    environment = environment_of_child()
    for entry in spec.get("env") or []:
        environment[str(entry["name"])] = str(entry.get("value", ""))
    return environment


def _read(command: str, output: str) -> ExecCredential:
    try:
        status = json.loads(output)["status"]
        credential = ExecCredential(
            token=status.get("token") or "",
            client_certificate=status.get("clientCertificateData") or "",
            client_key=status.get("clientKeyData") or "",
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UnreachableError(
            f"the credential plugin {command!r} printed no ExecCredential", hint=BY_HAND
        ) from error
    if not credential.token and not credential.client_certificate:
        raise UnreachableError(
            f"the credential plugin {command!r} gave neither token nor certificate", hint=BY_HAND
        )
    return credential
