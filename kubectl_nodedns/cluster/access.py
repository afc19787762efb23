"""From kubeconfig and kubectl's flags to a server address, a TLS context and headers.

`kubernetes.config` reads and merges kubeconfig files and resolves every kind of credential except
one: a credential plugin is run here (see `credentials`), because it must never draw on the screen
and because its failure must be an error, where the library goes on unauthenticated.
"""

from __future__ import annotations

import base64
import os
import re
import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kubectl_nodedns.cluster.credentials import ExecCredential, run_plugin
from kubectl_nodedns.errors import UnreachableError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT_KUBECONFIG = "~/.kube/config"
_WRONG_SHAPE = (ValueError, TypeError, AttributeError, KeyError, IndexError)
"""What the library raises about a kubeconfig that is YAML and something else."""
SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")


@dataclass(frozen=True, kw_only=True)
class AccessOptions:
    """kubectl's own flags about which cluster to speak to, and as whom. Empty means not given."""

    kubeconfig: str = ""
    """Path of the kubeconfig file; overrides $KUBECONFIG."""
    context: str = ""
    """Name of the kubeconfig context."""
    cluster: str = ""
    """Name of the kubeconfig cluster, instead of the context's."""
    user: str = ""
    """Name of the kubeconfig user, instead of the context's."""
    server: str = ""
    """Address of the API server."""
    token: str = ""
    """Bearer token."""
    as_user: str = ""
    """User to impersonate."""
    as_uid: str = ""
    """UID to impersonate."""
    as_groups: tuple[str, ...] = ()
    """Groups to impersonate."""
    tls_server_name: str = ""
    """Name to check the server's certificate against."""
    insecure_skip_tls_verify: bool = False
    """Do not check the server's certificate."""
    certificate_authority: str = ""
    """File with the certificate authority of the server."""
    client_certificate: str = ""
    """File with a client certificate."""
    client_key: str = ""
    """File with the client certificate's key."""
    request_timeout: str = ""
    """How long one request may take, as kubectl writes it: "30s", "1m"; "0" is no limit."""
    interactive: bool = True
    """Whether a credential plugin may use the terminal."""


@dataclass(frozen=True, kw_only=True)
class Access:
    """All that is needed to speak to one API server."""

    server: str
    """Base address, such as https://10.0.0.1:6443, without a slash at the end."""
    context: str
    """Name of the context, for people to see; may be empty."""
    namespace: str
    """The context's namespace; "default" when it names none."""
    tls: ssl.SSLContext | bool
    """The TLS context; True where the address is plain http."""
    headers: Mapping[str, str]
    """Headers for each request: authorization, impersonation."""
    server_hostname: str | None = None
    """Name to check the certificate against, when it is not the address's."""
    proxy: str | None = None
    """HTTP proxy to go through."""
    request_timeout: float | None = 30.0
    """Seconds that one request may take; None is no limit."""
    groups: tuple[str, ...] = field(default=())
    """Impersonated groups; a header that repeats, so it cannot live in `headers`."""


def duration(text: str, *, option: str) -> float | None:
    """Read a duration as kubectl writes it ("90", "30s", "1m30s", "500ms") into seconds.

    Returns:
        Seconds, or None for zero, which means "no limit" to kubectl.

    Raises:
        UsageError: the text is no duration.
    """
    if re.fullmatch(r"\d+", text):
        seconds = float(text)
    elif re.fullmatch(r"(\d+(\.\d+)?(ms|h|m|s))+", text):
        unit = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
        parts = re.findall(r"(\d+(?:\.\d+)?)(ms|h|m|s)", text)
        seconds = sum(float(number) * unit[name] for number, name in parts)
    else:
        raise UsageError(
            f"{option}: {text!r} is not a duration",
            hint="write it as kubectl does: 500ms, 30s, 2m, 1m30s",
        )
    return seconds or None


