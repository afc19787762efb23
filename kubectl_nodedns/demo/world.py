"""The objects of the demo's cluster, as kubeadm would have left them, and the nodes behind them."""

from __future__ import annotations

import time
import uuid
from typing import TYPE_CHECKING, Any

from kubectl_nodedns.demo import traffic
from kubectl_nodedns.demo.clock import stamp
from kubectl_nodedns.demo.discovery import VERSION
from kubectl_nodedns.demo.kinds import BY_KIND, BY_PATH, Address
from kubectl_nodedns.demo.machines import Machine

if TYPE_CHECKING:
    import random
    from collections.abc import Iterable

    from kubectl_nodedns.demo.store import Object
    from kubectl_nodedns.demo.verbs import Verbs

DOMAIN = "cluster.local"
DNS_IP = "10.96.0.10"
COREDNS = ("coredns-6f4d8b9c7-4kq7x", "coredns-6f4d8b9c7-zt9bm")
"""The CoreDNS pods."""
COREDNS_VERSION = "1.13.2"
ZONES = ("a", "b", "c", "d")
"""Availability zones; each has a resolver."""
NODES = BY_PATH["v1", "nodes"]
AGE_SECONDS = 26 * 86400.0
"""How old the cluster looks."""
COREFILE = """\
.:53 {
    errors
    health {
       lameduck 5s
    }
    ready
    kubernetes cluster.local in-addr.arpa ip6.arpa {
       pods insecure
       fallthrough in-addr.arpa ip6.arpa
       ttl 30
    }
    prometheus :9153
    forward . /etc/resolv.conf {
       max_concurrent 1000
    }
    cache 30
    loop
    reload
    loadbalance
}
"""
KUBE_PROXY = """\
apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
clusterCIDR: 10.128.0.0/9
mode: iptables
"""


def machines(count: int, chance: random.Random) -> dict[str, Machine]:
    """Make up the nodes."""
    found = {}
    for number in range(1, count + 1):
        zone = ZONES.index(zone_of(number))
        machine = Machine(
            name=f"node{number}",
            ip=f"10.{20 + number // 62500}.{number // 250 % 250}.{1 + number % 250}",
            resolver=f"10.0.{zone}.2",
            profile=traffic.profile(chance),
        )
        found[machine.name] = machine
    return found


def zone_of(number: int) -> str:
    """Return the availability zone of a node, by its number."""
    return ZONES[(number - 1) % len(ZONES)]


def fill(verbs: Verbs, nodes: Iterable[Machine]) -> None:
    """Create the cluster's objects; pods of DaemonSets come from their controller."""
    for name in ("default", "kube-system", "kube-public", "shop"):
        labels = {"kubernetes.io/metadata.name": name}
        create(verbs, _object("v1", "Namespace", name, labels=labels))
    for number, machine in enumerate(nodes, 1):
        verbs.store.put(NODES, node(machine, number))
    for name, namespace, ip, labels, ports in (
        ("kubernetes", "default", "10.96.0.1", {}, [("https", 443, "TCP")]),
        (
            "kube-dns",
            "kube-system",
            DNS_IP,
            {"k8s-app": "kube-dns", "kubernetes.io/name": "CoreDNS"},
            [("dns", 53, "UDP"), ("dns-tcp", 53, "TCP"), ("metrics", 9153, "TCP")],
        ),
        ("web", "shop", "10.96.12.7", {}, [("http", 80, "TCP")]),
        ("orders", "shop", "10.96.40.21", {}, [("grpc", 9090, "TCP")]),
    ):
        selector = {"k8s-app": "kube-dns"} if name == "kube-dns" else {"app": name}
        spec: dict[str, Any] = {
            "clusterIP": ip,
            "ports": [{"name": n, "port": p, "protocol": k} for n, p, k in ports],
        }
        if name != "kubernetes":
            spec["selector"] = selector
        create(verbs, _object("v1", "Service", name, namespace, labels=labels, spec=spec))
    create(verbs, _object("v1", "ConfigMap", "coredns", "kube-system", data={"Corefile": COREFILE}))
    data = {"config.conf": KUBE_PROXY}
    create(verbs, _object("v1", "ConfigMap", "kube-proxy", "kube-system", data=data))
    create(verbs, _kube_proxy())


def create(verbs: Verbs, obj: Object) -> Object:
    """Create an object that looks as old as the cluster."""
    metadata = obj["metadata"]
    resource = BY_KIND[obj["apiVersion"], obj["kind"]]
    at = Address(resource, metadata.get("namespace", ""), "", "", "")
    made = verbs.create(at, obj, manager="kubeadm")
    aged = {**made["metadata"], "creationTimestamp": stamp(time.time() - AGE_SECONDS)}
    return verbs.store.put(resource, {**made, "metadata": aged})


