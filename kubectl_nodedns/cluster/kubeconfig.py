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
from kubectl_nodedns.shapes import ANY, ShapeError, shaped

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import yaml

DEFAULT = "~/.kube/config"
SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
LARGEST = 16 * 2**20
"""Bytes of a file, and pieces that its aliases may make of it; more is no kubeconfig."""
LOOK = "look at it with: kubectl config view"

_CLUSTER: Mapping[str, Any] = {
    "server": str,
    "certificate-authority": str,
    "certificate-authority-data": str,
    "insecure-skip-tls-verify": bool,
    "tls-server-name": str,
    "proxy-url": str,
}
_CONTEXT: Mapping[str, Any] = {"cluster": str, "user": str, "namespace": str}
_EXEC: Mapping[str, Any] = {
    "apiVersion": str,
    "command": str,
    "args": [str],
    "env": [{"name": str, "value": str}],
    "installHint": str,
    "interactiveMode": str,
    "provideClusterInfo": bool,
}
_USER: Mapping[str, Any] = {
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
    "as-groups": [str],
    "as-user-extra": {ANY: [str]},
    "auth-provider": {"name": str, "config": {ANY: str}},
    "exec": _EXEC,
}
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


def choose(
    *, kubeconfig: str, context: str, cluster: str, user: str, server: str, account: Path
) -> Entry:
    """Return what was chosen; without any file the pod's service account, or the server alone.

    Args:
        kubeconfig: path of a file; empty for $KUBECONFIG or the usual place.
        context: name of a context; empty for the current one.
        cluster: name of a cluster, instead of the context's; may be empty.
        user: name of a user, instead of the context's; may be empty.
        server: address of a server, if one was given.
        account: folder of the pod's service account, if this runs in a pod.

    Raises:
        UsageError: a file is none, or has no such context, cluster or user.
        UnreachableError: there is no file, and nothing else that leads to a cluster.
    """
    paths = kubeconfig or os.environ.get("KUBECONFIG") or DEFAULT
    named = [kubeconfig] if kubeconfig else [path for path in paths.split(os.pathsep) if path]
    found = [(path, content) for path in map(_path, named) if (content := _read(path)) is not None]
    if kubeconfig and not found:
        raise UsageError(
            f"--kubeconfig: there is no file {kubeconfig}",
            hint="without the option, $KUBECONFIG is used, or ~/.kube/config",
        )
    current, tables = _merged(found)
    name = context or current
    if not name and not any(tables.values()):
        why = "is empty" if found else "does not exist"
        chosen_here = {"cluster": cluster, "user": user}
        return _without_any(f"{paths} {why}", chosen_here, server, account, kubeconfig=kubeconfig)
    if not name and not (server or cluster):
        raise UsageError(
            "the kubeconfig has no current context",
            hint=f"give --context; the file has: {_names(tables['context'])}",
        )
    if name and name not in tables["context"]:
        missing = "" if found else f": {paths} does not exist"
        raise UsageError(
            f"there is no context {name!r}{missing}",
            hint=f"the kubeconfig has: {_names(tables['context'])}"
            if found
            else "give --kubeconfig, or set KUBECONFIG",
        )
    chosen = _checked(tables, "context", name, _CONTEXT)[0] if name else {}
    cluster_name = cluster or chosen.get("cluster") or ""
    user_name = user or chosen.get("user") or ""
    reached = cluster_name or not server
    fields = _checked(tables, "cluster", cluster_name, _CLUSTER)[0] if reached else {}
    login, folder = _checked(tables, "user", user_name, _USER) if user_name else ({}, Path())
    return Entry(
        context=name,
        namespace=chosen.get("namespace") or "default",
        cluster=fields,
        user=login,
        user_name=user_name,
        folder=folder,
    )


