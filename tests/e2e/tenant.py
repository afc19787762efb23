"""A tenant who may write whatever he likes in his own namespace, and what he puts there."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from kubectl_nodedns.install.objects import ENABLED, MANAGED_BY, NAME, OPTIONS, STATE, UPSTREAM
from kubectl_nodedns.probes.probe_job import RUN_LABEL
from tests.cluster.layout import DNS_SERVICE_IP
from tests.e2e.official_addon import LOCAL_IP

if TYPE_CHECKING:
    from tests.e2e.conftest import KubectlCall

TENANT = "tenant"
WHO = f"system:serviceaccount:{TENANT}:mallory"
AS_TENANT = ("-n", TENANT, f"--as={WHO}", "--as-group=system:authenticated")
MARK = "evil.example"
"""A part of everything that the tenant would have in other namespaces."""
PORT = 9253
LABELS = {**MANAGED_BY, "app.kubernetes.io/name": NAME, "k8s-app": NAME}
SNIPPETS = 900
ESCAPE = "\x1b[2J\x1b]0;owned\x07"
"""Clears a terminal that prints it, and names its window."""
PAGE = "\n".join(
    [
        'coredns_build_info{version="9.9.9' + ESCAPE + '"} 1',
        f'coredns_dns_requests_total{{server="dns://{DNS_SERVICE_IP}:53",zone="."}} +Inf',
        f'coredns_dns_requests_total{{server="dns://{LOCAL_IP}:53",zone="."}} 1e308',
        'coredns_dns_request_duration_seconds_bucket{zone=".",le="x"} 1',
        'coredns_cache_entries{server="x",zones=".",type="success"} NaN',
        "process_resident_memory_bytes 1e308",
        "",
    ]
)
"""A metrics page that no CoreDNS prints."""
SERVE = (
    "mkdir -p /tmp/www && printf '%s' \"$PAGE\" > /tmp/www/metrics"
    f" && exec httpd -f -p {PORT} -h /tmp/www"
)


def settle_in(kubectl: KubectlCall) -> None:
    """Make the namespace, and the tenant with all rights in it; what an administrator does."""
    namespace = {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {
            "name": TENANT,
            "labels": {"pod-security.kubernetes.io/enforce": "baseline"},
        },
    }
    kubectl("apply", "-f", "-", stdin=json.dumps(namespace))
    kubectl("-n", TENANT, "create", "serviceaccount", "mallory")
    kubectl("-n", TENANT, "create", "role", "everything", "--verb=*", "--resource=*.*")
    bind = ("create", "rolebinding", "everything", "--role=everything")
    kubectl("-n", TENANT, *bind, f"--serviceaccount={TENANT}:mallory")


def move_out(kubectl: KubectlCall) -> None:
    """Take the namespace away, with all that is in it."""
    kubectl("delete", "namespace", TENANT, "--ignore-not-found", "--wait=true")


def plant(kubectl: KubectlCall, image: str) -> None:
    """Put everything there, with the tenant's own rights.

    Args:
        kubectl: kubectl of an administrator, who lends it to the tenant.
        image: an image with sh and busybox, for the pods that are to run.
    """
    items = json.dumps({"apiVersion": "v1", "kind": "List", "items": everything(image)})
    kubectl(*AS_TENANT, "apply", "-f", "-", stdin=items)


def everything(image: str) -> list[dict[str, Any]]:
    """All that the tenant writes."""
    return [
        *decoys(image),
        *configuration(),
        *services(),
        *probes(image),
        *adopted(image),
        lease("kubectl-nodedns"),
        lease(NAME),
        named("v1", "ServiceAccount", NAME),
        {
            **named("networking.k8s.io/v1", "NetworkPolicy", "nobody-asks"),
            "spec": {"podSelector": {}, "policyTypes": ["Egress"]},
        },
    ]


def remembered() -> str:
    """Options as an installation of ours remembers them, given and by default."""
    options = {
        "image": f"{MARK}/implant:1",
        "upstream": f"{MARK}=192.0.2.66",
        "local-ip": "169.254.66.66",
    }
    return json.dumps({"given": options, "defaults": options, "version": "99.0.0"})


def named(version: str, kind: str, name: str, **annotations: str) -> dict[str, Any]:
    """An object with every label of ours."""
    metadata = {
        "name": name,
        "namespace": TENANT,
        "labels": dict(LABELS),
        "annotations": {"meta.helm.sh/release-name": f"{MARK}{ESCAPE}", **annotations},
    }
    return {"apiVersion": version, "kind": kind, "metadata": metadata}


def decoys(image: str) -> list[dict[str, Any]]:
    """DaemonSets that look like a cache: ours to the letter, and some with garbage in a field."""
    twin = daemonset(NAME, f"{MARK}/k8s-dns-node-cache:1", host=True)
    twin["metadata"]["annotations"] |= {OPTIONS: remembered(), STATE: ENABLED}
    serving = daemonset("a-node-cache", image, labels={"k8s-app": NAME, "a": "page"})
    serving["metadata"]["annotations"] |= {OPTIONS: remembered(), STATE: ENABLED}
    bomb = daemonset("a-bomb", f"{MARK}/node-cache:1")
    bomb["spec"]["template"]["spec"]["volumes"][0]["configMap"]["name"] = "bomb"
    ports = {
        "superscript": {"prometheus.io/port": "²"},
        "many-digits": {"prometheus.io/port": "9" * 5000},
        "negative": {"prometheus.io/port": "-1"},
    }
    garbage = [
        daemonset(f"a-{name}", f"{MARK}/node-cache:1", annotations=annotations)
        for name, annotations in ports.items()
    ]
    words = {
        "address": ("-localip", f"no-address,²,,{ESCAPE}"),
        "nobody": ("-localip", ""),
        "agent-port": ("-localip", LOCAL_IP, "-metrics-listen-address", ":²"),
        "agent-digits": ("-localip", LOCAL_IP, "-metrics-listen-address", f":{'9' * 5000}"),
        "upstream": ("-localip", LOCAL_IP, "-upstreamsvc", "../../../nodes"),
    }
    garbage += [
        daemonset(f"a-{name}", f"{MARK}/node-cache:1", words=some) for name, some in words.items()
    ]
    return [twin, serving, bomb, *garbage]


def daemonset(
    name: str,
    image: str,
    *,
    words: tuple[str, ...] = ("-localip", f"{LOCAL_IP},{DNS_SERVICE_IP}"),
    labels: dict[str, str] | None = None,
    annotations: dict[str, str] | None = None,
    host: bool = False,
) -> dict[str, Any]:
    """A DaemonSet with the agent's arguments, whose pods, where they may start, serve `PAGE`."""
    labels = labels or {"k8s-app": NAME, "decoy": name}
    container = {
        "name": "node-cache",
        "image": image,
        "command": ["sh", "-c", SERVE, "node-cache", *words],
        "env": [{"name": "PAGE", "value": PAGE}],
    }
    volumes = [{"name": "config", "configMap": {"name": NAME, "optional": True}}]
    spec = {
        "tolerations": [{"operator": "Exists"}],
        "terminationGracePeriodSeconds": 0,
        "automountServiceAccountToken": False,
        "containers": [container],
        "volumes": volumes,
        **({"hostNetwork": True} if host else {}),
    }
    return {
        **named("apps/v1", "DaemonSet", name),
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels, "annotations": annotations or {}},
                "spec": spec,
            },
        },
    }


