"""A sound cluster with a cache on each of two nodes, and what can be made to ail in it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.contract.api import document, text
from tests.contract.cluster import COREFILE, config, configmap, dns_service, endpoints, named, node

if TYPE_CHECKING:
    from tests.contract.api import Api

LOCAL, KUBE_DNS, UPSTREAM_IP = "169.254.20.10", "10.96.0.10", "10.96.7.7"
NODES = ("node1", "node2")
CACHE = {"k8s-app": "node-local-dns"}
CACHE_COREFILE = """
cluster.local:53 {
    cache {
        success 9984 30
        denial 9984 5
    }
    bind 169.254.20.10 10.96.0.10
    forward . __PILLAR__CLUSTER__DNS__ {
        force_tcp
    }
}
in-addr.arpa:53 ip6.arpa:53 {
    cache 30
    bind 169.254.20.10 10.96.0.10
    forward . __PILLAR__CLUSTER__DNS__ {
        force_tcp
    }
}
.:53 {
    cache 30
    bind 169.254.20.10 10.96.0.10
    forward . __PILLAR__UPSTREAM__SERVERS__
}
"""


@dataclass
class Page:
    """A metrics page; counters that were touched are what they are set to."""

    started: float = 1.0e9
    memory: int = 30 * 2**20
    version: str = "1.13.2"
    samples: dict[str, float] = field(default_factory=dict)

    def text(self) -> str:
        own = {
            f'coredns_build_info{{version="{self.version}"}}': 1,
            "process_start_time_seconds": self.started,
            "process_resident_memory_bytes": self.memory,
            f'coredns_dns_requests_total{{server="dns://{KUBE_DNS}:53",zone="."}}': 500,
            'coredns_dns_responses_total{zone=".",rcode="NOERROR"}': 500,
        }
        return "".join(f"{name} {value}\n" for name, value in (own | self.samples).items())


def cache_pod(where: str) -> dict[str, Any]:
    """A cache pod that is well."""
    name = f"node-local-dns-{where}"
    container = {
        "name": "node-cache",
        "image": "registry.k8s.io/dns/k8s-dns-node-cache:1.26.8",
        "args": ["-localip", f"{LOCAL},{KUBE_DNS}", "-upstreamsvc", "kube-dns-upstream"],
    }
    state = {"running": {"startedAt": "2026-11-01T00:00:00Z"}}
    return {
        "metadata": {**named(name, **CACHE), "ownerReferences": [owner("node-local-dns")]},
        "spec": {"nodeName": where, "hostNetwork": True, "containers": [container]},
        "status": {
            "phase": "Running",
            "conditions": [{"type": "Ready", "status": "True"}],
            "containerStatuses": [{"name": "node-cache", "restartCount": 0, "state": state}],
        },
    }


def owner(daemonset: str) -> dict[str, Any]:
    uid = f"uid-of-{daemonset}"
    return {"kind": "DaemonSet", "name": daemonset, "uid": uid, "controller": True}


def coredns_pod(number: int) -> dict[str, Any]:
    name = f"coredns-{number}"
    return {
        "metadata": named(name, **{"k8s-app": "kube-dns"}),
        "spec": {"nodeName": f"node{number}", "dnsPolicy": "Default"},
        "status": {"phase": "Running"},
    }


def daemonset() -> dict[str, Any]:
    """The DaemonSet of a cache that somebody applied from the add-on manifest."""
    spec = {
        "hostNetwork": True,
        "containers": cache_pod("x")["spec"]["containers"],
        "tolerations": [{"operator": "Exists"}],
        "volumes": [{"configMap": {"name": "node-local-dns", "items": [{"key": "Corefile"}]}}],
    }
    return {
        "apiVersion": "apps/v1",
        "metadata": named("node-local-dns"),
        "spec": {
            "selector": {"matchLabels": dict(CACHE)},
            "template": {"metadata": {}, "spec": spec},
        },
        "status": {"desiredNumberScheduled": 2},
    }


class Ailing:
    """The objects of the cluster, by plural; change them, then `serve`."""

    def __init__(self) -> None:
        self.objects: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
        upstream = dns_service("kube-dns-upstream", UPSTREAM_IP)
        upstream["metadata"]["labels"] = {}
        self.objects["nodes"] = [node(1), node(2)]
        self.objects["services"] = [dns_service(), upstream]
        self.objects["endpointslices"] = [
            endpoints("kube-dns", "10.244.1.2", "10.244.2.2"),
            endpoints("kube-dns-upstream", "10.244.1.2", "10.244.2.2"),
        ]
        self.objects["configmaps"] = [
            configmap(
                "coredns", Corefile=COREFILE.replace("}\n}", "}\n forward . /etc/resolv.conf\n}")
            ),
            configmap("kube-proxy", **{"config.conf": config("iptables")}),
            configmap("node-local-dns", Corefile=CACHE_COREFILE),
        ]
        self.objects["daemonsets"] = [daemonset()]
        self.objects["pods"] = [*map(cache_pod, NODES), coredns_pod(1), coredns_pod(2)]
        self.objects["namespaces"] = [{"metadata": {"name": "kube-system", "labels": {}}}]
        self.before = {name: Page() for name in (*NODES, "coredns-1", "coredns-2")}
        """First page of each cache (by node) and CoreDNS pod (by name)."""
        self.after = {name: Page() for name in self.before}
        """Second page."""
        self.kubelets = {name: [KUBE_DNS] for name in NODES}
        """clusterDNS of each kubelet."""
        self.logs: dict[str, str] = {}
        """Log of the container before, by pod."""

    def pod(self, where: str) -> dict[str, Any]:
        """Return the cache pod of a node."""
        return next(p for p in self.objects["pods"] if p["metadata"]["name"].endswith(where))

    @property
    def cache(self) -> dict[str, Any]:
        """Return the pod specification of the DaemonSet."""
        spec: dict[str, Any] = self.objects["daemonsets"][0]["spec"]["template"]["spec"]
        return spec

    def corefile(self, content: str) -> None:
        """Give the cache another Corefile."""
        self.objects["configmaps"][2]["data"]["Corefile"] = content

    def add_pod(self, name: str, namespace: str = "shop", **spec: Any) -> None:
        """Add a pod of somebody's."""
        pod = {"metadata": named(name, namespace), "spec": {"nodeName": "node1", **spec}}
        self.objects["pods"].append({**pod, "status": {"phase": "Running"}})

    def count(self, name: str, value: float, *, on: str = "node1") -> None:
        """Let a counter grow by `value` between the two pages."""
        self.before[on].samples[name] = 0
        self.after[on].samples[name] = value

    def serve(self, api: Api) -> None:
        """Put all of it into the emulated API server."""
        for plural, objects in self.objects.items():
            api.add(plural, *objects)
        for name, page in self.before.items():
            pod = name if name.startswith("coredns") else f"node-local-dns-{name}"
            port = 9153 if name.startswith("coredns") else 9253
            path = f"/api/v1/namespaces/kube-system/pods/{pod}:{port}/proxy/metrics"
            api.script("GET", path, text(page.text()), text(self.after[name].text()))
        for name, servers in self.kubelets.items():
            answer = document({"kubeletconfig": {"clusterDNS": servers}})
            api.script("GET", f"/api/v1/nodes/{name}/proxy/configz", answer)
        for pod, words in self.logs.items():
            api.script("GET", f"/api/v1/namespaces/kube-system/pods/{pod}/log", text(words))
