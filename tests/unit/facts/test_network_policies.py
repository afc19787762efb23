from __future__ import annotations

from typing import Any

import pytest

from kubectl_nodedns.facts.network_policies import (
    NAME_LABEL,
    Peer,
    blocked_egress,
    blocked_ingress,
)
from kubectl_nodedns.facts.pods import Pod
from kubectl_nodedns.facts.selectors import matches

COREDNS = Peer(
    namespace="kube-system",
    namespace_labels={NAME_LABEL: "kube-system"},
    labels={"k8s-app": "kube-dns"},
    ips=("10.244.1.2",),
    ports={"dns": 53, "dns-tcp": 53},
)
TO_COREDNS = {
    "namespaceSelector": {"matchLabels": {NAME_LABEL: "kube-system"}},
    "podSelector": {"matchLabels": {"k8s-app": "kube-dns"}},
}
DNS_PORTS = [{"port": 53, "protocol": "UDP"}, {"port": 53, "protocol": "TCP"}]
CACHE = ("10.96.0.10",)


def policy(
    name: str, *egress: dict[str, Any], pods: dict[str, Any] | None = None, **more: Any
) -> dict[str, Any]:
    spec = {"podSelector": pods or {}, "policyTypes": ["Egress"], "egress": list(egress)}
    return {"metadata": {"namespace": "shop", "name": name}, "spec": {**spec, **more}}


def pod(name: str, namespace: str = "shop", *, host: bool = False, **labels: str) -> Pod:
    return Pod(
        namespace=namespace,
        name=name,
        node="node1",
        labels=labels,
        ips=("10.244.1.9",),
        host_network=host,
        host_ports=(),
    )


def blocked(*policies: dict[str, Any], pods: tuple[Pod, ...] = (pod("web", app="web"),)) -> Any:
    return blocked_egress(policies, pods, coredns=COREDNS, addresses=CACHE)


def block(cidr: str, *without: str) -> dict[str, Any]:
    return {"ipBlock": {"cidr": cidr, "except": list(without)}}


def test_a_policy_that_allows_dns_by_selector_is_found() -> None:
    (one,) = blocked(policy("dns", {"to": [TO_COREDNS], "ports": DNS_PORTS}))
    assert (one.policy, one.pods, one.protocols) == ("shop/dns", ("web",), ("UDP", "TCP"))


@pytest.mark.parametrize(
    "rule",
    [
        {},
        {"ports": DNS_PORTS},
        {"to": [TO_COREDNS, block("0.0.0.0/0")]},
        {"to": [TO_COREDNS, block("10.96.0.10/32")], "ports": DNS_PORTS},
    ],
)
def test_a_rule_that_covers_the_address_lets_the_lookup_pass(rule: dict[str, Any]) -> None:
    assert blocked(policy("dns", rule)) == []


def test_policies_add_up() -> None:
    by_selector = policy("dns", {"to": [TO_COREDNS], "ports": DNS_PORTS})
    by_block = policy("net", {"to": [block("10.96.0.0/16")]})
    assert blocked(by_selector, by_block) == []
    other = policy("net", {"to": [block("10.96.0.0/16")]}, pods={"matchLabels": {"app": "db"}})
    assert [one.policy for one in blocked(by_selector, other)] == ["shop/dns"]


def test_an_exception_takes_the_address_out_again() -> None:
    rule = {"to": [TO_COREDNS, block("10.0.0.0/8", "10.96.0.0/16")]}
    assert [one.policy for one in blocked(policy("dns", rule))] == ["shop/dns"]


def test_what_has_no_dns_today_is_not_the_caches_harm() -> None:
    assert blocked(policy("nothing")) == []
    assert blocked(policy("web", {"to": [block("192.0.2.0/24")]})) == []


