"""From kubeconfig and kubectl's flags to a server address, a TLS context and headers.

What comes in here is secret: no error repeats a value, addresses are shown without user and
password, and what holds a secret does not show it when it is printed as a Python object.
"""

from __future__ import annotations

import base64
import os
import re
import ssl
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote, urlsplit

from kubectl_nodedns.cluster import kubeconfig
from kubectl_nodedns.cluster.credentials import ExecCredential, oidc_token, run_plugin
from kubectl_nodedns.cluster.kubeconfig import SERVICE_ACCOUNT
from kubectl_nodedns.cluster.proxies import PROXIES, check_url, is_host, usual_proxy
from kubectl_nodedns.errors import UnreachableError, UsageError
from kubectl_nodedns.files import read_file

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kubectl_nodedns.cluster.kubeconfig import Entry


PAST = ("azure", "gcp", "openstack")
"""Auth providers that kubectl once had."""
PEM = 2**20
"""Bytes of a file with a certificate, a key or a token; bundles of authorities have a quarter."""
NAME_SAFE = "!#$&'*+-.^_`|~"
"""What the name of a header may hold beside letters and digits (RFC 9110, section 5.6.2)."""


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
    server: str = field(default="", repr=False)
    """Address of the API server; may hold a password."""
    token: str = field(default="", repr=False)
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
    service_account: Path = SERVICE_ACCOUNT
    """Folder of the service account of the pod that this runs in."""


@dataclass(frozen=True, kw_only=True)
class Access:
    """All that is needed to speak to one API server."""

    server: str
    """Base address, such as https://10.0.0.1:6443, without a slash at the end, and no user."""
    context: str
    """Name of the context, for people to see; may be empty."""
    namespace: str
    """The context's namespace; "default" when it names none."""
    tls: ssl.SSLContext | bool
    """The TLS context; True where the address is plain http."""
    headers: Mapping[str, str] = field(repr=False)
    """Headers for each request: authorization, and whom to go by."""
    server_hostname: str | None = None
    """Name to check the certificate against, when it is not the address's."""
    proxy: str | None = field(default=None, repr=False)
    """Proxy to go through, HTTP or SOCKS; may hold a password."""
    request_timeout: float | None = 30.0
    """Seconds that one request may take; None is no limit."""
    repeated: Sequence[tuple[str, str]] = field(default=(), repr=False)
    """Further headers for each request, whose names may come several times: groups, extra."""


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
        UsageError: the context, cluster, user or a file does not exist, or holds what cannot be.
        UnreachableError: there is no kubeconfig, or the credentials cannot be had.
    """
    entry = kubeconfig.choose(
        kubeconfig=options.kubeconfig,
        context=options.context,
        cluster=options.cluster,
        user=options.user,
        server=options.server,
        account=options.service_account,
    )
    server = options.server or entry.cluster.get("server") or ""
    if not server:
        raise UnreachableError(
            "the kubeconfig names no API server", hint="give --context, --kubeconfig or --server"
        )
    if "://" not in server:
        server = f"https://{server}"
    check_url(
        server,
        "the API server",
        schemes=("http", "https"),
        hint="such as https://10.0.0.1:6443",
    )
    parts = urlsplit(server)
    host = parts.netloc.rpartition("@")[2]
    server = parts._replace(netloc=host, query="", fragment="").geturl()
    proxy = entry.cluster.get("proxy-url") or usual_proxy(server, os.environ)
    if proxy:
        hint = "http, https or socks5, such as http://10.0.0.1:3128"
        check_url(proxy, "the proxy", schemes=PROXIES, hint=hint)
    name = options.tls_server_name or entry.cluster.get("tls-server-name") or None
    if name and not is_host(name):
        raise UsageError(
            f"--tls-server-name: {name!r} is no name of a server",
            hint="look at the option, or at tls-server-name in the kubeconfig",
        )
    plugin = _plugin(options, entry)
    headers, repeated = _headers(options, entry, plugin, (parts.username, parts.password))
    return Access(
        server=server.rstrip("/"),
        context=entry.context,
        namespace=entry.namespace,
        tls=_tls(options, entry, plugin) if server.startswith("https") else True,
        headers=headers,
        repeated=repeated,
        server_hostname=name,
        proxy=proxy,
        request_timeout=duration(options.request_timeout or "30s", option="--request-timeout"),
    )


def _plugin(options: AccessOptions, entry: Entry) -> ExecCredential | None:
    """Run the user's credential plugin; whoever has a token needs none."""
    user, whose = entry.user, f"user {entry.user_name!r}"
    provider = (user.get("auth-provider") or {}).get("name")
    if provider and provider != "oidc" and not options.token:
        named = repr(provider) if provider in PAST else "that it names"
        raise UsageError(
            f"{whose} logs in by the auth provider {named}, which is of the past",
            hint="kubectl has left it too: set the vendor's credential plugin up in the kubeconfig",
        )
    spec = user.get("exec")
    if not spec or options.token or user.get("token") or user.get("tokenFile"):
        return None
    if not spec.get("command"):
        raise UsageError(
            f"the credential plugin of {whose} has no command",
            hint="look at the user's exec section: kubectl config view",
        )
    if os.sep in spec["command"]:  # relative to the file, as kubectl has it
        spec = {**spec, "command": str(entry.folder / spec["command"])}
    cluster = dict(entry.cluster) if spec.get("provideClusterInfo") else {}
    return run_plugin(spec, cluster=cluster, interactive=options.interactive)


