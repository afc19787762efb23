"""From which nodes is asked, and at which addresses."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import pytest

from kubectl_nodedns.errors import NodednsError, UsageError
from kubectl_nodedns.lookup.targets import choose_nodes, nodes_like, points
from tests.unit.lookup.ways import WAY, cache, cache_pod, node

NODES = (node("win", system="windows"), node("off", ready=False), node("a"), node("b"))
CLUSTER = replace(WAY, nodes=NODES)


def test_one_node_is_chosen_that_can_be_asked_from_and_one_with_a_cache_rather() -> None:
    assert choose_nodes(CLUSTER) == (["a"], {})
    dead = replace(CLUSTER, cache_pods=(cache_pod("a", running=False), cache_pod("b")))
    assert choose_nodes(dead) == (["b"], {})
    with_cache = replace(CLUSTER, cache_pods=(cache_pod("off"), cache_pod("a"), cache_pod("b")))
    assert choose_nodes(with_cache) == (["a"], {})


def test_nodes_that_were_wanted_and_cannot_be_asked_from_are_named_with_the_reason() -> None:
    unfit = {"win": "it runs windows", "off": "it is not ready"}
    assert choose_nodes(CLUSTER, everywhere=True) == (["a", "b"], unfit)
    given = choose_nodes(CLUSTER, given=["off", "b", "b"])
    assert given == (["b"], {"off": "it is not ready"})


def test_nodes_that_were_named_and_those_of_a_selector_are_asked_from_once_each() -> None:
    assert choose_nodes(CLUSTER, given=["b"], selected={"a", "b"}) == (["b", "a"], {})


def test_where_nodes_cannot_be_listed_a_name_is_believed_and_caches_tell_of_others() -> None:
    unknown = replace(CLUSTER, nodes=())
    assert choose_nodes(unknown, given=["x"]) == (["x"], {})
    assert choose_nodes(replace(unknown, cache_pods=(cache_pod("y"),))) == (["y"], {})


def test_what_cannot_be_chosen_is_said() -> None:
    with pytest.raises(UsageError, match="--node: there is no node 'x'") as caught:
        choose_nodes(CLUSTER, given=["a", "x"])
    assert caught.value.hint == "there are: win, off, a, b"
    with pytest.raises(UsageError, match="--selector: no node carries these labels"):
        choose_nodes(CLUSTER, selected=())
    with pytest.raises(NodednsError, match="there is no node to ask from: none is ready"):
        choose_nodes(replace(CLUSTER, nodes=NODES[:2], cache_pods=(cache_pod("off"),)))


def test_of_many_nodes_ten_are_named() -> None:
    many = replace(CLUSTER, nodes=tuple(node(f"n{i}") for i in range(11)))
    with pytest.raises(UsageError) as caught:
        choose_nodes(many, given=["x"])
    assert caught.value.hint.endswith("n9, ...")


async def test_a_selector_is_the_servers_to_understand() -> None:
    class Client:
        async def list(self, path: str, *, labels: str) -> list[dict[str, Any]]:
            assert (path, labels) == ("/api/v1/nodes", "pool=a")
            return [{"metadata": {"name": "a"}}]

    client = cast("Any", Client())
    assert await nodes_like(client, "pool=a") == {"a"}
    assert await nodes_like(client, None) is None


def test_points_stand_in_the_order_of_a_lookups_way() -> None:
    way = replace(WAY, cache=cache("169.254.20.10", "10.96.0.10"), upstream_ips=("10.96.77.12",))
    found = points(way, resolvers=["10.88.0.1"], servers=["192.0.2.1", "10.96.0.10"])
    assert [(str(point.where), point.address) for point in found] == [
        ("local", "169.254.20.10"),
        ("kube-dns", "10.96.0.10"),
        ("upstream", "10.96.77.12"),
        ("CoreDNS", "10.244.1.3"),
        ("resolver", "10.88.0.1"),
        ("server", "192.0.2.1"),
    ]
    assert found[3].target == "coredns-1 on node1"
    assert [one.address for one in points(None, servers=["192.0.2.1"])] == ["192.0.2.1"]