def test_one_protocol_alone_may_be_lost() -> None:
    selector = {"to": [TO_COREDNS], "ports": DNS_PORTS}
    udp = {"to": [block("10.96.0.10/32")], "ports": [{"port": 53, "protocol": "UDP"}]}
    (one,) = blocked(policy("dns", selector, udp))
    assert one.protocols == ("TCP",)


def test_named_ports_and_ranges_of_ports_are_understood() -> None:
    named = {"to": [TO_COREDNS], "ports": [{"port": "dns", "protocol": "UDP"}]}
    assert [one.protocols for one in blocked(policy("dns", named))] == [("UDP",)]
    wide = {
        "to": [block("10.96.0.10/32")],
        "ports": [{"port": 1, "endPort": 99, "protocol": "UDP"}],
    }
    assert blocked(policy("dns", named, wide)) == []


def test_pods_on_the_host_network_and_of_other_namespaces_do_not_count() -> None:
    pods = (pod("host", host=True, app="web"), pod("web", "elsewhere", app="web"))
    (one,) = blocked(policy("dns", {"to": [TO_COREDNS]}), pods=pods)
    assert one.pods == ()  # none now; the policy waits for pods that may come


def test_a_policy_without_egress_does_not_restrict_it() -> None:
    ingress_only = policy("in", policyTypes=["Ingress"])
    assert blocked(ingress_only) == []


def test_ipv6_addresses_are_not_in_ipv4_blocks() -> None:
    rule = {"to": [TO_COREDNS, block("0.0.0.0/0")]}
    found = blocked_egress([policy("dns", rule)], [], coredns=COREDNS, addresses=("fd00::a",))
    assert [one.policy for one in found] == ["shop/dns"]


def ingress(*rules: dict[str, Any], name: str = "coredns") -> dict[str, Any]:
    return {
        "metadata": {"namespace": "kube-system", "name": name},
        "spec": {"podSelector": {"matchLabels": {"k8s-app": "kube-dns"}}, "ingress": list(rules)},
    }


def from_nodes(*policies: dict[str, Any]) -> list[str]:
    found = blocked_ingress(policies, coredns=COREDNS, nodes=("192.0.2.11", "192.0.2.12"))
    return [one.policy for one in found]


def test_coredns_that_only_pods_may_ask_is_out_of_the_caches_reach() -> None:
    pods_only = ingress({"from": [{"namespaceSelector": {}}], "ports": DNS_PORTS})
    assert from_nodes(pods_only) == ["kube-system/coredns"]
    assert from_nodes() == []


def test_every_node_and_tcp_must_be_allowed() -> None:
    one_node = ingress({"from": [block("192.0.2.11/32")], "ports": DNS_PORTS})
    both = ingress({"from": [block("192.0.2.0/24")], "ports": DNS_PORTS}, name="nodes")
    udp = ingress({"from": [block("192.0.2.0/24")], "ports": DNS_PORTS[:1]})
    assert from_nodes(one_node) == ["kube-system/coredns"]
    assert from_nodes(udp) == ["kube-system/coredns"]
    assert from_nodes(one_node, both) == []
    assert from_nodes(ingress({"ports": DNS_PORTS})) == []


@pytest.mark.parametrize(
    ("operator", "values", "expected"),
    [
        ("In", ["web"], True),
        ("In", ["db"], False),
        ("NotIn", ["db"], True),
        ("Exists", None, True),
        ("DoesNotExist", None, False),
    ],
)
def test_expressions_of_selectors(operator: str, values: Any, expected: bool) -> None:
    selector = {"matchExpressions": [{"key": "app", "operator": operator, "values": values}]}
    assert matches(selector, {"app": "web"}) is expected


def test_a_missing_label_is_not_in_any_set() -> None:
    def selector(operator: str) -> dict[str, Any]:
        return {"matchExpressions": [{"key": "app", "operator": operator, "values": ["a"]}]}

    assert not matches(selector("In"), {})
    assert matches(selector("NotIn"), {})
    assert matches({}, {})