def _tls(options: AccessOptions, entry: Entry, plugin: ExecCredential | None) -> ssl.SSLContext:
    authority = _pem(options.certificate_authority, entry, entry.cluster, "certificate-authority")
    if plugin and plugin.client_certificate:
        certificate, key = plugin.client_certificate.encode(), plugin.client_key.encode()
    else:
        certificate = _pem(options.client_certificate, entry, entry.user, "client-certificate")
        key = _pem(options.client_key, entry, entry.user, "client-key")
    try:
        context = ssl.create_default_context(cadata=authority.decode("ascii") or None)
    except (ssl.SSLError, ValueError) as error:
        raise _no_pem("certificate-authority") from error
    if options.insecure_skip_tls_verify or entry.cluster.get("insecure-skip-tls-verify"):
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if certificate:
        try:
            _load_pair(context, certificate + b"\n" + key + b"\n")
        except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
            raise _no_pem("client-certificate and client-key") from error
    return context


def _no_pem(what: str) -> UsageError:
    return UsageError(
        f"a certificate or key cannot be used: {what}",
        hint="PEM is wanted, a key without a password, and the one that the certificate is for",
    )


def _pem(given: str, entry: Entry, fields: Mapping[str, str], name: str) -> bytes:
    """Return what an option, a field `…-data` or a file of the kubeconfig holds; may be empty."""
    data = fields.get(f"{name}-data")
    if data and not given:
        try:
            return base64.b64decode("".join(data.split()), validate=True)
        except ValueError:
            raise UsageError(
                f"the kubeconfig cannot be used: context {entry.context!r}: {name}-data is not "
                "base64",
                hint=kubeconfig.LOOK,
            ) from None
    path = given or fields.get(name)
    return _file(path, name) if path else b""


def _file(path: str, what: str) -> bytes:
    return read_file(Path(path), option=what, most=PEM)


def _load_pair(context: ssl.SSLContext, pem: bytes) -> None:
    """Load a certificate and its key from memory; `ssl` insists on a path.

    Linux has files that are in memory alone. Elsewhere it is a file that only the user can read,
    for the moment of loading.
    """
    fd = _in_memory(pem)
    if fd is not None:
        try:
            context.load_cert_chain(f"/proc/self/fd/{fd}", password=_no_password)
        finally:
            os.close(fd)
        return
    with tempfile.TemporaryDirectory(prefix="nodedns-") as folder:
        pair = Path(folder) / "pair.pem"
        pair.touch(mode=0o600)
        pair.write_bytes(pem)
        context.load_cert_chain(pair, password=_no_password)


def _in_memory(content: bytes) -> int | None:
    """Return a descriptor of a file in memory that holds this; None where there are none."""
    if not hasattr(os, "memfd_create") or not Path("/proc/self/fd").exists():
        return None
    try:
        fd = os.memfd_create("nodedns")
    except OSError:  # a sandbox that does not know the call
        return None
    with open(fd, "wb", closefd=False) as file:
        file.write(content)
    return fd


def _no_password() -> str:
    """Answer OpenSSL, which would ask on the terminal for the password of a key."""
    raise ValueError("the key has a password")


def _headers(
    options: AccessOptions,
    entry: Entry,
    plugin: ExecCredential | None,
    in_address: tuple[str | None, str | None],
) -> tuple[dict[str, str], list[tuple[str, str]]]:
    """Return the headers that come once, and those that may come several times.

    Raises:
        UsageError: a value can be none of a header, or belongs to a user, and there is none.
    """
    fields = entry.user
    named = {
        "Authorization": _authorization(options, entry, plugin, in_address),
        "Impersonate-User": options.as_user or fields.get("as") or "",
        "Impersonate-Uid": options.as_uid or fields.get("as-uid") or "",
    }
    once = {name: value.strip() for name, value in named.items() if value}
    groups = options.as_groups or fields.get("as-groups") or ()
    repeated = [("Impersonate-Group", group.strip()) for group in groups]
    repeated += [
        (f"Impersonate-Extra-{quote(key, safe=NAME_SAFE)}", value.strip())
        for key, values in (fields.get("as-user-extra") or {}).items()
        for value in values
    ]
    if (repeated or "Impersonate-Uid" in once) and "Impersonate-User" not in once:
        raise UsageError(
            "--as-group and --as-uid, and as-user-extra of a kubeconfig, need --as",
            hint="--as USER",
        )
    if not all(value.isprintable() for value in (*once.values(), *(one for _, one in repeated))):
        raise UsageError(
            "a token, or a name to go by, holds a line break or another control character",
            hint="look at --token, --as and --as-group, or at the user in the kubeconfig",
        )
    return once, repeated


def _authorization(
    options: AccessOptions,
    entry: Entry,
    plugin: ExecCredential | None,
    in_address: tuple[str | None, str | None],
) -> str:
    """Return the header that says who one is; empty without any, or with a certificate."""
    user = entry.user
    if token := options.token or (plugin.token if plugin else ""):
        return f"Bearer {token}"
    if user.get("auth-provider") and (token := oidc_token(user["auth-provider"], entry.user_name)):
        return f"Bearer {token}"
    if user.get("token"):
        return f"Bearer {user['token']}"
    if user.get("tokenFile"):
        return f"Bearer {_file(user['tokenFile'], 'tokenFile').decode(errors='replace')}"
    pair = [user.get("username") or "", user.get("password") or ""]
    if not pair[0]:
        pair = [unquote(part or "") for part in in_address]
    return f"Basic {base64.b64encode(':'.join(pair).encode()).decode()}" if pair[0] else ""
