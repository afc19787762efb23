"""Take over an installation that somebody else made: its objects become ours, the rest is usual.

Every object of it gets our labels, and what other managers wrote becomes what we applied (one entry
in managedFields). No pod changes by that. The next server-side apply of ours then removes what is
not in our objects, as it does with anything that we applied before; and its cache pods are pods of
an older revision, which `enable` replaces and `disable` takes out behind the usual gates.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kubectl_nodedns.cluster.client import FIELD_MANAGER
from kubectl_nodedns.cluster.paths import PLURALS, collection, named, object_path
from kubectl_nodedns.errors import NotFoundError, RefusedError
from kubectl_nodedns.facts.caches import flag
from kubectl_nodedns.install.objects import ENABLING, MANAGED_BY, NAME, OPTIONS, STATE, UPSTREAM

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from kubectl_nodedns.cluster.client import Client
    from kubectl_nodedns.facts.caches import Cache

KUBE_DNS_CONFIG = "kube-dns"
"""The ConfigMap that the agent reads stub domains from; it belongs to nobody's cache."""
MANAGERS: Mapping[str, str] = {
    "Helm release": "the next upgrade of the release would fight over it: take it out with "
    "helm uninstall (its nodes fall back to kube-dns), then run enable",
    "kOps": "kOps puts its own back: set spec.kubeDNS.nodeLocalDNS.enabled to false in the "
    "cluster's specification and roll the nodes, then run enable",
    "GKE": "it is a part of the managed cluster: switch the NodeLocal DNSCache add-on off there",
}
"""Why an installation of these is not taken over, and the way out."""


@dataclass(frozen=True, kw_only=True)
class Adoption:
    """An installation that can be taken over without a gap."""

    cache: Cache
    """Its DaemonSet, as a cache."""
    objects: tuple[Mapping[str, Any], ...]
    """Its objects, as they are; the DaemonSet first."""

    kube_dns_ip: str
    """The DNS service's address, which it serves as well."""

    @property
    def local_ip(self) -> str:
        """The address that it has beside the DNS service's; empty when it has none."""
        return next((ip for ip in self.cache.local_ips if ip != self.kube_dns_ip), "")

    def lines(self) -> list[str]:
        """Say what is taken over."""
        names = [f"{o['kind']} {o['metadata']['name']}" for o in self.objects]
        return [f"{'adopt':<10} {', '.join(names)}, managed by {self.cache.owner}"]

    def as_ours(self, options: str = "") -> dict[tuple[str, str], dict[str, Any]]:
        """Return the objects as they will be once they are taken over.

        Args:
            options: the options to remember, so that a run that is killed is gone on with.
        """
        found = {}
        for obj in self.objects:
            mine = copy.deepcopy(dict(obj))
            mine["metadata"]["labels"] = _labels(obj)
            if obj["kind"] == "DaemonSet":
                mine["metadata"]["annotations"] = _annotations(obj, options)
            mine["metadata"]["managedFields"] = _as_applied(obj)
            found[obj["kind"], obj["metadata"]["name"]] = mine
        return found


async def read_adoption(
    client: Client, cache: Cache, *, namespace: str, kube_dns_ip: str
) -> Adoption:
    """Read all objects of an installation that can be taken over.

    Args:
        client: an open client.
        cache: the DaemonSet.
        namespace: the DNS service's.
        kube_dns_ip: the DNS service's address.

    Raises:
        RefusedError: it cannot be taken over; the hint says why, and the way out.
    """
    path = named("apps/v1", "daemonsets", cache.namespace, cache.name)
    daemonset = {"apiVersion": "apps/v1", "kind": "DaemonSet", **await client.get(path)}
    if why := hindrance(cache, daemonset, namespace=namespace, kube_dns_ip=kube_dns_ip):
        raise RefusedError(
            f"the cache {cache.namespace}/{cache.name}, managed by {cache.owner}, cannot be "
            "adopted",
            hint=why,
        )
    objects: list[Mapping[str, Any]] = [daemonset]
    for kind, name in belongings(daemonset):
        obj_path = named("v1", PLURALS[kind], namespace, name)
        try:
            objects.append({"apiVersion": "v1", "kind": kind, **await client.get(obj_path)})
        except NotFoundError:
            continue
    services = await client.list(collection("v1", "services", namespace))
    objects += headless(services)
    return Adoption(cache=cache, objects=tuple(objects), kube_dns_ip=kube_dns_ip)