def node(machine: Machine, number: int) -> Object:
    """Return the Node object of a machine."""
    name, zone = machine.name, zone_of(number)
    labels = {
        "kubernetes.io/arch": "amd64",
        "kubernetes.io/hostname": name,
        "kubernetes.io/os": "linux",
        "topology.kubernetes.io/region": "demo",
        "topology.kubernetes.io/zone": f"demo-{zone}",
    }
    pod_range = f"10.{128 + number // 256}.{number % 256}.0/24"
    now, made = stamp(), stamp(time.time() - AGE_SECONDS)
    conditions = [
        {
            "type": kind,
            "status": text,
            "reason": reason,
            "message": message,
            "lastHeartbeatTime": now,
            "lastTransitionTime": made,
        }
        for kind, text, reason, message in (
            ("MemoryPressure", "False", "KubeletHasSufficientMemory", "kubelet has enough memory"),
            ("DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
            ("Ready", "True", "KubeletReady", "kubelet is posting ready status"),
        )
    ]
    room = {"cpu": "8", "memory": "32Gi", "pods": "110", "ephemeral-storage": "100Gi"}
    obj = _object("v1", "Node", name, labels=labels)
    metadata = {**obj["metadata"], "uid": str(uuid.uuid4()), "creationTimestamp": made}
    return {
        **obj,
        "metadata": metadata,
        "spec": {"podCIDR": pod_range, "podCIDRs": [pod_range]},
        "status": {
            "addresses": [
                {"type": "InternalIP", "address": machine.ip},
                {"type": "Hostname", "address": name},
            ],
            "allocatable": room,
            "capacity": room,
            "conditions": conditions,
            "daemonEndpoints": {"kubeletEndpoint": {"Port": 10250}},
            "nodeInfo": {
                "architecture": "amd64",
                "containerRuntimeVersion": "containerd://2.1.4",
                "kernelVersion": "6.12.48",
                "kubeletVersion": VERSION,
                "operatingSystem": "linux",
                "osImage": "Debian GNU/Linux 13 (trixie)",
            },
        },
    }


def workloads(verbs: Verbs, nodes: Iterable[str]) -> list[Object]:
    """Create CoreDNS and a few pods of users; return them, bound and not yet running."""
    names = list(nodes)
    made = [
        _pod(verbs, name, "kube-system", names[i % len(names)], _COREDNS)
        for i, name in enumerate(COREDNS)
    ]
    apps = (("web", "web:2.3.1"), ("orders", "orders:1.9.0"), ("worker", "worker:1.9.0"))
    for number, name in enumerate(names):
        app, image = apps[number % len(apps)]
        spec = {"containers": [{"name": app, "image": f"demo.example/shop/{image}"}]}
        labels = {"app": app}
        made.append(_pod(verbs, f"{app}-{number}", "shop", name, {"labels": labels, "spec": spec}))
    return made


def configz(name: str) -> Object:
    """Return what a kubelet says of its configuration."""
    return {
        "kubeletconfig": {
            "kind": "KubeletConfiguration",
            "apiVersion": "kubelet.config.k8s.io/v1beta1",
            "clusterDomain": DOMAIN,
            "clusterDNS": [DNS_IP],
            "nodeStatusUpdateFrequency": "10s",
            "resolvConf": "/run/systemd/resolve/resolv.conf",
            "hostname": name,
        }
    }


_COREDNS: dict[str, Any] = {
    "labels": {"k8s-app": "kube-dns"},
    "spec": {
        "dnsPolicy": "Default",
        "priorityClassName": "system-cluster-critical",
        "serviceAccountName": "coredns",
        "containers": [
            {
                "name": "coredns",
                "image": f"registry.k8s.io/coredns/coredns:v{COREDNS_VERSION}",
                "args": ["-conf", "/etc/coredns/Corefile"],
                "ports": [{"containerPort": 53, "name": "dns", "protocol": "UDP"}],
                "resources": {"limits": {"memory": "170Mi"}, "requests": {"memory": "70Mi"}},
            }
        ],
    },
}


def _kube_proxy() -> Object:
    labels = {"k8s-app": "kube-proxy"}
    image = f"registry.k8s.io/kube-proxy:{VERSION}"
    command = ["/usr/local/bin/kube-proxy", "--config=/var/lib/kube-proxy/config.conf"]
    mounts = [{"name": "kube-proxy", "mountPath": "/var/lib/kube-proxy"}]
    container = {"name": "kube-proxy", "image": image, "command": command, "volumeMounts": mounts}
    spec = {
        "hostNetwork": True,
        "priorityClassName": "system-node-critical",
        "nodeSelector": {"kubernetes.io/os": "linux"},
        "tolerations": [{"operator": "Exists"}],
        "containers": [container],
        "volumes": [{"name": "kube-proxy", "configMap": {"name": "kube-proxy"}}],
    }
    template = {"metadata": {"labels": labels}, "spec": spec}
    return _object(
        "apps/v1",
        "DaemonSet",
        "kube-proxy",
        "kube-system",
        labels=labels,
        spec={"selector": {"matchLabels": labels}, "template": template},
    )


def _pod(verbs: Verbs, name: str, namespace: str, node: str, what: dict[str, Any]) -> Object:
    spec = {**what["spec"], "nodeName": node}
    obj = _object("v1", "Pod", name, namespace, labels=what["labels"], spec=spec)
    return create(verbs, {**obj, "status": {"phase": "Pending", "qosClass": "Burstable"}})


def _object(
    version: str,
    kind: str,
    name: str,
    namespace: str = "",
    *,
    labels: dict[str, str] | None = None,
    **more: Any,
) -> Object:
    metadata: dict[str, Any] = {"name": name, "labels": labels or {}}
    if namespace:
        metadata["namespace"] = namespace
    return {"apiVersion": version, "kind": kind, "metadata": metadata, **more}
