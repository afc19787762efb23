"""Take over an installation that somebody else made: its objects become ours, the rest is usual.

Every object of it gets our labels, and what other managers wrote becomes what we applied (one entry
in managedFields); a DaemonSet that cannot become ours in place hands its pods over to ours. No pod
changes by that. The next server-side apply of ours then removes what is not in our objects, as it
does with anything that we applied before; and its cache pods are pods of an older revision, which
`enable` replaces and `disable` takes out behind the usual gates.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from kubectl_nodedns.cluster.client import FIELD_MANAGER
from kubectl_nodedns.cluster.paths import PLURALS, collection, named, object_path
from kubectl_nodedns.errors import NotFoundError, RefusedError
from kubectl_nodedns.facts.caches import KUBE_DNS, cache_of
from kubectl_nodedns.facts.command_line import flag, words_of
from kubectl_nodedns.facts.corefile_reader import read_corefile
from kubectl_nodedns.install.carrying import EXTRA, Carried, carry
from kubectl_nodedns.install.handover import Record, hand_over, handed_over, is_renamed
from kubectl_nodedns.install.live import newest
from kubectl_nodedns.install.objects import (
    ENABLING,
    MANAGED_BY,
    NAME,
    OPTIONS,
    SELECTOR,
    STATE,
    UPSTREAM,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from kubectl_nodedns.cluster.client import Client
    from kubectl_nodedns.facts.caches import Cache
    from kubectl_nodedns.install.live import CachePod

MANAGERS: Mapping[str, str] = {
    "Helm release": "the next upgrade of the release would fight over it: take it out with "
    "helm uninstall (its nodes fall back to kube-dns), then run enable",
    "kOps": "kOps puts its own back: set spec.kubeDNS.nodeLocalDNS.enabled to false in the "
    "cluster's specification and roll the nodes, then run enable",
    "GKE": "it is a part of the managed cluster: switch the NodeLocal DNSCache add-on off there",
}
"""Why an installation of these is not taken over, and the way out."""
RETURNING: Mapping[str, str] = {
    "kubespray": "kubespray's next run puts its own back: set enable_nodelocaldns to false in the "
    "inventory first, and have its kubelets keep clusterDNS {ip}",
}
"""Who would come back for it, and how to keep them from it."""
DNS_PORT = 53


@dataclass(frozen=True, kw_only=True)
class Adoption:
    """An installation that can be taken over."""

    cache: Cache
    """Its DaemonSet, as a cache."""
    objects: tuple[Mapping[str, Any], ...]
    """Its objects, as they are; the DaemonSet first."""
    kube_dns_ip: str
    """The DNS service's address."""
    pods: Mapping[str, CachePod] = field(default_factory=dict)
    """Its pods, by node."""
    carried: Carried = field(default_factory=Carried)
    """What is kept of what it was told."""
    begun: bool = False
    """Whether an earlier run began to take it over."""

    @property
    def daemonset(self) -> Mapping[str, Any]:
        """Its DaemonSet."""
        return self.objects[0]

    @property
    def local_ip(self) -> str:
        """The address that it has beside the DNS service's; empty when it has none."""
        return next((ip for ip in self.cache.local_ips if ip != self.kube_dns_ip), "")

    @property
    def alone(self) -> bool:
        """Whether it serves on the local IP alone: its clients have no other resolver."""
        return self.kube_dns_ip not in self.cache.local_ips

    def lines(self) -> list[str]:
        """Say what is taken over."""
        names = [f"{o['kind']} {o['metadata']['name']}" for o in self.objects]
        lines = [f"{'adopt':<10} {', '.join(names)}, managed by {self.cache.owner}"]
        if self.begun:
            lines.append(f"{'':<10} an earlier run began with it: this one goes on")
        if is_renamed(self.daemonset):
            lines.append(f"{'':<10} its pods go on running, under our DaemonSet {NAME}")
        if note := RETURNING.get(self.cache.owner):
            lines.append(f"{'':<10} {note.format(ip=self.local_ip)}")
        return lines

    def told(self) -> list[str]:
        """Say what is kept of what it was told, and what is not."""
        kept = [
            f"--{name} {_in_a_line(name, value)}"
            for name, value in sorted(self.carried.options.items())
        ]
        lines = [f"{'kept':<10} {' '.join(kept)}"] if kept else []
        return lines + [f"{'not kept':<10} {text}" for text in self.carried.lost]

    def labelled(self) -> dict[tuple[str, str], dict[str, Any]]:
        """Return the objects under their own names, with our labels: what `disable` deletes."""
        found = {}
        for obj in self.objects:
            mine = copy.deepcopy(dict(obj))
            mine["metadata"]["labels"] = _labels(obj)
            mine["metadata"]["managedFields"] = _as_applied(obj)
            found[obj["kind"], obj["metadata"]["name"]] = mine
        return found

    def as_ours(self, options: str = "") -> dict[tuple[str, str], dict[str, Any]]:
        """Return the objects as they will be once they are taken over.

        Args:
            options: the options to remember, so that a run that is killed is gone on with.
        """
        found = self.labelled()
        mine = found.pop(("DaemonSet", self.daemonset["metadata"]["name"]))
        if is_renamed(self.daemonset):
            fields = {"managedFields": mine["metadata"]["managedFields"]}
            mine = handed_over(self.daemonset, options)
            mine["metadata"] |= fields
        else:
            mine["metadata"]["annotations"] = _annotations(self.daemonset, options)
        return {("DaemonSet", NAME): mine, **found}


