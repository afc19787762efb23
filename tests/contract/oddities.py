"""Objects with values that are none, as a tenant or an API server that is none may have them."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from tests.contract.ailing import cache_pod, daemonset
from tests.contract.cluster import named

if TYPE_CHECKING:
    from collections.abc import Iterator

TENANT = "tenant"
ODD = (
    "",
    "\u00b2",
    "\u0663",
    "9" * 5000,
    "-1",
    "+Inf",
    "1e308",
    "1e999999",
    "NaN",
    "0x10",
    "99999",
    "{",
    "[" * 2000,
    "\x1b[2J\x00",
    "\u202e\ud800",
    "\udfff",
    "fe80::1%eth0",
    "999.1.1.1",
    "10.0.0.0/999",
    "::1%eth0",
    "1.2.3.4,,,x",
    "../..",
    "%s%n",
    "2026-13-45T99:99:99Z",
)
SHAPES = (None, {}, [], "x", 7, True, [None], {"a": None}, [[]])
"""What may stand where something else is expected, if no API server checks it."""


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Return the path of every value in an object, itself left out."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, part in items:
        yield (*path, key)
        if isinstance(part, dict | list):
            yield from places(part, (*path, key))


def changed(obj: dict[str, Any], path: tuple[Any, ...], value: Any) -> dict[str, Any]:
    """Return a copy with another value at a place."""
    made = copy.deepcopy(obj)
    inner: Any = made
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    return made


def at(obj: dict[str, Any], path: tuple[Any, ...]) -> Any:
    inner: Any = obj
    for key in path:
        inner = inner[key]
    return inner


IDENTITY = {("metadata", "name"), ("metadata", "namespace"), ("metadata", "uid"), ("apiVersion",)}


def odd_strings(obj: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Return the object with each odd text in place of each text that a tenant may choose."""
    for path in places(obj):
        if path not in IDENTITY and isinstance(at(obj, path), str):
            yield from (changed(obj, path, odd) for odd in ODD)


def odd_shapes(obj: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Return the object with each odd shape in place of each of its parts."""
    for path in places(obj):
        if path not in IDENTITY and path[-1] not in ("metadata", "hostNetwork"):
            yield from (changed(obj, path, copy.deepcopy(shape)) for shape in SHAPES)


def tenants_daemonset() -> dict[str, Any]:
    """A DaemonSet that looks like a cache, as a tenant may write it: in the pods' network."""
    obj = daemonset()
    obj["metadata"] = {
        **named("decoy", TENANT, **{"k8s-app": "node-local-dns"}),
        "annotations": {"kubectl-nodedns/options": "{}", "kubectl-nodedns/state": "full"},
    }
    template = obj["spec"]["template"]
    template["metadata"] = {"annotations": {"prometheus.io/port": "9253"}}
    template["spec"]["hostNetwork"] = False
    template["spec"]["nodeSelector"] = {"a": "b"}
    container = template["spec"]["containers"][0]
    container["args"] += ["-metrics-listen-address", "0.0.0.0:9353", "-conf", "/etc/Corefile"]
    container["ports"] = [{"name": "metrics", "containerPort": 9253, "protocol": "TCP"}]
    container["resources"] = {"limits": {"memory": "128Mi", "cpu": "1"}}
    container["env"] = [{"name": "A", "value": "b"}]
    obj["status"] |= {"currentNumberScheduled": 1}
    return obj


def tenants_pod() -> dict[str, Any]:
    pod = cache_pod("node1")
    pod["metadata"] = named("decoy", TENANT, **{"k8s-app": "kube-dns"})
    pod["metadata"]["annotations"] = {"prometheus.io/port": "9253"}
    pod["metadata"]["creationTimestamp"] = "2026-11-01T00:00:00Z"
    spec = pod["spec"]
    spec["dnsPolicy"] = "None"
    spec["dnsConfig"] = {
        "nameservers": ["169.254.20.11"],
        "options": [{"name": "ndots", "value": "5"}],
    }
    spec["containers"][0]["ports"] = [
        {"containerPort": 5300, "hostPort": 5353, "hostIP": "0.0.0.0"}
    ]
    spec["containers"][0]["resources"] = {"requests": {"memory": "1Mi", "cpu": "1m"}}
    pod["status"] |= {
        "podIP": "10.244.1.9",
        "podIPs": [{"ip": "10.244.1.9"}],
        "hostIP": "10.88.0.11",
        "startTime": "2026-11-01T00:00:00Z",
    }
    return pod


def tenants_service() -> dict[str, Any]:
    return {
        "metadata": named("decoy", TENANT, **{"k8s-app": "kube-dns"}),
        "spec": {
            "clusterIP": "10.96.9.9",
            "clusterIPs": ["10.96.9.9"],
            "selector": {"k8s-app": "kube-dns"},
            "ports": [{"name": "dns", "port": 53, "protocol": "UDP", "targetPort": "dns"}],
        },
    }


def tenants_policy() -> dict[str, Any]:
    peer = {"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.1.0.0/16"]}}
    port = {"protocol": "UDP", "port": "dns"}
    selector = {
        "matchLabels": {"a": "b"},
        "matchExpressions": [{"key": "a", "operator": "In", "values": ["b"]}],
    }
    return {
        "apiVersion": "networking.k8s.io/v1",
        "metadata": named("decoy", TENANT),
        "spec": {
            "podSelector": selector,
            "policyTypes": ["Egress", "Ingress"],
            "egress": [{"to": [peer, {"namespaceSelector": selector}], "ports": [port]}],
            "ingress": [{"from": [peer, {"podSelector": selector}], "ports": [port]}],
        },
    }


def tenants_rule() -> dict[str, Any]:
    rule = {"alert": "A", "expr": "coredns_dns_requests_total > 1", "for": "5m"}
    return {
        "apiVersion": "monitoring.coreos.com/v1",
        "metadata": named("decoy", TENANT),
        "spec": {"groups": [{"name": "g", "rules": [rule, {"record": "r", "expr": "up"}]}]},
    }


def anybodys_slice() -> dict[str, Any]:
    """An EndpointSlice with the label of the DNS service's."""
    one = {
        "addresses": ["10.244.9.9"],
        "conditions": {"ready": True},
        "nodeName": "node1",
        "targetRef": {"kind": "Pod", "name": "x", "namespace": TENANT},
    }
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "metadata": named("decoy", TENANT, **{"kubernetes.io/service-name": "kube-dns"}),
        "addressType": "IPv4",
        "endpoints": [one],
        "ports": [{"name": "dns", "port": 53, "protocol": "UDP"}],
    }


TENANTS = {
    "daemonsets": tenants_daemonset,
    "pods": tenants_pod,
    "services": tenants_service,
    "networkpolicies": tenants_policy,
    "prometheusrules": tenants_rule,
    "endpointslices": anybodys_slice,
}
"""Makes an object of each kind that a tenant may write and a command reads."""
