"""Why a DaemonSet leaves a node out."""

from __future__ import annotations

from typing import Any

import pytest

from kubectl_nodedns.facts.caches import cache_of
from kubectl_nodedns.facts.nodes import node_of
from tests.unit.facts.daemonsets import ADD_ON, daemonset

CONFIG = {"configMap": {"name": "corefile-1", "items": [{"key": "Corefile", "path": "x"}]}}


def absence(spec: dict[str, Any], taint: dict[str, str] | None, **labels: str) -> str:
    obj = daemonset("node-local-dns", {"image": ADD_ON})
    obj["spec"]["template"]["spec"] |= spec
    node = node_of(
        {
            "metadata": {"name": "node1", "labels": labels},
            "spec": {"taints": [taint] if taint else []},
        }
    )
    cache = cache_of(obj)
    assert cache is not None
    return cache.absence(node)


GPU = {"key": "dedicated", "value": "gpu", "effect": "NoSchedule"}


@pytest.mark.parametrize(
    ("tolerations", "taint", "said"),
    [
        ([], None, ""),
        ([], GPU, "its pods do not tolerate the taint dedicated=gpu:NoSchedule"),
        ([{"operator": "Exists"}], GPU, ""),
        ([{"key": "dedicated", "operator": "Exists"}], GPU, ""),
        ([{"key": "dedicated", "value": "gpu"}], GPU, ""),
        ([{"key": "dedicated", "value": "cpu"}], GPU, "dedicated=gpu:NoSchedule"),
        ([{"operator": "Exists", "effect": "NoExecute"}], GPU, "dedicated=gpu:NoSchedule"),
        ([], {"key": "dedicated", "effect": "PreferNoSchedule"}, ""),
        ([], {"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}, ""),
    ],
)
def test_taints(tolerations: list[dict[str, str]], taint: dict[str, str] | None, said: str) -> None:
    found = absence({"tolerations": tolerations}, taint)
    assert found == said if not said else said in found


def test_node_selectors() -> None:
    assert absence({"nodeSelector": {"dns": "local"}}, None, dns="local") == ""
    found = absence({"nodeSelector": {"dns": "local"}}, None)
    assert found == "its nodeSelector asks for dns=local"


def test_the_configmap_of_the_corefile_is_found() -> None:
    obj = daemonset("node-local-dns", {"image": ADD_ON})
    volumes = [{"configMap": {"name": "kube-dns"}}, {"hostPath": {}}, CONFIG]
    obj["spec"]["template"]["spec"]["volumes"] = volumes
    cache = cache_of(obj)
    assert cache is not None
    assert cache.configmap == "corefile-1"
