"""The verbs of the API server on a store: get, create, apply, patch, delete, and reviews.

What an API server adds to an object that it is given is here too.
"""

from __future__ import annotations

import ipaddress
import uuid
from typing import TYPE_CHECKING, Any

from kubectl_nodedns.demo.applying import Owned, apply, leaves, managed_fields, merge_patch
from kubectl_nodedns.demo.clock import stamp
from kubectl_nodedns.demo.kinds import BY_PATH
from kubectl_nodedns.demo.refusals import Refusal, not_found
from kubectl_nodedns.demo.store import Object, Store, key_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from kubectl_nodedns.demo.kinds import Address, Resource

    Deleting = Callable[[Resource, Object, int | None], bool]
    from collections.abc import Callable

SERVICE_RANGE = ipaddress.IPv4Network("10.96.0.0/12")
"""Where cluster IPs are given out from, as kubeadm sets it up."""
_POD = {
    "restartPolicy": "Always",
    "dnsPolicy": "ClusterFirst",
    "schedulerName": "default-scheduler",
    "securityContext": {},
    "terminationGracePeriodSeconds": 30,
}
_CONTAINER = {
    "imagePullPolicy": "IfNotPresent",
    "terminationMessagePath": "/dev/termination-log",
    "terminationMessagePolicy": "File",
    "resources": {},
}
WITH_GENERATION = frozenset(
    (
        "CronJob",
        "DaemonSet",
        "Deployment",
        "Job",
        "NetworkPolicy",
        "Pod",
        "ReplicaSet",
        "StatefulSet",
    )
)
"""Kinds whose objects count the changes of their specification."""
FIRST_SERVICE = 77 * 256 + 12
"""Where in the service range addresses are given out from; the low ones are for people."""


def defaulted(obj: Mapping[str, Any], cluster_ip: Callable[[], str]) -> dict[str, Any]:
    """Return an object with the server's defaults.

    Args:
        obj: the object as it was given.
        cluster_ip: gives out a free cluster IP.
    """
    kind = obj.get("kind", "")
    spec = obj.get("spec")
    if not isinstance(spec, dict):
        return dict(obj)
    if kind == "Service":
        return {**obj, "spec": _service(spec, cluster_ip), "status": _balancer(obj)}
    if kind == "Pod":
        return {**obj, "spec": pod_spec(spec)}
    if kind == "DaemonSet":
        more: dict[str, Any] = {"revisionHistoryLimit": 10}
        if "updateStrategy" not in spec:
            rolling = {"maxSurge": 0, "maxUnavailable": 1}
            more["updateStrategy"] = {"type": "RollingUpdate", "rollingUpdate": rolling}
        return {**obj, "spec": {**more, **spec, "template": _template(spec["template"])}}
    if kind == "Job":
        more = {
            "parallelism": 1,
            "completions": 1,
            "backoffLimit": 6,
            "completionMode": "NonIndexed",
            "suspend": False,
        }
        return {**obj, "spec": {**more, **spec, "template": _template(spec["template"])}}
    return dict(obj)


def pod_spec(spec: Mapping[str, Any]) -> dict[str, Any]:
    """Return a pod's specification with the server's defaults."""
    containers = [{**_CONTAINER, **container} for container in spec.get("containers") or ()]
    return {**_POD, **spec, "containers": containers}


def _template(template: Mapping[str, Any]) -> dict[str, Any]:
    return {**template, "spec": pod_spec(template["spec"])}


def _balancer(obj: Mapping[str, Any]) -> Any:
    return obj.get("status") or {"loadBalancer": {}}


def _service(spec: Mapping[str, Any], cluster_ip: Callable[[], str]) -> dict[str, Any]:
    ip = spec.get("clusterIP") or cluster_ip()
    ports = [
        {"protocol": "TCP", "targetPort": port["port"], **port} for port in spec.get("ports") or ()
    ]
    return {
        "internalTrafficPolicy": "Cluster",
        "ipFamilies": ["IPv4"],
        "ipFamilyPolicy": "SingleStack",
        "sessionAffinity": "None",
        "type": "ClusterIP",
        "clusterIPs": [ip],
        **spec,
        "clusterIP": ip,
        "ports": ports,
    }


