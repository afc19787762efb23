"""A cache pod as its object tells it."""

from __future__ import annotations

from typing import Any

import pytest

from kubectl_nodedns.facts.cache_pods import CachePod, cache_pod_of
from kubectl_nodedns.facts.caches import cache_of
from tests.unit.facts.daemonsets import DOCS_PAGE


def read(status: dict[str, Any], **metadata: Any) -> CachePod:
    cache = cache_of(DOCS_PAGE)
    assert cache is not None
    named = {"namespace": "kube-system", "name": "node-local-dns-x", "uid": "uid-x", **metadata}
    container = {
        "name": "node-cache",
        "args": ["-localip", "169.254.20.10", "-metrics-listen-address", "0.0.0.0:9999"],
        "resources": {"limits": {"memory": "1Mi"}},
    }
    return cache_pod_of(
        {
            "metadata": named,
            "spec": {"nodeName": "node1", "containers": [container]},
            "status": status,
        },
        cache,
    )


def state(**state: Any) -> dict[str, Any]:
    return {"containerStatuses": [{"state": state}]}


def test_what_its_object_tells() -> None:
    pod = read(
        {
            "podIP": "10.0.0.1",
            "containerStatuses": [
                {
                    "state": {"running": {}},
                    "restartCount": 2,
                    "lastState": {
                        "terminated": {
                            "reason": "OOMKilled",
                            "exitCode": 137,
                            "finishedAt": "1970-01-01T00:01:00Z",
                        }
                    },
                }
            ],
        },
        creationTimestamp="1970-01-01T00:00:10Z",
    )
    assert (pod.where, pod.node, pod.ip) == ("kube-system/node-local-dns-x", "node1", "10.0.0.1")
    assert (pod.local_ips, pod.agent_port) == (("169.254.20.10",), 9999)
    assert (pod.created_at, pod.restarts, pod.restarted_at) == (10, 2, 60)
    assert (pod.ended_by, pod.memory_limit_bytes) == ("OOMKilled, exit code 137", 2**20)


@pytest.mark.parametrize(
    ("status", "metadata", "said", "is_so"),
    [
        (state(running={}), {}, "Running", {"running", "listening"}),
        (state(running={}), {"deletionTimestamp": "now"}, "Terminating", {"listening", "leaving"}),
        (state(waiting={"reason": "CrashLoopBackOff"}), {}, "CrashLoopBackOff", set()),
        (state(terminated={"reason": "Error"}), {}, "Error", {"leaving"}),
        ({"phase": "Failed", "reason": "Evicted"}, {}, "Evicted", {"leaving"}),
        ({"phase": "Pending"}, {}, "Pending", set()),
        ({}, {}, "", set()),
    ],
)
def test_its_status_is_the_word_that_kubectl_prints(
    status: dict[str, Any], metadata: dict[str, str], said: str, is_so: set[str]
) -> None:
    pod = read(status, **metadata)
    assert pod.status == said
    assert {name for name in ("running", "listening", "leaving") if getattr(pod, name)} == is_so
