"""What is installed now: our objects, those that bear their names, and the cache pods."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from kubectl_nodedns.cluster.paths import PLURALS, collection, object_path
from kubectl_nodedns.errors import NotFoundError, RefusedError
from kubectl_nodedns.facts.cache_pods import trouble
from kubectl_nodedns.facts.caches import DAEMONSET, local_ips_of
from kubectl_nodedns.facts.command_line import words_of
from kubectl_nodedns.facts.conditions import is_ready
from kubectl_nodedns.facts.images import NO_IMAGE
from kubectl_nodedns.install.handover import Record, handed_over
from kubectl_nodedns.install.objects import (
    FULL,
    MANAGED_BY,
    NAME,
    PHASE,
    RECORD,
    REVISION,
    SELECTOR,
    STATE,
)
from kubectl_nodedns.readable import required, understood
from kubectl_nodedns.shapes import ANY, shaped
from kubectl_nodedns.together import side_by_side, together

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kubectl_nodedns.cluster.client import Client

    _Objects = dict[tuple[str, str], Mapping[str, Any]]

MANAGED = ",".join(f"{key}={value}" for key, value in MANAGED_BY.items())
"""Selector of everything that is ours."""
_OURS = f"{MANAGED},app.kubernetes.io/name={NAME}"
_KINDS = ("ServiceAccount", "Service", "ConfigMap", "DaemonSet")
_API_VERSIONS = {"DaemonSet": "apps/v1"}

_OBJECT = {"metadata": DAEMONSET["metadata"], "data": {ANY: str}, "spec": {}}
_SHAPES = {"DaemonSet": DAEMONSET}
"""What our objects look like; nobody else's stands under these names without being seen."""


@dataclass(frozen=True, kw_only=True)
class CachePod:
    """One cache pod of ours."""

    node: str
    """Node it runs on."""
    name: str
    """Its name."""
    uid: str
    """Its UID."""
    revision: str
    """Revision of the template it was made from."""
    phase: str
    """DARK or FULL; FULL for a pod of an installation that was adopted."""
    running: bool
    """Whether its container runs and it is not being deleted."""
    ready: bool
    """Whether it is ready and not being deleted."""
    trouble: str
    """Why it is not ready, in the API's words; may be empty."""
    local_ips: tuple[str, ...] = ()
    """Addresses that it listens on: its own -localip argument."""
    orphaned: bool = False
    """Whether no DaemonSet owns it: one that was taken over let it go."""
    preparing: bool = False
    """Whether it has init containers and its agent has not run yet: what they put in has nobody who
    takes it away."""

    @property
    def imageless(self) -> bool:
        """Whether it does not start because its image cannot be had."""
        return not self.running and self.trouble.startswith(NO_IMAGE)


@dataclass(frozen=True, kw_only=True)
class Live:
    """Our installation as it is now."""

    objects: Mapping[tuple[str, str], Mapping[str, Any]]
    """Objects by kind and name: ours, and those that stand under the names of ours."""
    pods: Mapping[str, CachePod]
    """Our newest cache pod on each node, by the node's name."""

    @property
    def daemonset(self) -> Mapping[str, Any] | None:
        """Our DaemonSet; None when there is none."""
        found = self.objects.get(("DaemonSet", NAME))
        return found if found is not None and is_ours(found) else None

    @property
    def taken_over(self) -> Mapping[str, Any] | None:
        """Our DaemonSet as it was when it was taken over; None when that is not written down."""
        found = self.objects.get(("ConfigMap", RECORD))
        record = Record.of_object(found) if found is not None and is_ours(found) else None
        return handed_over(record.daemonset, record.options) if record is not None else None

    @property
    def state(self) -> str:
        """ENABLING, ENABLED or DISABLING; empty when nothing is installed."""
        if self.daemonset is None:
            return ""
        return str((self.daemonset["metadata"].get("annotations") or {}).get(STATE, ""))

    def foreign(self) -> list[str]:
        """Name the objects that stand under our names and are not ours."""
        return [f"{kind} {name}" for (kind, name), obj in self.objects.items() if not is_ours(obj)]


def is_ours(obj: Mapping[str, Any]) -> bool:
    """Whether an object carries our label."""
    labels = obj["metadata"].get("labels") or {}
    return all(labels.get(key) == value for key, value in MANAGED_BY.items())


def refuse_changed(before: Live, now: Live) -> None:
    """Refuse where somebody changed an installation after the plan was made.

    Args:
        before: what the plan was made from.
        now: what is there, now that nobody else may write.

    Raises:
        RefusedError: an object was added, changed or deleted meanwhile.
    """
    one, other = _contents(before), _contents(now)
    changed = [key for key in {**one, **other} if one.get(key) != other.get(key)]
    if changed:
        kind, name = changed[0]
        raise RefusedError(
            f"{kind} {name} was changed after the plan was made: by another run?",
            hint="nothing was written; run it again, and look at the new plan",
        )