def resolve(options: AccessOptions) -> Access:
    """Read the kubeconfig, run the credential plugin if there is one, and return the access.

    Raises:
        UsageError: the context, cluster, user or a file does not exist.
        UnreachableError: there is no kubeconfig, or the credentials cannot be had.
    """
    from kubernetes.client import Configuration  # noqa: PLC0415 - slow to import
    from kubernetes.config import ConfigException  # noqa: PLC0415
    from yaml import YAMLError  # noqa: PLC0415

    settings = Configuration()
    usual_proxy, settings.proxy = getattr(settings, "proxy", None), None
    try:
        context, namespace, plugin = _load(options, settings)
    except (ConfigException, YAMLError, OSError, *_WRONG_SHAPE) as error:
        raise UsageError(
            f"the kubeconfig cannot be used: {error}",
            hint="check it with: kubectl config view --raw=false",
        ) from error
    server = options.server or settings.host or ""
    if not server:
        raise UnreachableError(
            "the kubeconfig names no API server", hint="give --context, --kubeconfig or --server"
        )
    if "://" not in server:
        server = f"https://{server}"
    _check_url(server, "the API server", "such as https://10.0.0.1:6443")
    proxy = settings.proxy or (None if _direct(server) else usual_proxy)
    if proxy:
        _check_url(proxy, "the proxy", "an http or https proxy; others are not spoken to")
    return Access(
        server=server.rstrip("/"),
        context=context,
        namespace=namespace,
        tls=_tls(options, settings, plugin) if server.startswith("https") else True,
        headers=_headers(options, settings, plugin),
        server_hostname=options.tls_server_name or getattr(settings, "tls_server_name", None),
        proxy=proxy,
        request_timeout=duration(options.request_timeout or "30s", option="--request-timeout"),
        groups=options.as_groups,
    )


def _check_url(url: str, whose: str, hint: str) -> None:
    """Refuse what is no address of a web server.

    Raises:
        UsageError: it is none.
    """
    from urllib import parse  # noqa: PLC0415 - slow to import

    try:
        parts = parse.urlsplit(url)
        sound = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        sound = False
    if not sound or re.search(r"[\s\x00-\x1f\x7f]", url):
        raise UsageError(f"the address of {whose} cannot be used: {url!r}", hint=hint)


def _direct(server: str) -> bool:
    """Whether $NO_PROXY names the server, or it is this machine: then no usual proxy is asked.

    A proxy that the kubeconfig names is always asked, as kubectl does it.
    """
    from urllib import parse, request  # noqa: PLC0415 - slow to import

    host = parse.urlsplit(server).hostname or ""
    loopback = host in ("localhost", "::1") or host.startswith("127.")
    return loopback or bool(request.proxy_bypass_environment(host))  # type: ignore[attr-defined]


def _load(options: AccessOptions, settings: Any) -> tuple[str, str, ExecCredential | None]:
    """Fill `settings`; return context name, namespace, and what the credential plugin gave."""
    from kubernetes.config.kube_config import (  # noqa: PLC0415
        ENV_KUBECONFIG_PATH_SEPARATOR,
        KubeConfigLoader,
        KubeConfigMerger,
    )

    paths = options.kubeconfig or os.environ.get("KUBECONFIG") or DEFAULT_KUBECONFIG
    found = [p for p in paths.split(ENV_KUBECONFIG_PATH_SEPARATOR) if Path(p).expanduser().exists()]
    if options.kubeconfig and not found:
        raise UsageError(
            f"--kubeconfig: there is no file {options.kubeconfig}",
            hint="without the option, $KUBECONFIG is used, or ~/.kube/config",
        )
    if not found:
        return _without_kubeconfig(options, settings, paths)
    merged = KubeConfigMerger(ENV_KUBECONFIG_PATH_SEPARATOR.join(found)).config
    if merged is None or not isinstance(merged.value, dict):
        raise UsageError(f"{paths} is not a kubeconfig file", hint="kubectl config view")
    raw = merged.value
    name = options.context or raw.get("current-context") or ""
    contexts = {c["name"]: c.value if hasattr(c, "value") else c for c in raw["contexts"]}
    if name not in contexts:
        known = ", ".join(sorted(contexts)) or "none"
        if not name:
            raise UsageError(
                "the kubeconfig has no current context",
                hint=f"give --context; the file has: {known}",
            )
        raise UsageError(f"there is no context {name!r}", hint=f"the kubeconfig has: {known}")
    entry = contexts[name].get("context") or {}
    if options.cluster:
        entry["cluster"] = options.cluster
    if options.user:
        entry["user"] = options.user
    plugin = _plugin(merged, entry, options)
    loader = KubeConfigLoader(merged, active_context=name, config_base_path=None)
    loader.load_and_set(settings)
    return name, entry.get("namespace") or "default", plugin


