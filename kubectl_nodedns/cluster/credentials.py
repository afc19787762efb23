"""Credential plugins, the `exec` section of a kubeconfig user, and the auth provider oidc.

The contract of plugins is client.authentication.k8s.io/v1: the plugin gets KUBERNETES_EXEC_INFO,
prints an ExecCredential, and may speak to the user on stderr. That is the terminal where there is
one, so that a person sees a device code or is asked for a password; where there is none, or a
screen has it, stderr is captured, and what was said comes back in the error.
"""

from __future__ import annotations

import json
import ssl
import subprocess
import sys
from dataclasses import dataclass, field
from typing import Any

from kubectl_nodedns.children import environment_of_child
from kubectl_nodedns.documents import read_json
from kubectl_nodedns.errors import UnreachableError, UsageError
from kubectl_nodedns.interruptible import interruptible

PLUGIN_TIMEOUT = 120.0
"""Seconds a plugin may take; a browser login needs a person's time."""
SAID = 2000
"""Characters of a plugin's words that stand in an error."""
BY_HAND = "run it by hand, as the kubeconfig's users section has it, to see what it does"


@dataclass(frozen=True, kw_only=True)
class ExecCredential:
    """What a credential plugin answered."""

    token: str = field(repr=False)
    """Bearer token; empty when it gave a certificate."""
    client_certificate: str
    """PEM certificate chain; empty when it gave a token."""
    client_key: str = field(repr=False)
    """PEM private key of the certificate."""


def run_plugin(
    spec: dict[str, Any],
    *,
    cluster: dict[str, Any],
    interactive: bool,
    patience: float = PLUGIN_TIMEOUT,
) -> ExecCredential:
    """Run the plugin that `spec` (the kubeconfig's `exec` section) names.

    Args:
        spec: the section, of the right types.
        cluster: the cluster's fields, where the plugin wants them.
        interactive: whether it may use the terminal: no, while a screen is drawn there.
        patience: seconds that it may take.

    Raises:
        UnreachableError: it cannot be started, failed, or printed no credential.
    """
    command: str = spec["command"]
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
    environment = _environment(spec) | {"KUBERNETES_EXEC_INFO": json.dumps(info, default=str)}
    seen = interactive and sys.stderr.isatty()
    try:
        with interruptible():
            done = _run(
                [command, *(spec.get("args") or ())],
                env=environment,
                stdin=None if terminal else subprocess.DEVNULL,
                # Without a terminal of its own it cannot open /dev/tty and draw on our screen.
                start_new_session=not terminal,
                stdout=subprocess.PIPE,
                stderr=None if seen else subprocess.PIPE,
                text=True,
                errors="replace",
                patience=patience,
            )
    except FileNotFoundError as error:
        raise UnreachableError(
            f"the credential plugin {command!r} is not installed",
            hint=_plain(spec.get("installHint") or "") or f"put {command!r} on the PATH",
        ) from error
    except subprocess.TimeoutExpired:  # its words are the whole command line, which may be secret
        raise UnreachableError(
            f"the credential plugin {command!r} did not end in {patience:.0f} s", hint=BY_HAND
        ) from None
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "its arguments are not text"
        raise UnreachableError(
            f"the credential plugin {command!r} failed: {why}", hint=BY_HAND
        ) from None
    if done.returncode != 0:
        said = "" if seen else f" and said: {_plain(done.stderr) or 'nothing'}"
        raise UnreachableError(
            f"the credential plugin {command!r} ended with {done.returncode}{said}",
            hint="run kubectl once to log in again, then run this again",
        )
    return _read(command, done.stdout)


_running: set[subprocess.Popen[str]] = set()


def end_running() -> None:
    """End the plugins that run now, in whatever thread: nobody waits for them any more."""
    for process in list(_running):
        process.kill()


def _run(words: list[str], *, patience: float, **how: Any) -> subprocess.CompletedProcess[str]:
    """Run a program to its end, as `subprocess.run` does, where `end_running` finds it.

    Raises:
        OSError: it cannot be started.
        TimeoutExpired: it did not end within `patience` seconds.
    """
    with subprocess.Popen(words, **how) as process:
        _running.add(process)
        try:
            stdout, stderr = process.communicate(timeout=patience)
        except BaseException:
            process.kill()
            raise
        finally:
            _running.discard(process)
    return subprocess.CompletedProcess(words, process.returncode, stdout, stderr)


def _plain(text: str) -> str:
    """Return somebody else's words as they may stand in an error: their end, as plain text."""
    plain = "".join(c if c.isprintable() or c == "\n" else " " for c in text)
    return plain.strip()[-SAID:]


def _environment(spec: dict[str, Any]) -> dict[str, str]:
    """Return the plugin's environment: ours, without a frozen build's libraries, and its own."""
    environment = environment_of_child()
    for entry in spec.get("env") or []:
        if not entry.get("name"):
            raise UsageError(
                "a variable of the credential plugin has no name",
                hint="look at env in the user's exec section: kubectl config view",
            )
        environment[entry["name"]] = entry.get("value", "")
    return environment


def _read(command: str, output: str) -> ExecCredential:
    try:
        status = read_json(output)["status"]
        credential = ExecCredential(
            token=status.get("token") or "",
            client_certificate=status.get("clientCertificateData") or "",
            client_key=status.get("clientKeyData") or "",
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        raise UnreachableError(
            f"the credential plugin {command!r} printed no ExecCredential", hint=BY_HAND
        ) from None
    if not all(isinstance(part, str) for part in vars(credential).values()):
        raise UnreachableError(
            f"the credential plugin {command!r} printed a credential that is no text", hint=BY_HAND
        )
    if not credential.token and not credential.client_certificate:
        raise UnreachableError(
            f"the credential plugin {command!r} gave neither token nor certificate", hint=BY_HAND
        )
    return credential


def oidc_token(provider: dict[str, Any], user: str) -> str:
    """Return the token of the auth provider oidc, refreshed if it has expired; empty without one.

    Raises:
        UnreachableError: it cannot be had.
    """
    from kubernetes.client import Configuration  # noqa: PLC0415 - slow to import, and rare
    from kubernetes.config.kube_config import KubeConfigLoader  # noqa: PLC0415

    config = dict(provider.get("config") or {})
    if not config.get("idp-certificate-authority-data"):
        # Without one, the library would not check who it sends the refresh token to.
        known = ssl.get_default_verify_paths().cafile
        if not known:
            import certifi  # noqa: PLC0415 - the library's own requirement

            known = certifi.where()
        config["idp-certificate-authority"] = config.get("idp-certificate-authority") or known
    name = "only"
    content = {
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
        "clusters": [{"name": name, "cluster": {"server": ""}}],
        "users": [{"name": name, "user": {"auth-provider": {**provider, "config": config}}}],
    }
    settings = Configuration()
    settings.api_key = {}
    try:
        KubeConfigLoader(content, active_context=name).load_and_set(settings)
    except Exception as error:  # noqa: BLE001 - of three libraries, with secrets in their words
        raise UnreachableError(
            f"the auth provider oidc gave user {user!r} no token: {type(error).__name__}",
            hint="run kubectl once to log in again, then run this again",
        ) from None
    return str(settings.api_key.get("BearerToken", "")).removeprefix("Bearer ")