def _contents(live: Live) -> dict[tuple[str, str], Any]:
    """Return what people decide about in each object, and its UID."""
    found = {}
    for key, obj in live.objects.items():
        metadata = obj["metadata"]
        said = {name: metadata.get(name) for name in ("uid", "labels", "annotations")}
        found[key] = {**said, **{name: obj.get(name) for name in ("spec", "data")}}
    return found


@understood("the installation")
async def read_live(
    client: Client, namespace: str, wanted: Sequence[Mapping[str, Any]] = ()
) -> Live:
    """Read our objects in `namespace`, and whatever bears the names of `wanted`.

    Raises:
        UnreadableError: one of them has another shape than it should.
    """
    async with side_by_side() as group:
        listing = group.create_task(together(_listed(client, namespace, kind) for kind in _KINDS))
        pods = group.create_task(read_pods(client, namespace))
    objects = {key: obj for listed in listing.result() for key, obj in listed.items()}
    others = [obj for obj in wanted if (obj["kind"], obj["metadata"]["name"]) not in objects]
    for named in await together(_named(client, obj) for obj in others):
        objects |= named
    for (kind, _), obj in objects.items():
        required(kind, partial(shaped, shape=_SHAPES.get(kind, _OBJECT)), [obj])
    return Live(objects=objects, pods=pods.result())


async def _listed(client: Client, namespace: str, kind: str) -> _Objects:
    """Read the objects of a kind that bear our label."""
    version = _API_VERSIONS.get(kind, "v1")
    path = collection(version, PLURALS[kind], namespace)
    return {
        (kind, item["metadata"]["name"]): {"apiVersion": version, "kind": kind, **item}
        for item in await client.list(path, labels=_OURS)
        # Another DaemonSet bears our label without being ours.
        if kind != "DaemonSet" or item["metadata"]["name"] == NAME
    }


async def _named(client: Client, wanted: Mapping[str, Any]) -> _Objects:
    """Read what stands under the name of an object of ours; nothing where nothing does."""
    try:
        found = await client.get(object_path(dict(wanted)))
    except NotFoundError:
        return {}
    return {(wanted["kind"], wanted["metadata"]["name"]): found}


@understood("the cache pods")
async def read_pods(client: Client, namespace: str, node: str = "") -> dict[str, CachePod]:
    """Read our cache pods, newest by node; those of one node when it is named."""
    items = await client.list(
        collection("v1", "pods", namespace),
        labels=SELECTOR,
        fields=f"spec.nodeName={node}" if node else "",
    )
    return newest([item for item in items if _of_daemonset(item)])


def _of_daemonset(item: Mapping[str, Any]) -> bool:
    """Whether a pod belongs to the DaemonSet of our name, or to none: that takes it, then."""
    owners = item["metadata"].get("ownerReferences") or ()
    ours = ("DaemonSet", NAME)
    keepers = [(o.get("kind"), o.get("name")) for o in owners if o.get("controller")]
    return not owners or keepers == [ours]


def newest(items: Sequence[Mapping[str, Any]]) -> dict[str, CachePod]:
    """Return the cache pod of each node; one that is being deleted only where it is the last."""
    order = sorted(items, key=lambda item: item["metadata"].get("creationTimestamp") or "")
    order.sort(key=lambda item: "deletionTimestamp" not in item["metadata"])
    return {pod.node: pod for pod in map(pod_of, order) if pod.node}


def pod_of(item: Mapping[str, Any]) -> CachePod:
    """Read a Pod object of ours."""
    metadata = item["metadata"]
    labels = metadata.get("labels") or {}
    spec, status = item.get("spec") or {}, item.get("status") or {}
    containers = spec.get("containers") or [{}]
    leaving = "deletionTimestamp" in metadata
    return CachePod(
        node=spec.get("nodeName") or "",
        name=metadata["name"],
        uid=metadata["uid"],
        revision=labels.get(REVISION, ""),
        phase=labels.get(PHASE, "" if is_ours(item) else FULL),
        running=not leaving
        and any("running" in (c.get("state") or {}) for c in status.get("containerStatuses") or ()),
        ready=is_ready(status) and not leaving,
        trouble="it is being deleted" if leaving else trouble(status),
        local_ips=local_ips_of(words_of(containers[0])),
        orphaned=not metadata.get("ownerReferences"),
        preparing=bool(spec.get("initContainers")) and not leaving and not _has_run(status),
    )


def _has_run(status: Mapping[str, Any]) -> bool:
    """Whether a container of a pod runs, or ever did."""
    return any(
        one.get("restartCount") or not {"running", "terminated"}.isdisjoint(one.get("state") or ())
        for one in status.get("containerStatuses") or ()
    )