def _plugin(merged: Any, entry: dict[str, Any], options: AccessOptions) -> ExecCredential | None:
    """Run the user's credential plugin ourselves, and hide it from the library.

    Whoever gives a token needs none.
    """
    name = entry.get("user")
    if not name:
        return None
    node = merged["users"].get_with_name(name, safe=True) if merged.value.get("users") else None
    if node is None:
        known = ", ".join(sorted(str(u["name"]) for u in merged.value.get("users") or ()))
        raise UsageError(
            f"there is no user {name!r} in the kubeconfig", hint=f"it has: {known or 'none'}"
        )
    user = node.value.get("user") or {}
    provider = (user.get("auth-provider") or {}).get("name")
    if provider and provider != "oidc" and not options.token:
        raise UsageError(
            f"user {name!r} logs in by the auth provider {provider!r}, which is of the past",
            hint="kubectl has left it too: set the vendor's credential plugin up in the kubeconfig",
        )
    spec = user.pop("exec", None)
    if not spec or options.token or user.get("token") or user.get("tokenFile"):
        return None
    if not isinstance(spec, dict) or not isinstance(spec.get("command"), str):
        raise UsageError(
            f"the credential plugin of user {name!r} has no command",
            hint="look at the user's exec section: kubectl config view",
        )
    if os.sep in spec["command"] and node.path:  # relative to the file, as kubectl has it
        spec = {**spec, "command": str(Path(node.path).absolute().parent / spec["command"])}
    cluster: dict[str, Any] = {}
    if spec.get("provideClusterInfo"):
        cluster = dict(merged["clusters"].get_with_name(entry["cluster"])["cluster"].value)
    return run_plugin(spec, cluster=cluster, interactive=options.interactive)


def _without_kubeconfig(
    options: AccessOptions, settings: Any, paths: str
) -> tuple[str, str, ExecCredential | None]:
    """In a pod: its service account. With --server: the flags alone. Else an error."""
    if (SERVICE_ACCOUNT / "token").exists() and os.environ.get("KUBERNETES_SERVICE_HOST"):
        from kubernetes.config import load_incluster_config  # noqa: PLC0415

        load_incluster_config(client_configuration=settings)
        namespace = (SERVICE_ACCOUNT / "namespace").read_text().strip()
        return "in-cluster", namespace or "default", None
    if options.context:
        raise UsageError(
            f"there is no context {options.context!r}: {paths} does not exist",
            hint="give --kubeconfig, or set KUBECONFIG",
        )
    if not options.server:
        raise UnreachableError(
            f"there is no kubeconfig: {paths} does not exist",
            hint="give --kubeconfig, or set KUBECONFIG; kubectl cluster-info shows what it uses",
        )
    return "", "default", None


def _tls(options: AccessOptions, settings: Any, plugin: ExecCredential | None) -> ssl.SSLContext:
    authority = options.certificate_authority or settings.ssl_ca_cert or None
    certificate = options.client_certificate or settings.cert_file
    key = options.client_key or settings.key_file
    try:
        context = ssl.create_default_context(cafile=authority)
        if options.insecure_skip_tls_verify or not settings.verify_ssl:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        if plugin and plugin.client_certificate:
            _load_pair(context, plugin.client_certificate, plugin.client_key)
        elif certificate:
            context.load_cert_chain(certificate, key)
    except OSError as error:  # ssl.SSLError is one
        files = ", ".join(file for file in (authority, certificate, key) if file)
        raise UsageError(
            f"a certificate or key cannot be read: {error}",
            hint=f"one of these is missing, or is no PEM file: {files or 'the plugin gave it'}\n"
            "(a temporary file holds what stands in the kubeconfig itself, in a field …-data)",
        ) from error
    return context


def _load_pair(context: ssl.SSLContext, certificate: str, key: str) -> None:
    """Load a PEM pair that exists in memory only; `ssl` insists on files."""
    import tempfile  # noqa: PLC0415

    with tempfile.TemporaryDirectory(prefix="nodedns-") as folder:
        pair = Path(folder) / "pair.pem"
        pair.touch(mode=0o600)
        pair.write_text(f"{certificate}\n{key}\n")
        context.load_cert_chain(pair)


def _headers(
    options: AccessOptions, settings: Any, plugin: ExecCredential | None
) -> dict[str, str]:
    headers: dict[str, str] = {}
    if options.token:
        headers["Authorization"] = f"Bearer {options.token}"
    elif plugin and plugin.token:
        headers["Authorization"] = f"Bearer {plugin.token}"
    elif token := (settings.api_key or {}).get("BearerToken"):
        headers["Authorization"] = token
    elif settings.username and settings.password:
        pair = f"{settings.username}:{settings.password}".encode()
        headers["Authorization"] = f"Basic {base64.b64encode(pair).decode()}"
    if options.as_user:
        headers["Impersonate-User"] = options.as_user
    if options.as_uid:
        headers["Impersonate-Uid"] = options.as_uid
    if (options.as_groups or options.as_uid) and not options.as_user:
        raise UsageError("--as-group and --as-uid need --as", hint="--as USER")
    headers = {name: value.strip() for name, value in headers.items()}
    if any(not word.isprintable() for word in (*headers.values(), *options.as_groups)):
        raise UsageError(
            "a token, or a name to go by, holds a line break or another control character",
            hint="look at --token, --as and --as-group, or at the token in the kubeconfig",
        )
    return headers