class Verbs:
    """The verbs.

    Args:
        store: the objects.
        strict: whether a namespace must exist.
        new_uid: makes UIDs.
        deleting: told of a deletion with its grace period in seconds (None when not given); True
            when it will see to it that the object goes by and by.
    """

    def __init__(
        self,
        store: Store,
        *,
        strict: bool = True,
        new_uid: Callable[[], str] = lambda: str(uuid.uuid4()),
        deleting: Deleting = lambda *_: False,
    ) -> None:
        self.store = store
        self.strict = strict
        self._new_uid = new_uid
        self.deleting = deleting
        self._owners: dict[tuple[str, ...], tuple[Owned, ...]] = {}
        self._next_ip = FIRST_SERVICE

    def get(self, at: Address) -> Object:
        """Return one object.

        Raises:
            Refusal: there is none.
        """
        found = self.store.get(at.resource, at.namespace, at.name)
        if found is None:
            raise not_found(at.resource.plural, at.resource.group, at.name)
        return found

    def create(self, at: Address, body: Object, *, manager: str, dry: bool = False) -> Object:
        """Create an object.

        Raises:
            Refusal: it exists, it has no name, or its namespace does not exist.
        """
        resource = at.resource
        metadata = dict(body.get("metadata") or {})
        if not metadata.get("name") and metadata.get("generateName"):
            metadata["name"] = metadata["generateName"] + uuid.uuid4().hex[:5]
        name = metadata.get("name")
        if not name:
            raise Refusal(422, "Invalid", f"{resource.kind} is invalid: metadata.name: Required")
        if resource.namespaced:
            metadata["namespace"] = at.namespace or metadata.get("namespace") or "default"
        if self.store.get(resource, metadata.get("namespace") or "", name) is not None:
            details = {"name": name, "kind": resource.plural}
            said = not_found(resource.plural, resource.group, name)
            message = str(said).replace("not found", "already exists")
            raise Refusal(409, "AlreadyExists", message, details)
        new = {**body, "metadata": metadata}
        owner = Owned(manager, "Update", stamp(), leaves(new))
        return self._born(resource, new, (owner,), dry=dry)

    def apply(
        self, at: Address, body: Object, *, manager: str, force: bool = False, dry: bool = False
    ) -> Object:
        """Server-side apply an object.

        Raises:
            Refusal: another manager owns a field and holds it otherwise, or the object is not the
                one that is meant.
        """
        resource = at.resource
        live = self.store.get(resource, at.namespace, at.name)
        uid = (body.get("metadata") or {}).get("uid")
        if uid and uid != ((live or {}).get("metadata") or {}).get("uid"):
            raise Refusal(
                409,
                "Conflict",
                f'Operation cannot be fulfilled on {resource.plural} "{at.name}": uid mismatch: '
                f"the provided object specified uid {uid}, and there is no such object",
            )
        owners = self._owners.get(_place(at), ())
        if live is not None and not owners:
            owners = (Owned("before", "Update", stamp(), leaves(live)),)
        merged = apply(live, body, manager, owners, force=force)
        mine = leaves(body)
        changed = tuple(
            Owned(o.manager, o.operation, o.time, o.paths - mine if force else o.paths)
            for o in owners
            if (o.manager, o.operation) != (manager, "Apply")
        )
        changed = (*(o for o in changed if o.paths), Owned(manager, "Apply", stamp(), mine))
        if live is None:
            metadata = {**merged["metadata"], "name": at.name}
            if resource.namespaced:
                metadata["namespace"] = at.namespace
            return self._born(resource, {**merged, "metadata": metadata}, changed, dry=dry)
        return self._changed(resource, live, merged, changed, dry=dry)

    def patch(self, at: Address, patch: Object, *, manager: str, dry: bool = False) -> Object:
        """Merge a patch into an object (RFC 7396).

        Raises:
            Refusal: there is no such object.
        """
        live = self.get(at)
        merged = merge_patch(live, patch)
        owner = Owned(manager, "Update", stamp(), leaves(patch))
        owners = (*self._owners.get(_place(at), ()), owner)
        return self._changed(at.resource, live, merged, owners, dry=dry)

    def replace(self, at: Address, body: Object, *, manager: str, dry: bool = False) -> Object:
        """Put another object in the place of one.

        Raises:
            Refusal: there is none, it is another, or it changed since it was read.
        """
        live = self.get(at)
        given, has = body.get("metadata") or {}, live["metadata"]
        known = ("uid", "resourceVersion")
        if any(given.get(key) and given[key] != has.get(key) for key in known):
            raise Refusal(
                409,
                "Conflict",
                f"Operation cannot be fulfilled on {at.resource.plural} {at.name!r}: the object "
                "has been modified; please apply your changes to the latest version and try again",
            )
        owner = Owned(manager, "Update", stamp(), leaves(body))
        metadata = {**live["metadata"], **(body.get("metadata") or {})}
        return self._changed(at.resource, live, {**body, "metadata": metadata}, (owner,), dry=dry)

    def delete(self, at: Address, options: Mapping[str, Any], *, dry: bool = False) -> Object:
        """Delete an object; return the Status that says so.

        Raises:
            Refusal: there is none, or it is not the one that the preconditions name.
        """
        live = self.get(at)
        resource = at.resource
        wanted = (options.get("preconditions") or {}).get("uid")
        uid = live["metadata"].get("uid")
        if wanted and wanted != uid:
            kind = resource.kind or live.get("kind", "")
            raise Refusal(
                409,
                "Conflict",
                f'Operation cannot be fulfilled on {kind} "{at.name}": the UID in the precondition '
                f"({wanted}) does not match the UID in record ({uid}). The object might have been "
                "deleted and then recreated",
                {"name": at.name, "kind": kind},
            )
        if not dry and not self.deleting(resource, live, options.get("gracePeriodSeconds")):
            self.store.remove(resource, at.namespace, at.name)
            self._owners.pop(_place(at), None)
        details = {"name": at.name, "kind": resource.plural, "uid": uid}
        if resource.group:
            details["group"] = resource.group
        return {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Success",
            "details": details,
        }

    def free_ip(self) -> str:
        """Give out a cluster IP that no service has."""
        specs = (one.get("spec") for one in self.store.all(BY_PATH["v1", "services"]).values())
        taken = [spec.get("clusterIP") for spec in specs if isinstance(spec, dict)]
        while (ip := str(SERVICE_RANGE[self._next_ip])) in taken:
            self._next_ip += 1
        return ip

    def _born(
        self, resource: Resource, new: Object, owners: tuple[Owned, ...], *, dry: bool
    ) -> Object:
        namespace, _ = key_of(new)
        namespaces = BY_PATH["v1", "namespaces"]
        if self.strict and namespace and not self.store.get(namespaces, "", namespace):
            raise not_found("namespaces", "", namespace)
        kind = {"apiVersion": resource.version, "kind": resource.kind or new.get("kind", "")}
        metadata = {
            **new["metadata"],
            "uid": self._new_uid(),
            "creationTimestamp": stamp(),
            "managedFields": managed_fields(owners, resource.version),
        }
        if kind["kind"] in WITH_GENERATION:
            metadata["generation"] = 1
        made = defaulted({**new, **kind, "metadata": metadata}, self.free_ip)
        if dry:
            return made
        self._owners[resource.version, resource.plural, *key_of(made)] = owners
        return self.store.put(resource, made)

    def _changed(
        self,
        resource: Resource,
        live: Object,
        merged: Object,
        owners: tuple[Owned, ...],
        *,
        dry: bool,
    ) -> Object:
        kept = ("uid", "creationTimestamp", "generation", "resourceVersion", "deletionTimestamp")
        metadata = dict(merged["metadata"])
        metadata |= {key: live["metadata"][key] for key in kept if key in live["metadata"]}
        merged = {
            "apiVersion": resource.version,
            "kind": resource.kind or live.get("kind", ""),
            **merged,
        }
        merged = defaulted({**merged, "metadata": metadata}, self.free_ip)
        place = (resource.version, resource.plural, *key_of(live))
        if _content(merged) == _content(live) and _fields(owners) == _fields(
            self._owners.get(place, ())
        ):
            return live
        if "generation" in metadata and merged.get("spec") != live.get("spec"):
            metadata["generation"] += 1
        metadata["managedFields"] = managed_fields(owners, resource.version)
        if dry:
            return merged
        self._owners[place] = owners
        return self.store.put(resource, merged)


def _place(at: Address) -> tuple[str, ...]:
    return (at.resource.version, at.resource.plural, at.namespace, at.name)


def _fields(owners: tuple[Owned, ...]) -> set[tuple[str, str, frozenset[tuple[str, ...]]]]:
    """Return who owns what, whenever it was written."""
    return {(owner.manager, owner.operation, owner.paths) for owner in owners}


def _content(obj: Object) -> Object:
    """Return what a change of is a change."""
    hidden = ("managedFields", "resourceVersion", "generation")
    metadata = {k: v for k, v in obj["metadata"].items() if k not in hidden}
    return {**obj, "metadata": metadata}