def hindrance(
    cache: Cache, daemonset: Mapping[str, Any], *, namespace: str, kube_dns_ip: str
) -> str:
    """Say why a cache cannot be taken over, and the way out; empty when it can."""
    for manager, way_out in MANAGERS.items():
        if cache.owner.startswith(manager):
            return way_out
    if any(key.startswith("addon.gke.io/") for key in daemonset["metadata"].get("labels") or {}):
        return MANAGERS["GKE"]
    if kube_dns_ip not in cache.local_ips:
        return (
            f"it listens on {', '.join(cache.local_ips) or 'no address of its own'} and not on "
            f"{kube_dns_ip}: kubelets hand that address out, and nobody answers there between its "
            "end and our start.\nset clusterDNS of the kubelets to "
            f"{kube_dns_ip} and restart their pods, take it out the way it was installed, then "
            "run enable"
        )
    selector = daemonset["spec"]["selector"].get("matchLabels") or {}
    if (cache.namespace, cache.name, selector) != (namespace, NAME, {"k8s-app": NAME}):
        return (
            f"only a DaemonSet {namespace}/{NAME} with the selector k8s-app={NAME} can become ours "
            "in place: a selector cannot be changed.\ntake it out the way it was installed (its "
            "nodes fall back to kube-dns), then run enable"
        )
    return ""


def belongings(daemonset: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return kind and name of what a cache's pods use: account, configuration, service."""
    spec = daemonset["spec"]["template"]["spec"]
    found = []
    if account := spec.get("serviceAccountName"):
        found.append(("ServiceAccount", account))
    for volume in spec.get("volumes") or ():
        name = (volume.get("configMap") or {}).get("name", "")
        if name and name != KUBE_DNS_CONFIG:
            found.append(("ConfigMap", name))
    container = spec["containers"][0]
    words = (*(container.get("command") or ()), *(container.get("args") or ()))
    if flag(words, "upstreamsvc") == UPSTREAM:
        found.append(("Service", UPSTREAM))
    return [(kind, name) for kind, name in found if (kind, name) != ("ServiceAccount", "default")]


def headless(services: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the services that list the cache's pods for Prometheus."""
    return [
        {"apiVersion": "v1", "kind": "Service", **service}
        for service in services
        if service["spec"].get("clusterIP") == "None"
        and service["spec"].get("selector") == {"k8s-app": NAME}
    ]


async def adopt(client: Client, adoption: Adoption, options: str) -> None:
    """Make the objects ours; the DaemonSet goes last, for it is what the next run looks for.

    Raises:
        ConflictError: somebody changed one of them meanwhile.
    """
    for (kind, _), obj in reversed(adoption.as_ours(options).items()):
        metadata = obj["metadata"]
        patch: list[dict[str, Any]] = [
            {"op": "test", "path": "/metadata/uid", "value": metadata["uid"]},
            {
                "op": "replace",
                "path": "/metadata/resourceVersion",
                "value": metadata["resourceVersion"],
            },
            {"op": "add", "path": "/metadata/labels", "value": metadata["labels"]},
            {"op": "add", "path": "/metadata/managedFields", "value": metadata["managedFields"]},
        ]
        if kind == "DaemonSet":
            annotations = metadata["annotations"]
            patch.append({"op": "add", "path": "/metadata/annotations", "value": annotations})
        await client.patch_json(object_path(obj), patch)


def _labels(obj: Mapping[str, Any]) -> dict[str, str]:
    labels = obj["metadata"].get("labels") or {}
    return {**labels, **MANAGED_BY, "app.kubernetes.io/name": NAME}


def _annotations(obj: Mapping[str, Any], options: str) -> dict[str, str]:
    found = {**(obj["metadata"].get("annotations") or {}), STATE: ENABLING}
    return found | ({OPTIONS: options} if options else {})


def _as_applied(obj: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return managedFields with all that anybody wrote as what we applied; status stays."""
    entries: Sequence[Mapping[str, Any]] = obj["metadata"].get("managedFields") or ()
    fields: dict[str, Any] = {}
    for entry in entries:
        if not entry.get("subresource"):
            fields = merged(fields, entry.get("fieldsV1") or {})
    ours = {
        "manager": FIELD_MANAGER,
        "operation": "Apply",
        "apiVersion": obj["apiVersion"],
        "fieldsType": "FieldsV1",
        "fieldsV1": fields,
    }
    return [ours, *(dict(entry) for entry in entries if entry.get("subresource"))]


def merged(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """Return the union of two trees of owned fields."""
    return {key: merged(one.get(key) or {}, other.get(key) or {}) for key in sorted({*one, *other})}
