"""Jobs of one pod on a node: one that looks, one that cleans, one that has an image fetched. Pure.

Like probes they end by themselves, delete themselves and are never repeated, so that a client that
dies leaves nothing behind. Unlike probes they run in the namespace of the DNS service, where the
cache itself runs: the first two need the host network, and the third the cache's pull secrets.
"""

from __future__ import annotations

from typing import Any

from kubectl_nodedns.install.objects import MANAGED_BY
from kubectl_nodedns.probes.jobs import job_on

RUN_LABEL = "kubectl-nodedns/host-run"
COREFILE = "kubectl-nodedns/corefile"
LIFETIME = 180
"""Seconds after which such a pod ends, whatever became of us."""
LINGER = 60
"""Seconds after its end when such a Job is deleted by the cluster itself."""
RULES, NETWORK, CLEANER, FETCHER = "rules", "network", "cleaner", "fetcher"
"""Names of containers."""
_READ = "cat /proc/net/dev /proc/net/fib_trie; cat /proc/net/if_inet6 2>/dev/null || true"
_HIDDEN = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
_NET_ADMIN = {"drop": ["ALL"], "add": ["NET_ADMIN", "NET_RAW"]}


def look_job(
    node: str, *, name: str, run: str, namespace: str, image: str, tools: str, ipv6: bool
) -> dict[str, Any]:
    """Build the Job that prints a node's rules, links and addresses.

    Args:
        node: where.
        name: the Job's name.
        run: value of `RUN_LABEL`.
        namespace: of the DNS service.
        image: the cache's image: it sees the rules that its agent wrote, in the same backend.
        tools: the probes' image; the cache's has no program that reads a file.
        ipv6: whether the cache's addresses are of IPv6.
    """
    containers = [
        {
            "name": RULES,
            "image": image,
            "command": ["ip6tables-save" if ipv6 else "iptables-save"],
            "securityContext": {"allowPrivilegeEscalation": False, "capabilities": _NET_ADMIN},
        },
        {
            "name": NETWORK,
            "image": tools,
            "command": ["sh", "-c", _READ],
            "securityContext": {**_HIDDEN, "runAsNonRoot": True, "runAsUser": 65534},
        },
    ]
    return _job(node, name=name, run=run, namespace=namespace, containers=containers)


def clean_job(
    node: str,
    *,
    name: str,
    run: str,
    namespace: str,
    image: str,
    addresses: tuple[str, ...],
    upstreams: tuple[str, ...],
) -> dict[str, Any]:
    """Build the Job that runs the agent once more, so that it ends in order.

    The agent takes what was left for its own and, at SIGTERM, away. Meanwhile it is a cache that
    answers: every name goes to CoreDNS.

    Args:
        node: where.
        name: the Job's name.
        run: value of `RUN_LABEL`.
        namespace: of the DNS service.
        image: the cache's image.
        addresses: what the orphan listened on.
        upstreams: CoreDNS's own endpoints, so that no service is needed.
    """
    corefile = (
        ".:53 {\n    errors\n    bind __PILLAR__LOCAL__DNS__\n"
        f"    forward . {' '.join(upstreams)} {{\n        force_tcp\n    }}\n}}\n"
    )
    container = {
        "name": CLEANER,
        "image": image,
        "args": [
            *("-localip", ",".join(addresses)),
            *("-conf", "/etc/Corefile"),
            *("-pidfile", "/tmp/node-cache.pid"),  # noqa: S108 - inside the container
        ],
        "securityContext": {"capabilities": {"add": ["NET_ADMIN"]}},
        "readinessProbe": {
            "tcpSocket": {"host": addresses[0], "port": 53},
            "periodSeconds": 1,
        },
        "volumeMounts": [
            {"name": "xtables-lock", "mountPath": "/run/xtables.lock"},
            {"name": "config", "mountPath": "/etc/coredns"},
        ],
    }
    job = _job(node, name=name, run=run, namespace=namespace, containers=[container])
    template = job["spec"]["template"]
    template["metadata"]["annotations"] = {COREFILE: corefile}
    template["spec"]["volumes"] = [
        {
            "name": "xtables-lock",
            "hostPath": {"path": "/run/xtables.lock", "type": "FileOrCreate"},
        },
        {
            "name": "config",
            "downwardAPI": {
                "items": [
                    {
                        "path": "Corefile.base",
                        "fieldRef": {"fieldPath": f"metadata.annotations['{COREFILE}']"},
                    }
                ]
            },
        },
    ]
    return job


def fetch_job(
    node: str, *, name: str, run: str, namespace: str, image: str, pull_secrets: tuple[str, ...]
) -> dict[str, Any]:
    """Build the Job that has a node fetch the cache's image; what it runs ends at once.

    Args:
        node: where.
        name: the Job's name.
        run: value of `RUN_LABEL`.
        namespace: of the DNS service.
        image: the cache's image.
        pull_secrets: Secrets to pull it with.
    """
    container = {
        "name": FETCHER,
        "image": image,
        "command": ["iptables-save", "--version"],
        "securityContext": {**_HIDDEN, "runAsNonRoot": True, "runAsUser": 65534},
    }
    job = _job(node, name=name, run=run, namespace=namespace, containers=[container])
    spec = job["spec"]["template"]["spec"]
    del spec["hostNetwork"]
    if pull_secrets:
        spec["imagePullSecrets"] = [{"name": secret} for secret in pull_secrets]
    return job


def _job(
    node: str, *, name: str, run: str, namespace: str, containers: list[dict[str, Any]]
) -> dict[str, Any]:
    labels = {**MANAGED_BY, "app.kubernetes.io/component": "host-look", RUN_LABEL: run}
    resources = {"requests": {"cpu": "5m", "memory": "16Mi"}, "limits": {"memory": "128Mi"}}
    return job_on(
        node,
        metadata={"name": name, "namespace": namespace, "labels": labels},
        pod={
            "hostNetwork": True,
            "dnsPolicy": "Default",
            "priorityClassName": "system-node-critical",
            "containers": [{**one, "resources": resources} for one in containers],
        },
        pod_metadata={"labels": labels},
        lifetime=LIFETIME,
        linger=LINGER,
    )
