"""`lookup` where the cluster does not cooperate, and command lines that cannot be meant."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web

from kubectl_nodedns.errors import Exit
from tests.contract import cluster
from tests.contract.api import Api, answers
from tests.contract.test_exec import BOTH, STDOUT, ended
from tests.contract.test_many_probes import JOBS, OUTPUT, PODS

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.contract.conftest import Ended

    Run = Callable[..., Ended]

NAME = "a.test."

pytestmark = pytest.mark.usefixtures("config")


@pytest.fixture
def sound(api: Api) -> Api:
    """A cluster of two nodes where a probe starts at once and every question is answered."""
    cluster.fill(api)
    made: list[str] = []

    async def create(request: web.Request) -> web.Response:
        job = json.loads(await request.read())
        node = job["metadata"]["annotations"]["kubectl-nodedns/node"]
        made.append(node)
        job["metadata"] |= {"name": node, "uid": f"uid-of-{node}"}
        return web.json_response(job)

    async def pods(_: web.Request) -> web.Response:
        status = {"phase": "Running", "containerStatuses": [{"state": {"running": {"at": "x"}}}]}
        items = [
            {
                "metadata": {"name": f"p-{node}", **cluster.owned_by(f"uid-of-{node}")},
                "status": status,
            }
            for node in made
        ]
        return web.json_response({"items": items})

    async def execute(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(protocols=BOTH)
        await socket.prepare(request)
        words = request.query.getall("command")
        text = "nameserver 10.88.0.1\n" if words[0] == "cat" else output(words[4:])
        await socket.send_bytes(STDOUT + text.encode())
        await socket.send_bytes(ended(0))
        await socket.close()
        return socket

    api.script("POST", JOBS, create)
    api.script("GET", PODS, pods)
    for node in ("node1", "node2"):
        api.script("GET", f"{PODS}/p-{node}/exec", execute)
    return api


def output(questions: list[str]) -> str:
    one = OUTPUT.removesuffix(";;; nodedns\n")
    return one * len(questions) + ";;; nodedns\n"


def test_one_node_is_chosen_and_the_choice_is_said(sound: Api, run: Run) -> None:
    asked = run("lookup", NAME)
    assert asked.code == Exit.OK, asked.err
    assert "from node1 (one of 2; -A asks from all)" in asked.err
    rows = asked.out.splitlines()
    assert [row.split()[0] for row in rows[1:9]] == [
        *["kube-dns"] * 2, *["CoreDNS"] * 4, *["resolver"] * 2,
    ]  # fmt: skip
    assert rows[-1].startswith("verdict: the same everywhere: NOERROR 192.0.2.1, at 4 addresses")


def test_every_probe_is_deleted_again(sound: Api, run: Run) -> None:
    run("lookup", NAME, "-A")
    gone = [seen.path for seen in sound.state.seen if seen.method == "DELETE"]
    assert len(gone) == 2


def test_a_probe_that_may_not_be_deleted_is_told_with_when_it_ends(sound: Api, run: Run) -> None:
    (create,) = sound.state.scripts["POST", JOBS]

    async def for_ever(request: web.Request) -> web.StreamResponse:
        name = json.loads(await request.read())["metadata"]["name"]
        no = answers(403, "Forbidden", "jane cannot delete")
        sound.script("DELETE", f"{JOBS}/{name}", no)
        return await create(request)

    sound.state.scripts["POST", JOBS] = [for_ever]
    asked = run("lookup", NAME, "--node", "node1", "--node", "node2", "--probe-lifetime", "5m")
    assert asked.code == Exit.OK, asked.err
    assert (
        "-1 could not be deleted: jane cannot delete; its pod ends by itself after 300 s; "
        "and 1 more like it\n"
    ) in asked.err


def test_while_the_cluster_domain_is_unknown_the_nodes_own_resolvers_are_left_out(
    sound: Api, run: Run
) -> None:
    """They would say NXDOMAIN for a name of the cluster, and that would look like a difference."""
    sound.script(
        "GET",
        "/api/v1/namespaces/kube-system/configmaps",
        answers(403, "Forbidden", "jane cannot list configmaps"),
    )
    asked = run("lookup", "kubernetes.default.svc.cluster.local.", "-o", "json")
    assert "not read: cluster domain: jane cannot list configmaps" in asked.err
    wheres = {row["where"] for row in json.loads(asked.out)["lookups"]}
    assert wheres == {"kube-dns", "CoreDNS"}


def test_a_node_that_is_not_ready_makes_the_run_a_partial_one(sound: Api, run: Run) -> None:
    absent = cluster.node(3)
    absent["status"]["conditions"] = [{"type": "Ready", "status": "Unknown"}]
    sound.add("nodes", absent)
    asked = run("lookup", NAME, "-A")
    assert asked.code == Exit.PARTIAL, asked.err
    assert "not asked from node3: it is not ready" in asked.out
    assert run("lookup", NAME, "--node", "node3").code == Exit.FINDING


def test_names_of_the_cluster_are_not_given_to_the_nodes_own_resolvers(
    sound: Api, run: Run
) -> None:
    asked = run("lookup", "kubernetes.default.svc.cluster.local.", "-o", "json")
    wheres = {row["where"] for row in json.loads(asked.out)["lookups"]}
    assert wheres == {"kube-dns", "CoreDNS"}


@pytest.mark.parametrize("output", ["json", "yaml"])
def test_data_is_on_stdout_and_talk_on_stderr(sound: Api, run: Run, output: str) -> None:
    import yaml

    asked = run("lookup", NAME, "-o", output)
    whole: Any = yaml.safe_load(asked.out)
    assert whole["verdict"]["same"] is True
    assert "start 1 probe pod" in asked.err


def test_what_may_not_be_read_is_said_and_the_rest_is_asked(sound: Api, run: Run) -> None:
    slices = "/apis/discovery.k8s.io/v1/namespaces/kube-system/endpointslices"
    daemonsets = "/apis/apps/v1/daemonsets"
    no = answers(403, "Forbidden", "daemonsets.apps is forbidden")
    for path in (daemonsets, "/apis/apps/v1/namespaces/kube-system/daemonsets"):
        sound.script("GET", path, no)
    asked = run("lookup", NAME)
    assert asked.code == Exit.OK, asked.err
    assert "not read: caches: daemonsets.apps is forbidden" in asked.err
    assert slices in {seen.path for seen in sound.state.seen}


def test_an_exec_that_is_forbidden_is_an_error_and_the_probe_goes(sound: Api, run: Run) -> None:
    sound.state.scripts.pop(("GET", f"{PODS}/p-node1/exec"))
    sound.script("GET", f"{PODS}/p-node1/exec", answers(403, "Forbidden", "no"))
    asked = run("lookup", NAME)
    assert asked.code == Exit.API
    assert "pods/exec" in asked.err
    assert [seen.method for seen in sound.state.writes].count("DELETE") == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("a..b",), "'a..b' is not a domain name"),
        (("x" * 64 + ".test",), "is not a domain name"),
        ((NAME, "NONSENSE"), "'NONSENSE' is not a record type"),
        ((NAME, "AXFR"), "AXFR is no record type to look up"),
        ((NAME, "--watch", "soon"), "--watch: 'soon' is not a duration"),
        ((NAME, "--at", "nowhere"), "--at: 'nowhere' is not an IP address"),
        ((NAME, "--node", "node9"), "--node: there is no node 'node9'"),
        ((NAME, "-l", "pool=none"), "--selector: no node carries these labels"),
        ((NAME, "--from", "svc/web"), "--from: 'svc/web' is not of the form pod/NAME"),
        ((NAME, "--from", "pod/none"), "--from: there is no pod none in namespace default"),
        ((NAME, "--from", "pod/a", "-A"), "--from: a pod is on one node"),
        ((NAME, "--direct", "-A"), "--direct: this machine asks"),
        ((NAME, "--no-edns", "--dnssec"), "--no-edns: --bufsize, --dnssec and --nsid need EDNS"),
        ((NAME, "--bufsize", "70000"), "--bufsize: not more than 65535"),
        ((NAME, "--probe-lifetime", "2s"), "--probe-lifetime: not less than 10 s"),
        ((NAME, "--probe-namespace", "kube-system"), "probes never run in kube-system"),
    ],
    ids=lambda value: " ".join(value)[:40] if isinstance(value, tuple) else "",
)
def test_what_cannot_be_meant_is_refused_before_a_probe_is_made(
    sound: Api, run: Run, words: tuple[str, ...], said: str
) -> None:
    asked = run("lookup", *words)
    assert asked.code == Exit.USAGE, asked.err
    assert said in asked.err
    assert sound.state.writes == []
