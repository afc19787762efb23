"""Who is behind a service, from EndpointSlices."""

from __future__ import annotations

from typing import Any

import pytest

from kubectl_nodedns.facts.endpoints import endpoints_of


def at(*slices: dict[str, Any], port_name: str = "") -> list[str]:
    return [one.at for one in endpoints_of(slices, port_name)]


def test_endpoints_have_their_own_ports_and_leave_metrics_out() -> None:
    ports = [
        {"name": "metrics", "port": 9153, "protocol": "TCP"},
        {"name": "dns", "port": 5353, "protocol": "UDP"},
        {"name": "dns-tcp", "port": 5353, "protocol": "TCP"},
    ]
    ready = {"addresses": ["10.244.1.2"], "conditions": {"ready": True}}
    gone = {"addresses": ["10.244.1.3"], "conditions": {"ready": False}}
    one = {"ports": ports, "endpoints": [ready, gone]}
    assert at(one, port_name="dns-tcp") == ["10.244.1.2:5353"]
    ports[-1]["name"] = "tcp-53"
    assert at(one, port_name="tcp-53") == ["10.244.1.2:5353"], "as RKE2 calls it"
    assert at({"endpoints": [{"addresses": ["fd00::2"]}]}) == ["[fd00::2]:53"]


def test_each_address_counts_once_in_the_order_of_numbers_and_host_names_not_at_all() -> None:
    first = {"endpoints": [{"addresses": ["10.0.0.10", "fd00::1", "host.example"]}]}
    again = {"endpoints": [{"addresses": ["10.0.0.9"]}, {"addresses": ["10.0.0.10"]}]}
    assert [one.address for one in endpoints_of([first, again])] == [
        "10.0.0.9",
        "10.0.0.10",
        "fd00::1",
    ]


@pytest.mark.parametrize(
    ("endpoint", "said"),
    [
        (
            {"targetRef": {"kind": "Pod", "name": "coredns-1"}, "nodeName": "node1"},
            "coredns-1 on node1",
        ),
        ({"nodeName": "node1"}, "no pod on node1"),
        ({"targetRef": {"kind": "Pod", "name": "coredns-1"}}, "coredns-1"),
        (
            {"targetRef": {"kind": "VirtualMachine", "name": "x"}, "nodeName": "node1"},
            "no pod on node1",
        ),
        ({}, ""),
    ],
)
def test_the_pod_and_node_behind_an_address_are_said(endpoint: dict[str, Any], said: str) -> None:
    [one] = endpoints_of([{"endpoints": [{"addresses": ["10.0.0.1"], **endpoint}]}])
    assert str(one) == said
