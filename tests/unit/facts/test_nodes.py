from __future__ import annotations

from typing import Any

import pytest

from kubectl_nodedns.facts.nodes import node_of


def item(**status: Any) -> dict[str, Any]:
    return {
        "metadata": {"name": "node1", "labels": {"kubernetes.io/os": "linux", "pool": "a"}},
        "spec": {"podCIDRs": ["10.244.1.0/24", "fd00:10::/64"]},
        "status": {
            "conditions": [
                {"type": "MemoryPressure", "status": "False"},
                {"type": "Ready", "status": "True"},
            ],
            "addresses": [
                {"type": "InternalIP", "address": "10.88.0.11"},
                {"type": "ExternalIP", "address": "192.0.2.11"},
                {"type": "Hostname", "address": "node1"},
            ],
            **status,
        },
    }


def test_a_node_is_read_with_its_addresses_and_pod_ranges() -> None:
    node = node_of(item())
    assert (node.name, node.ready, node.system) == ("node1", True, "linux")
    assert node.addresses == ("10.88.0.11", "192.0.2.11")
    assert node.pod_ranges == ("10.244.1.0/24", "fd00:10::/64")


@pytest.mark.parametrize("status", ["False", "Unknown"])
def test_a_node_is_ready_only_when_its_kubelet_says_so(status: str) -> None:
    assert not node_of(item(conditions=[{"type": "Ready", "status": status}])).ready


def test_a_node_that_has_just_joined_is_not_ready_and_linux_until_it_says_otherwise() -> None:
    node = node_of({"metadata": {"name": "new"}})
    assert (node.ready, node.system, node.addresses, node.pod_ranges) == (False, "linux", (), ())


def test_the_system_is_taken_from_the_label_else_from_the_kubelet() -> None:
    windows = item(nodeInfo={"operatingSystem": "windows"})
    assert node_of(windows).system == "linux"
    del windows["metadata"]["labels"]["kubernetes.io/os"]
    assert node_of(windows).system == "windows"


@pytest.mark.parametrize(
    ("selector", "selected"),
    [
        ({}, True),
        ({"pool": "a"}, True),
        ({"pool": "b"}, False),
        ({"pool": "a", "kubernetes.io/os": "linux"}, True),
        ({"pool": "a", "gpu": ""}, False),
    ],
)
def test_a_selector_must_match_in_all_labels(selector: dict[str, str], selected: bool) -> None:
    assert node_of(item()).selected(selector) is selected
