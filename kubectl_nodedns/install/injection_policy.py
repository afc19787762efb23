"""Opt-in per namespace: new pods are handed the cache as their first nameserver.

A MutatingAdmissionPolicy (stable since Kubernetes 1.36, KEP-3962) writes a `dnsConfig` into new
pods of labelled namespaces. It works whatever translates service addresses, and changes no pod that
runs already. Two nameservers: the cache, and the DNS service for the time when the cache of a node
is away. glibc asks the second after `timeout` seconds, musl asks both at once.

Lists in a dnsConfig have no merge keys, so only a JSONPatch can write them. With dnsPolicy
ClusterFirst the nameservers of a dnsConfig would come after the DNS service's, so it becomes None,
and the search list has to be written too; the node's own search domains are lost.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from kubectl_nodedns.install.objects import MANAGED_BY, NAME

if TYPE_CHECKING:
    from kubectl_nodedns.install.settings import Settings

API_GROUP = "admissionregistration.k8s.io"
KIND = "MutatingAdmissionPolicy"
BINDING = f"{KIND}Binding"
LABEL = "kubectl-nodedns/inject"
ENABLED, DISABLED = "enabled", "disabled"
NEVER = ("kube-system",)
"""Namespaces that are left alone, whatever their labels: CoreDNS itself is there."""
NDOTS, TIMEOUT, ATTEMPTS = "5", "1", "2"
"""resolv.conf options: the usual search, and a short wait for a cache that is away."""

Objects = list[dict[str, Any]]


@dataclass(frozen=True, kw_only=True)
class Resolver:
    """What a pod's resolv.conf is to say."""

    local_ip: str
    """Address of the cache: the first nameserver."""
    kube_dns_ip: str
    """Address of the DNS service: the second."""
    cluster_domain: str
    """Without a final dot."""

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Return what pods are handed when the cache of these settings is injected."""
        return cls(
            local_ip=settings.local_ip,
            kube_dns_ip=settings.kube_dns_ip,
            cluster_domain=settings.cluster_domain,
        )

    def searches(self, namespace: str) -> list[str]:
        """Return the search list that kubelet gives a pod of `namespace`, without the node's."""
        domain = self.cluster_domain
        return [f"{namespace}.svc.{domain}", f"svc.{domain}", domain]

    def dns_config(self, namespace: str) -> dict[str, Any]:
        """Return the `dnsConfig` of a pod of `namespace`."""
        return {
            "nameservers": [self.local_ip, self.kube_dns_ip],
            "searches": self.searches(namespace),
            "options": [{"name": name, "value": value} for name, value in _OPTIONS],
        }


_OPTIONS = (("ndots", NDOTS), ("timeout", TIMEOUT), ("attempts", ATTEMPTS))


def objects(resolver: Resolver, *, version: str) -> Objects:
    """Return the policy and its binding.

    Args:
        resolver: what pods are to get.
        version: version of the API group that the cluster serves, such as "v1".
    """
    api_version = f"{API_GROUP}/{version}"
    policy = {
        "apiVersion": api_version,
        "kind": KIND,
        "metadata": _metadata(),
        "spec": {
            # A pod without an injected nameserver works too; one that is not created does not.
            "failurePolicy": "Ignore",
            "reinvocationPolicy": "Never",
            "matchConstraints": {
                "matchPolicy": "Equivalent",
                "namespaceSelector": _namespaces(),
                "objectSelector": {
                    "matchExpressions": [
                        {"key": LABEL, "operator": "NotIn", "values": [DISABLED]},
                    ]
                },
                "resourceRules": [
                    {
                        "apiGroups": [""],
                        "apiVersions": ["v1"],
                        "operations": ["CREATE"],
                        "resources": ["pods"],
                        "scope": "Namespaced",
                    }
                ],
            },
            "matchConditions": _conditions(),
            "mutations": [
                {"patchType": "JSONPatch", "jsonPatch": {"expression": _patch(resolver)}}
            ],
        },
    }
    binding = {
        "apiVersion": api_version,
        "kind": BINDING,
        "metadata": _metadata(),
        "spec": {"policyName": NAME, "matchResources": {"namespaceSelector": _namespaces()}},
    }
    return [policy, binding]


def plain_patch(resolver: Resolver, namespace: str = "NAMESPACE") -> dict[str, Any]:
    """Return what to merge into a pod template by hand, where the API is missing."""
    return {"spec": {"dnsPolicy": "None", "dnsConfig": resolver.dns_config(namespace)}}


def _metadata() -> dict[str, Any]:
    return {"name": NAME, "labels": {"app.kubernetes.io/name": NAME, **MANAGED_BY}}


def _namespaces() -> dict[str, Any]:
    return {
        "matchLabels": {LABEL: ENABLED},
        "matchExpressions": [
            {"key": "kubernetes.io/metadata.name", "operator": "NotIn", "values": list(NEVER)}
        ],
    }


def _conditions() -> list[dict[str, str]]:
    return [
        {"name": "no-dns-config-of-its-own", "expression": "!has(object.spec.dnsConfig)"},
        {
            "name": "cluster-dns",
            "expression": "has(object.spec.hostNetwork) && object.spec.hostNetwork"
            ' ? object.spec.dnsPolicy == "ClusterFirstWithHostNet"'
            ' : object.spec.dnsPolicy == "ClusterFirst"',
        },
        {
            "name": "linux",
            "expression": '!(has(object.spec.os) && object.spec.os.name == "windows")'
            " && !(has(object.spec.nodeSelector)"
            ' && "kubernetes.io/os" in object.spec.nodeSelector'
            ' && object.spec.nodeSelector["kubernetes.io/os"] != "linux")',
        },
    ]


def _patch(resolver: Resolver) -> str:
    """Return the CEL expression of the JSONPatch."""
    searches = ", ".join(
        ["request.namespace + " + _cel(f".svc.{resolver.cluster_domain}")]
        + [_cel(name) for name in resolver.searches("")[1:]]
    )
    options = ", ".join(
        f"Object.spec.dnsConfig.options{{name: {_cel(name)}, value: {_cel(value)}}}"
        for name, value in _OPTIONS
    )
    nameservers = ", ".join(_cel(ip) for ip in (resolver.local_ip, resolver.kube_dns_ip))
    return (
        "[\n"
        '  JSONPatch{op: "add", path: "/spec/dnsPolicy", value: "None"},\n'
        '  JSONPatch{op: "add", path: "/spec/dnsConfig", value: Object.spec.dnsConfig{\n'
        f"    nameservers: [{nameservers}],\n"
        f"    searches: [{searches}],\n"
        f"    options: [{options}]}}}}\n"
        "]"
    )


def _cel(text: str) -> str:
    """Return a CEL string literal; addresses and domain names need no more than JSON does."""
    return json.dumps(text)