def _without_any(
    why: str, chosen: Mapping[str, str], server: str, account: Path, *, kubeconfig: str
) -> Entry:
    """Return what is left where no file says anything: what was chosen, and nothing else."""
    for kind, name in chosen.items():
        if name:
            raise UsageError(
                f"there is no {kind} {name!r} in the kubeconfig", hint=f"{why}: give --kubeconfig"
            )
    if server:
        return Entry()
    if kubeconfig:
        raise UsageError(
            f"the kubeconfig {why}",
            hint="without --kubeconfig, $KUBECONFIG is used, or ~/.kube/config",
        )
    host = os.environ.get("KUBERNETES_SERVICE_HOST", "")
    if host and (account / "token").exists():
        host = f"[{host}]" if ":" in host else host
        return Entry(
            context="in-cluster",
            namespace=_namespace_of_pod(account),
            cluster={
                "server": f"https://{host}:{os.environ.get('KUBERNETES_SERVICE_PORT', '443')}",
                "certificate-authority": str(account / "ca.crt"),
            },
            user={"tokenFile": str(account / "token")},
        )
    raise UnreachableError(
        f"there is no kubeconfig: {why}",
        hint="give --kubeconfig, or set KUBECONFIG; kubectl cluster-info shows what it uses",
    )


def _namespace_of_pod(account: Path) -> str:
    try:
        return (account / "namespace").read_text(errors="replace").strip() or "default"
    except OSError:
        return "default"


_Table = dict[str, tuple[Any, Path]]


def _merged(files: Sequence[tuple[Path, Any]]) -> tuple[str, dict[str, _Table]]:
    """Merge files as kubectl does: of several entries of one name the first counts."""
    current = ""
    tables: dict[str, _Table] = {"context": {}, "cluster": {}, "user": {}}
    for path, content in files:
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
    tables: Mapping[str, _Table], kind: str, name: str, shape: Mapping[str, Any]
) -> tuple[dict[str, Any], Path]:
    """Return an entry's fields, and the folder of its file; null is the same as not there."""
    if name not in tables[kind]:
        raise UsageError(
            f"there is no {kind} {name!r} in the kubeconfig", hint=f"it has: {_names(tables[kind])}"
        )
    content, folder = tables[kind][name]
    whose = f"the kubeconfig cannot be used: {kind} {name!r}"
    try:
        fields: dict[str, Any] = shaped(content or {}, shape)
    except ShapeError as wrong:
        where = f": {wrong.where}" if wrong.where else ""
        raise UsageError(
            f"{whose}{where} is not {wrong.what}",
            hint='what is meant as text, such as a number, stands in quotes: "1"',
        ) from None
    for key in _FILES:
        if fields.get(key):
            fields[key] = str(folder / _path(fields[key]))
    return fields, folder


def _path(text: str) -> Path:
    """Return a path with the home directory in the place of "~", where there is such a user."""
    return Path(os.path.expanduser(text))  # noqa: PTH111 - Path's own raises where there is none


def _names(table: Mapping[str, object]) -> str:
    return ", ".join(sorted(table)) or "none"


def _read(path: Path) -> dict[str, Any] | None:
    """Read one file, or say where it is wrong: YAML's own words repeat what stands there.

    Returns:
        None where there is no such file; of an empty one nothing.
    """
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
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise UsageError(
            f"the kubeconfig {path} cannot be read: {error.strerror}", hint="check --kubeconfig"
        ) from error
    except (yaml.YAMLError, ValueError, TypeError, LookupError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        # Not "from": a log that shows causes would show what stands in the file.
        raise UsageError(f"the kubeconfig {path} is not YAML{where}", hint=LOOK) from None
    if content is not None and not isinstance(content, dict):
        raise UsageError(f"{path} is not a kubeconfig file", hint=LOOK)
    return content or {}


def _pieces(node: yaml.Node, known: dict[int, int]) -> int:
    """Count the pieces of a document with its aliases written out, without writing them out."""
    key = id(node)
    if key not in known:
        known[key] = LARGEST + 1  # what holds itself has no end
        parts = node.value if isinstance(node.value, list) else []
        flat = [part for pair in parts for part in (pair if isinstance(pair, tuple) else (pair,))]
        known[key] = 1 + sum(_pieces(part, known) for part in flat)
    return known[key]
