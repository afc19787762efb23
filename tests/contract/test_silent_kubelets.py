"""Kubelets and pods that never answer, behind an API server that is well."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from kubectl_nodedns.bench.meter import Meter
from kubectl_nodedns.errors import Exit, SilentError, UnreachableError
from kubectl_nodedns.facts.kubelets import AT_ONCE, MOST_SILENT, read_handed_out, read_kubelets
from tests.contract import cluster
from tests.contract.ailing import NODES, Ailing
from tests.contract.api import document, drops, hangs, text

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from kubectl_nodedns.cluster.client import Client
    from tests.contract.api import Api
    from tests.contract.conftest import Ended

BRIEF = 0.2
"""Seconds that a kubelet may take where it never answers."""


def configz(node: str) -> str:
    return f"/api/v1/nodes/{node}/proxy/configz"


@pytest.mark.parametrize("handler", [hangs, drops])
async def test_a_silent_kubelet_is_not_a_silent_api_server(
    handler: Callable[..., object], api: Api, client: Client
) -> None:
    api.script("GET", configz("node1"), handler)  # type: ignore[arg-type]
    with pytest.raises(SilentError, match="the API server passes this on") as caught:
        await read_kubelets(client, ["node1"], patience=BRIEF if handler is hangs else 60)
    assert not isinstance(caught.value, UnreachableError)
    assert caught.value.status == 504
    assert configz("node1") in str(caught.value)


async def test_other_kubelets_are_asked_where_the_first_is_silent(api: Api, client: Client) -> None:
    api.script("GET", configz("node1"), hangs)
    api.script("GET", configz("node2"), document({"kubeletconfig": {"clusterDNS": ["10.0.0.1"]}}))
    # Only the one that never answers is waited for so long.
    (found,) = await read_kubelets(client, ["node1", "node2"], patience=5)
    assert (found.node, found.cluster_dns) == ("node2", ("10.0.0.1",))


async def test_a_fleet_of_silent_kubelets_is_not_waited_for(api: Api, client: Client) -> None:
    nodes = [f"node{number}" for number in range(400)]
    for node in nodes:
        api.script("GET", configz(node), hangs)
    assert await read_handed_out(client, nodes, patience=BRIEF) == {}
    asked = {seen.path for seen in api.state.seen}
    # On a busy machine some requests do not even reach the API server in so short a time.
    assert 0 < len(asked) <= MOST_SILENT + AT_ONCE


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"kubeletconfig": None},
        {"kubeletconfig": []},
        {"kubeletconfig": "x"},
        {"kubeletconfig": {"clusterDNS": "10.0.0.1", "clusterDomain": 7, "resolvConf": []}},
        {"kubeletconfig": {"clusterDNS": [None, {}]}},
    ],
)
async def test_a_kubelet_that_says_something_else_stops_nothing(
    content: object, api: Api, client: Client
) -> None:
    api.script("GET", configz("node1"), document(content))
    handed = await read_handed_out(client, ["node1"])
    assert all(isinstance(ip, str) for ips in handed.values() for ip in ips)


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("status", "--window", "1s"), {Exit.OK, Exit.FINDING}),
        (("check", "--window", "1s"), {Exit.OK, Exit.FINDING}),
    ],
)
def test_commands_go_on_without_what_kubelets_would_have_said(
    words: tuple[str, ...],
    code: set[Exit],
    api: Api,
    config: Path,
    run: Callable[..., Ended],
) -> None:
    Ailing().serve(api)
    for node in NODES:
        api.state.scripts["GET", configz(node)] = [hangs]
    ended = run(*words)
    assert ended.code in code, ended.err
    assert "cannot reach the API server" not in ended.err
    assert "kubelets: GET /api/v1/nodes/node1/proxy/configz: no answer in time" in ended.err


def test_enable_goes_on_without_them_too(api: Api, config: Path, run: Callable[..., Ended]) -> None:
    cluster.fill(api)
    for node in NODES:
        api.script("GET", configz(node), hangs)
    ended = run("enable", "--dry-run=server")
    assert ended.code in {Exit.OK, Exit.FINDING}, ended.err
    assert "cannot reach the API server" not in ended.err


async def test_bench_waits_once_for_counters_that_do_not_come(api: Api, client: Client) -> None:
    silent, well = "/api/v1/namespaces/a/pods/b:9153/proxy/metrics", "/metrics-of-another"
    api.script("GET", silent, hangs)
    api.script("GET", well, text("coredns_build_info 1\n"))
    meter = Meter(
        client, coredns=[silent, well], caches=[], nodes=[], host_probes=None, patience=BRIEF
    )
    for _ in range(5):
        assert (await meter.read()).coredns is None
    assert [seen.path for seen in api.state.seen].count(silent) == 1
    assert [seen.path for seen in api.state.seen].count(well) == 5
