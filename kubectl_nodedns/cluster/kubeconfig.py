"""Kubeconfig files: read, merged, checked, and one context of them chosen.

What stands in these files is secret for the most part. So nothing of it is ever repeated: an error
names the file with a place in it, or an entry with one of its fields, never a value.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kubectl_nodedns.errors import UnreachableError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import yaml

DEFAULT = "~/.kube/config"
SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
LARGEST = 16 * 2**20
"""Bytes of a file, and pieces that its aliases may make of it; more is no kubeconfig."""
LOOK = "look at it with: kubectl config view"

_CLUSTER: Mapping[str, type] = {
    "server": str,
    "certificate-authority": str,
    "certificate-authority-data": str,
    "insecure-skip-tls-verify": bool,
    "tls-server-name": str,
    "proxy-url": str,
}
_CONTEXT: Mapping[str, type] = {"cluster": str, "user": str, "namespace": str}
_USER: Mapping[str, type] = {
    "token": str,
    "tokenFile": str,
    "client-certificate": str,
    "client-certificate-data": str,
    "client-key": str,
    "client-key-data": str,
    "username": str,
    "password": str,
    "as": str,
    "as-uid": str,
    "as-groups": list,
    "auth-provider": dict,
}
_KIND: Mapping[type, str] = {str: "text", bool: "true or false", list: "a list", dict: "an object"}
_FILES = ("certificate-authority", "client-certificate", "client-key", "tokenFile")


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One context of a kubeconfig, with the cluster and the user that it leads to."""

    context: str = ""
    """Name of the context; empty where there is no kubeconfig."""
    namespace: str = "default"
    """The context's namespace."""
    cluster: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """The cluster's fields, of the right types; paths are absolute."""
    user: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """The user's fields, in the same way."""
    user_name: str = ""
    """Name of the user; may be empty."""
    folder: Path = Path()
    """Folder of the file that the user stands in."""


def choose(*, kubeconfig: str, context: str, cluster: str, user: str, server: str) -> Entry:
    """Return what was chosen; without any file the pod's service account, or the server alone.

    Args:
        kubeconfig: path of a file; empty for $KUBECONFIG or the usual place.
        context: name of a context; empty for the current one.
        cluster: name of a cluster, instead of the context's; may be empty.
        user: name of a user, instead of the context's; may be empty.
        server: address of a server, if one was given.

    Raises:
        UsageError: a file is none, or has no such context, cluster or user.
        UnreachableError: there is no file, and nothing else that leads to a cluster.
    """
    paths = kubeconfig or os.environ.get("KUBECONFIG") or DEFAULT
    named = [Path(p).expanduser() for p in paths.split(os.pathsep) if p]
    found = [path for path in named if path.exists()]
    if kubeconfig and not found:
        raise UsageError(
            f"--kubeconfig: there is no file {kubeconfig}",
            hint="without the option, $KUBECONFIG is used, or ~/.kube/config",
        )
    if not found:
        return _without_file(paths, context, server)
    current, tables = _merged(found)
    name = context or current
    if not name:
        raise UsageError(
            "the kubeconfig has no current context",
            hint=f"give --context; the file has: {_names(tables['context'])}",
        )
    if name not in tables["context"]:
        raise UsageError(
            f"there is no context {name!r}",
            hint=f"the kubeconfig has: {_names(tables['context'])}",
        )
    chosen, _ = _checked(tables, "context", name, _CONTEXT)
    cluster_name = cluster or chosen.get("cluster") or ""
    user_name = user or chosen.get("user") or ""
    fields, _ = _checked(tables, "cluster", cluster_name, _CLUSTER)
    login, folder = _checked(tables, "user", user_name, _USER) if user_name else ({}, Path())
    return Entry(
        context=name,
        namespace=chosen.get("namespace") or "default",
        cluster=fields,
        user=login,
        user_name=user_name,
        folder=folder,
    )


def _without_file(paths: str, context: str, server: str) -> Entry:
    host = os.environ.get("KUBERNETES_SERVICE_HOST", "")
    if (SERVICE_ACCOUNT / "token").exists() and host:
        host = f"[{host}]" if ":" in host else host
        return Entry(
            context="in-cluster",
            namespace=(SERVICE_ACCOUNT / "namespace").read_text().strip() or "default",
            cluster={
                "server": f"https://{host}:{os.environ.get('KUBERNETES_SERVICE_PORT', '443')}",
                "certificate-authority": str(SERVICE_ACCOUNT / "ca.crt"),
            },
            user={"tokenFile": str(SERVICE_ACCOUNT / "token")},
        )
    if context:
        raise UsageError(
            f"there is no context {context!r}: {paths} does not exist",
            hint="give --kubeconfig, or set KUBECONFIG",
        )
    if not server:
        raise UnreachableError(
            f"there is no kubeconfig: {paths} does not exist",
            hint="give --kubeconfig, or set KUBECONFIG; kubectl cluster-info shows what it uses",
        )
    return Entry()


