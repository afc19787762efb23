"""What a cache that runs cannot do without, whoever it belongs to: that is not taken away.

A cache reads its Corefile from a ConfigMap, runs under a ServiceAccount, and asks CoreDNS by its
upstream service. Another manager can take a DaemonSet over by its labels alone, a kubelet that is
dead ends no pod, and a pod may have been let go by its DaemonSet: so what counts is who uses an
object, not which labels stand on the DaemonSet.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kubectl_nodedns.cluster.paths import collection, object_path
from kubectl_nodedns.facts.command_line import flag, words_of
from kubectl_nodedns.facts.conditions import ENDED
from kubectl_nodedns.facts.nodes import read_nodes

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

    from kubectl_nodedns.cluster.client import Client
    from kubectl_nodedns.install.proof import Report

Key = tuple[str, str]
"""Kind and name of an object."""


@dataclass(frozen=True, kw_only=True)
class User:
    """Who uses an object."""

    kind: str
    """"DaemonSet" for one that would start such pods, "pod" for one that runs."""
    where: str
    """NAMESPACE/NAME, and the node of a pod."""

    def __str__(self) -> str:
        return f"{self.kind} {self.where}"


def used_by(spec: Mapping[str, Any]) -> Iterator[Key]:
    """Yield kind and name of what a pod with this specification uses."""
    yield "ServiceAccount", spec.get("serviceAccountName") or "default"
    for volume in spec.get("volumes") or ():
        sources = (volume.get("projected") or {}).get("sources") or ()
        for source in (volume, *sources):
            if name := (source.get("configMap") or {}).get("name"):
                yield "ConfigMap", name
    for container in spec.get("containers") or ():
        if name := flag(words_of(container), "upstreamsvc"):
            yield "Service", name


async def read_users(
    client: Client, objects: Iterable[Mapping[str, Any]], *, but: str = ""
) -> dict[str, User]:
    """Find who uses objects: pods that run, and DaemonSets that would start such pods.

    Args:
        client: an open client.
        objects: objects of one namespace.
        but: UID of a DaemonSet that does not count, nor do its pods.

    Returns:
        One user of each object that is used, by the object's kind and name; a DaemonSet before a
        pod.

    Raises:
        ApiError: pods, DaemonSets or nodes cannot be read.
    """
    wanted = {_key(obj): obj["metadata"]["namespace"] for obj in objects}
    users: dict[Key, User] = {}
    for namespace in sorted(set(wanted.values())):
        for item in await client.list(collection("apps/v1", "daemonsets", namespace)):
            if item["metadata"]["uid"] != but:
                user = User(kind="DaemonSet", where=_name(item))
                _note(users, user, item["spec"]["template"]["spec"])
        nodes: Collection[str] | None = None
        for item in await client.list(collection("v1", "pods", namespace)):
            spec = item.get("spec") or {}
            mine = {key for key in used_by(spec) if key in wanted}
            if not mine or not _runs(item) or but in _owners(item):
                continue
            if nodes is None:
                nodes = {node.name for node in await read_nodes(client)}
            if spec.get("nodeName") in nodes:
                where = f"{_name(item)} on node {spec['nodeName']}"
                _note(users, User(kind="pod", where=where), spec)
    return {" ".join(key): user for key, user in users.items() if key in wanted}


async def delete_unneeded(
    client: Client,
    objects: Sequence[Mapping[str, Any]],
    report: Report,
    deleted: Callable[[str], None] = lambda _: None,
) -> dict[str, User]:
    """Delete what nobody uses, in the order given.

    Args:
        client: an open client.
        objects: objects of one namespace.
        report: where progress goes.
        deleted: told kind and name of each that is deleted.

    Returns:
        What was left, by kind and name, each with who uses it.

    Raises:
        ApiError: who uses it cannot be read; then nothing was deleted.
    """
    users = await read_users(client, objects)
    for obj in objects:
        if " ".join(_key(obj)) not in users:
            report.step(f"delete {obj['kind']} {obj['metadata']['name']}")
            await client.delete(object_path(dict(obj)), uid=obj["metadata"]["uid"])
            deleted(" ".join(_key(obj)))
    return users


def left_text(left: Mapping[str, User]) -> str:
    """Say what was left, and why."""
    return "; ".join(f"{what} stays: {user} uses it" for what, user in sorted(left.items()))


def _note(users: dict[Key, User], user: User, spec: Mapping[str, Any]) -> None:
    for key in used_by(spec):
        users.setdefault(key, user)


def _runs(pod: Mapping[str, Any]) -> bool:
    return (pod.get("status") or {}).get("phase") not in ENDED


def _owners(item: Mapping[str, Any]) -> set[str]:
    return {owner.get("uid", "") for owner in item["metadata"].get("ownerReferences") or ()}


def _key(obj: Mapping[str, Any]) -> Key:
    return obj["kind"], obj["metadata"]["name"]


def _name(obj: Mapping[str, Any]) -> str:
    return f"{obj['metadata']['namespace']}/{obj['metadata']['name']}"