async def read_adoption(
    client: Client,
    daemonset: Mapping[str, Any],
    *,
    namespace: str,
    kube_dns_ip: str,
    domain: str = "",
    begun: bool = False,
) -> Adoption:
    """Read all objects of an installation that can be taken over.

    Args:
        client: an open client.
        daemonset: its DaemonSet, with kind and version.
        namespace: the DNS service's.
        kube_dns_ip: the DNS service's address.
        domain: the cluster domain, to read what the cache was told; empty to leave that.
        begun: whether an earlier run began to take it over.

    Raises:
        RefusedError: it cannot be taken over; the hint says why, and the way out.
    """
    cache = cache_of(daemonset)
    if cache is None:
        raise RefusedError(f"DaemonSet {daemonset['metadata']['name']} runs no cache")
    if why := hindrance(cache, daemonset, namespace=namespace):
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
    corefile = next(
        ((obj.get("data") or {}).get("Corefile", "") for obj in objects if _is_config(obj, cache)),
        "",
    )
    carried = Carried()
    if domain:
        carried = carry(daemonset, corefile, domain=domain, kube_dns_ip=kube_dns_ip)
    return Adoption(
        cache=cache,
        objects=tuple(objects),
        kube_dns_ip=kube_dns_ip,
        pods=newest(await _pods(client, namespace, cache.uid)),
        carried=carried,
        begun=begun,
    )


async def read_daemonset(client: Client, cache: Cache) -> Mapping[str, Any]:
    """Read the DaemonSet of a cache, with kind and version."""
    path = named("apps/v1", "daemonsets", cache.namespace, cache.name)
    return {"apiVersion": "apps/v1", "kind": "DaemonSet", **await client.get(path)}


async def _pods(client: Client, namespace: str, uid: str) -> list[Mapping[str, Any]]:
    """Read the pods of a DaemonSet, and those that it let go already."""
    items = await client.list(collection("v1", "pods", namespace), labels=SELECTOR)
    return [
        item
        for item in items
        if all(o.get("uid") == uid for o in item["metadata"].get("ownerReferences") or ())
    ]


def _is_config(obj: Mapping[str, Any], cache: Cache) -> bool:
    return (obj["kind"], obj["metadata"]["name"]) == ("ConfigMap", cache.configmap)


def hindrance(cache: Cache, daemonset: Mapping[str, Any], *, namespace: str) -> str:
    """Say why a cache cannot be taken over, and the way out; empty when it can."""
    for manager, way_out in MANAGERS.items():
        if cache.owner.startswith(manager):
            return way_out
    if any(key.startswith("addon.gke.io/") for key in daemonset["metadata"].get("labels") or {}):
        return MANAGERS["GKE"]
    template = daemonset["spec"]["template"]
    why = ""
    if cache.namespace != namespace:
        why = f"its pods are in namespace {cache.namespace}, and ours belong into {namespace}"
    elif (template["metadata"].get("labels") or {}).get("k8s-app") != NAME:
        why = f"its pods do not carry k8s-app={NAME}, by which our DaemonSet would know them"
    elif cache.faults:
        return (
            f"{'; '.join(cache.faults)}.\nIts agent ends at that, so it serves nobody: delete "
            "it the way it was installed, then run enable"
        )
    elif not (cache.host_network and cache.local_ips):
        why = "it has no address of its own on the node (-localip, hostNetwork)"
    elif is_renamed(daemonset) and not _reserves_dns(template["spec"]["containers"][0]):
        why = (
            "its pods do not declare port 53, so nothing would keep a second one off a node while "
            "they are handed over"
        )
    if not why:
        return ""
    return f"{why}.\ntake it out the way it was installed{_after(cache)}, then run enable"


def _reserves_dns(container: Mapping[str, Any]) -> bool:
    return any(port.get("containerPort") == DNS_PORT for port in container.get("ports") or ())


def _after(cache: Cache) -> str:
    """Say what has to be done before a cache may go; most leave their nodes to kube-dns."""
    if len(cache.local_ips) > 1:
        return " (its nodes fall back to kube-dns)"
    return ", after clusterDNS of the kubelets was set back and their pods were replaced"


def belongings(daemonset: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return kind and name of what a cache's pods use: account, configuration, service."""
    spec = daemonset["spec"]["template"]["spec"]
    found = []
    if account := spec.get("serviceAccountName"):
        found.append(("ServiceAccount", account))
    for volume in spec.get("volumes") or ():
        name = (volume.get("configMap") or {}).get("name", "")
        if name and name != KUBE_DNS:
            found.append(("ConfigMap", name))
    container = spec["containers"][0]
    if flag(words_of(container), "upstreamsvc") == UPSTREAM:
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
        TimedOutError: the cluster does not let the pods go.
    """
    record = Record.of(adoption.daemonset, options)
    await client.apply(record.as_object(adoption.cache.namespace), force=True)
    ours = adoption.as_ours(options)
    daemonset = ours.pop(("DaemonSet", NAME))
    for obj in ours.values():
        await _make_ours(client, obj)
    if is_renamed(adoption.daemonset):
        await hand_over(client, record)
    else:
        await _make_ours(client, daemonset)


async def _make_ours(client: Client, obj: dict[str, Any]) -> None:
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
    if obj["kind"] == "DaemonSet":
        annotations = metadata["annotations"]
        patch.append({"op": "add", "path": "/metadata/annotations", "value": annotations})
    await client.patch_json(object_path(obj), patch)


def _in_a_line(name: str, value: str) -> str:
    """Return an option's value for a line; of server blocks their zones."""
    if name == EXTRA:
        return f"for {', '.join(map(str, read_corefile(value).blocks))}"
    return " ".join(value.split())


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
