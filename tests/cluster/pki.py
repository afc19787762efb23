"""Keys, certificates, tokens and kubeconfigs of a cluster, made once per cluster with openssl.

Clients prove who they are with tokens from a file that the API server reads: a user needs no
certificate. Certificates are for what must have them: the API server's TLS, its client side
towards kubelets, and the key that signs service account tokens.
"""

from __future__ import annotations

import base64
import json
import secrets
from typing import TYPE_CHECKING

from tests.cluster.commands import run
from tests.cluster.layout import (
    API_PORT,
    API_SERVICE_IP,
    CLUSTER_DOMAIN,
    CONTROL_IP,
    MAX_NODES,
    Layout,
    Node,
)

if TYPE_CHECKING:
    from pathlib import Path

DAYS = "365"
CONTROL_PLANE_USERS = {
    "kube-controller-manager": "system:kube-controller-manager",
    "kube-scheduler": "system:kube-scheduler",
}


def make(layout: Layout) -> None:
    """Make what is missing; what is there stays as it is."""
    folder = layout.pki
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    if not (folder / "complete").exists():
        _certificate_authority(folder)
        _certificate(folder, "kube-apiserver", "/CN=kube-apiserver", _api_server_names())
        subject = "/O=system:masters/CN=kube-apiserver-kubelet-client"
        _certificate(folder, "kubelet-client", subject, "DNS:kubelet-client")
        _key(folder / "service-accounts.key")
        public = run(["openssl", "pkey", "-in", folder / "service-accounts.key", "-pubout"])
        (folder / "service-accounts.pub").write_text(public.stdout)
        (folder / "complete").touch()
    _tokens(folder)


def _key(path: Path) -> None:
    curve = ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"]
    run(["openssl", "genpkey", *curve, "-out", path])


def _certificate_authority(folder: Path) -> None:
    _key(folder / "ca.key")
    words = ["openssl", "req", "-x509", "-new", "-key", str(folder / "ca.key"), "-days", DAYS]
    run([*words, "-subj", "/CN=test-cluster-ca", "-out", str(folder / "ca.crt")])


def _api_server_names() -> str:
    service = "kubernetes.default.svc"
    names = ["localhost", "kubernetes", "kubernetes.default", service]
    names.append(f"{service}.{CLUSTER_DOMAIN}")
    addresses = ["127.0.0.1", CONTROL_IP, API_SERVICE_IP]
    return ",".join([f"DNS:{name}" for name in names] + [f"IP:{ip}" for ip in addresses])


def _certificate(folder: Path, name: str, subject: str, alternatives: str) -> None:
    _key(folder / f"{name}.key")
    extensions = folder / f"{name}.ext"
    extensions.write_text(
        f"subjectAltName={alternatives}\nextendedKeyUsage=serverAuth,clientAuth\n"
    )
    request = run(["openssl", "req", "-new", "-key", folder / f"{name}.key", "-subj", subject])
    signer = ["-CA", f"{folder}/ca.crt", "-CAkey", f"{folder}/ca.key", "-CAcreateserial"]
    words = ["openssl", "x509", "-req", *signer, "-days", DAYS, "-extfile", str(extensions)]
    run([*words, "-out", f"{folder}/{name}.crt"], stdin=request.stdout)


def _tokens(folder: Path) -> None:
    """Give every user a token, keep those that exist, and write the API server's list.

    The API server reads the list once, when it starts, so nodes that may come later are in it.
    """
    nodes = [Node(number) for number in range(1, MAX_NODES + 1)]
    path = folder / "tokens.json"
    tokens: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
    users = {"admin": ("admin", "system:masters")}
    users |= {name: (user, "") for name, user in CONTROL_PLANE_USERS.items()}
    users |= {node.name: (f"system:node:{node.name}", "system:nodes") for node in nodes}
    lines = []
    for name, (user, group) in users.items():
        token = tokens.setdefault(name, secrets.token_hex(16))
        lines.append(f'{token},{user},{user},"{group}"\n')
        write_kubeconfig(folder, name, token)
    path.write_text(json.dumps(tokens))
    (folder / "tokens.csv").write_text("".join(lines))


def write_kubeconfig(folder: Path, user: str, token: str, server: str | None = None) -> Path:
    """Write a user's kubeconfig; without `server` it is for use inside the cluster's network."""
    authority = base64.b64encode((folder / "ca.crt").read_bytes()).decode()
    server = server or f"https://{CONTROL_IP}:{API_PORT}"
    cluster = {"server": server, "certificate-authority-data": authority}
    context = {"cluster": "nodedns-test", "user": user, "namespace": "default"}
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "nodedns-test", "cluster": cluster}],
        "users": [{"name": user, "user": {"token": token}}],
        "contexts": [{"name": "nodedns-test", "context": context}],
        "current-context": "nodedns-test",
    }
    path = kubeconfig_of(folder, user)
    path.write_text(json.dumps(config, indent=1))
    return path


def kubeconfig_of(folder: Path, user: str) -> Path:
    """Return where a user's kubeconfig lies."""
    return folder / f"{user}.kubeconfig"


def write_host_kubeconfig(layout: Layout, port: int) -> None:
    """Write the administrator's kubeconfig that goes through the host's loopback."""
    token = json.loads((layout.pki / "tokens.json").read_text())["admin"]
    inner = kubeconfig_of(layout.pki, "admin")
    config = json.loads(inner.read_text())
    config["clusters"][0]["cluster"]["server"] = f"https://127.0.0.1:{port}"
    config["users"][0]["user"]["token"] = token
    draft = layout.kubeconfig.with_suffix(".draft")
    draft.write_text(json.dumps(config, indent=1))
    draft.chmod(0o600)
    draft.replace(layout.kubeconfig)
