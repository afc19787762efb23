from __future__ import annotations

from dataclasses import replace

import pytest

from kubectl_nodedns.metrics.inventory import by_node, columns, read_node, read_pod, rows
from tests.unit.metrics.fleets import pod

AT = 1_000_000.0


def read(**cells: object) -> object:
    row = {
        "Name": "node-local-dns-x",
        "Ready": "1/1",
        "Status": "Running",
        "Restarts": "0",
        "Age": "3d2h",
        "Node": "n1",
        **cells,
    }
    return read_pod(row, namespace="kube-system", metrics_port=9253, memory_limit_bytes=None, at=AT)


def test_rows_are_read_by_column_name() -> None:
    table = {
        "columnDefinitions": [{"name": "Name"}, {"name": "Ready"}],
        "rows": [{"cells": ["a", "1/1"]}, {"cells": ["b", "0/1"]}],
    }
    names = columns(table)
    assert rows(table, names) == [{"Name": "a", "Ready": "1/1"}, {"Name": "b", "Ready": "0/1"}]
    assert columns({"rows": []}) == ()
    assert rows({"rows": None}, names) == []


@pytest.mark.parametrize(
    ("status", "ready", "schedulable"),
    [
        ("Ready", True, True),
        ("NotReady", False, True),
        ("Ready,SchedulingDisabled", True, False),
        ("Unknown", False, True),
    ],
)
def test_node_status(status: str, ready: bool, schedulable: bool) -> None:
    found = read_node({"Name": "n", "Status": status, "Internal-IP": "<none>"})
    assert (found.ready, found.schedulable, found.ip) == (ready, schedulable, "")


def test_windows_is_seen_by_the_os_image() -> None:
    assert read_node({"Name": "n", "OS-Image": "Windows Server 2022 Datacenter"}).windows
    assert not read_node({"Name": "n", "OS-Image": "Debian GNU/Linux 12"}).windows


def test_pod() -> None:
    found = read(Restarts="3 (4m5s ago)")
    assert found.ready
    assert found.restarts == 3
    assert found.restarted_at == AT - 245
    assert found.created_at == AT - 3 * 86400 - 2 * 3600


def test_a_pod_without_restarts_never_restarted() -> None:
    assert read().restarted_at is None


@pytest.mark.parametrize("ready", ["0/1", "1/2", "0/0", ""])
def test_pods_that_are_not_ready(ready: str) -> None:
    assert not read(Ready=ready).ready


def test_a_pod_that_is_not_scheduled_has_no_node_and_an_unknown_age_is_none() -> None:
    found = read(Node="<none>", Age="<unknown>", Status="Pending")
    assert found.node == ""
    assert found.created_at is None
    assert by_node([found]) == {}


def test_the_pod_to_look_at_comes_first() -> None:
    leaving = pod("n", name="a", status="Terminating")
    starting = pod("n", name="b", ready=False, status="ContainerCreating")
    ready = pod("n", name="c")
    other = pod("m", name="d")
    assert by_node([leaving, starting, ready, other]) == {
        "n": (ready, starting, leaving),
        "m": (other,),
    }


def test_a_pod_in_a_network_of_its_own_comes_after_the_nodes_own_whatever_it_says() -> None:
    decoy = pod("n", name="a", ip="10.244.1.7")
    real = pod("n", name="z", ready=False, status="CrashLoopBackOff", ip="10.0.0.1")
    assert by_node([decoy, real], {"n": "10.0.0.1"}) == {"n": (real, decoy)}
    assert by_node([decoy, real]) == {"n": (decoy, real)}  # nobody knows the node's address
    unknown = replace(real, ip="")
    assert by_node([decoy, unknown], {"n": "10.0.0.1"}) == {"n": (unknown, decoy)}