def adopted(image: str) -> list[dict[str, Any]]:
    """Pods that the twin of our DaemonSet adopts: so it has some, though it may start none."""
    twin = daemonset(NAME, image)["spec"]["template"]
    pod = named("v1", "Pod", f"{NAME}-abcde")
    pod["metadata"]["labels"] = {**LABELS, **twin["metadata"]["labels"]}
    return [{**pod, "spec": twin["spec"]}]


def configuration() -> list[dict[str, Any]]:
    """ConfigMaps with the names that are read elsewhere, and Corefiles that cost a reader dear."""
    kubernetes = f".:53 {{\n    kubernetes {MARK}\n    forward . 192.0.2.66\n}}\n"
    corefile = snippets(once=True)
    return [
        {**named("v1", "ConfigMap", NAME), "data": {"Corefile": corefile}},
        {**named("v1", "ConfigMap", "coredns"), "data": {"Corefile": kubernetes}},
        {**named("v1", "ConfigMap", "bomb"), "data": {"Corefile": snippets(once=False)}},
        {**named("v1", "ConfigMap", "kube-proxy"), "data": {"config.conf": "mode: [\x7f"}},
        {**named("v1", "ConfigMap", "cilium-config"), "data": {"kube-proxy-replacement": "true"}},
        {
            **named("v1", "ConfigMap", "node-local-dns-adopted"),
            "data": {"daemonset.json": json.dumps({"metadata": {"name": MARK}})},
        },
    ]


def snippets(*, once: bool) -> str:
    """A Corefile whose snippets import the next one, once or twice each."""
    text = ""
    for number in range(SNIPPETS):
        text += f"(s{number}) {{\n" + f"    import s{number + 1}\n" * (2 - once) + "}\n"
    text += f"(s{SNIPPETS}) {{\n    errors\n}}\n"
    return f"{text}.:53 {{\n    import s0\n    forward . {MARK}\n}}\n"


def services() -> list[dict[str, Any]]:
    """Services with the names and labels of the DNS service, its upstream and the cache."""
    ports = [{"name": p.lower(), "port": 53, "protocol": p} for p in ("UDP", "TCP")]
    found = []
    for name in ("kube-dns", UPSTREAM, NAME):
        obj = named("v1", "Service", name, **{"prometheus.io/port": "²"})
        obj["metadata"]["labels"] |= {"k8s-app": "kube-dns", "kubernetes.io/name": "CoreDNS"}
        found.append({**obj, "spec": {"selector": {"k8s-app": NAME}, "ports": ports}})
    return found


def probes(image: str) -> list[dict[str, Any]]:
    """Pods and a Job that carry a probe's labels."""
    labels = {**MANAGED_BY, "app.kubernetes.io/component": "probe", RUN_LABEL: "0" * 8}
    container = {"name": "probe", "image": image, "command": ["sleep", "3600"]}
    spec = {
        "restartPolicy": "Never",
        "terminationGracePeriodSeconds": 0,
        "automountServiceAccountToken": False,
        "containers": [container],
    }
    pod = named("v1", "Pod", "nodedns-probe-00000000-1-abcde")
    pod["metadata"]["labels"] = {**labels, "job-name": "nodedns-probe-00000000-1"}
    job = named("batch/v1", "Job", "nodedns-probe-00000000-1")
    job["metadata"]["labels"] = labels
    return [
        {**pod, "spec": spec},
        {**job, "spec": {"template": {"metadata": {"labels": labels}, "spec": spec}}},
    ]


def lease(name: str) -> dict[str, Any]:
    """A Lease that is held for ever."""
    return {
        **named("coordination.k8s.io/v1", "Lease", name),
        "spec": {
            "holderIdentity": MARK,
            "leaseDurationSeconds": 2**31 - 1,
            "renewTime": "2099-01-01T00:00:00.000000Z",
        },
    }