_Table = dict[str, tuple[Any, Path]]


def _merged(paths: Sequence[Path]) -> tuple[str, dict[str, _Table]]:
    """Merge files as kubectl does: of several entries of one name the first counts."""
    current = ""
    tables: dict[str, _Table] = {"context": {}, "cluster": {}, "user": {}}
    for path in paths:
        content = _read(path)
        said = content.get("current-context") or ""
        if not isinstance(said, str):
            raise UsageError(f"the kubeconfig {path}: current-context is not text", hint=LOOK)
        current = current or said
        for kind, table in tables.items():
            listed = content.get(f"{kind}s") or []
            if not isinstance(listed, list):
                raise UsageError(f"the kubeconfig {path}: {kind}s is not a list", hint=LOOK)
            for number, item in enumerate(listed, 1):
                name = item.get("name") if isinstance(item, dict) else None
                if not isinstance(name, str) or not name.isprintable():
                    raise UsageError(
                        f"the kubeconfig {path}: {kind} number {number} has no name that is text",
                        hint=LOOK,
                    )
                table.setdefault(name, (item.get(kind), path.absolute().parent))
    return current, tables


def _checked(
    tables: Mapping[str, _Table], kind: str, name: str, types: Mapping[str, type]
) -> tuple[dict[str, Any], Path]:
    """Return an entry's fields, and the folder of its file; null is the same as not there."""
    if name not in tables[kind]:
        raise UsageError(
            f"there is no {kind} {name!r} in the kubeconfig", hint=f"it has: {_names(tables[kind])}"
        )
    content, folder = tables[kind][name]
    whose = f"the kubeconfig cannot be used: {kind} {name!r}"
    if not isinstance(content or {}, dict):
        raise UsageError(f"{whose} is not an object", hint=LOOK)
    fields = {key: value for key, value in (content or {}).items() if value is not None}
    for key, kind_of_value in types.items():
        if key in fields and not isinstance(fields[key], kind_of_value):
            raise UsageError(
                f"{whose}: {key} is not {_KIND[kind_of_value]}",
                hint='what is meant as text, such as a number, stands in quotes: "1"',
            )
    for key in _FILES:
        if fields.get(key):
            fields[key] = str(folder / Path(fields[key]).expanduser())
    return fields, folder


def _names(table: Mapping[str, object]) -> str:
    return ", ".join(sorted(table)) or "none"


def _read(path: Path) -> dict[str, Any]:
    """Read one file, or say where it is wrong: YAML's own words repeat what stands there."""
    import yaml  # noqa: PLC0415 - takes time

    try:
        with path.open("rb") as file:
            raw = file.read(LARGEST + 1)
        if len(raw) > LARGEST:
            raise UsageError(f"{path} is too large for a kubeconfig", hint=LOOK)
        loader = yaml.SafeLoader(raw.decode())
        node = loader.get_single_node()
        if node is not None and _pieces(node, {}) > LARGEST:
            raise UsageError(f"the aliases of {path} make more of it than a kubeconfig", hint=LOOK)
        content = None if node is None else loader.construct_document(node)
    except OSError as error:
        raise UsageError(
            f"the kubeconfig {path} cannot be read: {error.strerror}", hint="check --kubeconfig"
        ) from error
    except (yaml.YAMLError, ValueError, TypeError, LookupError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        # Not "from": a log that shows causes would show what stands in the file.
        raise UsageError(f"the kubeconfig {path} is not YAML{where}", hint=LOOK) from None
    if not isinstance(content, dict):
        raise UsageError(f"{path} is not a kubeconfig file", hint=LOOK)
    return content


def _pieces(node: yaml.Node, known: dict[int, int]) -> int:
    """Count the pieces of a document with its aliases written out, without writing them out."""
    key = id(node)
    if key not in known:
        known[key] = LARGEST + 1  # what holds itself has no end
        parts = node.value if isinstance(node.value, list) else []
        flat = [part for pair in parts for part in (pair if isinstance(pair, tuple) else (pair,))]
        known[key] = 1 + sum(_pieces(part, known) for part in flat)
    return known[key]
