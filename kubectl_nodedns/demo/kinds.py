"""Which resources there are, and where they are served.

Source: the paths of a Kubernetes API server, as `kubectl api-resources` lists them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Resource:
    """One kind of object, and its place in the API."""

    version: str
    """Group and version: "v1", "apps/v1"."""
    plural: str
    """Name in paths."""
    kind: str
    """Name in objects."""
    namespaced: bool = True
    """Whether its objects live in namespaces."""
    short: tuple[str, ...] = ()
    """Short names that kubectl takes."""

    @property
    def group(self) -> str:
        """API group; empty for the core."""
        return self.version.rpartition("/")[0]


RESOURCES = (
    Resource("v1", "namespaces", "Namespace", namespaced=False, short=("ns",)),
    Resource("v1", "nodes", "Node", namespaced=False, short=("no",)),
    Resource("v1", "pods", "Pod", short=("po",)),
    Resource("v1", "services", "Service", short=("svc",)),
    Resource("v1", "serviceaccounts", "ServiceAccount", short=("sa",)),
    Resource("v1", "configmaps", "ConfigMap", short=("cm",)),
    Resource("v1", "secrets", "Secret"),
    Resource("v1", "events", "Event", short=("ev",)),
    Resource("v1", "endpoints", "Endpoints", short=("ep",)),
    Resource("v1", "limitranges", "LimitRange", short=("limits",)),
    Resource("v1", "resourcequotas", "ResourceQuota", short=("quota",)),
    Resource("apps/v1", "daemonsets", "DaemonSet", short=("ds",)),
    Resource("apps/v1", "deployments", "Deployment", short=("deploy",)),
    Resource("apps/v1", "replicasets", "ReplicaSet", short=("rs",)),
    Resource("apps/v1", "statefulsets", "StatefulSet", short=("sts",)),
    Resource("batch/v1", "jobs", "Job"),
    Resource("batch/v1", "cronjobs", "CronJob", short=("cj",)),
    Resource("discovery.k8s.io/v1", "endpointslices", "EndpointSlice"),
    Resource("networking.k8s.io/v1", "networkpolicies", "NetworkPolicy", short=("netpol",)),
    Resource("networking.k8s.io/v1", "servicecidrs", "ServiceCIDR", namespaced=False),
    Resource("networking.k8s.io/v1", "ipaddresses", "IPAddress", namespaced=False),
    Resource("policy/v1", "poddisruptionbudgets", "PodDisruptionBudget", short=("pdb",)),
    Resource("rbac.authorization.k8s.io/v1", "roles", "Role"),
    Resource("rbac.authorization.k8s.io/v1", "rolebindings", "RoleBinding"),
    Resource("rbac.authorization.k8s.io/v1", "clusterroles", "ClusterRole", namespaced=False),
    Resource(
        "rbac.authorization.k8s.io/v1",
        "clusterrolebindings",
        "ClusterRoleBinding",
        namespaced=False,
    ),
    Resource(
        "scheduling.k8s.io/v1", "priorityclasses", "PriorityClass", namespaced=False, short=("pc",)
    ),
    Resource(
        "admissionregistration.k8s.io/v1",
        "validatingwebhookconfigurations",
        "ValidatingWebhookConfiguration",
        namespaced=False,
    ),
    Resource(
        "admissionregistration.k8s.io/v1",
        "mutatingwebhookconfigurations",
        "MutatingWebhookConfiguration",
        namespaced=False,
    ),
    Resource(
        "admissionregistration.k8s.io/v1",
        "validatingadmissionpolicies",
        "ValidatingAdmissionPolicy",
        namespaced=False,
    ),
    Resource(
        "admissionregistration.k8s.io/v1",
        "validatingadmissionpolicybindings",
        "ValidatingAdmissionPolicyBinding",
        namespaced=False,
    ),
    Resource(
        "apiextensions.k8s.io/v1",
        "customresourcedefinitions",
        "CustomResourceDefinition",
        namespaced=False,
        short=("crd",),
    ),
    Resource("storage.k8s.io/v1", "storageclasses", "StorageClass", namespaced=False),
    Resource("coordination.k8s.io/v1", "leases", "Lease"),
)
BY_PATH = {(r.version, r.plural): r for r in RESOURCES}
BY_KIND = {(r.version, r.kind): r for r in RESOURCES}

_PATH = re.compile(
    r"/(?:api/(?P<core>v1)|apis/(?P<group>[^/]+/[^/]+))"
    r"(?:/namespaces/(?P<namespace>[^/]+)(?=/[a-z]))?"
    r"/(?P<plural>[^/]+)(?:/(?P<name>[^/]+)(?:/(?P<sub>[a-z]+)(?:/(?P<rest>.*))?)?)?"
)


@dataclass(frozen=True)
class Address:
    """What a path names."""

    resource: Resource
    """The kind."""
    namespace: str
    """Namespace; empty for all, or where there are none."""
    name: str
    """Name of one object; empty for the collection."""
    subresource: str
    """Such as "log", "exec", "proxy"; empty for the object itself."""
    rest: str
    """What follows the subresource."""


def address(path: str, *, strict: bool) -> Address | None:
    """Read a path; None when nothing is served there.

    Args:
        path: the path of the request, decoded.
        strict: whether kinds that are not in `RESOURCES` are unknown; else they are namespaced
            when the path has a namespace.
    """
    found = _PATH.fullmatch(path)
    if found is None:
        return None
    version = found["core"] or found["group"]
    resource = BY_PATH.get((version, found["plural"]))
    namespace = found["namespace"] or ""
    if resource is None:
        if strict:
            return None
        resource = Resource(version, found["plural"], "", namespaced=bool(namespace))
    return Address(
        resource, namespace, found["name"] or "", found["sub"] or "", found["rest"] or ""
    )
