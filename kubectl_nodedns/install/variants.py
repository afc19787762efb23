"""What differs between dataplanes: how lookups come to the cache, and what it needs for that.

TRANSPARENT: untracked packets skip the translation of the service address, so the cache takes over
the kube-dns IP on its node. LOCAL_ONLY: IPVS owns that address on a link of its own, so the cache
listens on the local IP alone and clients have to be told. REDIRECT: Cilium translates before
netfilter sees the packet and sends it to the node's own cache pod by a policy.

Sources: the NodeLocal DNSCache page and manifest of Kubernetes for the first two, Cilium's
documentation of its Local Redirect Policy and Calico's of `natExcludeService` for the others.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Any

from kubectl_nodedns.facts.dataplane import CALICO_EBPF, CILIUM, IPVS, NAT_EXCLUDE

if TYPE_CHECKING:
    from collections.abc import Mapping


class Variant(Enum):
    """How lookups come to the cache."""

    TRANSPARENT = "transparent"
    LOCAL_ONLY = "local IP only"
    REDIRECT = "redirected"


IPTABLES, NFTABLES = "iptables", "nftables"
VARIANTS: Mapping[str, Variant] = {
    IPTABLES: Variant.TRANSPARENT,
    NFTABLES: Variant.TRANSPARENT,
    IPVS: Variant.LOCAL_ONLY,
    CILIUM: Variant.REDIRECT,
    CALICO_EBPF: Variant.TRANSPARENT,
}
"""The variant of each mode."""
PRINTED_ONLY: Mapping[str, str] = {
    CILIUM: "it needs Cilium's kube-proxy replacement, with local redirect policies switched on",
    CALICO_EBPF: "the Service is an apply configuration: use kubectl apply --server-side",
}
"""Modes whose objects are printed and never installed, for they were not proved."""
LIVE = tuple(mode for mode in VARIANTS if mode not in PRINTED_ONLY)
"""Modes that `enable` installs."""


def redirect_policy(
    namespace: str, dns_service: str, port_names: Mapping[str, str], labels: Mapping[str, str]
) -> dict[str, Any]:
    """Return Cilium's policy that sends lookups for the DNS service to the node's cache pod.

    Where a service has several ports Cilium leads each to the port of that name, and one of another
    name nowhere (Cilium, documentation of its Local Redirect Policy).

    Args:
        namespace: the DNS service's.
        dns_service: its name.
        port_names: names of its port 53, by protocol.
        labels: labels of the policy.
    """
    ports = [
        {"port": "53", "name": port_names[protocol], "protocol": protocol}
        for protocol in ("UDP", "TCP")
    ]
    return {
        "apiVersion": "cilium.io/v2",
        "kind": "CiliumLocalRedirectPolicy",
        "metadata": {"name": "nodelocaldns", "namespace": namespace, "labels": dict(labels)},
        "spec": {
            "redirectFrontend": {
                "serviceMatcher": {"serviceName": dns_service, "namespace": namespace}
            },
            "redirectBackend": {
                "localEndpointSelector": {"matchLabels": {"k8s-app": "node-local-dns"}},
                "toPorts": ports,
            },
        },
    }


def excluded_service(namespace: str, dns_service: str) -> dict[str, Any]:
    """Return an apply configuration that keeps Calico's eBPF from translating the DNS service.

    It holds nothing but the annotation: `kubectl apply --server-side` merges it into the service.
    """
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {
            "name": dns_service,
            "namespace": namespace,
            "annotations": {NAT_EXCLUDE: "true"},
        },
    }


def into_pod_network(daemonset: dict[str, Any]) -> None:
    """Make the cache an ordinary pod: a redirect ends at a pod of the node, not at the node."""
    spec = daemonset["spec"]["template"]["spec"]
    spec["hostNetwork"] = False
    spec["volumes"] = [v for v in spec["volumes"] if v["name"] != "xtables-lock"]
    container = spec["containers"][0]
    container["volumeMounts"] = [
        m for m in container["volumeMounts"] if m["name"] != "xtables-lock"
    ]
    container["args"] += [
        "-skipteardown=true",
        "-setupinterface=false",
        "-setupiptables=false",
    ]
    container["securityContext"] = {
        "allowPrivilegeEscalation": False,
        "capabilities": {"add": ["NET_BIND_SERVICE"], "drop": ["ALL"]},
    }
    for probe in ("livenessProbe", "readinessProbe"):
        container[probe]["httpGet"].pop("host", None)
